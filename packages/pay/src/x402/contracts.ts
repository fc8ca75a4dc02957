import type { Address } from 'viem'

/**
 * Contracts that x402 builds on, at the same address on every public chain. Stock clients know these addresses and no
 * others.
 *
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/upto/scheme_upto_evm.md
 */
export const x402Contracts = {
  /** Moves tokens by signatures that name what else was agreed. */
  permit2: '0x000000000022D473030F116dDEE9F6B43aC78BA3',
  /** Settles scheme `upto`. */
  uptoPermit2Proxy: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
} as const satisfies Readonly<Record<string, Address>>
