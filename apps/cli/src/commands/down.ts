import { down } from '../network/down.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'

export async function runDown(flags: GlobalFlags): Promise<void> {
  const result = await down()
  const killed =
    result.killed.length === 0
      ? ''
      : ` (had to kill: ${result.killed.join(', ')}; nothing acknowledged is lost)`
  createOutput(flags.json === true).result(
    result,
    result.wasRunning ? `The local network is stopped${killed}; everything is kept.` : 'It was not running.',
  )
}
