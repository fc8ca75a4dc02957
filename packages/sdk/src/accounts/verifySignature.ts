import { type Address, type Hash, type Hex, isAddressEqual } from 'viem'
import { getCode } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import { ChainUnreachableError } from '../errors/transaction.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { recoverSigner } from './recoverSigner.ts'

const abi = [
  {
    type: 'function',
    name: 'isValidSignature',
    inputs: [
      { name: 'hash', type: 'bytes32' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [{ name: '', type: 'bytes4' }],
    stateMutability: 'view',
  },
] as const
const magic = '0x1626ba7e'

/**
 * Checks a signature as the contracts do: an address without code by recovering the key, one with code by asking it
 * (ERC-1271).
 *
 * @param client A viem client of the chain.
 * @param parameters Who must have signed, the digest, the signature, and what was signed in a word for the message.
 * @throws SignatureInvalidError, ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-1271
 * @example
 * await verifySignature(client, { what: 'session', signer: lease.buyer, hash: hello.digest, signature: hello.signature })
 */
export async function verifySignature(
  client: ReadClient,
  parameters: {
    readonly what: string
    readonly signer: Address
    readonly hash: Hash
    readonly signature: Hex
  },
): Promise<void> {
  const { what, signer, hash, signature } = parameters
  const recovered = await recoverSigner(hash, signature)
  const code = await getCode(client, { address: signer }).catch((error) => {
    throw decodeRevert(error)
  })
  if (code === undefined || code === '0x') {
    if (recovered !== null && isAddressEqual(recovered, signer)) return
    throw new SignatureInvalidError({ what, wanted: signer, recovered })
  }
  const answer = await read(client, {
    address: signer,
    abi,
    functionName: 'isValidSignature',
    args: [hash, signature],
  }).catch((error) => {
    if (error instanceof ChainUnreachableError) throw error
    // A contract that reverts has not agreed.
    return undefined
  })
  if (answer?.toLowerCase() !== magic) throw new SignatureInvalidError({ what, wanted: signer, recovered })
}
