import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { homePaths } from '../home/homePaths.ts'
import { NetworkBusyError, ServiceFailedError } from '../network/errors.ts'
import { chainUrl, gatewayUrl, isReadyUnder, readNetworkState } from '../network/networkState.ts'
import type { ServiceEvent } from '../network/superviseService.ts'
import { up } from '../network/up.ts'
import { createOutput } from '../output/output.ts'
import { theme } from '../output/theme.ts'
import { entryCommand } from '../processes/entryCommand.ts'
import { readPidFile } from '../processes/pidFile.ts'
import type { GlobalFlags } from './flags.ts'

export interface UpFlags extends GlobalFlags {
  readonly detach?: boolean
  readonly chainId?: number
  readonly chainPort?: number
  readonly gatewayPort?: number
  readonly withoutNode?: boolean
  readonly reset?: boolean
  readonly onceReadyJson?: boolean
}

export async function runUp(flags: UpFlags): Promise<void> {
  const output = createOutput(flags.json === true || flags.onceReadyJson === true)
  const paths = homePaths()
  const running = readPidFile(paths.network.supervisor)
  const state = readNetworkState(paths.network)
  if (running !== null && isReadyUnder(state, running) && flags.reset !== true) {
    output.result(ready(paths.home, running.pid), `The local network is up already (process ${running.pid}).`)
    return
  }
  if (running !== null) throw new NetworkBusyError({ pid: running.pid })
  if (flags.detach === true) return upDetached(flags)

  const network = await up({
    ...flags,
    ...(flags.withoutNode === true ? { parts: ['gateway'] as const } : {}),
    onEvent: (event) => {
      if (!output.json) output.note(describe(event))
    },
  })
  output.result(
    { ...ready(network.home, process.pid), readyMs: network.readyMs },
    [
      `${theme.green('✓')} The local network is up after ${(network.readyMs / 1000).toFixed(1)} s.`,
      `  chain    ${network.rpc} (chain id ${network.chainId})`,
      `  gateway  ${network.gateway}`,
      `  home     ${network.home}`,
      'Ctrl-C stops it; everything is kept. In another terminal: millrace offers · millrace run -- echo hello',
    ].join('\n'),
  )
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  if (!output.json) output.note('Stopping …')
  await network.close()
  process.exit(0)
}

function ready(home: string, pid: number) {
  const state = readNetworkState(homePaths(home).network)
  return state === null
    ? { ready: false, home, pid }
    : { ready: true, home, pid, chainId: state.chainId, rpc: chainUrl(state), gateway: gatewayUrl(state) }
}

/** Starts a second `up` that outlives this one, and waits until it is ready. */
async function upDetached(flags: UpFlags): Promise<void> {
  const { network, home } = homePaths()
  const output = createOutput(flags.json === true || flags.onceReadyJson === true)
  const logFile = network.log('up')
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  const { command, args } = entryCommand('@millrace/cli', 'main')
  const passed = process.argv
    .slice(2)
    .filter((argument) => !/^(-d|--detach|--json|--once-ready-json)$/.test(argument))
  const started = performance.now()
  const child = spawn(command, [...args, ...passed], { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  let ended: string | null = null
  child.once('exit', (code, signal) => {
    ended = signal ?? `exit code ${code}`
  })
  child.unref()
  for (;;) {
    const supervisor = readPidFile(network.supervisor)
    if (supervisor?.pid === child.pid && isReadyUnder(readNetworkState(network), supervisor)) break
    if (ended !== null) {
      const last = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-6).join('\n')
      throw new ServiceFailedError({ service: 'supervisor', how: ended, log: logFile, last })
    }
    await sleep(25)
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  output.result(
    ready(home, child.pid ?? -1),
    `${theme.green('✓')} The local network is up after ${seconds} s (process ${child.pid}). millrace status · millrace down`,
  )
}

function describe({ service, event, detail, pid }: ServiceEvent): string {
  const text = {
    started: `started (process ${pid})`,
    ready: 'ready',
    ended: 'ended',
    restarting: 'restarting',
  }
  const words = event in text ? text[event as keyof typeof text] : event
  return theme.dim(`${service.padEnd(8)} ${words}${detail === undefined ? '' : `: ${detail}`}`)
}
