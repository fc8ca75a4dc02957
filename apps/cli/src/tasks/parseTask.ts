import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { TaskFieldInvalidError, TaskFieldUnknownError, TaskFileError } from './errors.ts'
import type { Needs, Task } from './task.ts'

/** Fields of SkyPilot's task files that have no counterpart, and what to do instead. */
const elsewhere: Record<string, string> = {
  num_nodes: 'Run the task once for each machine; a lease is one machine.',
  file_mounts: 'Put the files into `workdir`.',
  storage: 'Put the files into `workdir`, and name what shall come back in `outputs`.',
  volumes: 'Put the files into `workdir`, and name what shall come back in `outputs`.',
  secrets: 'Use `envs` with no value and give it with `--env NAME`; the machine’s operator can read it.',
  service: 'A lease runs one job to its end; serving is not part of a task.',
  pool: 'Leave it out: every lease is a machine of its own.',
  experimental: 'Leave it out.',
  config: 'Leave it out; settings stand in the file `config.yaml` of the home folder.',
}
const resourcesElsewhere: Record<string, string> = {
  use_spot: 'Leave it out: a leased machine is yours until the lease ends.',
  spot_recovery: 'Leave it out: a leased machine is yours until the lease ends.',
  job_recovery: 'Leave it out, and run the task again if it fails.',
  any_of: 'Give a list in `accelerators`, and the least you need of the rest.',
  ordered: 'Give a list in `accelerators`; the cheapest matching offer is taken.',
  infra: 'Leave it out; choose with `region` or `--where`.',
  cloud: 'Leave it out; choose with `region` or `--where`.',
  zone: 'Leave it out; choose with `region` or `--where`.',
  instance_type: 'Name what you need: `accelerators`, `cpus`, `memory`, `disk_size`.',
  accelerator_args: 'Leave it out.',
  disk_tier: 'Leave it out.',
  network_tier: 'Leave it out.',
  ports: 'Leave it out: nobody can connect to a job.',
  image_id: 'Leave it out: jobs run in the machine’s own sandbox; install what you need in `setup`.',
  labels: 'Leave it out.',
  autostop: 'Leave it out: the lease is stopped when the job ends.',
  priority: 'Leave it out.',
}
const fields = ['name', 'resources', 'workdir', 'setup', 'run', 'envs', 'outputs']
const resourceFields = [
  ...['accelerators', 'cpus', 'memory', 'disk_size', 'region', 'max_hourly_cost', 'network'],
]

export interface ParseTaskOptions {
  /** Values for `envs`, which win over the file's. */
  readonly envs: Readonly<Record<string, string>>
}

/**
 * Reads a task file in SkyPilot's format, the parts that apply here: `name`, `resources`, `workdir`, `setup`, `run`,
 * `envs`, and our `outputs`. `resources` takes `accelerators`, `cpus`, `memory`, `disk_size`, `region`,
 * `max_hourly_cost`, and our `network`; numbers are the least that is needed, with or without `+`.
 *
 * @throws TaskFileError, TaskFieldUnknownError, TaskFieldInvalidError
 */
export function parseTaskFile(path: string, options: ParseTaskOptions): Task {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TaskFileError({ path, reason: (cause as Error).message, cause })
  }
  return parseTask(text, path, options)
}

/** As `parseTaskFile`, from the file's text; `path` names it in errors and is where `workdir` starts. */
export function parseTask(text: string, path: string, options: ParseTaskOptions): Task {
  const document = parseDocument(text, { uniqueKeys: true })
  const [syntax] = document.errors
  if (syntax !== undefined)
    throw new TaskFileError({
      path,
      reason: syntax.message.split('\n')[0] ?? 'it is not YAML',
      cause: syntax,
    })
  const raw: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isMap(raw)) throw new TaskFileError({ path, reason: 'it is not a map of fields' })

  for (const field of Object.keys(raw)) {
    if (fields.includes(field)) continue
    throw new TaskFieldUnknownError({ path, field, remedy: elsewhere[field] ?? suggestion(field, fields) })
  }
  const invalid = (field: string, value: unknown, allowed: string): never => {
    throw new TaskFieldInvalidError({ path, field, value, allowed })
  }
  const script = (field: 'run' | 'setup') => {
    const value = raw[field] ?? null
    if (value === null) return null
    return typeof value === 'string' && value.trim() !== ''
      ? value
      : invalid(field, value, 'a shell script as text')
  }
  const run = script('run')
  if (run === null) throw new TaskFileError({ path, reason: 'it has no `run`' })
  const name = raw.name ?? basename(path, extname(path))
  if (typeof name !== 'string' || name === '' || name.length > 128)
    invalid('name', name, 'text of 1 to 128 characters')

  return {
    name: String(name),
    workdir: readWorkdir(raw.workdir ?? null, path, invalid),
    setup: script('setup'),
    run,
    envs: readEnvs(raw.envs ?? {}, options.envs, invalid),
    outputs: readOutputs(raw.outputs ?? null, invalid),
    needs: readNeeds(raw.resources ?? {}, path, invalid),
  }
}

type Invalid = (field: string, value: unknown, allowed: string) => never

