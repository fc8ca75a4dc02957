import { type Address, type Hash, isAddressEqual, zeroHash } from 'viem'
import { canonicalJson } from '../canonical/canonicalJson.ts'
import {
  HaggleActError,
  HaggleBoundsError,
  HaggleChainError,
  HaggleContentError,
  HaggleDeadlineError,
  HaggleEquivocationError,
  HaggleForeignError,
  HaggleNotProposedError,
  HaggleOverError,
  HaggleRoundsError,
  HaggleTurnError,
} from '../errors/haggling.ts'
import type { MarketDomain } from '../market/domain.ts'
import { type HaggleAct, type HaggleMessage, hashHaggleMessage } from './message.ts'
import { type HaggleCall, type HaggleTerms, hashHaggleCall, hashHaggleTerms } from './terms.ts'
import type { Haggle } from './transcript.ts'

/**
 * Takes one message into a haggle: the protocol's only transition (alternating offers after Rubinstein 1982). It does
 * not look at the signature; `receiveHaggleMessage` does both.
 *
 * @param haggle Where the haggle stands; `null` before its call.
 * @param message The message, read by `haggleMessageSchema`.
 * @param options Chain id and market, and the time in Unix seconds.
 * @returns Where it stands now; unchanged if the message was already taken, so that sending again does no harm.
 * @throws HaggleActError | HaggleBoundsError | HaggleChainError | HaggleContentError | HaggleDeadlineError |
 * HaggleEquivocationError | HaggleForeignError | HaggleNotProposedError | HaggleOverError | HaggleRoundsError |
 * HaggleTurnError
 * @example
 * const next = advanceHaggle(state, said, { chainId: 31337, market, now })
 */
export function advanceHaggle(
  haggle: Haggle | null,
  message: HaggleMessage,
  options: MarketDomain & { readonly now: number },
): Haggle {
  const { now } = options
  const digest = hashHaggleMessage(message, options)
  if (haggle === null) return begin(message, digest, now)
  const { id, call, last, messages, digests } = haggle
  if (message.haggle !== id) throw new HaggleForeignError({ haggle: message.haggle, wanted: id })
  if (digests.includes(digest)) return haggle
  refuseEquivocation(haggle, message, digest)
  if (haggle.state !== 'open') throw new HaggleOverError({ haggle: id, outcome: haggle.state })
  const turn = call[haggle.turn]
  if (!isAddressEqual(message.sender, turn)) throw new HaggleTurnError({ sender: message.sender, turn })
  if (message.answers !== last) throw new HaggleChainError({ answers: message.answers, last })
  if (now > call.deadline) throw new HaggleDeadlineError({ deadline: call.deadline, now })

  const { proposals } = haggle
  const allowed = possibleActs(proposals.length)
  if (!allowed.includes(message.act)) throw new HaggleActError({ act: message.act, allowed })
  const taken = {
    ...haggle,
    messages: [...messages, message],
    digests: [...digests, digest],
    last: digest,
    turn: haggle.turn === 'buyer' ? 'seller' : 'buyer',
  } as const
  switch (message.act) {
    case 'call':
      // `possibleActs` names it never; the branch is for the compiler.
      throw new HaggleActError({ act: message.act, allowed })
    case 'propose':
    case 'counter': {
      requireContent(message.content, hashHaggleTerms(message.terms))
      const round = proposals.length + 1
      if (round > call.maxRounds) throw new HaggleRoundsError({ round, maxRounds: call.maxRounds })
      requireBounds(message.terms, haggle)
      return { ...taken, proposals: [...proposals, message.terms] }
    }
    case 'accept': {
      const terms = proposals.at(-1)
      const proposed = terms === undefined ? null : hashHaggleTerms(terms)
      if (message.content !== proposed)
        throw new HaggleNotProposedError({ accepted: message.content, proposed })
      return { ...taken, state: 'agreed' }
    }
    case 'reject':
      requireContent(message.content, zeroHash)
      return { ...taken, state: 'rejected' }
    default:
      return message satisfies never
  }
}

