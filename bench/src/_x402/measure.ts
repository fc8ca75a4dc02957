/** How often something was done, by the clock and by the processor time of this process. */
export interface Rate {
  readonly runs: number
  /** By the clock, others on the machine included. */
  readonly perSecond: number
  /** What one thread could do with a core to itself; where a chain answers, its work is not in it. */
  readonly perProcessorSecond: number
  /** Half of them took no longer, in milliseconds. */
  readonly medianMs: number
}

/** Does `work` for `ms` milliseconds, `atOnce` at a time, after a tenth of that to warm up. */
export async function rateOf(
  work: (index: number) => unknown,
  { ms, atOnce = 1, most = Number.POSITIVE_INFINITY }: { ms: number; atOnce?: number; most?: number },
): Promise<Rate> {
  let index = 0
  let times: number[] = []
  const run = async (until: number, limit: number) => {
    let runs = 0
    times = []
    while (performance.now() < until && runs < limit) {
      const begun = performance.now()
      if (atOnce === 1) {
        const result = work(index++)
        if (result instanceof Promise) await result
      } else await Promise.all(Array.from({ length: atOnce }, () => work(index++)))
      runs += atOnce
      times.push(performance.now() - begun)
    }
    return runs
  }
  await run(performance.now() + ms / 10, most / 10)
  const cpu = process.cpuUsage()
  const started = performance.now()
  const runs = await run(started + ms, most - index)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    runs,
    perSecond: Math.round(runs / seconds),
    perProcessorSecond: Math.round(runs / ((user + system) / 1e6)),
    medianMs: Math.round((times.sort((a, b) => a - b)[times.length >> 1] ?? 0) * 1000) / 1000,
  }
}
