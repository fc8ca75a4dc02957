import { isAddressEqual } from 'viem'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import { verifySignature } from '../accounts/verifySignature.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import type { MarketDomain } from '../market/domain.ts'
import type { ReadClient } from '../transactions/write.ts'
import { advanceHaggle } from './advanceHaggle.ts'
import { type HaggleMessage, hashHaggleMessage } from './message.ts'
import type { Haggle } from './transcript.ts'

/** What a message is held against. */
export interface ReceiveHaggleOptions extends MarketDomain {
  /** Unix seconds. */
  readonly now: number
  /** A viem client of the chain, if senders may be contracts (ERC-1271); without one only accounts are understood. */
  readonly client?: ReadClient
}

/**
 * Verifies a message's signature and takes it into the haggle.
 *
 * @param haggle Where the haggle stands; `null` before its call.
 * @param message The message, read by `haggleMessageSchema`.
 * @param options Chain id and market, the time in Unix seconds, and a client if senders may be contracts.
 * @returns Where it stands now.
 * @throws SignatureInvalidError, what `advanceHaggle` throws; with a client ChainUnreachableError.
 * @example
 * const next = await receiveHaggleMessage(state, said, { chainId: 31337, market, now })
 */
export async function receiveHaggleMessage(
  haggle: Haggle | null,
  message: HaggleMessage,
  options: ReceiveHaggleOptions,
): Promise<Haggle> {
  const { sender: wanted, signature } = message
  const hash = hashHaggleMessage(message, options)
  // First the signature: a fault of the protocol, equivocation above all, must be the sender's own.
  if (options.client === undefined) {
    const recovered = await recoverSigner(hash, signature)
    if (recovered === null || !isAddressEqual(recovered, wanted))
      throw new SignatureInvalidError({ what: 'haggle message', wanted, recovered })
  } else {
    await verifySignature(options.client, { what: 'haggle message', signer: wanted, hash, signature })
  }
  return advanceHaggle(haggle, message, options)
}
