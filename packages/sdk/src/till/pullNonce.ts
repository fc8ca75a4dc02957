import { type Address, concat, encodeAbiParameters, type Hash, keccak256, slice, stringToHex } from 'viem'

/** How the nonce of an authorization begins that a module alone can use. */
const mark = stringToHex('millrace')

/**
 * Makes the nonce of an ERC-3009 authorization to the till that one module can use, for one reason. Sign only nonces made here,
 * from a module that you know: one made by a stranger may give the money to the stranger.
 *
 * @param caller The module.
 * @param reason What the module binds the money to.
 * @returns 32 bytes in hex, equal to `ITill.pullNonce`.
 * @example
 * const nonce = pullNonce(deployment.channels, reason)
 */
export function pullNonce(caller: Address, reason: Hash): Hash {
  const hash = keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [caller, reason]))
  return concat([mark, slice(hash, 0, 24)])
}
