import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess } from '../processes/endProcess.ts'
import { dropPidFile, readPidFile, takePidFile } from '../processes/pidFile.ts'
import { identityOf } from '../processes/processIdentity.ts'
import { ServiceFailedError } from './errors.ts'

/** A process of the local network. */
export interface ServiceSpec {
  readonly name: ServiceName
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly pidFile: string
  readonly logFile: string
  /** Whether it does its work now. Must not throw. */
  readonly isHealthy: () => Promise<boolean>
  /** How long it may take to end when asked, in milliseconds. */
  readonly graceMs: number
}

export type ServiceName = 'chain' | 'gateway' | 'node'

export type ServiceEvent = {
  readonly service: ServiceName
  readonly event: 'started' | 'ready' | 'ended' | 'restarting' | 'unhealthy' | 'stopped'
  readonly detail?: string
  readonly pid?: number
}

export interface Service {
  /** Resolves when it was healthy for the first time; rejects with `ServiceFailedError` if it does not get there. */
  readonly ready: Promise<void>
  stop(): Promise<void>
}

const firstBackoff = 200
const longestBackoff = 10_000
/** A service that ran this long has earned a quick restart again, in milliseconds. */
const settled = 30_000
const startLimit = 60_000
const checkEvery = 2000
/** Failed checks in a row after which a service that hangs is killed. */
const checksToKill = 10

/**
 * Keeps one process running: ends what a killed supervisor left behind, starts it, watches it, and restarts it with
 * growing pauses. Its output goes straight to a file, so that it outlives us.
 */
export function superviseService(spec: ServiceSpec, onEvent: (event: ServiceEvent) => void): Service {
  let stopping = false
  const abort = new AbortController()
  let wasReady = false
  let resolveReady: () => void = () => {}
  let rejectReady: (error: unknown) => void = () => {}
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve
    rejectReady = reject
  })
  ready.catch(() => {})
  const pause = (ms: number) => sleep(ms, undefined, { signal: abort.signal }).catch(() => {})

  async function runOnce(): Promise<string> {
    const orphan = readPidFile(spec.pidFile)
    if (orphan !== null) await endProcess(orphan, spec.graceMs)
    if (stopping) return 'stopped'
    mkdirSync(dirname(spec.logFile), { recursive: true, mode: 0o700 })
    if (existsSync(spec.logFile) && statSync(spec.logFile).size > 16 * 1024 * 1024)
      renameSync(spec.logFile, `${spec.logFile}.1`)
    const log = openSync(spec.logFile, 'a', 0o600)
    const child = spawn(spec.command, spec.args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...spec.env },
      // A group of its own: Ctrl-C in our terminal is ours to handle.
      detached: true,
    })
    closeSync(log)
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    let over = false
    void ended.then(() => {
      over = true
    })
    if (child.pid === undefined) return ended
    takePidFile(spec.pidFile, child.pid)
    onEvent({ service: spec.name, event: 'started', pid: child.pid })
    const identity = identityOf(child.pid)

    let misses = 0
    let healthy = false
    const until = Date.now() + startLimit
    while (!over && !stopping) {
      const isHealthy = await spec.isHealthy()
      if (over || stopping) break
      if (isHealthy) {
        if (!healthy) onEvent({ service: spec.name, event: 'ready', pid: child.pid })
        healthy = true
        misses = 0
        wasReady = true
        resolveReady()
      } else if (healthy && ++misses === checksToKill) {
        onEvent({ service: spec.name, event: 'unhealthy', pid: child.pid, detail: 'it does not answer' })
        child.kill('SIGKILL')
      } else if (!healthy && Date.now() > until) {
        child.kill('SIGKILL')
      }
      await Promise.race([ended, pause(healthy ? checkEvery : 25)])
    }
    if (stopping && identity !== null) await endProcess(identity, spec.graceMs)
    const how = await ended
    dropPidFile(spec.pidFile)
    return how
  }

  async function keepRunning(): Promise<void> {
    let backoff = firstBackoff
    let failures = 0
    while (!stopping) {
      const started = Date.now()
      const how = await runOnce().catch((error: unknown) => String(error))
      if (stopping) break
      onEvent({ service: spec.name, event: 'ended', detail: how })
      if (!wasReady && ++failures >= 3) {
        rejectReady(
          new ServiceFailedError({
            service: spec.name,
            how,
            log: spec.logFile,
            last: lastLines(spec.logFile),
          }),
        )
        return
      }
      if (Date.now() - started > settled) backoff = firstBackoff
      onEvent({ service: spec.name, event: 'restarting', detail: `in ${backoff} ms` })
      await pause(backoff)
      backoff = Math.min(backoff * 2, longestBackoff)
    }
    onEvent({ service: spec.name, event: 'stopped' })
  }

  const running = keepRunning()
  return {
    ready,
    async stop() {
      stopping = true
      abort.abort()
      await running
    },
  }
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
  } catch {
    return ''
  }
}
