import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunnerResult } from '../../runner.ts'
import type { JobPlan } from './jobPlan.ts'

/** Where the files of one job are. All of it belongs to the node's user alone (0700). */
export interface JobPaths {
  readonly folder: string
  readonly plan: string
  readonly claim: string
  readonly state: string
  readonly control: string
  readonly result: string
  readonly log: string
  readonly logIndex: string
  readonly outputs: string
  readonly image: string
  readonly supervisorLog: string
}

export function jobPaths(folder: string): JobPaths {
  return {
    folder,
    plan: join(folder, 'plan.json'),
    claim: join(folder, 'claim.json'),
    state: join(folder, 'state.json'),
    control: join(folder, 'control.json'),
    result: join(folder, 'result.json'),
    log: join(folder, 'log'),
    logIndex: join(folder, 'log.index'),
    outputs: join(folder, 'outputs.tar'),
    image: join(folder, 'disk.img'),
    supervisorLog: join(folder, 'supervisor.log'),
  }
}

/** Written once by the supervisor before anything else: whoever makes this file runs the job, nobody else ever does. */
export interface JobClaim {
  readonly supervisor: string
}

export interface JobState {
  readonly state: 'starting' | 'setup' | 'running' | 'collecting'
  readonly startedAt: number | null
  readonly deadline: number
  /** Identity of the outermost sandbox process; its death takes the whole sandbox with it. */
  readonly sandbox: string | null
}

/** What the node asks of the supervisor. */
export interface JobControl {
  readonly deadline: number
  readonly stop: string | null
}

/** A result on disk; `failure` names why a job could not start, so that `start` can throw the right class. */
export interface StoredResult extends RunnerResult {
  readonly failure: StoredFailure | null
}

export interface StoredFailure {
  readonly code: string
  readonly message: string
  readonly remedy: string | null
}

/** Delete all of a job, tolerating that whoever waits for its end writes a last file meanwhile. */
export async function removeJobFolder({ folder }: JobPaths): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 })
}

export const readPlan = (paths: JobPaths) => readJson<JobPlan>(paths.plan)
export const readClaim = (paths: JobPaths) => readJson<JobClaim>(paths.claim)
export const readState = (paths: JobPaths) => readJson<JobState>(paths.state)
export const readControl = (paths: JobPaths) => readJson<JobControl>(paths.control)
export const readResult = (paths: JobPaths) => readJson<StoredResult>(paths.result)

/** Read a file that `writeJson` wrote; `null` if it does not exist. These files are written by this package alone. */
function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Replace a file in one step: readers and crashes see the old content or the new, never a part. */
export function writeJson(path: string, value: unknown): void {
  const temporary = writeTemporary(path, value)
  renameSync(temporary, path)
}

/** Create a file with its content in one step; `false` if it exists. */
export function createJson(path: string, value: unknown): boolean {
  const temporary = writeTemporary(path, value)
  try {
    linkSync(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeTemporary(path: string, value: unknown): string {
  const temporary = `${path}.${process.pid}`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, JSON.stringify(value))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return temporary
}
