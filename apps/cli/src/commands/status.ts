import { exitCodes } from '../errors/exitCodes.ts'
import { networkStatus } from '../network/status.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { theme } from '../output/theme.ts'
import type { GlobalFlags } from './flags.ts'

export async function runStatus(flags: GlobalFlags): Promise<void> {
  const status = await networkStatus()
  const isWell = status.services.length > 0 && status.services.every(({ state }) => state === 'healthy')
  const table = formatTable(
    [
      { head: 'PART', of: ({ service }) => service },
      {
        head: 'STATE',
        of: ({ state }) => (state === 'healthy' ? theme.green(state) : theme.yellow(state)),
      },
      { head: 'PROCESS', of: ({ pid }) => (pid === null ? '-' : String(pid)), align: 'right' },
      { head: 'URL', of: ({ url }) => url ?? '-' },
      { head: 'LOG', of: ({ log }) => log },
    ],
    status.services,
  )
  const head =
    status.phase === 'never started'
      ? 'The local network was never started here. Start it with `millrace up`.'
      : `Local network, chain id ${status.chainId}: ${isWell ? theme.green('well') : theme.yellow(status.phase === 'ready' ? 'not well' : status.phase)}`
  const error = status.error === null || status.phase !== 'failed' ? [] : [`Last error: ${status.error}`]
  const hint =
    status.phase === 'ready' && status.supervisor === null
      ? ['Nothing watches over it: run `millrace up`.']
      : []
  createOutput(flags.json === true).result(
    { ...status, well: isWell },
    [head, ...(status.services.length > 0 ? [table] : []), ...error, ...hint].join('\n'),
  )
  process.exitCode = isWell ? exitCodes.ok : exitCodes.unavailable
}
