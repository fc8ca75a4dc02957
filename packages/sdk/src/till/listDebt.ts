import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `listDebt` takes. */
export interface ListDebtParameters {
  readonly deployment: Deployment
  /** The module: a facility. */
  readonly debt: Address
  /** Whether owners may put it into the debt slot; slots that are filled stay filled. */
  readonly listed: boolean
  readonly overrides?: TransactionOverrides
}

/**
 * Lists a debt module for new use, or unlists it. By the admin of the till.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, module and whether it is listed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await listDebt(client, { deployment, debt: facility, listed: true })
 */
export function listDebt(client: WriteClient, parameters: ListDebtParameters): Promise<Hash> {
  const { deployment, debt, listed, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'listDebt',
    args: [debt, listed],
    overrides,
  })
}
