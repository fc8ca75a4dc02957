import { appendFile, readFile } from 'node:fs/promises'
import type { PaymentRequirements, SellerScheme } from '@millrace/pay'
import { paymentRequiredSchema } from '@millrace/pay'
import { digestRequest } from '@millrace/pay/openai'
import { type Deployment, type ReadClient, tillAbi } from '@millrace/sdk'
import { MillraceError } from '@millrace/sdk/errors'
import { type Address, getAddress, type Hex, type LocalAccount, verifyMessage } from 'viem'
import { getContractEvents } from 'viem/actions'
import * as z from 'zod'

class PrepaidRefusedError extends MillraceError {
  override readonly name = 'PrepaidRefusedError'
  constructor(code: string, message: string) {
    super({ code, message })
  }
}

const payloadSchema = z.object({
  from: z.string(),
  amount: z.string(),
  nonce: z.string().min(1),
  signature: z.string(),
})

const messageOf = (digest: Hex, amount: string, nonce: string) => `pay ${amount} for ${digest}, ${nonce}`

/**
 * A scheme of one's own, as small as one can be: a buyer transfers money to the seller in the till beforehand and signs
 * each call; what was charged is kept in a file. A payment below the price is taken, and then the answer ends where the
 * money does. The buyer trusts the seller with what it transferred; a channel needs no such trust.
 */
export async function prepaidScheme(options: {
  readonly client: ReadClient
  readonly deployment: Deployment
  readonly currency: Address
  readonly seller: Address
  readonly file: string
  /** Base units that a buyer lets a call hold beyond what it signed, from its credit. */
  readonly beyond?: bigint
  /** Moves what was charged on, and gives the transaction; it stays with the seller by default. */
  readonly settle?: (amount: bigint) => Promise<Hex>
}): Promise<SellerScheme & { readonly charged: (payer: Address) => bigint; readonly held: () => bigint }> {
  const { client, deployment, currency, seller, file } = options
  const charged = new Map<string, bigint>()
  const held = new Map<string, bigint>()
  const used = new Set<string>()
  const add = (map: Map<string, bigint>, payer: string, amount: bigint) =>
    map.set(payer, (map.get(payer) ?? 0n) + amount)
  const journal = await readFile(file, 'utf8').catch(() => '')
  for (const line of journal.split('\n').filter(Boolean)) {
    const [payer = '', nonce = '', amount = '0'] = line.split(' ')
    used.add(nonce)
    add(charged, payer, BigInt(amount))
  }
  const network = `eip155:${deployment.chainId}`

  async function creditOf(payer: Address): Promise<bigint> {
    const events = await getContractEvents(client, {
      address: deployment.till,
      abi: tillAbi,
      eventName: 'Transfer',
      args: { sender: payer, receiver: seller, id: BigInt(currency) },
      fromBlock: 0n,
    })
    return events.reduce((sum, { args }) => sum + (args.amount ?? 0n), 0n)
  }

  return {
    scheme: 'prepaid',
    charged: (payer) => charged.get(payer) ?? 0n,
    held: () => [...held.values()].reduce((sum, amount) => sum + amount, 0n),
    async requirements(price): Promise<PaymentRequirements[]> {
      const amount = String(price.amount)
      return [{ scheme: 'prepaid', network, amount, asset: currency, payTo: seller, maxTimeoutSeconds: 60 }]
    },
    async reserve(payment, { request }) {
      const { from, amount, nonce, signature } = payloadSchema.parse(payment.payload)
      const payer = getAddress(from)
      const message = messageOf(request.digest, amount, nonce)
      const signed = await verifyMessage({ address: payer, message, signature: signature as Hex }).catch(
        () => false,
      )
      if (!signed) throw new PrepaidRefusedError('SIGNATURE_INVALID', 'The signature is not of the payer.')
      if (used.has(nonce)) throw new PrepaidRefusedError('PAYMENT_REPLAYED', 'The payment was used.')
      used.add(nonce)
      let ceiling = BigInt(amount)
      let beyond = options.beyond ?? 0n
      const credit = await creditOf(payer)
      if (credit - (charged.get(payer) ?? 0n) - (held.get(payer) ?? 0n) < ceiling) {
        throw new PrepaidRefusedError('CREDIT_TOO_SMALL', 'The credit does not pay for it.')
      }
      add(held, payer, ceiling)
      let over = false
      const end = () => {
        if (over) throw new PrepaidRefusedError('RESERVATION_OVER', 'The reservation has ended.')
        over = true
        add(held, payer, -ceiling)
      }
      return {
        payer,
        get ceiling() {
          return ceiling
        },
        async extend(more) {
          if (more > beyond) return false
          beyond -= more
          ceiling += more
          add(held, payer, more)
          return true
        },
        async capture(taken) {
          if (taken > ceiling) throw new PrepaidRefusedError('ABOVE_CEILING', 'More than is held.')
          end()
          add(charged, payer, taken)
          await appendFile(file, `${payer} ${nonce} ${taken}\n`)
          const transaction = (await options.settle?.(taken)) ?? ''
          return { success: true, transaction, network, payer, amount: String(taken) }
        },
        async release() {
          end()
        },
      }
    },
  }
}

/** A `fetch` that pays by that scheme: the price as asked, or the part that `pay` makes of it. */
export function prepaidFetch(
  signer: LocalAccount,
  pay: (amount: bigint) => bigint = (amount) => amount,
  send: typeof fetch = fetch,
): typeof fetch {
  return async (input, init) => {
    const first = await send(input, init)
    const header = first.headers.get('payment-required')
    if (first.status !== 402 || header === null) return first
    await first.arrayBuffer()
    const required = paymentRequiredSchema.parse(JSON.parse(Buffer.from(header, 'base64').toString()))
    const [accepted] = required.accepts
    if (accepted === undefined) return first
    const amount = String(pay(BigInt(accepted.amount)))
    const nonce = crypto.randomUUID()
    const body = new TextEncoder().encode(String(init?.body ?? ''))
    const digest = digestRequest({ method: init?.method ?? 'GET', url: String(input), body })
    const signature = await signer.signMessage({ message: messageOf(digest, amount, nonce) })
    const payload = { from: signer.address, amount, nonce, signature }
    const value = Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload })).toString('base64')
    const headers = new Headers(init?.headers)
    headers.set('payment-signature', value)
    return send(input, { ...init, headers })
  }
}
