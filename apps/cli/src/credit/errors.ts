import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** There is no facility at an address. */
export class PoolUnknownError extends CliError {
  override readonly name = 'PoolUnknownError'
  static readonly code = 'POOL_UNKNOWN'
  constructor(options: { pool: string; cause?: unknown }) {
    super({
      code: PoolUnknownError.code,
      message: `There is no pool at '${options.pool}'.`,
      remedy: 'Give its address: `millrace pool list`.',
      exitCode: exitCodes.missing,
      details: { pool: options.pool },
      cause: options.cause,
    })
  }
}

/** The rules of a pool cannot be read: the chain forgot how it was made, or it is of another version. */
export class PoolRulesUnknownError extends CliError {
  override readonly name = 'PoolRulesUnknownError'
  static readonly code = 'POOL_RULES_UNKNOWN'
  constructor(options: { pool: string }) {
    super({
      code: PoolRulesUnknownError.code,
      message: `How pool '${options.pool}' was made cannot be read from this chain.`,
      remedy: 'Ask an RPC that keeps old state; a pool of another version needs the command of that version.',
      exitCode: exitCodes.unavailable,
      details: options,
    })
  }
}

/** The file is none of a loan. */
export class LoanFileError extends CliError {
  override readonly name = 'LoanFileError'
  static readonly code = 'LOAN_FILE'
  constructor(options: { path: string; reason: string }) {
    super({
      code: LoanFileError.code,
      message: `'${options.path}' is not the file of a loan here: ${options.reason}.`,
      remedy: 'Take the file that `millrace loan apply` wrote, on the network that it was written for.',
      exitCode: exitCodes.data,
      details: options,
    })
  }
}

