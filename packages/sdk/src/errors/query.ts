import { MillraceError } from './MillraceError.ts'

/** A query or an order cannot be read. */
export class QueryError extends MillraceError {
  override readonly name = 'QueryError'
  static readonly code = 'QUERY_INVALID'
  /** Where in the text, counted from 0. */
  readonly position: number
  constructor(options: { reason: string; position: number; text: string; suggestion?: string | undefined }) {
    const hint = options.suggestion === undefined ? '' : `; did you mean '${options.suggestion}'?`
    super({
      code: QueryError.code,
      message: `${options.reason} at position ${options.position + 1}${hint}`,
      remedy: "Write terms like gpu_name=H100 num_gpus>=1 'price<2.5'; fields: see the query language.",
      details: options,
    })
    this.position = options.position
  }
}
