import { type Address, type Hash, type Hex, hexToBigInt, recoverAddress, size, slice } from 'viem'

/** Half of the order of secp256k1: a larger `s` is the same signature written a second way. */
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * Recovers the account that signed a digest, as strictly as the contracts do: 65 bytes, `s` in the lower half,
 * `v` 27 or 28.
 *
 * @param hash The digest.
 * @param signature The signature.
 * @returns The account, or `null` if the signature is none that the contracts would take.
 * @example
 * const signer = await recoverSigner(hashOffer(offer, domain), signature)
 */
export async function recoverSigner(hash: Hash, signature: Hex): Promise<Address | null> {
  if (size(signature) !== 65) return null
  if (hexToBigInt(slice(signature, 32, 64)) > halfOrder) return null
  const v = hexToBigInt(slice(signature, 64, 65))
  if (v !== 27n && v !== 28n) return null
  try {
    return await recoverAddress({ hash, signature })
  } catch {
    // Not a point of the curve: nobody signed this.
    return null
  }
}
