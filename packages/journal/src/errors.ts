import { MillraceError } from '@millrace/sdk/errors'

/** A line before the last one is damaged: the disk lost what had been noted. */
export class JournalCorruptError extends MillraceError {
  override readonly name = 'JournalCorruptError'
  constructor(options: { path: string; line: number; offset: number }) {
    super({
      code: 'JOURNAL_CORRUPT',
      message: `The journal "${options.path}" is damaged at line ${options.line} (byte ${options.offset}), with good lines behind it.`,
      remedy:
        'Check the disk, then restore the file from a backup. If there is none, move it away and start again: money on chain is safe, but what only this file knew is lost: running jobs, vouchers not yet claimed.',
    })
  }
}

/** The disk refused a line of the journal: full, read-only or gone. Nothing was noted, so nothing may be done. */
export class JournalWriteError extends MillraceError {
  override readonly name = 'JournalWriteError'
  constructor(options: { path: string; cause: unknown }) {
    const code = (options.cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
    super({
      code: 'JOURNAL_WRITE_FAILED',
      message: `The journal "${options.path}" could not be written (${code}).`,
      remedy:
        code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
          ? 'Free space on this disk. No new work is taken until it can be written again; then it goes on by itself.'
          : 'Check the disk and its permissions. No new work is taken until it can be written again.',
      retryable: true,
      cause: options.cause,
    })
  }
}

/** The journal was closed before this call. */
export class JournalClosedError extends MillraceError {
  override readonly name = 'JournalClosedError'
  constructor(options: { path: string }) {
    super({ code: 'JOURNAL_CLOSED', message: `The journal "${options.path}" is closed.` })
  }
}

/** Another process uses the journal. */
export class JournalInUseError extends MillraceError {
  override readonly name = 'JournalInUseError'
  constructor(options: { path: string; pid: number | null }) {
    super({
      code: 'JOURNAL_IN_USE',
      message: `The journal "${options.path}" is used by ${options.pid === null ? 'another process' : `process ${options.pid}`}.`,
      remedy: 'End that process first, or give this one a file of its own.',
      details: options,
    })
  }
}
