import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** The MCP server was started without a spending limit. */
export class BudgetMissingError extends CliError {
  override readonly name = 'BudgetMissingError'
  static readonly code = 'BUDGET_MISSING'
  constructor() {
    super({
      code: BudgetMissingError.code,
      message: 'An MCP server spends money for whoever prompts it, and no limit was given.',
      remedy: 'Give one in whole units of the currency: `millrace mcp --budget 5 --per-payment 1`.',
      exitCode: exitCodes.usage,
    })
  }
}

/** A machine is paid in another currency than the budget is kept in. */
export class BudgetCurrencyError extends CliError {
  override readonly name = 'BudgetCurrencyError'
  static readonly code = 'BUDGET_CURRENCY'
  constructor(options: { currency: string; budget: string }) {
    super({
      code: BudgetCurrencyError.code,
      message: `The machine is paid in ${options.currency}, and the budget is kept in ${options.budget}.`,
      remedy: 'Nothing was paid. Choose another offer with `where`.',
      exitCode: exitCodes.money,
      details: options,
    })
  }
}

/** A task names files outside the folder in which the MCP server was started. */
export class PathOutsideError extends CliError {
  override readonly name = 'PathOutsideError'
  static readonly code = 'PATH_OUTSIDE'
  constructor(options: { path: string; folder: string }) {
    super({
      code: PathOutsideError.code,
      message: `'${options.path}' is outside '${options.folder}', the folder that this server may read and write.`,
      remedy: 'Name a folder inside it, or have the server started in another folder.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** There is no tool of that name. */
export class ToolUnknownError extends CliError {
  override readonly name = 'ToolUnknownError'
  static readonly code = 'TOOL_UNKNOWN'
  constructor(options: { tool: string; known: readonly string[] }) {
    super({
      code: ToolUnknownError.code,
      message: `There is no tool '${options.tool}'; there are '${options.known.join("', '")}'.`,
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** A URL that an agent called gave no answer. */
export class UrlUnreachableError extends CliError {
  override readonly name = 'UrlUnreachableError'
  static readonly code = 'URL_UNREACHABLE'
  constructor(options: { url: string; reason: string; cause: unknown }) {
    const { url, reason, cause } = options
    super({
      code: UrlUnreachableError.code,
      message: `'${url}' gave no answer: ${reason}.`,
      remedy:
        'Check the URL and try later. `budget` shows whether a payment was on its way: it counts as spent.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { url, reason },
      cause,
    })
  }
}
