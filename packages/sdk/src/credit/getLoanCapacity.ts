import type { Address } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { LoanTerms } from './loanTerms.ts'

/**
 * Reads how much principal value and revenue carry now on the terms of a loan.
 *
 * @param client A viem client of the chain.
 * @param parameters Desk and terms.
 * @returns What can be lent in all, and the part of it that the value carries, in base units.
 * @throws RevertError (AppraisalExpired, EvidenceExpired), ChainUnreachableError.
 * @example
 * const { capacity, worth } = await getLoanCapacity(client, { desk, terms: loanTerms })
 */
export async function getLoanCapacity(
  client: ReadClient,
  parameters: { readonly desk: Address; readonly terms: LoanTerms },
): Promise<{ readonly capacity: bigint; readonly worth: bigint }> {
  const [capacity, worth] = await read(client, {
    address: parameters.desk,
    abi: deskAbi,
    functionName: 'capacityOf',
    args: [parameters.terms],
  })
  return { capacity, worth }
}
