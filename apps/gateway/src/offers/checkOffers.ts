import {
  CurrencyMismatchError,
  MillraceError,
  NotAssetOperatorError,
  OfferCancelledError,
  OfferTakenError,
  type PublishedOffer,
  parse,
  publishedOfferSchema,
  publishedOfferToJson,
  recoverSigner,
  SignatureInvalidError,
  verifyOffer,
} from '@millrace/sdk'
import { type Address, getAddress, type Hash, isAddressEqual } from 'viem'
import type { Session } from '../database/Database.ts'
import type { ChainReader } from './ChainReader.ts'
import { AssetUnknown, ChainUnavailable, CurrencyUnknown } from './errors.ts'
import { facetsOf } from './facets.ts'
import type { CheckedOffer } from './OfferTable.ts'
import { type OfferFacts, type OfferKey, readFacts } from './readFacts.ts'

/** What offers are checked against. */
export interface CheckOffersOptions {
  readonly chainId: number
  readonly market: Address
  /** Decimals by currency, addresses in lower case. */
  readonly decimals: ReadonlyMap<string, number>
  readonly session: Session
  readonly chain: ChainReader
  /** Unix seconds. */
  readonly now: number
}

/** One offer's outcome: fit to be listed, or why not. */
export type Checked = SoundOffer | MillraceError
/** An offer that passed. */
export type SoundOffer = CheckedOffer & { readonly published: PublishedOffer }

/** Whether an offer passed. */
export function isSound(checked: Checked): checked is SoundOffer {
  return !(checked instanceof MillraceError)
}

interface Candidate {
  readonly published: PublishedOffer
  readonly id: Hash
  readonly decimals: number
}

/** Signatures recovered between two looks at other work: about a hundredth of a second. */
const BREATH = 8

/**
 * Makes every check of protocol §2 on offers as they came from outside; one bad offer does not hold up the others.
 * Answers in the order given.
 */
export async function checkOffers(
  inputs: readonly unknown[],
  options: CheckOffersOptions,
): Promise<Checked[]> {
  const candidates: (Candidate | MillraceError)[] = []
  for (const [at, input] of inputs.entries()) {
    if (at % BREATH === BREATH - 1) await new Promise((resolve) => setImmediate(resolve))
    candidates.push(await caught(checkAlone(input, options)))
  }
  const sound = candidates.filter(
    (candidate): candidate is Candidate => !(candidate instanceof MillraceError),
  )
  const facts = await readFacts(options.session, sound.map(keyOf))
  const factsOf = new Map(sound.map((candidate, at) => [candidate, facts[at]]))
  return Promise.all(
    candidates.map((candidate) =>
      candidate instanceof MillraceError
        ? candidate
        : caught(checkAgainstChain(candidate, factsOf.get(candidate), options)),
    ),
  )
}

/** What can be said without the chain, apart from the signature. */
async function checkAlone(input: unknown, options: CheckOffersOptions): Promise<Candidate> {
  const published = parse(publishedOfferSchema, input, 'offer')
  const decimals = options.decimals.get(published.currency.toLowerCase())
  if (decimals === undefined) throw new CurrencyUnknown(published.currency, [...options.decimals.keys()])
  const id = await verifyOffer(published, { ...options, signature: 'skip' })
  return { published, id, decimals }
}

async function checkAgainstChain(
  candidate: Candidate,
  indexed: OfferFacts | undefined,
  options: CheckOffersOptions,
): Promise<SoundOffer> {
  const { published, id, decimals } = candidate
  const key = keyOf(candidate)
  await checkSignature(candidate, options.chain)
  // An asset that the index does not have may be newer than the index.
  const facts = indexed?.asset ? indexed : await asked(options.chain.facts(key))
  const fault = faultOf(published, id, facts)
  if (fault !== undefined) throw fault
  return {
    ...key,
    id,
    published,
    expiry: published.offer.expiry,
    facets: JSON.stringify(facetsOf(published, id, decimals)),
    document: JSON.stringify(publishedOfferToJson(published)),
    device: published.spec.device.toLowerCase(),
    spec: published.offer.spec.toLowerCase(),
  }
}

/** Why the chain, as far as `facts` go, would not open the offer. */
export function faultOf(published: PublishedOffer, id: Hash, facts: OfferFacts): MillraceError | undefined {
  const { offer, operator, currency } = published
  const { asset } = facts
  if (asset === null) return new AssetUnknown(offer.asset.toString())
  if (asset.operator !== operator.toLowerCase())
    return new NotAssetOperatorError({ asset: offer.asset, operator, actual: getAddress(asset.operator) })
  if (asset.currency !== currency.toLowerCase())
    return new CurrencyMismatchError({ asset: offer.asset, currency, actual: getAddress(asset.currency) })
  if (facts.cancelled) return new OfferCancelledError({ operator, nonce: offer.nonce })
  return facts.opened ? new OfferTakenError({ lease: id }) : undefined
}

/** By the operator's key, without a word to the chain; else the chain says whether it is a contract that vouches. */
async function checkSignature({ published, id }: Candidate, chain: ChainReader): Promise<void> {
  const { operator, signature } = published
  const recovered = await recoverSigner(id, signature)
  if (recovered !== null && isAddressEqual(recovered, operator)) return
  if (await asked(chain.isSignedBy(operator, id, signature))) return
  throw new SignatureInvalidError({ what: 'offer', wanted: operator, recovered })
}

function keyOf({ published, id }: Candidate): OfferKey & { readonly id: Hash } {
  const { asset, nonce } = published.offer
  return { id: id.toLowerCase() as Hash, asset, operator: published.operator.toLowerCase(), nonce }
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw new ChainUnavailable(cause)
  }
}

async function caught<T>(work: Promise<T>): Promise<T | MillraceError> {
  try {
    return await work
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
}
