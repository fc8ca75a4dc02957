import { type Hex, hexToBytes, keccak256 } from 'viem'

const BLOOM_HEX = 2 + 512

/** Bits that an address or topic sets in a header's bloom filter (yellow paper, 4.3.1), as bit numbers. */
export function bloomBits(value: Hex): readonly number[] {
  const hash = keccak256(hexToBytes(value), 'bytes')
  return [0, 2, 4].map((index) => (((hash[index] ?? 0) << 8) | (hash[index + 1] ?? 0)) & 2047)
}

/** Whether all bits stand in a header's `logsBloom`: false is certain, true is likely. */
export function inBloom(bloom: string, bits: readonly number[]): boolean {
  if (bloom.length !== BLOOM_HEX) return false
  return bits.every((bit) => {
    const byte = 255 - (bit >> 3)
    return ((Number.parseInt(bloom.slice(2 + 2 * byte, 4 + 2 * byte), 16) >> (bit & 7)) & 1) === 1
  })
}
