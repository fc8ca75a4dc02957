import type { ReadClient, Signer } from '@millrace/sdk'
import type { Address } from 'viem'
import { readContract } from 'viem/actions'
import { attempt, reach } from '../chain/askChain.ts'
import { tokenDomain } from '../exact/tokenDomain.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { allowanceAbi } from './allowanceAbi.ts'

const permitTypes = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

/** How Permit2 comes to be allowed to move what a payment by `upto` needs. */
export type Approval =
  | { readonly type: 'there' }
  /** `info` of the extension `eip2612GasSponsoring` of the payment. */
  | { readonly type: 'signed'; readonly info: Readonly<Record<string, string>> }
  /** The token has no permits, or its domain is not named. */
  | { readonly type: 'missing' }

/**
 * Finds out whether Permit2 may move what a payment needs, and signs a permit of the token for just that if it may not
 * (EIP-2612): the facilitator sends it along, and the payer needs no gas money.
 *
 * @param signer The payer's account.
 * @param options A viem client of the chain, what is paid, and when the payment ends, in Unix seconds.
 * @throws ChainUnreachableError.
 * @example
 * const approval = await signApproval(account, { client, requirements, deadline })
 */
export async function signApproval(
  signer: Signer,
  options: {
    readonly client: ReadClient
    readonly requirements: PaymentRequirements
    readonly deadline: bigint
  },
): Promise<Approval> {
  const { client, requirements, deadline } = options
  const owner = signer.address
  const spender = x402Contracts.permit2
  const value = BigInt(requirements.amount)
  const token = { address: requirements.asset as Address, abi: allowanceAbi } as const
  const allowance = await reach(
    readContract(client, { ...token, functionName: 'allowance', args: [owner, spender] }),
  )
  if (allowance >= value) return { type: 'there' }
  const domain = tokenDomain(requirements)
  const next = await attempt(readContract(client, { ...token, functionName: 'nonces', args: [owner] }))
  if (domain === null || next.type === 'failed') return { type: 'missing' }
  const nonce = next.value
  const signature = await signer.signTypedData({
    domain,
    types: permitTypes,
    primaryType: 'Permit',
    message: { owner, spender, value, nonce, deadline },
  })
  const info = {
    from: owner,
    asset: requirements.asset,
    spender,
    amount: value.toString(),
    nonce: nonce.toString(),
    deadline: deadline.toString(),
    signature,
    version: '1',
  }
  return { type: 'signed', info }
}
