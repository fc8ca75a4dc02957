import type { Hash, Hex } from 'viem'
import type { Curve } from '../curve/openCurve.ts'
import { createTypedHasher } from '../curve/typedData.ts'
import { toHex, writeHex, writeUint } from '../curve/words.ts'
import { settlementMargin, undeployedMark } from '../exact/verifyExact.ts'
import type { Refusal } from '../facilitator/settleable.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import {
  approvalExtension,
  approvalSchema,
  type SignedApproval,
  type UptoPermit,
  uptoPayloadSchema,
  uptoTypeTexts,
} from './permit.ts'
import { type UptoReason, uptoReasons } from './reasons.ts'

/** A payment by `upto` that is right as far as can be told without a chain. */
export interface UptoPayment {
  readonly type: 'right'
  /** As of `ExactPayment`: `unknown` where only a contract at the payer's address can stand by the signature. */
  readonly signer: 'payer' | 'unknown'
  readonly permit: UptoPermit
  readonly signature: Hex
  /** The EIP-712 digest that was signed. */
  readonly digest: Hash
  /** The payer's signed approval of Permit2, where it came along. */
  readonly approval: SignedApproval | null
}

export interface VerifyUptoOptions {
  /** What was asked for; for `settle`, its amount is what is to be moved. */
  readonly requirements: PaymentRequirements
  /** Unix seconds. */
  readonly now: number
  readonly purpose: 'verify' | 'settle'
}

export type UptoVerifier = (payment: PaymentPayload, options: VerifyUptoOptions) => UptoPayment | Refusal

/**
 * Makes a function that checks payments by `upto` without a chain: scheme, network, spender, recipient, times, amount,
 * token, signature. Whether the payer can pay, and has not paid with the same nonce, only the chain can say.
 *
 * @param curve From `openCurve`.
 * @returns The check: the permit and who signed it, or the first thing that is wrong, in the order of the x402 packages.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/upto/scheme_upto_evm.md
 * @example
 * const verify = createUptoVerifier(await openCurve())
 * const verdict = verify(payment, { requirements, now, purpose: 'verify' })
 */
export function createUptoVerifier(curve: Curve): UptoVerifier {
  const hasher = createTypedHasher(curve)
  const permittedWords = structWords(hasher.typeHash(uptoTypeTexts.permitted), 3)
  const witnessWords = structWords(hasher.typeHash(uptoTypeTexts.witness), 4)
  const words = structWords(hasher.typeHash(uptoTypeTexts.permit), 6)

  function digestOf(chainId: number, permit: UptoPermit): Uint8Array {
    const { permitted, spender, nonce, deadline, witness } = permit
    for (const each of [permittedWords, witnessWords, words]) each.fill(0, 32)
    writeHex(permittedWords, 64, permitted.token)
    writeUint(permittedWords, 96, permitted.amount)
    writeHex(witnessWords, 64, witness.to)
    writeHex(witnessWords, 96, witness.facilitator)
    writeUint(witnessWords, 128, witness.validAfter)
    words.set(curve.keccak256(permittedWords), 32)
    writeHex(words, 96, spender)
    writeUint(words, 128, nonce)
    writeUint(words, 160, deadline)
    words.set(curve.keccak256(witnessWords), 160)
    return hasher.digest({ name: 'Permit2', chainId, verifyingContract: x402Contracts.permit2 }, words)
  }

  return (payment, { requirements, now, purpose }) => {
    const { accepted } = payment
    let payer: string | null = null
    const refuse = (reason: UptoReason, message: string): Refusal => ({
      type: 'refused',
      reason,
      message,
      payer,
    })

    const payload = uptoPayloadSchema.safeParse(payment.payload)
    if (payload.success) payer = payload.data.permit2Authorization.from
    if (accepted.scheme !== 'upto' || requirements.scheme !== 'upto')
      return refuse(
        uptoReasons.scheme,
        `The scheme is '${accepted.scheme}', asked for was '${requirements.scheme}'; here it is 'upto'.`,
      )
    const chainId = chainIdOf(requirements.network)
    if (accepted.network !== requirements.network || chainId === null)
      return refuse(
        uptoReasons.network,
        `The payment is for '${accepted.network}', asked for was '${requirements.network}'.`,
      )
    if (!payload.success) return refuse(uptoReasons.payload, 'The payload is no signed permit of Permit2.')
    const { permit2Authorization: permit, signature } = payload.data
    if (signature.endsWith(undeployedMark))
      return refuse(uptoReasons.undeployed, `The account '${payer}' is not deployed.`)
    const { permitted, spender, deadline, witness } = permit
    const amount = BigInt(requirements.amount)
    if (!same(spender, x402Contracts.uptoPermit2Proxy))
      return refuse(
        uptoReasons.spender,
        `The permit is for '${spender}', not for '${x402Contracts.uptoPermit2Proxy}'.`,
      )
    if (!same(witness.to, requirements.payTo))
      return refuse(uptoReasons.recipient, `The payee is '${witness.to}', not '${requirements.payTo}'.`)
    if (deadline < BigInt(now) + settlementMargin)
      return refuse(
        uptoReasons.deadline,
        `The permit ends at ${deadline}; it is ${now}, and ${settlementMargin} s are needed to settle.`,
      )
    if (witness.validAfter > BigInt(now))
      return refuse(uptoReasons.validAfter, `The permit begins at ${witness.validAfter}; it is ${now}.`)
    if (purpose === 'verify' && permitted.amount !== amount)
      return refuse(
        uptoReasons.amount,
        `The permit is for ${permitted.amount} base units; asked for were ${amount}.`,
      )
    if (amount > permitted.amount)
      return refuse(
        uptoReasons.exceeds,
        `${amount} base units are to be moved; the permit is for ${permitted.amount}.`,
      )
    if (!same(permitted.token, requirements.asset))
      return refuse(uptoReasons.token, `The permit is for '${permitted.token}', not '${requirements.asset}'.`)
    const approval = readApproval(payment)
    const wrong = approval === null ? null : wrongApproval(approval, { permit, now })
    if (wrong !== null) return refuse(wrong.reason, wrong.message)
    const digest = digestOf(chainId, permit)
    // Both are in lower case.
    const signer = curve.recover(digest, signature) === permit.from ? 'payer' : 'unknown'
    const right = approval === null || 'reason' in approval ? null : approval
    return { type: 'right', signer, permit, signature, digest: toHex(digest), approval: right }
  }
}

