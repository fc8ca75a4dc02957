import type { Address, Hash, Hex } from 'viem'
import { MillraceError } from './MillraceError.ts'

/** A message came from the side whose turn it was not, or from neither side. */
export class HaggleTurnError extends MillraceError {
  override readonly name = 'HaggleTurnError'
  static readonly code = 'HAGGLE_TURN'
  constructor(options: { sender: Address; turn: Address }) {
    super({
      code: HaggleTurnError.code,
      message: `A message came from '${options.sender}', but it is the turn of '${options.turn}'.`,
      remedy: 'Wait for the other side to answer.',
      details: options,
    })
  }
}

/** The haggle's deadline is past. */
export class HaggleDeadlineError extends MillraceError {
  override readonly name = 'HaggleDeadlineError'
  static readonly code = 'HAGGLE_DEADLINE'
  constructor(options: { deadline: number; now: number }) {
    super({
      code: HaggleDeadlineError.code,
      message: `The haggle's deadline was at ${options.deadline}, it is ${options.now}.`,
      remedy: 'Start another haggle.',
      details: options,
    })
  }
}

/** A price was named after the last round that the call allows. */
export class HaggleRoundsError extends MillraceError {
  override readonly name = 'HaggleRoundsError'
  static readonly code = 'HAGGLE_ROUNDS'
  constructor(options: { round: number; maxRounds: number }) {
    super({
      code: HaggleRoundsError.code,
      message: `The proposal would be number ${options.round}, the call allows ${options.maxRounds}.`,
      remedy: 'Accept or reject what was proposed last.',
      details: options,
    })
  }
}

/** A message does not answer the last one of the transcript. */
export class HaggleChainError extends MillraceError {
  override readonly name = 'HaggleChainError'
  static readonly code = 'HAGGLE_CHAIN'
  constructor(options: { answers: Hash; last: Hash }) {
    super({
      code: HaggleChainError.code,
      message: `The message answers '${options.answers}', the last message is '${options.last}'.`,
      remedy: 'Answer the last message.',
      details: options,
    })
  }
}

/** A message belongs to another haggle. */
export class HaggleForeignError extends MillraceError {
  override readonly name = 'HaggleForeignError'
  static readonly code = 'HAGGLE_FOREIGN'
  constructor(options: { haggle: Hash; wanted: Hash | null }) {
    super({
      code: HaggleForeignError.code,
      message: `The message is of haggle '${options.haggle}', ${options.wanted === null ? 'none of that name is kept here' : `this one is '${options.wanted}'`}.`,
      remedy: 'Send the message to the haggle it was signed for.',
      details: options,
    })
  }
}

/** The document that came with a message is not the one that was signed. */
export class HaggleContentError extends MillraceError {
  override readonly name = 'HaggleContentError'
  static readonly code = 'HAGGLE_CONTENT'
  constructor(options: { hash: Hash; signed: Hash }) {
    super({
      code: HaggleContentError.code,
      message: `The message's content hashes to '${options.hash}', signed was '${options.signed}'.`,
      remedy: 'Send the document exactly as it was signed.',
      details: options,
    })
  }
}

/** Terms lie outside what the call asked for. */
export class HaggleBoundsError extends MillraceError {
  override readonly name = 'HaggleBoundsError'
  static readonly code = 'HAGGLE_BOUNDS'
  constructor(options: { field: string; seen: string; allowed: string }) {
    super({
      code: HaggleBoundsError.code,
      message: `The terms' ${options.field} is '${options.seen}', the call allows ${options.allowed}.`,
      remedy: 'Propose terms within the bounds of the call.',
      details: options,
    })
  }
}

/** A side accepted terms that the other side did not propose last. */
export class HaggleNotProposedError extends MillraceError {
  override readonly name = 'HaggleNotProposedError'
  static readonly code = 'HAGGLE_NOT_PROPOSED'
  constructor(options: { accepted: Hash; proposed: Hash | null }) {
    super({
      code: HaggleNotProposedError.code,
      message: `Terms '${options.accepted}' were accepted, proposed last was ${options.proposed === null ? 'nothing' : `'${options.proposed}'`}.`,
      remedy: 'Accept the terms that the other side proposed last.',
      details: options,
    })
  }
}

/** The act cannot stand where it does: a first call in the middle, a counter before a proposal. */
export class HaggleActError extends MillraceError {
  override readonly name = 'HaggleActError'
  static readonly code = 'HAGGLE_ACT'
  constructor(options: { act: string; allowed: readonly string[] }) {
    super({
      code: HaggleActError.code,
      message: `The message is a '${options.act}', possible here are: ${options.allowed.join(', ')}.`,
      remedy: 'Answer with one of the acts that are possible.',
      details: options,
    })
  }
}

/** The haggle has ended. */
export class HaggleOverError extends MillraceError {
  override readonly name = 'HaggleOverError'
  static readonly code = 'HAGGLE_OVER'
  constructor(options: { haggle: Hash; outcome: string }) {
    super({
      code: HaggleOverError.code,
      message: `Haggle '${options.haggle}' is over: ${options.outcome}.`,
      remedy: 'Start another haggle.',
      details: options,
    })
  }
}

/** One side signed two different answers to one message; `details` hold both signatures, which prove it to anyone. */
export class HaggleEquivocationError extends MillraceError {
  override readonly name = 'HaggleEquivocationError'
  static readonly code = 'HAGGLE_EQUIVOCATION'
  constructor(options: {
    sender: Address
    answers: Hash
    first: { hash: Hash; signature: Hex }
    second: { hash: Hash; signature: Hex }
  }) {
    super({
      code: HaggleEquivocationError.code,
      message: `'${options.sender}' gave two answers to '${options.answers}': '${options.first.hash}' and '${options.second.hash}'.`,
      remedy: 'Keep both messages as proof and do not deal with this side.',
      details: options,
    })
  }
}

/** A strategy was given numbers it cannot work with. */
export class HaggleStrategyError extends MillraceError {
  override readonly name = 'HaggleStrategyError'
  static readonly code = 'HAGGLE_STRATEGY'
  constructor(options: { reason: string }) {
    super({
      code: HaggleStrategyError.code,
      message: `The strategy cannot be used: ${options.reason}.`,
      remedy: 'Correct the numbers of the strategy.',
      details: options,
    })
  }
}

/** The offer does not carry out what was agreed. */
export class HaggleDealError extends MillraceError {
  override readonly name = 'HaggleDealError'
  static readonly code = 'HAGGLE_DEAL'
  constructor(options: { field: string; seen: string; agreed: string }) {
    super({
      code: HaggleDealError.code,
      message: `The offer's ${options.field} is '${options.seen}', agreed was '${options.agreed}'.`,
      remedy: 'Do not open the offer; ask the seller for one as agreed.',
      details: options,
    })
  }
}
