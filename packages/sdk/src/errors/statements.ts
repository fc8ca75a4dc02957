import { MillraceError } from './MillraceError.ts'

/** A statement that does not add up to what the chain says: nothing of it can be relied on. */
export class StatementUnbalancedError extends MillraceError {
  override readonly name = 'StatementUnbalancedError'
  static readonly code = 'STATEMENT_UNBALANCED'
  constructor(options: { what: string; statement: bigint; chain: bigint }) {
    super({
      code: StatementUnbalancedError.code,
      message: `By its lines '${options.what}' is ${options.statement}, the chain says ${options.chain}.`,
      remedy: 'Ask another RPC: this one lacks events or old state. If all agree, report it.',
      details: options,
    })
  }
}
