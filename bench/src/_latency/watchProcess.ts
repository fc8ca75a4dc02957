import { type FileHandle, open } from 'node:fs/promises'
import { PerformanceObserver } from 'node:perf_hooks'

/**
 * Watches this process from now on: what its collector held everything up for, and what the disk took from a write to its answer, each in
 * milliseconds.
 *
 * @param path Beside it a file is made, for a moment.
 * @returns What happened since it was called last.
 */
export async function watchProcess(path: string) {
  let pauses: number[] = []
  let syncs: number[] = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration)
  }).observe({ entryTypes: ['gc'] })
  const probe = await open(`${path}.probe`, 'w')
  const handles: Pick<FileHandle, 'datasync'> & { write(...given: unknown[]): Promise<unknown> } =
    Object.getPrototypeOf(probe)
  const timed = <given extends unknown[], result>(
    work: (this: unknown, ...given: given) => Promise<result>,
  ) =>
    async function (this: unknown, ...given: given): Promise<result> {
      const started = performance.now()
      const done = await work.apply(this, given)
      syncs.push(performance.now() - started)
      return done
    }
  // On Linux a write returns once it is on disk; elsewhere the second call is the one that waits.
  handles.write = timed(handles.write)
  handles.datasync = timed(handles.datasync)
  await probe.close()
  return () => {
    const said = { pauses, syncs }
    pauses = []
    syncs = []
    return said
  }
}
