import { type Address, getAddress, isAddressEqual } from 'viem'
import type { GatewayClient } from '../gateway/gatewayClient.ts'

/** What one account paid, in base units of one currency. */
export interface PaidVolume {
  readonly payer: Address
  /** Keys that signed for it: an agent's wallet pays, and its key speaks. */
  readonly signers: readonly Address[]
  readonly amount: bigint
}

/** Whom they paid. */
export interface PaidVolumesParameters {
  readonly currency: Address
  /** Assets of the agent that is paid: their settled leases, and what was claimed on channels to them. */
  readonly assets?: readonly bigint[]
  /** Accounts of it: what was claimed on channels to them. */
  readonly accounts?: readonly Address[]
}

/** What was found. */
export interface PaidVolumes {
  /** The most first. */
  readonly paid: readonly PaidVolume[]
  /** Whether the index had more than was read: `paid` is then too little, and never too much. */
  readonly isPartial: boolean
}

/** Pages of each list that are read at most, a hundred entries a page. */
const mostPages = 50

/**
 * Reads from a gateway's index who really paid an agent, and how much: what leases earned and channels paid out. One-time transfers stand in no index of
 * ours and do not count. A gateway can leave payments out or invent them; who has to be sure asks several, or reads the chain.
 *
 * @param gateway A gateway's client.
 * @param parameters Currency, and the agent's assets and accounts.
 * @returns Payers with what each paid in all.
 * @throws What the gateway's client throws.
 * @example
 * const { paid } = await readPaidVolumes(gatewayClient(gateway), { currency: usdc, assets: [7n] })
 */
export async function readPaidVolumes(
  gateway: Pick<GatewayClient, 'listLeases' | 'listChannels' | 'getAsset'>,
  parameters: PaidVolumesParameters,
): Promise<PaidVolumes> {
  const { currency, assets = [], accounts = [] } = parameters
  const sums = new Map<Address, { amount: bigint; signers: Set<Address> }>()
  let isPartial = false
  const add = (payer: Address, amount: bigint, signer?: Address) => {
    if (amount === 0n) return
    const key = getAddress(payer)
    const sum = sums.get(key) ?? { amount: 0n, signers: new Set() }
    sum.amount += amount
    if (signer !== undefined && !isAddressEqual(signer, key)) sum.signers.add(getAddress(signer))
    sums.set(key, sum)
  }
  /** Tells each entry of a list that comes in pages. */
  async function each<item>(
    page: (
      cursor: string | undefined,
    ) => Promise<{ readonly items: readonly item[]; readonly next: string | null }>,
    take: (item: item) => void,
  ): Promise<void> {
    let cursor: string | undefined
    for (let count = 0; count < mostPages; count++) {
      const { items, next } = await page(cursor)
      items.forEach(take)
      if (next === null) return
      cursor = next
    }
    isPartial = true
  }
  const channelsTo = (payee: { readonly asset: bigint } | { readonly payee: Address }) =>
    each(
      async (cursor) => {
        const { channels, next } = await gateway.listChannels({ ...payee, limit: 100, ...at(cursor) })
        return { items: channels, next }
      },
      (channel) => {
        if (isAddressEqual(channel.currency, currency))
          add(channel.payer, channel.claimedEver, channel.signer)
      },
    )
  for (const asset of assets) {
    await channelsTo({ asset })
    const known = await gateway.getAsset(asset)
    if (known === null || !isAddressEqual(known.currency, currency)) continue
    await each(
      async (cursor) => {
        const { leases, next } = await gateway.listLeases({
          asset,
          state: 'settled',
          limit: 100,
          ...at(cursor),
        })
        return { items: leases, next }
      },
      ({ buyer, earned }) => add(buyer, earned ?? 0n),
    )
  }
  for (const payee of accounts) await channelsTo({ payee })
  const paid = [...sums].map(([payer, { amount, signers }]) => ({ payer, amount, signers: [...signers] }))
  return { paid: paid.sort((a, b) => (a.amount > b.amount ? -1 : 1)), isPartial }
}

const at = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor })
