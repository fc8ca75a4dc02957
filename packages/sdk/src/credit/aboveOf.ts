import { concat, encodeAbiParameters, type Hash, keccak256, numberToHex } from 'viem'
import type { Upstream } from '../till/upstream.ts'

const parameters = [
  { type: 'uint128', name: 'costsPerDay' },
  { type: 'uint128', name: 'costsCap' },
  { type: 'uint256', name: 'count' },
  { type: 'bytes', name: 'upstream' },
] as const

/**
 * Hashes what is paid before debt in an asset's till: running costs and upstream parts. Needs no chain.
 *
 * @param terms Costs in base units and upstream parts, as `getTill(…).terms` has them.
 * @returns 32 bytes in hex, equal to the last value of `ITill.lienOf`; `LoanTerms.collateral` names it.
 * @example
 * const { terms: above } = await getTill(client, { deployment, asset })
 * const collateral = [{ asset, above: aboveOf(above) }]
 */
export function aboveOf(terms: {
  readonly costsPerDay: bigint
  readonly costsCap: bigint
  readonly upstream: readonly Upstream[]
}): Hash {
  const { costsPerDay, costsCap, upstream } = terms
  const words: bigint[] = []
  for (const [index, { asset, bps }] of upstream.entries()) {
    // Three to a word: 64 bits of id and 16 of part each.
    const at = Math.floor(index / 3)
    words[at] = (words[at] ?? 0n) | (((asset << 16n) | BigInt(bps)) << BigInt((index % 3) * 80))
  }
  const packed = words.length === 0 ? '0x' : concat(words.map((word) => numberToHex(word, { size: 32 })))
  return keccak256(encodeAbiParameters(parameters, [costsPerDay, costsCap, BigInt(upstream.length), packed]))
}
