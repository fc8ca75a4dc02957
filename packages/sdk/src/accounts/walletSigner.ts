import { signTypedData } from 'viem/actions'
import type { WriteClient } from '../transactions/write.ts'
import type { Signer } from './signer.ts'

/**
 * Lets the account of a viem client sign, also where the key is in a wallet and not at hand.
 *
 * @param client A viem client with an account.
 * @returns A signer for `signOffer`, `openSession` and the like.
 * @example
 * const session = await openSession({ ...options, account: walletSigner(walletClient) })
 */
export function walletSigner(client: WriteClient): Signer {
  return {
    address: client.account.address,
    signTypedData: (typedData) =>
      signTypedData(client, { ...typedData, account: client.account } as Parameters<typeof signTypedData>[1]),
  }
}
