import { MillraceError } from '@millrace/sdk/errors'

/** What the chain holds is not what the books say. */
export class BooksDifferError extends MillraceError {
  override readonly name = 'BooksDifferError'
  static readonly code = 'EXAMPLE_FINANCE_BOOKS_DIFFER'
  constructor(options: { what: string; chain: unknown; books: unknown; at: string }) {
    super({
      code: BooksDifferError.code,
      message: `In '${options.at}' the chain says ${String(options.chain)} for '${options.what}', the books say ${String(options.books)}.`,
      remedy: 'One of them is wrong by that much: compare the events with the books.',
    })
  }
}

/** The story did not go as it is told. */
export class StoryBrokenError extends MillraceError {
  override readonly name = 'StoryBrokenError'
  static readonly code = 'EXAMPLE_FINANCE_STORY'
  constructor(options: { what: string; seen: unknown }) {
    super({
      code: StoryBrokenError.code,
      message: `${options.what}: '${String(options.seen)}' was seen.`,
      remedy: 'The parameters of the story, or a contract, changed.',
    })
  }
}

/** The local chain did not come up. */
export class ChainFailedError extends MillraceError {
  override readonly name = 'ChainFailedError'
  static readonly code = 'EXAMPLE_FINANCE_CHAIN'
  constructor(options: { code: number | null }) {
    super({
      code: ChainFailedError.code,
      message: `The local chain ended with ${options.code} before it listened.`,
      remedy: 'Run `npm install` again: Anvil comes with it.',
    })
  }
}
