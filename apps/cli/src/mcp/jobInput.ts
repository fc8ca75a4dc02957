import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import * as z from 'zod'
import { UsageError } from '../errors/input.ts'
import { parseDuration } from '../output/durations.ts'
import { applyFlags, commandTask } from '../tasks/commandTask.ts'
import { parseTask } from '../tasks/parseTask.ts'
import type { Task } from '../tasks/task.ts'
import { PathOutsideError } from './errors.ts'
import type { HireOptions } from './openHires.ts'

/** What is to be run, and on what. */
export const jobInputSchema = z.strictObject({
  command: z.string().min(1).optional().describe('A shell script. Give this or `task`.'),
  task: z
    .string()
    .min(1)
    .optional()
    .describe('A task file in YAML: name, workdir, setup, run, envs, outputs, resources.'),
  name: z.string().min(1).max(64).optional(),
  envs: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).optional(),
  workdir: z.string().min(1).optional().describe('Folder that is sent along, inside the server’s folder.'),
  outputs: z
    .array(z.string().min(1))
    .optional()
    .describe('Globs in the work folder that come back. Default `out/**`.'),
  cpus: z.number().positive().optional(),
  memory: z.string().optional().describe('Such as 16GB or 512MB.'),
  disk: z.string().optional().describe('Such as 20GB.'),
  gpus: z.string().optional().describe('A kind and a number such as H100:1, or a number.'),
  internet: z.boolean().optional().describe('Whether the job may reach the internet. Default no.'),
  max_price: z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .optional()
    .describe('Most per hour, in whole units.'),
  where: z
    .string()
    .optional()
    .describe('More terms in the query language of search_offers, `region=eu-west verified=true`.'),
  order: z.string().optional().describe('Which offer is best. Default `price`.'),
  duration: z
    .string()
    .optional()
    .describe('Time that is paid in advance, 90s, 15m, 1h; what is not used comes back. Default 1h.'),
  timeout: z.string().optional().describe('Time after which the job is ended.'),
})
export type JobInput = z.output<typeof jobInputSchema>

/**
 * Reads a job. Files are sent from, and come back into, folders below `folder` only, and no variable of our own
 * environment is passed on: whoever writes the prompt must not be able to send away what is elsewhere.
 *
 * @throws UsageError, PathOutsideError, DurationInvalidError, and what task files throw
 */
export function readJob(input: JobInput, folder: string): HireOptions {
  const { command, task: text, envs = {}, duration, timeout, where, order } = input
  if ((command === undefined) === (text === undefined))
    throw new UsageError({
      message:
        command === undefined ? 'There is nothing to run.' : 'Both a command and a task file are given.',
      remedy: 'Give exactly one of `command` and `task`.',
    })
  if (input.workdir !== undefined) requireInside(resolve(folder, input.workdir), folder)
  const { name, workdir, outputs, memory, disk, gpus, internet, max_price: maxPrice } = input
  const flags = Object.fromEntries(
    Object.entries({ name, workdir, memory, disk, gpus, internet, maxPrice }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  const given = {
    ...flags,
    ...(outputs === undefined ? {} : { output: outputs }),
    ...(input.cpus === undefined ? {} : { cpus: String(input.cpus) }),
  }
  const task: Task =
    text === undefined
      ? { ...commandTask([command ?? ''], given, folder), envs }
      : applyFlags(parseTask(text, join(folder, 'task.yaml'), { envs }), given, folder)
  if (task.workdir !== null) requireInside(task.workdir, folder)
  const outputDir = join(
    folder,
    'millrace-out',
    task.name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '') || 'job',
  )
  requireInside(outputDir, folder)
  return {
    ...{ task, outputDir },
    ...(duration === undefined ? {} : { duration: parseDuration(duration) }),
    ...(timeout === undefined ? {} : { timeout: parseDuration(timeout) }),
    ...(where === undefined ? {} : { where }),
    ...(order === undefined ? {} : { order }),
  }
}

/** Where links lead counts, for what is there and for the nearest folder of what is not yet. */
function requireInside(path: string, folder: string): void {
  let real = path
  while (!existsSync(real) && dirname(real) !== real) real = dirname(real)
  const way = relative(realpathSync(folder), realpathSync(real))
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new PathOutsideError({ path, folder })
}
