import { NodeError } from '../errors/NodeError.ts'

/** A line before the last one is damaged: the disk lost what the node had noted. */
export class JournalCorruptError extends NodeError {
  constructor(options: { path: string; line: number; offset: number }) {
    super({
      code: 'JOURNAL_CORRUPT',
      message: `The journal "${options.path}" is damaged at line ${options.line} (byte ${options.offset}), with good lines behind it.`,
      remedy:
        'Check the disk, then restore the file from a backup. If there is none, move it away and start again: money on chain is safe, but jobs that run now are lost.',
    })
  }
}

/** The disk refused a line of the journal: full, read-only or gone. Nothing was noted, so nothing may be done. */
export class JournalWriteError extends NodeError {
  constructor(options: { path: string; cause: unknown }) {
    const code = (options.cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
    super({
      code: 'JOURNAL_WRITE_FAILED',
      message: `The journal "${options.path}" could not be written (${code}).`,
      remedy:
        code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
          ? 'Free space on this disk. The node takes no new work until it can write again, then goes on by itself.'
          : 'Check the disk and its permissions. The node takes no new work until it can write again.',
      retryable: true,
      cause: options.cause,
    })
  }
}

/** The journal was closed before this call. */
export class JournalClosedError extends NodeError {
  constructor(options: { path: string }) {
    super({ code: 'JOURNAL_CLOSED', message: `The journal "${options.path}" is closed.` })
  }
}
