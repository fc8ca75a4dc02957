import { openJournal } from '@millrace/journal'
import {
  type CallHaggling,
  type CallOffer,
  type ClaimEvent,
  exactScheme,
  type Facilitator,
  fundChannel,
  openCallHaggling,
  openFacilitator,
  openLedger,
  openPendingAnswers,
  type Payee,
  type PendingAnswers,
  readChannelAt,
  type SellerScheme,
  type SettlementEntry,
  type StreamCloser,
  startClaimer,
  streamScheme,
  uptoScheme,
} from '@millrace/pay'
import { type KeptCalls, openKeptCalls } from '@millrace/pay/openai'
import { closeChannelFor, confirm, getAsset, getChannel } from '@millrace/sdk'
import { isAddressEqual, type LocalAccount } from 'viem'
import { getTransactionCount } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { dropPidFile, takePidFile } from '../processes/pidFile.ts'
import { createTurns } from './createTurns.ts'
import { SellerBusyError } from './errors.ts'
import { openBatchShop } from './openBatchShop.ts'
import { payeeName, sellFiles } from './sellFiles.ts'
import { type ChargedCall, watchCharges } from './watchCharges.ts'

export interface ShopOptions {
  readonly payee: Payee
  /** Sends claims, funds channels and settles one-time payments; needs gas money. */
  readonly seller: OpenAccount
  /** Least that is worth a claim, in base units. */
  readonly claimAt: bigint
  readonly onCharge: (charge: ChargedCall) => void
  readonly onClaim: (event: ClaimEvent) => void
}

/** A payee that is open for payments. */
export interface Shop {
  readonly schemes: readonly SellerScheme[]
  /** Answers that wait for their payment, through a restart. */
  readonly pending: PendingAnswers
  /** Calls of models by their idempotency key, through a restart. */
  readonly calls: KeptCalls
  /** Haggles about calls, down to a floor; once. It ends with the shop. */
  haggle(offer: (url: URL) => CallOffer): Promise<CallHaggling>
  /** Charged in this run, and all that was charged and not claimed yet, in base units. */
  earnings(): { readonly charged: bigint; readonly due: bigint; readonly channels: number }
  /** Claims all that is due, and ends. */
  close(): Promise<void>
}

/** Milliseconds between two looks at the chain, far below the shortest close delay. */
const lookMs = 30_000
/** Longer than any run: the rounds are ours, in turn with other transactions of the account. */
const never = 2 ** 31 - 1

/**
 * Opens the books of a payee, and takes payments by channel and, where the payee is an account, by one-time transfer.
 *
 * @throws SellerBusyError, and what opening the journals throws
 */
