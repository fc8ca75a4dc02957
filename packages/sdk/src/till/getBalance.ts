import { type Address, erc20Abi } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** Money of an account in one currency, in base units. */
export interface Balance {
  /** In the till: what leases are paid from. */
  readonly till: bigint
  /** In the wallet: what can be deposited. */
  readonly wallet: bigint
  /** What the till may take from the wallet without a permit. */
  readonly allowance: bigint
  /** Whether the market may lock deposits from the till account. */
  readonly marketApproved: boolean
}

/**
 * Reads what an account has in a currency, and what it has approved.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, account and currency.
 * @returns Balances in base units.
 * @throws ChainUnreachableError.
 * @example
 * const { till, wallet } = await getBalance(client, { deployment, account, currency })
 */
export async function getBalance(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly account: Address; readonly currency: Address },
): Promise<Balance> {
  const { deployment, account, currency } = parameters
  const tillContract = { address: deployment.till, abi: tillAbi } as const
  const token = { address: currency, abi: erc20Abi } as const
  const [till, marketApproved, wallet, allowance] = await Promise.all([
    read(client, { ...tillContract, functionName: 'balanceOf', args: [account, BigInt(currency)] }),
    read(client, { ...tillContract, functionName: 'isOperator', args: [account, deployment.market] }),
    read(client, { ...token, functionName: 'balanceOf', args: [account] }),
    read(client, { ...token, functionName: 'allowance', args: [account, deployment.till] }),
  ])
  return { till, wallet, allowance, marketApproved }
}
