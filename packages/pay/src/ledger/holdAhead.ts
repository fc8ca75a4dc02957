/** Money that is held before the disk has it. */
export interface HoldAhead<hold> {
  readonly hold: hold
  /** Resolves once the disk has it. Where it rejects nothing is given out, and the hold is to be released. */
  readonly kept: Promise<void>
}

/**
 * Waits until the disk has what is held; where it does not take it, nothing is held.
 *
 * @throws JournalWriteError
 */
export async function keepOrRelease({ hold, kept }: HoldAhead<{ release(): unknown }>): Promise<void> {
  try {
    await kept
  } catch (error) {
    hold.release()
    throw error
  }
}

/**
 * What a caller may work on that gives nothing out before `kept`. While the disk refuses writes no work is begun: what is held is waited
 * for here.
 *
 * @throws JournalWriteError
 */
export async function beginAhead<hold extends { release(): unknown }>(
  held: HoldAhead<hold>,
  books: { failing(): boolean },
): Promise<HoldAhead<hold>> {
  if (books.failing()) await keepOrRelease(held)
  // Who would be told may have left by then.
  held.kept.catch(() => undefined)
  return held
}
