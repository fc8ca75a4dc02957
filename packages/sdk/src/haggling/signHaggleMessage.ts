import { type Hash, zeroHash } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { MarketDomain } from '../market/domain.ts'
import { type HaggleMessage, type HaggleSpeech, haggleDomain, haggleTypes } from './message.ts'
import { hashHaggleCall, hashHaggleTerms } from './terms.ts'
import type { Haggle } from './transcript.ts'

/**
 * Signs what one side says next.
 *
 * @param signer The buyer's or the seller's account.
 * @param speech The call, a proposal or counter with its terms, `accept` of what was proposed last, or `reject`.
 * @param options Chain id and market, and where the haggle stands: `null` for a call.
 * @returns The message, ready to send.
 * @throws NotCanonicalError if a document holds something that JSON cannot.
 * @example
 * const said = await signHaggleMessage(buyer, { act: 'accept' }, { chainId: 31337, market, haggle: state })
 */
export async function signHaggleMessage(
  signer: Signer,
  speech: HaggleSpeech,
  options: MarketDomain & { readonly haggle: Haggle | null },
): Promise<HaggleMessage> {
  const content = contentOf(speech, options.haggle)
  const head = {
    haggle: speech.act === 'call' ? content : (options.haggle?.id ?? zeroHash),
    answers: options.haggle?.last ?? zeroHash,
    sender: signer.address,
    content,
  }
  const signature = await signer.signTypedData({
    domain: haggleDomain(options),
    types: haggleTypes,
    primaryType: 'HaggleMessage',
    message: { ...head, act: speech.act },
  })
  return { ...speech, ...head, signature }
}

function contentOf(speech: HaggleSpeech, haggle: Haggle | null): Hash {
  switch (speech.act) {
    case 'call':
      return hashHaggleCall(speech.call)
    case 'propose':
    case 'counter':
      return hashHaggleTerms(speech.terms)
    case 'accept': {
      const terms = haggle?.proposals.at(-1)
      return terms === undefined ? zeroHash : hashHaggleTerms(terms)
    }
    case 'reject':
      return zeroHash
    default:
      return speech satisfies never
  }
}
