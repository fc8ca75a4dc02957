import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { JobStartError } from '../errors.ts'
import { BundleError } from './bundle/errors.ts'
import { type JobPaths, readClaim, readResult, readState, removeJobFolder } from './job/jobFolder.ts'
import type { JobPlan } from './job/jobPlan.ts'
import { SYSTEM_PATH } from './launch/staging.ts'

/** How to start the supervisor's entry file with Node. */
export interface SupervisorEntry {
  /** Options for `node`, before the file. */
  readonly execArgs: readonly string[]
  /** Absolute path of `supervisor.ts` or of its built form. */
  readonly file: string
}

/** Finds `supervisor.js` beside this file, or below it where this file was bundled; else the source, run through tsx. */
export function supervisorEntry(): SupervisorEntry {
  const here = dirname(fileURLToPath(import.meta.url))
  for (const path of ['supervisor.js', 'runners/sandbox/supervisor.js', 'sandbox/supervisor.js']) {
    const file = join(here, path)
    if (existsSync(file)) return { execArgs: [], file }
  }
  const tsx = createRequire(import.meta.url).resolve('tsx')
  return {
    execArgs: ['--conditions=source', '--import', pathToFileURL(tsx).href],
    file: join(here, 'supervisor.ts'),
  }
}

const POLL_MS = 5
const CLEANUP_PATIENCE_MS = 5000
/** Bytes of the supervisor's own last words that a person gets to see. */
const LOG_TAIL = 2000

/**
 * Start the supervisor as a process that this one does not hold, in a mount namespace of its own, and wait until the job
 * runs or has ended. If nothing was run the job's folder is deleted and the reason thrown: a `BundleError` or
 * `JobStartError`.
 */
export async function startSupervisor(entry: SupervisorEntry, plan: JobPlan, paths: JobPaths): Promise<void> {
  const log = openSync(paths.supervisorLog, 'a', 0o600)
  // An ordinary user becomes root of a user namespace of its own, which is what lets it mount.
  const namespaces = plan.uid === null ? ['--user', '--map-root-user', '--mount'] : ['--mount']
  const child = spawn(
    'unshare',
    [
      ...namespaces,
      '--propagation',
      'private',
      '--',
      process.execPath,
      ...entry.execArgs,
      entry.file,
      paths.folder,
    ],
    {
      // A group and session of its own: nothing that ends the node's terminal or service group ends the job.
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
      env: { PATH: SYSTEM_PATH },
    },
  )
  closeSync(log)
  const over = { exited: false }
  child.once('exit', () => {
    over.exited = true
  })
  child.once('error', () => {
    over.exited = true
  })
  child.unref()

  for (;;) {
    const { exited } = over
    const state = readState(paths)?.state
    if (state !== undefined && state !== 'starting') return
    const result = readResult(paths)
    if (result !== null) {
      if (result.failure === null) return
      // It still cleans up behind itself.
      for (let waited = 0; !over.exited && waited < CLEANUP_PATIENCE_MS; waited += POLL_MS)
        await sleep(POLL_MS)
      await removeJobFolder(paths)
      throw failureToError(result.failure)
    }
    if (exited && readClaim(paths) === null) {
      const reason = tail(paths.supervisorLog)
      await removeJobFolder(paths)
      throw new JobStartError({ reason: reason === '' ? 'its supervisor ended at once' : reason })
    }
    // A claim by an earlier supervisor, or one that was killed: attaching tells what became of it.
    if (exited) return
    await sleep(POLL_MS)
  }
}

function failureToError(failure: { code: string; message: string; remedy: string | null }): Error {
  return failure.code.startsWith('BUNDLE_')
    ? new BundleError({ code: failure.code, message: failure.message, ...remedyOf(failure) })
    : new JobStartError({ reason: failure.message })
}

function remedyOf(failure: { remedy: string | null }): { remedy?: string } {
  return failure.remedy === null ? {} : { remedy: failure.remedy }
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').slice(-LOG_TAIL).trim()
}
