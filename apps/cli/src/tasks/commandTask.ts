import { UsageError } from '../errors/input.ts'
import { parseTask } from './parseTask.ts'
import type { Needs, Task } from './task.ts'

/** What the command line says of a job, beside or instead of a task file. */
export interface JobFlags {
  readonly name?: string
  readonly env?: readonly string[]
  readonly output?: readonly string[]
  readonly workdir?: string
  readonly gpus?: string
  readonly cpus?: string
  readonly memory?: string
  readonly disk?: string
  readonly internet?: boolean
  readonly maxPrice?: string
}

/**
 * Reads `--env NAME=value` and `--env NAME`, the latter from our own environment.
 *
 * @throws UsageError
 */
export function readEnvFlags(
  flags: readonly string[],
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const envs: Record<string, string> = {}
  for (const flag of flags) {
    const [, name = '', value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([\s\S]*))?$/.exec(flag) ?? []
    const found = value ?? own[name]
    if (name === '')
      throw new UsageError({
        message: `'--env ${flag}' is not NAME=value or NAME.`,
        remedy: 'Such as --env EPOCHS=3.',
      })
    if (found === undefined)
      throw new UsageError({
        message: `'--env ${flag}' takes our own value, and there is none.`,
        remedy: `Give it: --env ${name}=…`,
      })
    envs[name] = found
  }
  return envs
}

/** A command line as one shell script: each word is kept as it is; a single word is taken as a script. */
export function scriptOf(words: readonly string[]): string {
  const [only] = words
  if (only !== undefined && words.length === 1) return only
  return words
    .map((word) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** A task from a command line alone. Flags are read by the rules of task files, so that errors are the same. */
export function commandTask(words: readonly string[], flags: JobFlags, cwd: string): Task {
  const empty = parseTask('run: "true"', `${cwd}/command`, {
    envs: readEnvFlags(flags.env ?? [], process.env),
  })
  const script = scriptOf(words)
  const name = (script.trim().split(/\s+/)[0] ?? 'job').split('/').at(-1) ?? 'job'
  return applyFlags({ ...empty, name: name.slice(0, 64) || 'job', run: script }, flags, cwd)
}

/** What flags say wins over what a file says. */
export function applyFlags(task: Task, flags: JobFlags, cwd: string): Task {
  const resources = Object.fromEntries(
    [
      ['accelerators', acceleratorOf(flags.gpus)],
      ['cpus', flags.cpus],
      ['memory', flags.memory],
      ['disk_size', flags.disk],
      ['max_hourly_cost', flags.maxPrice],
    ].filter(([, value]) => value !== undefined),
  )
  const given = parseTask(
    JSON.stringify({
      run: 'true',
      ...(flags.name === undefined ? {} : { name: flags.name }),
      ...(flags.workdir === undefined ? {} : { workdir: flags.workdir }),
      ...(flags.output === undefined ? {} : { outputs: flags.output }),
      resources,
    }),
    `${cwd}/command`,
    { envs: {} },
  )
  const needs: Needs = {
    ...task.needs,
    ...Object.fromEntries(
      Object.entries(given.needs).filter(
        ([key, value]) => value !== null && key !== 'network' && key !== 'gpus',
      ),
    ),
    ...(flags.gpus === undefined ? {} : { gpus: gpusOf(flags.gpus, given.needs.gpus) }),
    ...(flags.internet === true ? { network: 'public' as const } : {}),
  }
  return {
    ...task,
    ...(flags.name === undefined ? {} : { name: given.name }),
    ...(flags.workdir === undefined ? {} : { workdir: given.workdir }),
    ...(flags.output === undefined ? {} : { outputs: given.outputs }),
    needs,
  }
}

/** A bare number asks for GPUs of any kind; `0` for none. */
const acceleratorOf = (gpus: string | undefined) =>
  gpus === undefined || /^\d+$/.test(gpus) ? undefined : gpus

function gpusOf(text: string, parsed: Needs['gpus']): Needs['gpus'] {
  if (!/^\d+$/.test(text)) return parsed
  return Number(text) === 0 ? [] : [{ name: null, count: Number(text) }]
}