function begin(message: HaggleMessage, digest: Hash, now: number): Haggle {
  if (message.act !== 'call') throw new HaggleActError({ act: message.act, allowed: ['call'] })
  const { call } = message
  const id = hashHaggleCall(call)
  requireContent(message.content, id)
  if (message.haggle !== id) throw new HaggleForeignError({ haggle: message.haggle, wanted: id })
  if (message.answers !== zeroHash) throw new HaggleChainError({ answers: message.answers, last: zeroHash })
  if (!isAddressEqual(message.sender, call.buyer))
    throw new HaggleTurnError({ sender: message.sender, turn: call.buyer })
  if (now > call.deadline) throw new HaggleDeadlineError({ deadline: call.deadline, now })
  requireSound(call)
  return {
    id,
    call,
    messages: [message],
    digests: [digest],
    last: digest,
    turn: 'seller',
    proposals: [],
    state: 'open',
  }
}

/** The seller opens with a price; afterwards both counter, until one accepts or rejects. */
const possibleActs = (proposals: number): readonly HaggleAct[] =>
  proposals === 0 ? ['propose', 'accept', 'reject'] : ['counter', 'accept', 'reject']

function requireContent(signed: Hash, hash: Hash) {
  if (signed !== hash) throw new HaggleContentError({ hash, signed })
}

function requireSound({ buyer, seller, quantity, deadline, validUntil }: HaggleCall) {
  const refuse = (field: string, seen: string, allowed: string) => {
    throw new HaggleBoundsError({ field, seen, allowed })
  }
  // One account on both sides would make every second message both an answer and its own question.
  if (isAddressEqual(buyer, seller)) refuse('seller', seller, 'any account but the buyer')
  if (BigInt(quantity.least) > BigInt(quantity.most))
    refuse('least quantity', quantity.least, `at most ${quantity.most}`)
  if (validUntil < deadline) refuse('last second', `${validUntil}`, `${deadline} or later`)
}

function requireBounds(terms: HaggleTerms, { id, call }: Haggle) {
  const same = (field: 'buyer' | 'seller' | 'currency', seen: Address) => {
    if (!isAddressEqual(seen, call[field]))
      throw new HaggleBoundsError({ field, seen, allowed: `'${call[field]}'` })
  }
  if (terms.haggle !== id) throw new HaggleForeignError({ haggle: terms.haggle, wanted: id })
  same('buyer', terms.buyer)
  same('seller', terms.seller)
  same('currency', terms.currency)
  const [seen, wanted] = [canonicalJson(terms.subject), canonicalJson(call.subject)]
  if (seen !== wanted) throw new HaggleBoundsError({ field: 'subject', seen, allowed: wanted })
  if (terms.validUntil !== call.validUntil)
    throw new HaggleBoundsError({
      field: 'last second',
      seen: `${terms.validUntil}`,
      allowed: `${call.validUntil}`,
    })
  const { least, most } = call.quantity
  const quantity = BigInt(terms.quantity)
  if (quantity < BigInt(least) || quantity > BigInt(most))
    throw new HaggleBoundsError({ field: 'quantity', seen: terms.quantity, allowed: `${least} to ${most}` })
  if (BigInt(terms.price) > BigInt(call.maxPrice))
    throw new HaggleBoundsError({ field: 'price', seen: terms.price, allowed: `at most ${call.maxPrice}` })
}

/** Two answers by one side to one message are a fault that the two signatures prove. */
function refuseEquivocation({ messages, digests }: Haggle, message: HaggleMessage, digest: Hash) {
  const index = messages.findIndex(
    ({ answers, sender }) => answers === message.answers && isAddressEqual(sender, message.sender),
  )
  const [earlier, first] = [messages[index], digests[index]]
  if (earlier === undefined || first === undefined) return
  throw new HaggleEquivocationError({
    sender: message.sender,
    answers: message.answers,
    first: { hash: first, signature: earlier.signature },
    second: { hash: digest, signature: message.signature },
  })
}
