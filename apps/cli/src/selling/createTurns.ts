/** Does work one piece after another: one account's transactions must not take the same number. */
export type Turns = <result>(work: () => Promise<result>) => Promise<result>

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}