export async function openShop(connection: Connection, options: ShopOptions): Promise<Shop> {
  const { client, deployment, currency } = connection
  const { payee, seller, claimAt, onClaim } = options
  const files = sellFiles(connection, payee)
  const holder = takePidFile(files.pid)
  if (holder !== null) throw new SellerBusyError({ payee: payeeName(payee), pid: holder.pid })
  const turns = createTurns()
  let charged = 0n
  const onCharge = (charge: ChargedCall) => {
    charged += charge.amount
    options.onCharge(charge)
  }
  const ledger = await openLedger({
    ...{ path: files.ledger, payee, chainId: deployment.chainId, channels: deployment.channels },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    readChannelAt: (channel) => readChannelAt(client, { deployment, channel }),
    fund: (channel, authorization) =>
      turns(() => fundChannel(seller.client, { deployment, channel, authorization })),
  })
  const claimer = startClaimer({
    ...{ ledger, client: seller.client, deployment, everyMs: never, onEvent: onClaim },
    costOf: () => Promise.resolve(claimAt),
    factor: 1n,
  })
  const claim = (all: boolean) => turns(() => claimer.claimNow({ all }).catch(() => undefined))
  // The claimer's own first round goes before ours.
  await claim(false)

  const stream = streamScheme({
    ...{ ledger, deployment, currency },
    ...((await maySign(connection, options)) ? { closer: closerOf() } : {}),
  })

  function closerOf(): StreamCloser {
    return {
      signer: seller.account,
      // It brings what a claim would. Below that the payer sends it.
      send: async ({ channel: id, claimed, deadline, signature }, { channel, voucher, signature: proof }) => {
        if (claimed - (ledger.book(id)?.claimed ?? 0n) < claimAt) return null
        const last = { voucher, signature: proof }
        return turns(async () => {
          const hash = await closeChannelFor(seller.client, {
            deployment,
            channel,
            last,
            deadline,
            signature,
          })
          await confirm(seller.client, hash)
          return hash
        })
      },
    }
  }
  let haggling: CallHaggling | null = null
  const pending = await openPendingAnswers({ path: files.pending })
  const calls = await openKeptCalls({ path: files.calls })
  // A transfer to the till's address would be lost: assets are paid by channel only.
  const exact = 'account' in payee ? await openExact(payee.account) : null
  const timer = setInterval(() => {
    void claim(false)
    void exact?.batch?.claim(false)
  }, lookMs)

  async function openExact(payTo: `0x${string}`) {
    const journal = await openJournal<SettlementEntry>({ path: files.settlements, exclusive: true })
    const network = `eip155:${deployment.chainId}`
    const { address } = seller.account
    const relayer: LocalAccount = {
      ...seller.account,
      // The account also claims and funds: its next number is what the chain says, not what was sent last here.
      signTransaction: async (transaction, signing) =>
        seller.account.signTransaction(
          { ...transaction, nonce: await getTransactionCount(client, { address, blockTag: 'pending' }) },
          signing,
        ),
    }
    const facilitator = await openFacilitator({ chains: [{ network, client, relayer }], journal })
    const inTurn: Pick<Facilitator, 'verify' | 'settle' | 'supported'> = {
      ...{ verify: facilitator.verify, supported: facilitator.supported },
      settle: (payment, requirements) => turns(() => facilitator.settle(payment, requirements)),
    }
    const { address: asset, name, version } = currency
    const own = { network, asset, payTo, name, version }
    const once = { currencies: [own], facilitator: inTurn }
    const batch = await openBatchShop(connection, {
      ...{ path: files.batch, currency: own, facilitator: inTurn, seller, claimAt, onClaim },
    })
    return {
      batch,
      // Channels of x402, a price that is certain, and one that is a ceiling.
      schemes: [...(batch === null ? [] : [batch.scheme]), exactScheme(once), uptoScheme(once)],
      async close() {
        await batch?.close()
        await facilitator.close()
        await journal.close()
      },
    }
  }

  return {
    schemes: [stream, ...(exact?.schemes ?? [])].map((scheme) => watchCharges(scheme, onCharge)),
    pending,
    calls,
    async haggle(offer) {
      haggling = await openCallHaggling({
        ...{ path: files.haggles, deployment, currency, client, signer: seller.account },
        offer,
      })
      return haggling
    },
    earnings() {
      const books = ledger.books()
      const due = books.reduce(
        (sum, { worth, claimed }) => sum + (worth > claimed ? worth - claimed : 0n),
        0n,
      )
      const further = exact?.batch?.due() ?? { due: 0n, channels: 0 }
      return { charged, due: due + further.due, channels: books.length + further.channels }
    },
    async close() {
      clearInterval(timer)
      await claim(true)
      await exact?.batch?.claim(true)
      await claimer.stop()
      await exact?.close()
      await pending.close()
      await calls.close()
      await haggling?.close()
      await ledger.close()
      dropPidFile(files.pid)
    },
  }
}

/** Whether the wallet that sells is who agrees to ends of channels: the account that is paid, or the asset's operator. */
async function maySign({ client, deployment }: Connection, { payee, seller }: ShopOptions): Promise<boolean> {
  const who =
    'account' in payee ? payee.account : (await getAsset(client, { deployment, ...payee }))?.operator
  return who !== undefined && isAddressEqual(who, seller.account.address)
}
