import { concat, keccak256, stringToHex, zeroAddress, zeroHash } from 'viem'
import { batchOrderSchema } from '../batch/payload.ts'
import { exactPayloadSchema } from '../exact/authorization.ts'
import { uptoPayloadSchema } from '../upto/permit.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { PaymentIdentity } from './settleable.ts'

/** What names the authorization in a payload; null if it is none of the scheme that is asked for. */
export function identify(
  requirements: PaymentRequirements,
  payload: Readonly<Record<string, unknown>>,
): PaymentIdentity | null {
  const { scheme, network, payTo, amount, asset } = requirements
  const asked = [payTo, amount, asset]
  if (scheme === 'exact') {
    const read = exactPayloadSchema.safeParse(payload)
    if (!read.success) return null
    const { authorization, signature } = read.data
    const { from, to, value, validAfter, validBefore, nonce } = authorization
    return {
      key: `${network} ${asset} ${from} ${nonce}`.toLowerCase(),
      print: [from, to, value, validAfter, validBefore, nonce, signature, ...asked].join(' ').toLowerCase(),
      payer: from,
      until: validBefore,
    }
  }
  if (scheme === 'batch-settlement') return identifyBatch(requirements, payload)
  if (scheme !== 'upto') return null
  const read = uptoPayloadSchema.safeParse(payload)
  if (!read.success) return null
  const { permit2Authorization, signature } = read.data
  const { from, permitted, spender, nonce, deadline, witness } = permit2Authorization
  const signed = [from, permitted.token, permitted.amount, spender, nonce, deadline]
  const agreed = [witness.to, witness.facilitator, witness.validAfter]
  return {
    // Permit2 has one set of nonces for all tokens.
    key: `${network} permit2 ${from} ${nonce}`.toLowerCase(),
    print: [...signed, ...agreed, signature, ...asked].join(' ').toLowerCase(),
    payer: from,
    until: deadline,
  }
}

/** What names a deposit, or what a receiver agreed to. Vouchers have no name here: nothing is settled by them. */
function identifyBatch(
  { network, asset, payTo }: PaymentRequirements,
  payload: Readonly<Record<string, unknown>>,
): PaymentIdentity | null {
  const read = batchOrderSchema.safeParse(payload)
  if (!read.success) return null
  const order = read.data
  const print = keccak256(stringToHex(JSON.stringify([payload, payTo, asset])))
  if (order.type === 'deposit') {
    const { voucher, channelConfig, deposit } = order
    const { salt = zeroHash, validBefore = 0n } = deposit.authorization.erc3009Authorization ?? {}
    const nonce = keccak256(concat([voucher.channelId, salt]))
    // The token has one set of nonces for all that is done with them.
    const key = `${network} ${asset} ${channelConfig.payer} ${nonce}`.toLowerCase()
    return { key, print, payer: channelConfig.payer, until: validBefore }
  }
  const named = (name: string) => `${network} batch ${name}`.toLowerCase()
  if (order.type === 'settle') {
    const key = named(`settle ${order.receiver} ${order.token}`)
    return { key, print, payer: order.receiver, until: 0n, repeats: true }
  }
  if (order.type === 'claim') {
    const payer = order.claims[0]?.voucher.channel.payer ?? zeroAddress
    // Claims are of all that is due: the very same list is settled once.
    const key = named(`claim ${keccak256(stringToHex(JSON.stringify(payload.claims)))}`)
    return { key, print, payer, until: 0n }
  }
  const { voucher, channelConfig, refundNonce } = order
  const key = named(`refund ${voucher.channelId} ${refundNonce}`)
  return { key, print, payer: channelConfig.payer, until: 0n }
}
