import { bytesToHex, encodeAbiParameters, type Hash, type Hex, keccak256 } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { Currency, Deployment } from '../deployments/deployment.ts'
import { signAuthorization } from '../till/depositWithAuthorization.ts'
import { pullNonce } from '../till/pullNonce.ts'
import type { Channel } from './channel.ts'
import type { ChannelsDomain } from './domain.ts'
import { hashChannel } from './hashChannel.ts'

/** What the money of an authorization is for. */
export interface AuthorizationPurpose {
  /** Id of the channel. */
  readonly channel: Hash
  /** Closes of the channel so far. */
  readonly epoch: bigint
  /** Tells authorizations for the same channel and epoch apart. */
  readonly salt: Hash
}

/** A payer's order to fund a channel from its wallet, signed instead of sent. */
export interface ChannelAuthorization {
  /** Base units. */
  readonly amount: bigint
  /** Unix seconds after which it is good. */
  readonly validAfter: bigint
  /** Unix seconds before which it is good. */
  readonly validBefore: bigint
  readonly salt: Hash
  readonly signature: Hex
}

/**
 * Makes the nonce of the ERC-3009 authorization that funds a channel in one epoch, and can fund nothing else.
 *
 * @param purpose Channel, epoch and salt.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns 32 bytes in hex, equal to `IChannels.authorizationNonce`.
 * @example
 * const nonce = authorizationNonce({ channel: id, epoch: 0n, salt }, deployment)
 */
export function authorizationNonce(
  purpose: AuthorizationPurpose,
  domain: Pick<ChannelsDomain, 'channels'>,
): Hash {
  const { channel, epoch, salt } = purpose
  const reason = keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'uint64' }, { type: 'bytes32' }],
      [channel, epoch, salt],
    ),
  )
  return pullNonce(domain.channels, reason)
}

/**
 * Signs an ERC-3009 authorization that opens a channel, or tops it up, with money from the payer's wallet. Anyone can send it,
 * the payer needs no gas, and the money can go nowhere else.
 *
 * @param signer The payer's account.
 * @param options Deployment, currency, channel, its epoch (default 0), amount in base units, bounds in Unix seconds
 * (`validAfter` defaults to 0), and a salt of 32 bytes (default: random).
 * @returns What `openChannelWithAuthorization` and `topUpChannelWithAuthorization` take.
 * @see https://eips.ethereum.org/EIPS/eip-3009
 * @example
 * const authorization = await signChannelAuthorization(payer, { deployment, currency, channel, amount, validBefore })
 */
export async function signChannelAuthorization(
  signer: Signer,
  options: {
    readonly deployment: Deployment
    readonly currency: Currency
    readonly channel: Channel
    readonly epoch?: bigint
    readonly amount: bigint
    readonly validAfter?: bigint
    readonly validBefore: bigint
    readonly salt?: Hash
  },
): Promise<ChannelAuthorization> {
  const { deployment, currency, channel, epoch = 0n, amount, validAfter = 0n, validBefore } = options
  const salt = options.salt ?? bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
  const nonce = authorizationNonce({ channel: hashChannel(channel, deployment), epoch, salt }, deployment)
  const { signature } = await signAuthorization(signer, {
    ...{ deployment, currency, amount, validAfter, validBefore, nonce },
  })
  return { amount, validAfter, validBefore, salt, signature }
}
