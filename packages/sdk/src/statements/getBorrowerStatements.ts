import { type Address, type Hash, isAddressEqual } from 'viem'
import type { LoanTerms } from '../credit/loanTerms.ts'
import { readFacilityEvents } from '../credit/readFacilityEvents.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { FacilityPeriod } from './facilityPeriod.ts'
import { getLoanStatement, type LoanStatementColumn } from './getLoanStatement.ts'
import type { Statement } from './statement.ts'

/** The statement of one loan of a borrower. */
export interface BorrowerStatement extends Statement<LoanStatementColumn> {
  readonly loan: Hash
  readonly terms: LoanTerms
}

/**
 * The statements of all loans that an account opened in a facility until the end of a period, from the chain alone.
 *
 * @param client A viem client of a chain that keeps old state.
 * @param parameters Deployment, facility, when it was created, the account, first and last block.
 * @returns One statement a loan, in the order in which they were opened; amounts in base units.
 * @throws StatementUnbalancedError, CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const lent = await getFacility(client, { facility })
 * const statements = await getBorrowerStatements(client, { deployment, facility: lent, account: owner, createdIn: 0n, fromBlock: 0n, toBlock: 100n })
 */
export async function getBorrowerStatements(
  client: ReadClient,
  parameters: FacilityPeriod & { readonly account: Address },
): Promise<readonly BorrowerStatement[]> {
  const { account, createdIn: fromBlock } = parameters
  const events = await readFacilityEvents(client, { ...parameters, fromBlock })
  const statements: BorrowerStatement[] = []
  for (const event of events) {
    if (event.type !== 'loanOpened' || !isAddressEqual(event.terms.borrower, account)) continue
    const { loan, terms } = event
    statements.push({ loan, terms, ...(await getLoanStatement(client, { ...parameters, loan, terms })) })
  }
  return statements
}
