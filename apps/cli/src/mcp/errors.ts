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

/** Nothing was agreed on under that id, or its time is over. */
export class AgreementMissingError extends CliError {
  override readonly name = 'AgreementMissingError'
  static readonly code = 'AGREEMENT_MISSING'
  constructor(options: { agreement: string; known: readonly string[] }) {
    super({
      code: AgreementMissingError.code,
      message: `There is no agreement '${options.agreement}' that can still be taken up.`,
      remedy: 'Nothing was paid. Agree on a price with `haggle`, and hire before the time that it names.',
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

/** A server of tools is neither a URL nor one that this server was started with. */
export class ToolServerUnknownError extends CliError {
  override readonly name = 'ToolServerUnknownError'
  static readonly code = 'TOOL_SERVER_UNKNOWN'
  constructor(options: { server: string; known: readonly string[] }) {
    const { server, known } = options
    const named = known.length === 0 ? 'none was named at the start' : `named are '${known.join("', '")}'`
    super({
      code: ToolServerUnknownError.code,
      message: `'${server}' is no URL of a server and no name of one: ${named}.`,
      remedy:
        'Give its URL, or have this server started with `--tools name=command`; no tool starts commands.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** A server of tools cannot be connected to. */
export class ToolServerDownError extends CliError {
  override readonly name = 'ToolServerDownError'
  static readonly code = 'TOOL_SERVER_DOWN'
  constructor(options: { server: string; cause: unknown }) {
    const { server, cause } = options
    super({
      code: ToolServerDownError.code,
      message: `MCP server '${server}' cannot be connected to: ${reasonOf(cause)}.`,
      remedy: 'Nothing was paid. Check its URL or command, and try later.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { server },
      cause,
    })
  }
}

/** A tool of another server gave no answer, or the server refused the call itself. */
export class ToolCallFailedError extends CliError {
  override readonly name = 'ToolCallFailedError'
  static readonly code = 'TOOL_CALL_FAILED'
  constructor(options: { server: string; tool: string; cause: unknown }) {
    const { server, tool, cause } = options
    super({
      code: ToolCallFailedError.code,
      message: `'${tool}' of MCP server '${server}' gave no answer: ${reasonOf(cause)}.`,
      remedy:
        'See what it takes with `list_paid_tools`. `budget` shows whether a payment was on its way: it counts as spent.',
      exitCode: exitCodes.data,
      details: { server, tool },
      cause,
    })
  }
}

/** Nothing is sold under that id. */
export class ServiceMissingError extends CliError {
  override readonly name = 'ServiceMissingError'
  static readonly code = 'SERVICE_MISSING'
  constructor(options: { service: string; known: readonly string[] }) {
    super({
      code: ServiceMissingError.code,
      message: `Nothing is sold as '${options.service}'.`,
      remedy: 'See `list_services`. What another server sold ended with it.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** An agent may have an asset of its own account earn only. */
export class AssetForeignError extends CliError {
  override readonly name = 'AssetForeignError'
  static readonly code = 'ASSET_FOREIGN'
  constructor(options: { asset: bigint; account: string }) {
    const { asset, account } = options
    super({
      code: AssetForeignError.code,
      message: `Account '${account}' neither owns nor operates asset ${asset}.`,
      remedy: 'Name an asset of the account, or none: then the account itself is paid.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? cause.cause.message : cause.message
}
