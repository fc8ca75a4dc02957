import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventAbis } from '../../../apps/gateway/src/chain/events.ts'
import { worldContracts } from '../../../apps/gateway/test/chain/World.ts'

/** What a run of an indexer showed. Memory is the process's peak resident size. */
export interface Run {
  readonly events: number
  readonly seconds: number
  /** Processor time of all its threads. */
  readonly cpuSeconds: number
  readonly peakMiB: number
}

const VERSION = '0.16.6'
const PATIENCE_MS = 15 * 60_000

/**
 * Installs Ponder in a temporary folder and lets it index the same chain into its own PGlite.
 * @returns the run, or a sentence that says why there is none
 */
export async function runPonder(rpcUrl: string, events: number): Promise<Run | string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-ponder-'))
  try {
    cpSync(join(import.meta.dirname, '..', '..', 'peers', 'ponder'), folder, { recursive: true })
    const contracts = { abis: eventAbis, addresses: worldContracts }
    writeFileSync(join(folder, 'contracts.json'), JSON.stringify(contracts))
    const manifest = {
      private: true,
      type: 'module',
      dependencies: { ponder: VERSION, viem: '2.57.0', hono: '4.13.19' },
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    const install = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (install.status !== 0) return `ponder@${VERSION} could not be installed: ${install.stderr.trim()}`
    return await follow(folder, rpcUrl, events)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function follow(folder: string, rpcUrl: string, events: number): Promise<Run | string> {
  const command = ['node_modules/ponder/dist/esm/bin/ponder.js', '--log-format', 'json', 'start']
  const child = spawn(process.execPath, [...command, '--schema', 'bench', '--port', '0'], {
    cwd: folder,
    env: { ...process.env, RPC_URL: rpcUrl, PONDER_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  let began: number | undefined
  let before = 0
  let last = ''
  try {
    for await (const line of createInterface(child.stdout)) {
      last = line
      const { msg = '', time = 0 } = parse(line)
      if (msg === 'Started backfill indexing') {
        began = time
        before = cpuOf(child.pid ?? 0)
      }
      if (began !== undefined && /^(Completed|Finished) (backfill )?indexing/.test(msg)) {
        const pid = child.pid ?? 0
        const cpuSeconds = cpuOf(pid) - before
        return { events, seconds: (time - began) / 1000, cpuSeconds, peakMiB: peakOf(pid) }
      }
    }
    return `ponder@${VERSION} ended without having indexed the chain; its last line was: ${last}`
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
    await exited
  }
}

function parse(line: string): { msg?: string; time?: number } {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}

/** Peak resident size as the kernel counts it, MiB. */
function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}

/** Processor seconds so far; the kernel counts them in hundredths. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command in parentheses may hold spaces; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