function readWorkdir(value: unknown, path: string, invalid: Invalid): string | null {
  if (value === null) return null
  if (typeof value !== 'string') return invalid('workdir', value, 'the path of a folder')
  const folder = resolve(dirname(path), value.replace(/^~(?=\/|$)/, process.env.HOME ?? '~'))
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    return invalid(
      'workdir',
      value,
      `the path of a folder, relative to the task file; there is none at '${folder}'`,
    )
  return folder
}

function readEnvs(
  value: unknown,
  given: Readonly<Record<string, string>>,
  invalid: Invalid,
): Record<string, string> {
  if (!isMap(value)) return invalid('envs', value, 'a map of names and values')
  const envs: Record<string, string> = {}
  for (const [name, item] of Object.entries(value)) {
    if (given[name] !== undefined) continue
    if (item === null) return invalid(`envs.${name}`, item, `a value; give it with \`--env ${name}=…\``)
    if (typeof item === 'object') return invalid(`envs.${name}`, item, 'text, a number, true or false')
    envs[name] = String(item)
  }
  return { ...envs, ...given }
}

function readOutputs(value: unknown, invalid: Invalid): readonly string[] {
  if (value === null) return ['out/**']
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || list.some((item) => typeof item !== 'string' || item === ''))
    return invalid('outputs', value, 'a path or glob in the work folder, or a list of them')
  const outside = list.find((item: string) => item.startsWith('/') || item.split('/').includes('..'))
  if (outside !== undefined) return invalid('outputs', outside, 'a path that stays in the work folder')
  return list as string[]
}

function readNeeds(value: unknown, path: string, invalid: Invalid): Needs {
  if (!isMap(value)) return invalid('resources', value, `a map with ${resourceFields.join(', ')}`)
  for (const field of Object.keys(value)) {
    if (resourceFields.includes(field)) continue
    const remedy = resourcesElsewhere[field] ?? suggestion(field, resourceFields)
    throw new TaskFieldUnknownError({ path, field: `resources.${field}`, remedy })
  }
  const { network = 'none', region = null, max_hourly_cost: maxPrice = null } = value
  if (network !== 'none' && network !== 'public')
    return invalid('resources.network', network, 'none or public')
  if (region !== null && typeof region !== 'string') return invalid('resources.region', region, 'a name')
  if (maxPrice !== null && !/^\d+(\.\d+)?$/.test(String(maxPrice)))
    return invalid('resources.max_hourly_cost', maxPrice, 'an amount in whole units of the currency')
  const cpus = value.cpus ?? null
  return {
    cpus: cpus === null ? null : readCpus(cpus, invalid),
    memoryMiB: readSize('memory', value.memory ?? null, invalid),
    diskMiB: readSize('disk_size', value.disk_size ?? null, invalid),
    gpus: readAccelerators(value.accelerators ?? null, invalid),
    network,
    region,
    maxPrice: maxPrice === null ? null : String(maxPrice),
  }
}

function readCpus(value: unknown, invalid: Invalid): number {
  const match = /^(\d+(?:\.\d+)?)\+?$/.exec(String(value))
  const cpus = Number(match?.[1])
  return match !== null && cpus > 0
    ? cpus
    : invalid('resources.cpus', value, 'a number above 0, such as 4 or 4+')
}

/** Reads `16`, `16+`, `0.5`, `512MB` into MiB; a bare number is GiB. */
function readSize(field: string, value: unknown, invalid: Invalid): number | null {
  if (value === null) return null
  const match = /^(\d+(?:\.\d+)?)\s*(?:(k|m|g|t)i?b?)?\+?$/i.exec(String(value))
  const factor = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }[(match?.[2] ?? 'g').toLowerCase()] ?? 1024
  const size = Math.ceil(Number(match?.[1]) * factor)
  return match !== null && size > 0
    ? size
    : invalid(`resources.${field}`, value, 'a size in GiB such as 16 or 16+, or with a unit such as 512MB')
}

/** Reads `H100`, `H100:8`, `{H100: 8}` and lists of the first two. */
function readAccelerators(value: unknown, invalid: Invalid): Needs['gpus'] {
  const allowed = 'a kind and a number such as H100:8, a map such as {H100: 8}, or a list of kinds'
  if (value === null) return []
  if (isMap(value))
    return Object.entries(value).map(([name, count]) => ({
      name,
      count: readCount(count, value, invalid, allowed),
    }))
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    const match = typeof item === 'string' ? /^([^:\s][^:]*)(?::(\d+))?$/.exec(item.trim()) : null
    if (match === null) return invalid('resources.accelerators', value, allowed)
    return { name: match[1] ?? null, count: readCount(match[2] ?? 1, value, invalid, allowed) }
  })
}

function readCount(count: unknown, value: unknown, invalid: Invalid, allowed: string): number {
  const number = Number(count)
  return Number.isInteger(number) && number > 0 ? number : invalid('resources.accelerators', value, allowed)
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names the field that was probably meant. */
function suggestion(field: string, known: readonly string[]): string {
  const near = known.find((name) => name.startsWith(field.slice(0, 3)) || field.startsWith(name.slice(0, 3)))
  return near === undefined ? `Leave it out; known are ${known.join(', ')}.` : `Did you mean '${near}'?`
}
