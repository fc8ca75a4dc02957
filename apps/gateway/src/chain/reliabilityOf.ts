/**
 * How reliable an asset was: leases that started and were not stopped early by the operator, of those that started or should have.
 * A lease that the buyer left before the window to start closed counts for neither side.
 * @returns 0 to 1; null while nothing is known
 */
export function reliabilityOf(counts: {
  readonly started: number
  readonly lapsed: number
  readonly broken: number
}): number | null {
  const due = counts.started + counts.lapsed
  return due === 0 ? null : (counts.started - counts.broken) / due
}
