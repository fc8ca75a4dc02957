/** Bytes of each of the two buffers: far above any cache that one core has to itself. */
const size = 256 * 2 ** 20

/** How fast one thread copies memory, in 10⁹ bytes a second, read and written bytes both counted. Takes 512 MiB. */
export function measureMemory(rounds = 4): number {
  // Written once before, so that no page is given out while the clock runs.
  const from = Buffer.alloc(size, 1)
  const to = Buffer.alloc(size, 2)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    from.copy(to)
    best = Math.min(best, performance.now() - began)
  }
  return (2 * size) / best / 1e6
}
