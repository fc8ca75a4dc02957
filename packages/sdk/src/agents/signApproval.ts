import { type Address, type Hash, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type AgentSpend, type SpendApproval, type SpendKind, spendArgument, spendKinds } from './spend.ts'

const types = {
  Approval: [
    { name: 'account', type: 'address' },
    { name: 'agent', type: 'address' },
    { name: 'kind', type: 'uint8' },
    { name: 'currency', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'asset', type: 'uint256' },
    { name: 'amount', type: 'uint128' },
    { name: 'service', type: 'bytes32' },
    { name: 'ref', type: 'uint256' },
    { name: 'expiry', type: 'uint40' },
  ],
} as const

/** What an approval is for. */
export interface ApprovalRequest {
  readonly chainId: number
  readonly wallet: AgentWallet
  readonly agent: Address
  readonly kind: SpendKind
  readonly spend: AgentSpend
  /** Last Unix second at which it is good. */
  readonly expiry: number
}

const typedData = ({ chainId, wallet, agent, kind, spend, expiry }: ApprovalRequest) =>
  ({
    domain: { name: 'Millrace Agents', version: '1', chainId, verifyingContract: hubOf(wallet) },
    types,
    primaryType: 'Approval',
    message: {
      account: wallet.account,
      agent,
      kind: spendKinds.indexOf(kind),
      ...spendArgument(spend),
      expiry,
    },
  }) as const

/**
 * Hashes an approval to what the owner or the guardian signs.
 *
 * @param request Chain, account, agent, kind, spending and expiry in Unix seconds.
 * @returns 32 bytes in hex, equal to `IAgentAccount.hashApproval`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = hashApproval({ chainId, wallet, agent, kind: 'payment', spend, expiry })
 */
export function hashApproval(request: ApprovalRequest): Hash {
  return hashTypedData(typedData(request))
}

/**
 * Approves one spending by signature, as the owner or the guardian.
 *
 * @param signer The owner's or the guardian's account.
 * @param request Chain, account, agent, kind, spending and expiry in Unix seconds.
 * @returns The approval that the agent sends with the spending.
 * @example
 * const approval = await signApproval(guardian, { chainId, wallet, agent, kind: 'payment', spend, expiry })
 */
export async function signApproval(signer: Signer, request: ApprovalRequest): Promise<SpendApproval> {
  return { expiry: request.expiry, signature: await signer.signTypedData(typedData(request)) }
}
