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
  /** Holds the channels of scheme `batch-settlement`. */
  batchSettlement: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003',
  /** Brings their deposits by ERC-3009. */
  erc3009DepositCollector: '0x4020806089470a89826cB9fB1f4059150b550004',
  /** Several reads in one call, with which the x402 packages ask about channels. */
  multicall3: '0xcA11bde05977b3631167028862bE2a173976CA11',
} as const satisfies Readonly<Record<string, Address>>
