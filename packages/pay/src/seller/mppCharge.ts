import { canonicalJson } from '@millrace/sdk'
import { type Hash, keccak256, stringToBytes } from 'viem'
import { toHex } from '../curve/words.ts'
import { toBase64 } from '../wire/base64.ts'
import { type Challenge, type Credential, createChallenge, verifyChallenge } from '../wire/mpp.ts'
import { chainIdOf } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'

/** How a seller speaks MPP: method `evm`, intent `charge`, paid by an EIP-3009 authorization. */
export interface MppOptions {
  /** Known to this server only; 32 random bytes, the same in every process of it. */
  readonly secret: Uint8Array
  /** What the challenges are for, as a client shows it: `api.example`. */
  readonly realm: string
}

const requestOf = (requirements: PaymentRequirements) => ({
  amount: requirements.amount,
  currency: requirements.asset,
  recipient: requirements.payTo,
  methodDetails: { chainId: chainIdOf(requirements.network), credentialTypes: ['authorization'] },
})

/** Challenges that ask for the same as the entries of scheme `exact`. */
export function mppChallenges(
  accepts: readonly PaymentRequirements[],
  options: MppOptions & { readonly now: number },
): Promise<readonly Challenge[]> {
  const { secret, realm, now } = options
  const exact = accepts.filter(({ scheme, network }) => scheme === 'exact' && chainIdOf(network) !== null)
  return Promise.all(
    exact.map((requirements) => {
      const expires = new Date((now + requirements.maxTimeoutSeconds) * 1000).toISOString()
      // The nonce of a payment follows from its challenge: two for the same must differ, or one payer could pay once only.
      const opaque = { salt: toHex(crypto.getRandomValues(new Uint8Array(16))) }
      const fields = {
        realm,
        method: 'evm',
        intent: 'charge',
        request: requestOf(requirements),
        expires,
        opaque,
      }
      return createChallenge(fields, secret)
    }),
  )
}

/** The nonce that ties an authorization to the challenge it answers. */
export const mppNonce = ({ id, realm }: Challenge): Hash => keccak256(stringToBytes(`${id}${realm}`))

/**
 * Reads a credential of MPP as the payment by `exact` that it is. Recipient, amount and nonce follow from the challenge, so
 * that a credential that differs in them is not signed by its payer.
 *
 * @returns null if it answers none of `accepts`.
 * @throws ChallengeForeignError, ChallengeExpiredError.
 */
export async function mppPayment(
  { challenge, payload }: Credential,
  options: MppOptions & { readonly now: number; readonly accepts: readonly PaymentRequirements[] },
): Promise<PaymentPayload | null> {
  await verifyChallenge(challenge, options)
  for (const accepted of options.accepts) {
    if (accepted.scheme !== 'exact') continue
    if (toBase64(canonicalJson(requestOf(accepted)), 'url') !== challenge.request) continue
    const { authorization, signature, ...flat } = payload
    const signed = typeof authorization === 'object' ? { ...flat, ...authorization } : flat
    return {
      x402Version: 2,
      accepted,
      payload: {
        signature,
        authorization: {
          validAfter: '0',
          ...signed,
          to: accepted.payTo,
          value: accepted.amount,
          nonce: mppNonce(challenge),
        },
      },
    }
  }
  return null
}
