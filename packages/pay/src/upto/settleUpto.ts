import type { ReadClient } from '@millrace/sdk'
import { type Address, encodeFunctionData, type Hex, slice } from 'viem'
import { call, readContract } from 'viem/actions'
import { attempt, hasCode, hasTransfer, standsBy } from '../chain/askChain.ts'
import type { Curve } from '../curve/openCurve.ts'
import { tokenAbi } from '../exact/tokenAbi.ts'
import type { Refusal, SettleablePayment, SettlementScheme } from '../facilitator/settleable.ts'
import { permit2Abi } from '../generated/permit2.ts'
import { uptoPermit2ProxyAbi } from '../generated/uptoPermit2Proxy.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { allowanceAbi } from './allowanceAbi.ts'
import { nonceBit, uptoPayloadSchema } from './permit.ts'
import { type UptoReason, uptoReasons } from './reasons.ts'
import { createUptoVerifier, type UptoPayment } from './verifyUpto.ts'

/** How payments by `upto` are settled: the facilitator that the payer named moves what was used, through Permit2. */
export function createUptoSettlement(curve: Curve): SettlementScheme {
  const verifyUpto = createUptoVerifier(curve)
  return {
    reasons: uptoReasons,
    inspect(payment, options) {
      const verdict = verifyUpto(payment, options)
      return verdict.type === 'refused' ? verdict : settleable(verdict, BigInt(options.requirements.amount))
    },
    restore({ payload, requirements, digest }) {
      const { permit2Authorization: permit, signature } = uptoPayloadSchema.parse(payload)
      const payment = { type: 'right', signer: 'unknown', permit, signature, digest, approval: null } as const
      return settleable(payment, BigInt(requirements.amount))
    },
  }
}

function settleable(payment: UptoPayment, amount: bigint): SettleablePayment {
  const { from, permitted, witness } = payment.permit
  const data = encodeSettlement(payment, amount)
  return {
    type: 'right',
    payer: from,
    amount,
    digest: payment.digest,
    call: { to: x402Contracts.uptoPermit2Proxy, data },
    sender: witness.facilitator,
    check: (client) => check(client, { payment, amount, data }),
    diagnose: (client) => diagnose(client, payment, amount),
    // Nobody else can settle it, and Permit2 does not say by which transaction a nonce was used.
    findSpender: async () => null,
    isPaid: (receipt) =>
      hasTransfer(receipt, { asset: permitted.token, from, to: witness.to, value: amount }),
  }
}

function encodeSettlement({ permit, signature, approval }: UptoPayment, amount: bigint): Hex {
  const { from, permitted, nonce, deadline, witness } = permit
  const terms = [{ permitted, nonce, deadline }, amount, from, witness, signature] as const
  const abi = uptoPermit2ProxyAbi
  if (approval === null) return encodeFunctionData({ abi, functionName: 'settle', args: terms })
  const signed = approval.signature as Hex
  const last = Number(slice(signed, 64, 65))
  const permit2612 = {
    value: approval.amount,
    deadline: approval.deadline,
    r: slice(signed, 0, 32),
    s: slice(signed, 32, 64),
    v: last < 27 ? last + 27 : last,
  }
  return encodeFunctionData({ abi, functionName: 'settleWithPermit', args: [permit2612, ...terms] })
}

/** Asks the chain whether a payment can be settled now, by a trial without a transaction; if it cannot, why. */
async function check(
  client: ReadClient,
  tried: { readonly payment: UptoPayment; readonly amount: bigint; readonly data: Hex },
): Promise<Refusal | null> {
  const { payment, amount, data } = tried
  const { permit, digest, signature } = payment
  const { from, permitted, witness } = permit
  const [isContract, isToken, trial] = await Promise.all([
    hasCode(client, from),
    hasCode(client, permitted.token),
    attempt(call(client, { account: witness.facilitator, to: x402Contracts.uptoPermit2Proxy, data })),
  ])
  const refuse = refusalOf(from)
  if (!isToken) return refuse(uptoReasons.asset, `There is no contract at '${permitted.token}'.`)
  const isSigned = isContract
    ? await standsBy(client, { account: from, digest, signature })
    : payment.signer === 'payer'
  if (!isSigned)
    return refuse(
      uptoReasons.signature,
      isContract
        ? `The contract '${from}' does not stand by the signature.`
        : `The permit is not signed by '${from}'.`,
    )
  // A call to an address without code succeeds and moves nothing.
  if (trial.type === 'answered' && (await hasCode(client, x402Contracts.uptoPermit2Proxy))) return null
  return diagnose(client, payment, amount)
}

async function diagnose(client: ReadClient, payment: UptoPayment, amount: bigint): Promise<Refusal> {
  const { from, permitted, nonce } = payment.permit
  const { permit2, uptoPermit2Proxy } = x402Contracts
  const { word, mask } = nonceBit(nonce)
  const token = permitted.token
  const [hasProxy, hasPermit2, bits, balance, allowance] = await Promise.all([
    hasCode(client, uptoPermit2Proxy),
    hasCode(client, permit2),
    attempt(
      readContract(client, {
        address: permit2,
        abi: permit2Abi,
        functionName: 'nonceBitmap',
        args: [from, word],
      }),
    ),
    attempt(readContract(client, { address: token, abi: tokenAbi, functionName: 'balanceOf', args: [from] })),
    attempt(
      readContract(client, {
        address: token,
        abi: allowanceAbi,
        functionName: 'allowance',
        args: [from, permit2],
      }),
    ),
  ])
  const refuse = refusalOf(from)
  if (!hasProxy || !hasPermit2)
    return refuse(uptoReasons.proxy, `There is no proxy of 'upto' at '${uptoPermit2Proxy}', or no Permit2.`)
  if (bits.type === 'answered' && (bits.value & mask) !== 0n)
    return refuse(uptoReasons.nonceUsed, `The nonce ${nonce} of '${from}' is spent or called off.`)
  if (balance.type === 'answered' && balance.value < amount)
    return refuse(uptoReasons.balance, `'${from}' has ${balance.value} base units; ${amount} are to be paid.`)
  if (allowance.type === 'answered' && allowance.value < amount)
    return refuse(
      uptoReasons.allowance,
      `'${from}' lets Permit2 move ${allowance.value} base units; ${amount} are to be paid.`,
    )
  return refuse(uptoReasons.simulation, `Permit2 or the token '${token}' refuses the transfer.`)
}

const refusalOf =
  (payer: Address) =>
  (reason: UptoReason, message: string): Refusal => ({ type: 'refused', reason, message, payer })
