/** How many blocks to ask for at once, learnt from the answers. */
export interface Range {
  next(from: number, last: number): { readonly from: number; readonly to: number }
  /** An answer with so many events for so many blocks. */
  took(events: number, blocks: number): void
  /** The server refused, or did not answer in time. */
  refused(): void
}

const FIRST_BLOCKS = 500
const MOST_BLOCKS = 50_000
/** Events in one answer and one transaction: enough to write in sets, few enough for memory and for those who wait. */
const WANTED_EVENTS = 4_000

/** Starts with a modest range, widens where events are few and halves on refusal. */
export function createRange(): Range {
  let blocks = FIRST_BLOCKS
  return {
    next: (from, last) => ({ from, to: Math.min(last, from + blocks - 1) }),
    took(events, taken) {
      const fit = events === 0 ? MOST_BLOCKS : Math.floor((WANTED_EVENTS * taken) / events)
      blocks = Math.max(1, Math.min(fit, blocks * 2, MOST_BLOCKS))
    },
    refused() {
      blocks = Math.max(1, blocks >> 1)
    },
  }
}
