import { CliError } from '../../errors/CliError.ts'
import { exitCodes } from '../../errors/exitCodes.ts'

/** A line in the middle of the chain's journal does not match its checksum. */
export class ChainJournalCorruptError extends CliError {
  override readonly name = 'ChainJournalCorruptError'
  static readonly code = 'CHAIN_JOURNAL_CORRUPT'
  constructor(options: { path: string; line: number; reason: string }) {
    super({
      code: ChainJournalCorruptError.code,
      message: `The local chain's journal '${options.path}' is damaged at line ${options.line}: ${options.reason}.`,
      remedy:
        'Restore the file from a backup, or start a new local chain with `millrace up --reset` (test money and leases of this network are lost).',
      exitCode: exitCodes.files,
      details: options,
    })
  }
}

/** A snapshot of the chain does not match its checksum. */
export class ChainSnapshotCorruptError extends CliError {
  override readonly name = 'ChainSnapshotCorruptError'
  static readonly code = 'CHAIN_SNAPSHOT_CORRUPT'
  constructor(options: { path: string; reason: string; cause?: unknown }) {
    super({
      code: ChainSnapshotCorruptError.code,
      message: `The local chain's snapshot '${options.path}' is damaged: ${options.reason}.`,
      remedy:
        'Restore the file from a backup, or start a new local chain with `millrace up --reset` (test money and leases of this network are lost).',
      exitCode: exitCodes.files,
      details: { path: options.path, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** Replaying the journal led to another block than the one that was recorded. */
export class ChainReplayDivergedError extends CliError {
  override readonly name = 'ChainReplayDivergedError'
  static readonly code = 'CHAIN_REPLAY_DIVERGED'
  constructor(options: { seq: number; recorded: string; replayed: string }) {
    super({
      code: ChainReplayDivergedError.code,
      message: `Replaying the local chain's journal gave block '${options.replayed}' before entry ${options.seq}, where '${options.recorded}' was recorded.`,
      remedy:
        'This happens when Anvil was replaced by a version with other rules: install the version that wrote the journal, or start a new local chain with `millrace up --reset`.',
      exitCode: exitCodes.data,
      details: options,
    })
  }
}

/** Anvil cannot be started. */
export class AnvilUnavailableError extends CliError {
  override readonly name = 'AnvilUnavailableError'
  static readonly code = 'ANVIL_UNAVAILABLE'
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: AnvilUnavailableError.code,
      message: `Anvil, the local chain's engine, cannot be started: ${options.reason}.`,
      remedy: 'Run `npm ci` so that the package `@foundry-rs/anvil` for this platform is installed.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { reason: options.reason },
      cause: options.cause,
    })
  }
}

/** The chain's journal cannot be written: the disk is full, or the folder is not ours. */
export class ChainJournalWriteError extends CliError {
  override readonly name = 'ChainJournalWriteError'
  static readonly code = 'CHAIN_JOURNAL_WRITE'
  constructor(options: { path: string; cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause)
    super({
      code: ChainJournalWriteError.code,
      message: `The local chain's journal '${options.path}' cannot be written: ${reason}.`,
      remedy: 'Free some disk space; the chain takes transactions again as soon as it can write them down.',
      exitCode: exitCodes.files,
      retryable: true,
      details: { path: options.path, reason },
      cause: options.cause,
    })
  }
}
