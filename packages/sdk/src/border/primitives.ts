import { type Address, getAddress, type Hash, type Hex } from 'viem'
import * as z from 'zod'

const maxUint = (bits: number) => (1n << BigInt(bits)) - 1n

/** Checksummed forms by what was read. A server reads the same few addresses with every request. */
const checksummed = new Map<string, Address>()
/** Strangers' addresses push out all, and cost a hash each once more. */
const mostChecksummed = 8_192

function checksum(value: string): Address {
  const known = checksummed.get(value)
  if (known !== undefined) return known
  const address = getAddress(value.toLowerCase())
  if (checksummed.size >= mostChecksummed) checksummed.clear()
  checksummed.set(value, address)
  return address
}

/** An address in any casing, read as its checksummed form. */
export const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform(checksum)

/** An address kept letter for letter, for documents that are hashed. */
export const verbatimAddressSchema = z.custom<Address>(
  (value) => typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value),
  'must be an address: 0x and 40 hex digits',
)

/** 32 bytes in hex. */
export const hashSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 32 bytes: 0x and 64 hex digits')
  .transform((value) => value.toLowerCase() as Hash)

/** 32 bytes in hex kept letter for letter, for documents that are hashed. */
export const verbatimHashSchema = z.custom<Hash>(
  (value) => typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value),
  'must be 32 bytes: 0x and 64 hex digits',
)

/**
 * Whole bytes in hex.
 *
 * @param maxBytes Most bytes that are taken.
 * @returns A schema that reads them in lower case.
 * @example
 * const schema = hexSchema(65)
 */
export function hexSchema(maxBytes: number) {
  return z
    .string()
    .max(2 + 2 * maxBytes, `must be at most ${maxBytes} bytes`)
    .regex(/^0x([0-9a-fA-F]{2})*$/, 'must be whole bytes in hex')
    .transform((value) => value.toLowerCase() as Hex)
}

/** A signature: 65 bytes of an account, or what a contract understands, up to 8 KiB. */
export const signatureSchema = hexSchema(8192)

/**
 * An amount or id as a decimal string, read as a bigint.
 *
 * @param bits Width of the unsigned integer in the contract.
 * @returns A schema that refuses what does not fit.
 * @example
 * const amount = uintSchema(128)
 */
export function uintSchema(bits: number) {
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,77})$/, {
      error: 'must be a whole number in decimal digits',
      // Without it the next check would be asked about what is no number at all.
      abort: true,
    })
    .refine((value) => BigInt(value) <= maxUint(bits), `must fit in ${bits} bits`)
    .transform((value) => BigInt(value))
}

/** Unix seconds or a duration in seconds, as the contracts keep them: 40 bits. */
export const uint40Schema = z
  .int()
  .min(0)
  .max(2 ** 40 - 1)
