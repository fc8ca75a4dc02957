import { EnvironmentRefusedError, TaskInvalidError } from '../../errors.ts'
import type { RunnerTask } from '../../runner.ts'
import { compileOutputPatterns } from '../outputs/outputPattern.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const MAX_SCRIPT_BYTES = 1024 * 1024
const MAX_ENV_BYTES = 256 * 1024

/**
 * Variables a job's environment may not set: they steer the dynamic loader, the C library, interpreters, GPU drivers
 * and container tools before the job's first line runs, which is how container escapes through image environments worked.
 */
export const REFUSED_ENVIRONMENT = [
  'LD_*',
  'GLIBC_TUNABLES',
  'GCONV_PATH',
  'GETCONF_DIR',
  'HOSTALIASES',
  'LOCALDOMAIN',
  'LOCPATH',
  'MALLOC_TRACE',
  'NIS_PATH',
  'NLSPATH',
  'RESOLV_HOST_CONF',
  'RES_OPTIONS',
  'NODE_OPTIONS',
  'NODE_REPL_EXTERNAL_MODULE',
  'BASH_ENV',
  'BASH_FUNC_*',
  'ENV',
  'IFS',
  'PS4',
  'PYTHONSTARTUP',
  'PERL5OPT',
  'RUBYOPT',
  'NVIDIA_*',
  'CUDA_INJECTION*',
  'DOCKER_*',
  'MILLRACE_*',
] as const

/** Check what a buyer sent before anything is made of it. Throws `TaskInvalidError`, `EnvironmentRefusedError` or `OutputPatternError`. */
export function checkTask(task: RunnerTask): void {
  checkId(task.id)
  compileOutputPatterns(task.outputs)
  for (const field of ['setup', 'run'] as const) {
    const script = task[field]
    if (script === undefined) continue
    if (script.includes('\0')) throw new TaskInvalidError({ field, seen: 'a zero byte', allowed: 'text' })
    if (Buffer.byteLength(script) > MAX_SCRIPT_BYTES)
      throw new TaskInvalidError({
        field,
        seen: `${Buffer.byteLength(script)} bytes`,
        allowed: `${MAX_SCRIPT_BYTES} bytes`,
      })
  }
  checkEnvironment(task.envs)
  checkLimits(task)
}

/** Throws `TaskInvalidError` unless the id can name a folder. */
export function checkId(id: string): void {
  if (!ID.test(id))
    throw new TaskInvalidError({
      field: 'id',
      seen: id.slice(0, 140),
      allowed: 'a letter or digit, then letters, digits, ".", "_" and "-", at most 128',
    })
}

function checkEnvironment(envs: Readonly<Record<string, string>>): void {
  const names = Object.keys(envs)
  const malformed = names.filter((name) => !ENV_NAME.test(name) || envs[name]?.includes('\0') !== false)
  if (malformed.length > 0)
    throw new EnvironmentRefusedError({ names: malformed, why: 'cannot be environment variables' })
  const refused = names.filter((name) => REFUSED_ENVIRONMENT.some((pattern) => covers(pattern, name)))
  if (refused.length > 0)
    throw new EnvironmentRefusedError({
      names: refused,
      why: `would steer the loader, the interpreter or the drivers; refused are ${REFUSED_ENVIRONMENT.join(' ')}`,
    })
  const bytes = names.reduce((sum, name) => sum + Buffer.byteLength(`${name}=${envs[name]}`) + 1, 0)
  if (bytes > MAX_ENV_BYTES)
    throw new TaskInvalidError({ field: 'envs', seen: `${bytes} bytes`, allowed: `${MAX_ENV_BYTES} bytes` })
}

function covers(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

/** Least a job can run with: a shell, bwrap and a small file system. */
const LOWEST = {
  cpus: 0.01,
  memoryBytes: 4 * 1024 * 1024,
  diskBytes: 64 * 1024,
  inodes: 1,
  processes: 1,
  logBytes: 0,
  outputBytes: 0,
} as const

function checkLimits(task: RunnerTask): void {
  for (const [field, lowest] of Object.entries(LOWEST)) {
    const value = task.limits[field as keyof typeof LOWEST]
    if (!Number.isFinite(value) || value < lowest)
      throw new TaskInvalidError({
        field: `limits.${field}`,
        seen: String(value),
        allowed: `at least ${lowest}`,
      })
    if (field !== 'cpus' && !Number.isSafeInteger(value))
      throw new TaskInvalidError({ field: `limits.${field}`, seen: String(value), allowed: 'a whole number' })
  }
  if (!Number.isFinite(task.deadline))
    throw new TaskInvalidError({ field: 'deadline', seen: String(task.deadline), allowed: 'Unix seconds' })
}
