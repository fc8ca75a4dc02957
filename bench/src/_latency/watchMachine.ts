import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A time in which a processor was taken away from the machine, in milliseconds of the system's clock. */
export interface Stall {
  readonly from: number
  readonly to: number
}

export interface MachineWatch {
  /** Ends it. Stalls of more than a millisecond, of all processors. */
  stop(): Promise<readonly Stall[]>
}

const watcher = fileURLToPath(new URL('./watchStalls.mjs', import.meta.url))

/**
 * Watches every processor by a program that comes before all others: it is late only where the machine's host gave the processor to
 * somebody else, never for what runs on the machine. `null` where it may not run so (it takes Linux, and the right to).
 */
export async function watchMachine(): Promise<MachineWatch | null> {
  const watches = await Promise.all(
    Array.from({ length: availableParallelism() }, (_, processor) => watchProcessor(processor)),
  )
  const stop = async () => (await Promise.all(watches.map((watch) => watch?.stop() ?? []))).flat()
  if (watches.every((watch) => watch !== null)) return { stop }
  await stop()
  return null
}

async function watchProcessor(processor: number): Promise<MachineWatch | null> {
  const child = spawn('taskset', ['-c', `${processor}`, 'chrt', '--fifo', '50', process.execPath, watcher], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  await Promise.race([once(child.stdout, 'data'), ended])
  if (!said.startsWith('watching')) return null
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
      const lines = said.split('\n').slice(1, -1)
      return lines.map((line) => {
        const [from = 0, to = 0] = line.split(' ').map(Number)
        return { from, to }
      })
    },
  }
}
