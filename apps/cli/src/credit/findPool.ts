import {
  approveModule,
  confirm,
  type Facility,
  type FacilityCreation,
  type FacilityLine,
  getFacility,
  getFacilityRules,
  MillraceError,
  tillAbi,
} from '@millrace/sdk'
import { type Address, getAddress, isAddress } from 'viem'
import { readContract } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { PoolRulesUnknownError, PoolUnknownError } from './errors.ts'

/**
 * Reads the pool at an address.
 *
 * @throws PoolUnknownError
 */
export async function findPool({ client }: Connection, text: string): Promise<Facility> {
  if (!isAddress(text, { strict: false })) throw new PoolUnknownError({ pool: text })
  const facility = getAddress(text)
  try {
    return await getFacility(client, { facility })
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new PoolUnknownError({ pool: text, cause })
  }
}

/**
 * Reads how a pool was made.
 *
 * @throws PoolRulesUnknownError
 */
export async function findRules({ client }: Connection, facility: Address): Promise<FacilityCreation> {
  const creation = await getFacilityRules(client, { facility })
  if (creation === null) throw new PoolRulesUnknownError({ pool: facility })
  return creation
}

/**
 * Reads which line is meant.
 *
 * @throws UsageError
 */
export function readLine(text: string): FacilityLine {
  if (text === 'senior' || text === 'junior') return text
  throw new UsageError({ message: `'${text}' is no line of a pool.`, remedy: 'It is senior or junior.' })
}

/** Lets a contract move money of the account in the till; found done if it was done before. */
export async function allowModule(
  { deployment, client }: Connection,
  { account, client: signing }: OpenAccount,
  module: Address,
): Promise<void> {
  const args = [account.address, module] as const
  const allowed = await readContract(client, {
    ...{ address: deployment.till, abi: tillAbi, functionName: 'isOperator', args },
  } as const)
  if (!allowed) await confirm(signing, await approveModule(signing, { deployment, module, approved: true }))
}
