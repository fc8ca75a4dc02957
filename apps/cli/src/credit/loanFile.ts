import { existsSync, readFileSync } from 'node:fs'
import {
  addressSchema,
  hashLoanTerms,
  type LoanTerms,
  loanTermsSchema,
  loanTermsToJson,
  type SignedLoanRelease,
  signatureSchema,
  uint40Schema,
  uintSchema,
} from '@millrace/sdk'
import type { Address, Hash, Hex } from 'viem'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { LoanFileError } from './errors.ts'

const loanFileSchema = z.strictObject({
  chainId: z.int().positive(),
  pool: addressSchema,
  desk: addressSchema,
  terms: loanTermsSchema,
  signature: signatureSchema.nullable(),
  release: z
    .strictObject({ total: uintSchema(88), deadline: uint40Schema, signature: signatureSchema })
    .nullable(),
})

/** A loan as borrower and underwriter pass it to each other. */
export interface LoanFile {
  readonly chainId: number
  readonly pool: Address
  readonly desk: Address
  readonly terms: LoanTerms
  /** The underwriter's, of the terms. */
  readonly signature: Hex | null
  readonly release: Omit<SignedLoanRelease, 'loan'> | null
}

/**
 * Reads the file of a loan.
 *
 * @throws LoanFileError
 */
export function readLoanFile({ deployment }: Connection, path: string): LoanFile & { readonly loan: Hash } {
  const refuse = (reason: string) => new LoanFileError({ path, reason })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw refuse(`it cannot be read: ${(cause as Error).message}`)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw refuse('it is not JSON')
  }
  const read = loanFileSchema.safeParse(json)
  if (!read.success) {
    const [issue] = read.error.issues
    throw refuse(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim())
  }
  const file = read.data
  if (file.chainId !== deployment.chainId)
    throw refuse(`it is for chain ${file.chainId}, the network is chain ${deployment.chainId}`)
  return { ...file, loan: hashLoanTerms(file.terms, { chainId: file.chainId, desk: file.desk }) }
}

/**
 * Writes the file of a loan.
 *
 * @throws LoanFileError if there is a file already that must not be replaced
 */
export function writeLoanFile(path: string, file: LoanFile, mayReplace: boolean): void {
  if (!mayReplace && existsSync(path))
    throw new LoanFileError({ path, reason: 'there is a file of this name already' })
  const { chainId, pool, desk, terms, signature, release } = file
  const json = {
    ...{ chainId, pool, desk, terms: loanTermsToJson(terms), signature },
    release: release && {
      total: release.total.toString(),
      deadline: release.deadline,
      signature: release.signature,
    },
  }
  writeFileAtomic(path, `${JSON.stringify(json, null, 2)}\n`)
}
