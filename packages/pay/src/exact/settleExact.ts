import type { ReadClient } from '@millrace/sdk'
import type { Address, TransactionReceipt } from 'viem'
import { getContractEvents, readContract } from 'viem/actions'
import { hasTransfer, receiptOf } from '../chain/askChain.ts'
import type { Curve } from '../curve/openCurve.ts'
import type { SettleablePayment, SettlementScheme } from '../facilitator/settleable.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { exactPayloadSchema } from './authorization.ts'
import { checkExact, diagnoseExact } from './checkExact.ts'
import { encodeTransfer } from './encodeTransfer.ts'
import { exactReasons } from './reasons.ts'
import { tokenAbi } from './tokenAbi.ts'
import { createExactVerifier, type ExactPayment } from './verifyExact.ts'

/** How payments by `exact` are settled: the token itself takes the authorization, from whoever sends it. */
export function createExactSettlement(curve: Curve): SettlementScheme {
  const verifyExact = createExactVerifier(curve)
  return {
    reasons: exactReasons,
    inspect(payment, { requirements, now }) {
      const verdict = verifyExact(payment, { requirements, now })
      return verdict.type === 'refused' ? verdict : settleable(verdict, requirements)
    },
    restore({ payload, requirements, digest }) {
      const payment = exactPayloadSchema.parse(payload)
      return settleable({ type: 'right', signer: 'unknown', digest, ...payment }, requirements)
    },
  }
}

function settleable(payment: ExactPayment, requirements: PaymentRequirements): SettleablePayment {
  const { from, to, value, nonce } = payment.authorization
  const asset = requirements.asset as Address
  return {
    type: 'right',
    payer: from,
    amount: value,
    digest: payment.digest,
    call: { to: asset, data: encodeTransfer(payment) },
    sender: null,
    check: (client) => checkExact(client, payment, requirements),
    diagnose: (client) => diagnoseExact(client, payment, requirements),
    findSpender: (client, fromBlock) => findSpender(client, { asset, from, nonce, fromBlock }),
    isPaid: (receipt) => hasTransfer(receipt, { asset, from, to, value }),
  }
}

/** The transaction that spent an authorization, null while it is not spent. */
export async function findSpender(
  client: ReadClient,
  sought: {
    readonly asset: Address
    readonly from: Address
    readonly nonce: `0x${string}`
    readonly fromBlock: bigint
  },
): Promise<TransactionReceipt | null> {
  const { asset, from, nonce, fromBlock } = sought
  const token = { address: asset, abi: tokenAbi } as const
  const used = await readContract(client, {
    ...token,
    functionName: 'authorizationState',
    args: [from, nonce],
  })
  if (!used) return null
  const [event] = await getContractEvents(client, {
    ...token,
    eventName: 'AuthorizationUsed',
    args: { authorizer: from, nonce },
    fromBlock,
  })
  return event === undefined ? null : receiptOf(client, event.transactionHash)
}
