import type { Address, Hash } from 'viem'
import { facilityAbi } from '../generated/facility.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** Where a loan can stand, in the order of `LoanState`. */
export const loanStates = ['none', 'live', 'late', 'impaired', 'defaulted', 'writtenOff', 'closed'] as const

/** `late` sweeps everything, at `impaired` interest stops, `defaulted` is in the auction, `writtenOff` is out of the book at a loss. */
export type LoanState = (typeof loanStates)[number]

/** A loan at this second. Amounts in base units of the facility's currency. */
export interface LoanStatus {
  readonly state: LoanState
  /** Owed. Once written off: what lenders lost and did not recover. */
  readonly principal: bigint
  /** Drawn in all. */
  readonly drawn: bigint
  /** Owed, rounded up. */
  readonly interest: bigint
  /** Principal and interest due now. */
  readonly due: bigint
  /** First loss behind this loan, premiums included. */
  readonly stake: bigint
  /** Decaying sum of what reached debt; once written off, what the stake lost and did not recover. */
  readonly trailing: bigint
  /** Part of the principal that no sale is expected to bring. */
  readonly doubt: bigint
  /** Whether the covenant sweeps. */
  readonly isSwept: boolean
  readonly assetsLeft: number
}

/**
 * Reads where a loan stands.
 *
 * @param client A viem client of the chain.
 * @param parameters Facility and id of the loan; `blockNumber` for a block other than the latest.
 * @returns Its status; the state is `none` if it was never opened.
 * @throws ChainUnreachableError.
 * @example
 * const { state, due } = await getLoan(client, { facility, loan })
 */
export async function getLoan(
  client: ReadClient,
  parameters: { readonly facility: Address; readonly loan: Hash; readonly blockNumber?: bigint },
): Promise<LoanStatus> {
  const { facility, loan, blockNumber } = parameters
  const status = await read(client, {
    address: facility,
    abi: facilityAbi,
    functionName: 'statusOf',
    args: [loan],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  })
  return { ...status, state: loanStates[status.state] ?? 'none' }
}