function structWords(typeHash: Uint8Array, words: number): Uint8Array {
  const struct = new Uint8Array(32 * words)
  struct.set(typeHash, 0)
  return struct
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

interface Wrong {
  readonly reason: UptoReason
  readonly message: string
}

function readApproval(payment: PaymentPayload): SignedApproval | Wrong | null {
  const extension = payment.extensions?.[approvalExtension]
  if (typeof extension !== 'object' || extension === null || !('info' in extension)) return null
  // What the server said of the extension comes back where the payer had nothing to add.
  const { info } = extension
  if (typeof info !== 'object' || info === null || !('signature' in info)) return null
  const read = approvalSchema.safeParse(info)
  if (read.success) return read.data
  const fields = read.error.issues.map(({ path }) => path.join('.')).join(', ')
  return { reason: uptoReasons.approvalFormat, message: `The signed approval is malformed: ${fields}.` }
}

function wrongApproval(
  approval: SignedApproval | Wrong,
  { permit, now }: { readonly permit: UptoPermit; readonly now: number },
): Wrong | null {
  if ('reason' in approval) return approval
  const { from, permitted } = permit
  const wrong = (reason: UptoReason, message: string): Wrong => ({ reason, message })
  if (!same(approval.from, from))
    return wrong(uptoReasons.approvalFrom, `The approval is of '${approval.from}', the permit of '${from}'.`)
  if (!same(approval.asset, permitted.token))
    return wrong(
      uptoReasons.approvalAsset,
      `The approval is for '${approval.asset}', the permit for '${permitted.token}'.`,
    )
  if (!same(approval.spender, x402Contracts.permit2))
    return wrong(uptoReasons.approvalSpender, `The approval is for '${approval.spender}', not for Permit2.`)
  if (approval.deadline < BigInt(now) + settlementMargin)
    return wrong(uptoReasons.approvalDeadline, `The approval ends at ${approval.deadline}; it is ${now}.`)
  if (approval.amount !== permitted.amount)
    return wrong(
      uptoReasons.approvalAmount,
      `The approval is for ${approval.amount} base units, the permit for ${permitted.amount}.`,
    )
  return null
}
