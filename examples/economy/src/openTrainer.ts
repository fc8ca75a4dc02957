import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadModel, type Model, useWasm } from '@millrace/example-train-lm'
import { MillraceError, parse, uintSchema } from '@millrace/sdk'
import * as z from 'zod'
import { type Agent, openPurse, type Purse, registerOwn } from './createAgent.ts'
import { DealFailedError } from './errors.ts'

/** One who buys data and machine time, and makes models of them. */
export interface Trainer {
  readonly agent: Agent
  readonly asset: bigint
  readonly purse: Purse
  /** Machines that it hired. */
  readonly machines: Set<bigint>
  readonly bought: () => number
  /** Buys pages it does not have yet, and trains on all it has, on a hired machine. `null` if it cannot or will not go on. */
  train(): Promise<Trained | null>
  close(): Promise<void>
}

export interface Trained {
  readonly model: Model
  readonly pages: number
  /** Nats a token on text that was held out. */
  readonly loss: number
  readonly seconds: number
}

const pagesARound = 8
const summarySchema = z.object({
  event: z.literal('summary'),
  asset: uintSchema(64),
  lease: z.string(),
  state: z.string(),
  exitCode: z.number().nullable(),
  paid: uintSchema(128),
  seconds: z.number(),
})

/**
 * Opens a trainer: its wallet is in the home of the command, since it hires machines with `millrace run`.
 *
 * @param agent Whose it is.
 * @param options Where data is sold, and how many steps a training has.
 */
export async function openTrainer(
  agent: Agent,
  options: { readonly data: string; readonly steps: number },
): Promise<Trainer> {
  const { millrace } = agent.network
  const asset = await registerOwn(agent, 'model')
  const purse = await openPurse(agent, { lifetime: 100_000n, maxDeposit: 60_000n })
  const env = { MILLRACE_PASSPHRASE: crypto.randomUUID() }
  await millrace(['wallet', 'import', agent.name], { input: agent.key, env })
  const text = join(agent.folder, 'text')
  await mkdir(text)
  const { pages } = z.object({ pages: z.number() }).parse(await (await fetch(`${options.data}/pages`)).json())
  const machines = new Set<bigint>()
  let bought = 0

  async function buyPages(): Promise<number> {
    const least = bought
    while (bought < pages && bought - least < pagesARound) {
      try {
        const answer = await purse.fetch(`${options.data}/pages/${bought}`)
        if (!answer.ok) break
        await writeFile(join(text, `${bought}.md`), await answer.text())
        bought++
      } catch (error) {
        if (error instanceof MillraceError && error.code === 'BUDGET_EXCEEDED') break
        throw error
      }
    }
    return bought - least
  }

  async function train(): Promise<Trained | null> {
    if ((await buyPages()) === 0) return null
    const workdir = join(agent.folder, `job-${bought}`)
    const outputs = join(agent.folder, `out-${bought}`)
    await buildJob(text, workdir)
    const printed = await millrace(
      [
        ...['run', '--yes', '--wallet', agent.name, '--duration', '120', '--name', 'train'],
        ...[
          '--cpus',
          '1',
          '--memory',
          '1',
          '--workdir',
          workdir,
          '--output',
          'out/**',
          '--output-dir',
          outputs,
        ],
        ...['--env', `STEPS=${options.steps}`, '--env', 'SAMPLE=10'],
        ...['--', 'node', 'train.mjs', '--text', 'text', '--out', 'out'],
      ],
      { env },
    )
    const run = parse(summarySchema, printed.at(-1), 'summary of the job')
    const ref = `asset:${run.asset} ${run.lease}`
    await agent.books.note({ type: 'out', what: 'lease', amount: run.paid, ref })
    machines.add(run.asset)
    if (run.exitCode !== 0)
      throw new DealFailedError({
        what: 'A training',
        why: `it ended as '${run.state}' with ${run.exitCode}`,
      })
    const folder = join(outputs, 'out')
    const report = z
      .object({ heldOutLoss: z.object({ last: z.number() }) })
      .parse(JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')))
    await useWasm()
    const model = await loadModel(folder)
    return { model, pages: bought, loss: report.heldOutLoss.last, seconds: run.seconds }
  }

  return { agent, asset, purse, machines, bought: () => bought, train, close: () => purse.close() }
}

/** The training program with the text that was bought, as a folder that can be sent to a machine. */
async function buildJob(text: string, out: string): Promise<void> {
  const path = new URL('../../train-lm/build.mjs', import.meta.url)
  const build: { buildJob(options: { text: string; out: string }): Promise<string> } = await import(path.href)
  await build.buildJob({ text, out })
}
