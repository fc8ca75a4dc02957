import { randomUUID } from 'node:crypto'
import type { CallHaggling, CallOffer, Payee } from '@millrace/pay'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { preferPort } from '../network/choosePort.ts'
import { SellAddressTakenError } from '../selling/errors.ts'
import { openShop, type Shop } from '../selling/openShop.ts'
import { payeeName } from '../selling/sellFiles.ts'
import { serveUpstream } from '../selling/serveUpstream.ts'
import { watchCharges } from '../selling/watchCharges.ts'
import { ServiceMissingError } from './errors.ts'

/** A server of this machine that is sold. Amounts in base units. */
export interface Service {
  readonly id: string
  readonly url: string
  readonly upstream: string
  readonly price: bigint
  readonly payee: Payee
  /** Calls that were charged since it began, and for how much. */
  calls: number
  charged: bigint
}

/** What this server sells. */
export interface Services {
  sell(options: {
    readonly upstream: string
    readonly price: bigint
    /** Least that is agreed to in a haggle; null where it is sold at its price alone. */
    readonly floor: bigint | null
    readonly payee: Payee
    readonly port: number
  }): Promise<Service>
  list(): readonly Service[]
  /** Ends a service; with the last one of its payee, all that is due is claimed. Resolves to what could not be. */
  stop(id: string): Promise<{ readonly service: Service; readonly unclaimed: bigint }>
  close(): Promise<void>
}

interface Kept {
  readonly service: Service
  end(): Promise<void>
}

/** A payee's books, and what its services cost by the port they listen at. */
interface OpenPayee {
  readonly shop: Promise<Shop>
  readonly offers: Map<string, CallOffer>
  haggling: Promise<CallHaggling> | null
  users: number
}

/** Of what is not sold here. */
const nothing: CallOffer = { price: 1n, floor: 1n }

/** Base units that are worth a claim while a service goes on: a cent of most currencies. */
const claimAtOf = (decimals: number) => 10n ** BigInt(Math.max(0, decimals - 2))

/**
 * Keeps the services that agents sell through this server. They end with it; what they earned stays in the payee's books, which
 * the next seller of the payee, or `millrace channel claim`, takes up.
 */
export function openServices(options: {
  readonly connection: Connection
  readonly seller: OpenAccount
  /** Where services listen. */
  readonly host: string
}): Services {
  const { connection, seller, host } = options
  const services = new Map<string, Kept>()
  /** One for each payee, whose books have one user at a time. */
  const shops = new Map<string, OpenPayee>()

  async function enter(payee: Payee): Promise<OpenPayee> {
    const name = payeeName(payee)
    const found: OpenPayee = shops.get(name) ?? {
      shop: openShop(connection, {
        ...{ payee, seller, claimAt: claimAtOf(connection.currency.decimals) },
        onCharge: () => undefined,
        onClaim: () => undefined,
      }),
      ...{ haggling: null, offers: new Map(), users: 0 },
    }
    found.users++
    shops.set(name, found)
    try {
      await found.shop
      return found
    } catch (error) {
      shops.delete(name)
      throw error
    }
  }

  async function leave(payee: Payee): Promise<void> {
    const name = payeeName(payee)
    const found = shops.get(name)
    if (found === undefined || --found.users > 0) return
    shops.delete(name)
    await (await found.shop).close()
  }

  async function stop(id: string): Promise<{ service: Service; unclaimed: bigint }> {
    const kept = services.get(id)
    if (kept === undefined) throw new ServiceMissingError({ service: id, known: [...services.keys()] })
    services.delete(id)
    const { service } = kept
    const shop = await shops.get(payeeName(service.payee))?.shop
    await kept.end()
    return { service, unclaimed: shop?.earnings().due ?? 0n }
  }

  return {
    async sell({ upstream, price, floor, payee, port: wanted }) {
      const open = await enter(payee)
      const shop = await open.shop
      const counted = { calls: 0, charged: 0n }
      let name: string | null = null
      const leaveOffer = () => {
        if (name !== null) open.offers.delete(name)
      }
      try {
        const schemes = shop.schemes.map((scheme) =>
          watchCharges(scheme, ({ amount }) => {
            counted.calls++
            counted.charged += amount
          }),
        )
        // A name of its own before it is served: what is agreed on is found by it.
        const port = floor === null || wanted !== 0 ? wanted : await preferPort(0)
        if (floor !== null) {
          // Another service is known by it, and what it costs stands there.
          if (open.offers.has(`${port}`)) throw new SellAddressTakenError({ host, port, cause: null })
          name = `${port}`
          open.offers.set(name, { price, floor })
          open.haggling ??= shop.haggle((url) => open.offers.get(url.port) ?? nothing)
        }
        const haggling = floor === null ? null : await open.haggling
        const server = await serveUpstream({
          ...{ place: { host, port }, upstream, price: { amount: price }, receipts: seller.account },
          ...{ shop: { schemes, pending: shop.pending }, publicUrl: null },
          ...{ haggling, skill: null, ahead: false },
        })
        const id = randomUUID().slice(0, 8)
        const service: Service = Object.assign(counted, { id, url: server.url, upstream, price, payee })
        services.set(id, {
          service,
          async end() {
            await server.close()
            leaveOffer()
            await leave(payee)
          },
        })
        return service
      } catch (error) {
        leaveOffer()
        await leave(payee)
        throw error
      }
    },
    list: () => [...services.values()].map(({ service }) => service),
    stop,
    async close() {
      await Promise.all([...services.keys()].map(stop))
    },
  }
}