/** A loan has not been signed by its underwriter. */
export class LoanUnsignedError extends CliError {
  override readonly name = 'LoanUnsignedError'
  static readonly code = 'LOAN_UNSIGNED'
  constructor(options: { path: string; underwriter: string }) {
    super({
      code: LoanUnsignedError.code,
      message: `The loan in '${options.path}' is not signed by its underwriter '${options.underwriter}'.`,
      remedy: 'Have it signed: `millrace underwrite <file> --sign`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** More than the first draws needs a release of the underwriter. */
export class LoanUnreleasedError extends CliError {
  override readonly name = 'LoanUnreleasedError'
  static readonly code = 'LOAN_UNRELEASED'
  constructor(options: { path: string; drawn: string; released: string }) {
    super({
      code: LoanUnreleasedError.code,
      message: `With this ${options.drawn} would be drawn on the loan in '${options.path}'; ${options.released} are released.`,
      remedy: 'Have more released: `millrace loan sign <file> --total <amount>`, by the underwriter.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** Who signs is not who must. */
export class NotTheUnderwriterError extends CliError {
  override readonly name = 'NotTheUnderwriterError'
  static readonly code = 'NOT_THE_UNDERWRITER'
  constructor(options: { underwriter: string; account: string }) {
    super({
      code: NotTheUnderwriterError.code,
      message: `The loan names '${options.underwriter}' as its underwriter, not '${options.account}'.`,
      remedy: 'Sign with that wallet: `--wallet <name>`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** An asset's debt slot is filled by something else. */
export class AssetPledgedError extends CliError {
  override readonly name = 'AssetPledgedError'
  static readonly code = 'ASSET_PLEDGED'
  constructor(options: { asset: bigint; debt: string }) {
    super({
      code: AssetPledgedError.code,
      message: `The debt slot of asset ${options.asset} is filled by '${options.debt}'.`,
      remedy:
        'Repay that loan and clear the slot first. Another pool can stand behind it only where both stand in the ranks: `--cap`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** An asset's debt slot is filled by the ranks, and a pool has no place there. */
export class CapMissingError extends CliError {
  override readonly name = 'CapMissingError'
  static readonly code = 'CAP_MISSING'
  constructor(options: { asset: bigint }) {
    super({
      code: CapMissingError.code,
      message: `On asset ${options.asset} facilities stand one behind the other, and this pool has no place there.`,
      remedy: 'Say how much it may lend on the asset: `--cap <amount>`. See `millrace loan ranks <asset>`.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** More is asked for than the caps of a pool on its assets. */
export class LimitAboveCapError extends CliError {
  override readonly name = 'LimitAboveCapError'
  static readonly code = 'LIMIT_ABOVE_CAP'
  constructor(options: { limit: string; cap: string }) {
    super({
      code: LimitAboveCapError.code,
      message: `The limit is ${options.limit}, and the pool may lend ${options.cap} on these assets in all.`,
      remedy: 'Lower `--limit`, or raise `--cap`.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** A pool whose loan is to be taken over does not stand before the one that takes it over. */
export class NotAheadError extends CliError {
  override readonly name = 'NotAheadError'
  static readonly code = 'NOT_AHEAD'
  constructor(options: { asset: bigint; pool: string }) {
    super({
      code: NotAheadError.code,
      message: `Pool '${options.pool}' does not stand before this one in the ranks of asset ${options.asset}.`,
      remedy:
        'Name a loan of a pool that does: `millrace loan ranks <asset>`. A loan of the same pool needs no `--replaces`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A gateway knows no payments of an asset. */
export class EvidenceMissingError extends CliError {
  override readonly name = 'EvidenceMissingError'
  static readonly code = 'EVIDENCE_MISSING'
  constructor(options: { asset: bigint; gateway: string }) {
    super({
      code: EvidenceMissingError.code,
      message: `Gateway '${options.gateway}' has not indexed asset ${options.asset}.`,
      remedy: 'Wait until its index has caught up, or ask another gateway.',
      exitCode: exitCodes.later,
      details: options,
    })
  }
}

/** Nothing waits and nothing can be claimed. */
export class NothingToRedeemError extends CliError {
  override readonly name = 'NothingToRedeemError'
  static readonly code = 'NOTHING_TO_REDEEM'
  constructor(options: { account: string; vault: string; what: string }) {
    super({
      code: NothingToRedeemError.code,
      message: `'${options.account}' has ${options.what} in vault '${options.vault}'.`,
      remedy: 'See `millrace redeem status`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** An account has opened no loan in a pool. */
export class LoansMissingError extends CliError {
  override readonly name = 'LoansMissingError'
  static readonly code = 'LOANS_MISSING'
  constructor(options: { account: string; pool: string }) {
    super({
      code: LoansMissingError.code,
      message: `'${options.account}' opened no loan in pool '${options.pool}' until then.`,
      remedy: 'Check the account and the pool, and the end of the period.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** No pool that the till has listed sells the asset. */
export class LotMissingError extends CliError {
  override readonly name = 'LotMissingError'
  static readonly code = 'LOT_MISSING'
  constructor(options: { asset: bigint }) {
    super({
      code: LotMissingError.code,
      message: `No pool sells asset ${options.asset}.`,
      remedy:
        'See what is sold: `millrace auction list`. Somebody may have taken it, or its loan was repaid.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** Nobody took a lot until its run was over. */
export class LotOverError extends CliError {
  override readonly name = 'LotOverError'
  static readonly code = 'LOT_OVER'
  constructor(options: { asset: bigint; endedAt: string }) {
    super({
      code: LotOverError.code,
      message: `The auction of asset ${options.asset} was over at ${options.endedAt}.`,
      remedy: 'Start it again, at half of its last start or less: `millrace auction restart <asset>`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A lot costs more than was offered. */
export class LotTooDearError extends CliError {
  override readonly name = 'LotTooDearError'
  static readonly code = 'LOT_TOO_DEAR'
  constructor(options: { asset: bigint; price: string; maxPrice: string; reachedAt: string | null }) {
    super({
      code: LotTooDearError.code,
      message: `Asset ${options.asset} costs ${options.price} now, more than ${options.maxPrice}; ${options.reachedAt === null ? 'its run ends before it costs that little' : `it costs that at ${options.reachedAt} UTC`}.`,
      remedy: 'Wait until then, or offer more: `millrace auction show <asset>` tells how its price falls.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** An asset is not made of units. */
export class UnitsUnknownError extends CliError {
  override readonly name = 'UnitsUnknownError'
  static readonly code = 'UNITS_UNKNOWN'
  constructor(options: { asset: bigint }) {
    super({
      code: UnitsUnknownError.code,
      message: `Asset ${options.asset} is not made of shares of a pool.`,
      remedy: 'Make one: `millrace pool wrap <pool> all`.',
      exitCode: exitCodes.missing,
      details: { asset: `${options.asset}` },
    })
  }
}
