import { channelPaymentToJson, paymentRequiredSchema, settleResponseSchema } from '@millrace/pay'
import {
  approveModule,
  type Channel,
  confirm,
  type Deployment,
  hashChannel,
  openChannel,
  signVoucher,
  type VoucherClaim,
  type WriteClient,
} from '@millrace/sdk'
import { type Address, type LocalAccount, zeroAddress, zeroHash } from 'viem'

export interface PayingChannel {
  readonly fetch: typeof fetch
  /** A voucher for what was charged and no more, with which the payee ends the channel. */
  lastVoucher(): Promise<VoucherClaim>
}

/**
 * Opens a channel to an asset and gives a `fetch` that pays on it: each call is answered with 402 first, and sent again with
 * a voucher for what was charged so far and what this call can cost. One call at a time.
 *
 * @param client The payer, with money in the till.
 * @param options Whom to pay, in what, and how much to lock.
 */
export async function channelFetch(
  client: WriteClient & { readonly account: LocalAccount },
  options: {
    readonly deployment: Deployment
    readonly asset: bigint
    readonly currency: Address
    readonly deposit: bigint
  },
): Promise<PayingChannel> {
  const { deployment, asset, currency, deposit } = options
  const payer = client.account.address
  const parties = { payer, signer: payer, payee: zeroAddress, asset, currency }
  const channel: Channel = { ...parties, closeDelay: 900, salt: zeroHash }
  await confirm(
    client,
    await approveModule(client, { deployment, module: deployment.channels, approved: true }),
  )
  await confirm(client, await openChannel(client, { deployment, channel, amount: deposit }))
  const terms = { epoch: 0n, anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash }
  let spent = 0n

  const sign = async (cumulative: bigint): Promise<VoucherClaim> => {
    const voucher = { ...terms, channel: hashChannel(channel, deployment), cumulative }
    return { channel, voucher, signature: await signVoucher(client.account, voucher, deployment) }
  }

  const paying: typeof fetch = async (input, init) => {
    const first = await fetch(input, init)
    const header = first.headers.get('payment-required')
    if (first.status !== 402 || header === null) return first
    await first.arrayBuffer()
    const { accepts } = paymentRequiredSchema.parse(decode(header))
    const accepted = accepts.find(({ scheme }) => scheme === 'stream')
    if (accepted === undefined) return first
    const payload = channelPaymentToJson(await sign(spent + BigInt(accepted.amount)))
    const headers = new Headers(init?.headers)
    headers.set('payment-signature', encode({ x402Version: 2, accepted, payload }))
    const answer = await fetch(input, { ...init, headers })
    const receipt = answer.headers.get('payment-response')
    // What was held and not charged is spent again by the next call.
    if (receipt !== null) spent += BigInt(settleResponseSchema.parse(decode(receipt)).amount ?? 0)
    return answer
  }
  return { fetch: paying, lastVoucher: () => sign(spent) }
}

const decode = (header: string): unknown => JSON.parse(Buffer.from(header, 'base64').toString())
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64')
