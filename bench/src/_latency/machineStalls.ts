// How the machine itself holds up what runs on it: what no program on it can answer sooner than.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

const seconds = 5
/** Reads the clock as fast as it can, and posts the gaps of more than a millisecond between two looks. */
const look = `
const { parentPort } = require('node:worker_threads')
const until = performance.now() + ${seconds} * 1000
const gaps = []
for (let last = performance.now(); last < until; ) {
  const now = performance.now()
  if (now - last > 1) gaps.push(now - last)
  last = now
}
parentPort.postMessage(gaps)
`

/** Stalls of more than a millisecond, in milliseconds, while every processor works: how many a second, the longest, and their share. */
export async function machineStalls() {
  const cores = availableParallelism()
  const gaps = (
    await Promise.all(
      Array.from(
        { length: cores },
        () =>
          new Promise<number[]>((resolve, reject) => {
            const worker = new Worker(look, { eval: true, execArgv: [] })
            worker.once('message', resolve)
            worker.once('error', reject)
          }),
      ),
    )
  ).flat()
  const round = (value: number) => Math.round(value * 1000) / 1000
  return {
    perSecond: round(gaps.length / seconds),
    most: round(Math.max(0, ...gaps)),
    share: round(gaps.reduce((sum, gap) => sum + gap, 0) / (seconds * 1000 * cores)),
  }
}
