import {
  hashWithdraw,
  parse,
  publishedOfferSchema,
  recoverSigner,
  SignatureInvalidError,
} from '@millrace/sdk'
import type { Hash, Hex } from 'viem'
import type { Database } from '../database/Database.ts'
import type { ChainReader } from './ChainReader.ts'
import { ChainUnavailable, OfferUnknown, WithdrawalMistimed } from './errors.ts'
import { markWithdrawn, readOffers } from './OfferTable.ts'

/** An operator's signed wish to hide an offer. */
export interface WithdrawRequest {
  readonly id: Hash
  /** When it was signed, Unix seconds. */
  readonly at: number
  readonly signature: Hex
}

/** How far a withdrawal's date may be ahead of now, in seconds. A late one is welcome: peers pass it on. */
const AHEAD = 120

/**
 * Hides an offer at its operator's word; doing it again changes nothing.
 * @throws OfferUnknown | SignatureInvalidError | WithdrawalMistimed | ChainUnavailable
 */
export async function withdrawOffer(
  request: WithdrawRequest,
  options: { readonly database: Database; readonly chain: ChainReader; readonly now: number },
): Promise<void> {
  const { id, at, signature } = request
  const { database, chain, now } = options
  const [stored] = await readOffers(database, [id])
  if (stored === undefined) throw new OfferUnknown(id)
  if (stored.state === 'withdrawn') return
  if (at > now + AHEAD) throw new WithdrawalMistimed(at, now)
  const published = parse(publishedOfferSchema, JSON.parse(stored.document), 'stored offer')
  const digest = hashWithdraw({ offer: id, at }, published)
  const byKey = await recoverSigner(digest, signature)
  if (byKey?.toLowerCase() !== stored.operator) {
    const vouched = await chain.isSignedBy(published.operator, digest, signature).catch((cause: unknown) => {
      throw new ChainUnavailable(cause)
    })
    if (!vouched)
      throw new SignatureInvalidError({ what: 'withdrawal', wanted: published.operator, recovered: byKey })
  }
  await database.transaction((session) => markWithdrawn(session, id, JSON.stringify({ at, signature })))
}
