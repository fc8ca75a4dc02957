import type { Channel, SignedVoucher } from '@millrace/sdk'
import * as z from 'zod'
import {
  type CloseConsent,
  type CloseRequest,
  closeHeader,
  closeRequestToJson,
  readCloseConsent,
} from '../ledger/closing.ts'
import { channelSnapshotSchema } from '../ledger/snapshot.ts'
import { encodeHeader } from '../wire/base64.ts'
import type { ChannelWallet, Ending } from './channelWallet.ts'
import { CloseRefusedError, SnapshotForgedError } from './errors.ts'

/** What `askToClose` takes. */
export interface AskToCloseOptions {
  readonly channels: Pick<ChannelWallet, 'end'>
  readonly channel: Channel
  /** Any address at which the seller is paid on this channel. */
  readonly url: string
  /** By which it is called; a seller may know the address by one method only. Default GET. */
  readonly method?: string
  /** Last second, of the chain's clock, at which the seller's signature is good; sellers take 300 seconds from now. */
  readonly until: number
  /** Whether the seller is asked to send the transaction. */
  readonly send?: boolean
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds that the seller has to answer. Default 30 000. */
  readonly patienceMs?: number
}

/** What the seller agreed to: the rest of the deposit is the payer's at once. */
export interface AskedClose extends CloseConsent {
  /** The voucher of exactly `claimed`, which goes with it. */
  readonly last: SignedVoucher
  /** To be called once the channel is closed on chain, or is not going to be. */
  over(): Promise<void>
}

const refusalSchema = z.object({
  error: z.object({ code: z.string().max(100), message: z.string().max(2_000) }),
  channel: channelSnapshotSchema.optional(),
})

/**
 * Asks a seller to end a channel at exactly what it charged. `closeChannelFor` sends what it returns, unless the seller did. It never
 * gives the seller more than was promised to it; the answer is checked when the transaction is simulated, by the contract itself.
 *
 * @param options The payer's channels, the channel, where the seller is, until when.
 * @returns The seller's signature, and the voucher that goes with it.
 * @throws CloseRefusedError with the seller's reason; ChannelBusyError | ChannelEndingError | SnapshotForgedError
 * @example
 * const { last, deadline, signature } = await askToClose({ channels, channel, url, until })
 * await confirm(client, await closeChannelFor(client, { deployment, channel, last, deadline, signature }))
 */
export async function askToClose(options: AskToCloseOptions): Promise<AskedClose> {
  const { channels, channel, until, send = false } = options
  const ending = await channels.end(channel, { until, send })
  try {
    return await agree(ending, options)
  } catch (error) {
    // Who refused has signed nothing. Of one whose answer was lost that is not known: payments wait until it is over.
    if (error instanceof CloseRefusedError || error instanceof SnapshotForgedError) await ending.over()
    throw error
  }
}

async function agree(ending: Ending, options: AskToCloseOptions): Promise<AskedClose> {
  let { request } = ending
  let answer = await ask(request, options)
  if ('snapshot' in answer) {
    request = await ending.at(answer.snapshot)
    answer = await ask(request, options)
  }
  const { url } = options
  const { voucher, signature } = request
  const refused = (reason: string) => new CloseRefusedError({ channel: voucher.channel, url, reason })
  if ('snapshot' in answer) throw refused('it charged more meanwhile')
  const { consent } = answer
  const { channel, epoch, claimed, deadline } = consent
  const isAsked =
    channel === voucher.channel &&
    epoch === voucher.epoch &&
    claimed === voucher.cumulative &&
    deadline === request.until
  if (!isAsked) throw refused(`it agreed to ${claimed} until ${deadline}, which was not asked for`)
  return { ...consent, last: { voucher, signature }, over: ending.over }
}

type Answer =
  | { readonly consent: CloseConsent }
  | { readonly snapshot: z.output<typeof channelSnapshotSchema> }

async function ask(request: CloseRequest, options: AskToCloseOptions): Promise<Answer> {
  const { url, method = 'GET', fetch = globalThis.fetch, patienceMs = 30_000 } = options
  const response = await fetch(url, {
    method,
    headers: { [closeHeader]: encodeHeader(closeHeader, closeRequestToJson(request)) },
    redirect: 'manual',
    signal: AbortSignal.timeout(patienceMs),
  })
  const body: unknown = await response.json().catch(() => null)
  if (response.status === 200) return { consent: readCloseConsent(body) }
  const { channel } = request.voucher
  const read = refusalSchema.safeParse(body)
  if (!read.success) throw new CloseRefusedError({ channel, url, reason: `it answered ${response.status}` })
  const { error, channel: snapshot } = read.data
  if (error.code === 'CLOSE_SUM_WRONG' && snapshot !== undefined) return { snapshot }
  throw new CloseRefusedError({ channel, url, reason: `${error.code}: ${error.message}` })
}
