/** How many blocks to ask for at once, learnt from the answers. */
export interface Range {
  next(from: number, last: number): { readonly from: number; readonly to: number }
  /** An answer with so many events for so many blocks. */
  took(events: number, blocks: number): void
  /** The server refused, or did not answer in time. */
  refused(): void
}

const FIRST_BLOCKS = 16
const MOST_BLOCKS = 50_000
/** Events in one answer and one transaction: enough to write in sets, few enough for memory and for those who wait. */
const MOST_EVENTS = 1_500
const LEAST_EVENTS = 16

/**
 * Starts with a modest range and aims at a number of events: that number is halved on refusal and grows again slowly,
 * so a server's limit is found and kept.
 */
export function createRange(): Range {
  let blocks = FIRST_BLOCKS
  let wanted = MOST_EVENTS
  return {
    next: (from, last) => ({ from, to: Math.min(last, from + blocks - 1) }),
    took(events, taken) {
      wanted = Math.min(MOST_EVENTS, wanted * 1.05)
      const fit = events === 0 ? MOST_BLOCKS : Math.floor((wanted * taken) / events)
      blocks = Math.max(1, Math.min(fit, blocks * 2, MOST_BLOCKS))
    },
    refused() {
      wanted = Math.max(LEAST_EVENTS, wanted / 2)
      blocks = Math.max(1, blocks >> 1)
    },
  }
}
