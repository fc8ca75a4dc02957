import type { LocalAccount } from 'viem'

/** Whoever signs: a viem account with a key at hand, or `walletSigner(client)`. */
export type Signer = Pick<LocalAccount, 'address' | 'signTypedData'>
