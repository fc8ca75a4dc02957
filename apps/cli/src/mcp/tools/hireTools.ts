import { setTimeout as sleep } from 'node:timers/promises'
import { getLease } from '@millrace/sdk'
import * as z from 'zod'
import { openOrderContext } from '../../commands/orderContext.ts'
import { settlementOf } from '../../jobs/closeLease.ts'
import { summaryOf } from '../../jobs/finishOrder.ts'
import { findLease, type Order, openOrder, shortLease } from '../../jobs/order.ts'
import { stopOrder } from '../../jobs/stopOrder.ts'
import { formatAmount } from '../../output/amounts.ts'
import { jobInputSchema, readJob } from '../jobInput.ts'
import { logTail } from '../logTail.ts'
import type { McpContext } from '../mcpContext.ts'
import type { Hire } from '../openHires.ts'
import { defineTool, type Tool, type ToolAnswer } from '../tool.ts'

const leaseSchema = z.strictObject({
  lease: z.string(),
  name: z.string(),
  state: z.string().describe('Of the job: starting, running, done, failed, stopped, expired, lost.'),
  is_over: z.boolean(),
  exit_code: z.int().nullable(),
  reason: z.string().nullable(),
  seconds: z.int().describe('Paid so far.'),
  paid: z.string(),
  most: z.string().describe('Deposit; what is not used comes back.'),
  log_tail: z.string(),
  output_folder: z.string(),
  outputs: z.array(z.strictObject({ path: z.string(), size: z.int(), sha256: z.string() })),
  receipt: z.string().nullable().describe('File.'),
  problem: z.string().nullable(),
})

const leaseInput = z.string().min(1).describe('Lease, or its first digits.')
const logBytes = z.int().min(0).max(100_000).default(4_000).describe('Most of the log that is shown.')
/** Clients give a call up after a minute unless they are told otherwise. */
const waitSeconds = z.int().min(0).max(3600)

/** `hire_and_run`, `watch`, `stop_lease`. */
export function hireTools(context: McpContext): readonly Tool[] {
  const { connection, hires, agreements, flags } = context
  const { paths } = connection

  /** Where a lease of ours stands: what this home knows, and what the chain says that it cost. */
  async function show(
    order: Order,
    options: { bytes: number; problem: string | null },
  ): Promise<ToolAnswer<z.input<typeof leaseSchema>>> {
    const summary = summaryOf(order, options.problem)
    const { client, deployment } = connection
    const onChain =
      order.state.settled === null ? await getLease(client, { deployment, lease: order.lease }) : null
    const now = Math.floor(Date.now() / 1000)
    const stoppedAt =
      onChain === null || onChain.stoppedAt !== 0
        ? 0
        : Math.max(onChain.startedAt, Math.min(now, onChain.endsAt))
    const running =
      onChain === null || onChain.startedAt === 0
        ? null
        : settlementOf(onChain.stoppedAt === 0 ? { ...onChain, stoppedAt } : onChain)
    const { ended, settled, stopping, abandoned, startedAt } = order.state
    const isOver = settled !== null || abandoned !== null || onChain?.state === 'settled'
    const state =
      isOver || ended !== null || stopping !== null
        ? summary.state
        : startedAt === null
          ? 'starting'
          : 'running'
    const paid = settled?.earned ?? running?.earned ?? 0n
    const value = {
      lease: order.lease,
      name: summary.name,
      state,
      is_over: isOver,
      exit_code: summary.exitCode,
      reason: abandoned ?? summary.reason,
      seconds: settled?.seconds ?? running?.seconds ?? 0,
      paid: formatAmount(paid, summary.currency),
      most: formatAmount(summary.deposit, summary.currency),
      log_tail: logTail(order.file('log'), options.bytes),
      output_folder: summary.outputs.folder,
      outputs: summary.outputs.files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
      receipt: summary.receipt,
      problem: summary.problem,
    }
    const files = value.outputs.map(({ path, size }) => `${path} (${size} bytes)`).join(', ')
    const text = [
      `Lease ${shortLease(order.lease)} (${value.name}): ${state}${value.exit_code === null ? '' : `, exit code ${value.exit_code}`}${value.reason === null ? '' : `, ${value.reason}`}.`,
      `${value.seconds} s, ${value.paid} paid of at most ${value.most}.`,
      ...(isOver ? [] : ['It goes on; `watch` shows how it stands, `stop_lease` ends it.']),
      ...(files === '' ? [] : [`Outputs in ${value.output_folder}: ${files}`]),
      ...(value.problem === null ? [] : [value.problem]),
      ...(value.log_tail === '' ? [] : [`Log:\n${value.log_tail}`]),
    ].join('\n')
    return { value, text }
  }

  async function showLease(prefix: string, options: { bytes: number; problem: string | null }) {
    const order = openOrder(paths, findLease(paths, prefix))
    try {
      return await show(order, options)
    } finally {
      order.close()
    }
  }

  /** Waits until a hire is over, or for `seconds`. */
  const wait = async (hire: Hire, seconds: number) => {
    const timer = new AbortController()
    const late = sleep(seconds * 1000, null, { signal: timer.signal }).catch(() => null)
    const result = await Promise.race([hire.done, late])
    timer.abort()
    return result
  }

  const hireAndRun = defineTool({
    name: 'hire_and_run',
    title: 'Hire a machine and run a job',
    isReadOnly: false,
    description:
      'Hires the best machine that fits, runs a shell command or a task there, brings back its outputs and stops paying. Costs money: ' +
      'the deposit is reserved in the budget, and refused with BUDGET_EXCEEDED beyond it; what is not used comes back. If the job is not ' +
      'over within `wait_seconds` it goes on: use `watch`.',
    input: jobInputSchema.extend({
      agreement: z
        .string()
        .min(1)
        .optional()
        .describe('What `haggle` agreed on, or its first digits: that machine at that price, never more.'),
      wait_seconds: waitSeconds.default(45),
      log_bytes: logBytes,
    }),
    output: leaseSchema,
    async call({ agreement, wait_seconds: seconds, log_bytes: bytes, ...job }) {
      const agreed = agreement === undefined ? {} : { agreed: agreements.find(agreement) }
      const hire = hires.start({ ...readJob(job, context.folder), ...agreed })
      const result = await wait(hire, seconds)
      if (result !== null) return showLease(result.lease, { bytes, problem: result.problem })
      // Without a lease there is nothing yet to ask for.
      await hire.opened
      return showLease(hire.lease ?? (await hire.done).lease, { bytes, problem: null })
    },
  })
  const watch = defineTool({
    name: 'watch',
    title: 'Watch a lease',
    isReadOnly: true,
    description:
      'Shows how a hired job stands: state, cost so far, end of the log, outputs. With `wait_seconds` it waits for the end that long. ' +
      'Costs nothing.',
    input: z.strictObject({
      lease: leaseInput,
      wait_seconds: waitSeconds.default(0),
      log_bytes: logBytes,
    }),
    output: leaseSchema,
    async call({ lease, wait_seconds: seconds, log_bytes: bytes }) {
      const hire = hires.find(findLease(paths, lease))
      const result = hire === undefined || seconds === 0 ? null : await wait(hire, seconds)
      return showLease(lease, { bytes, problem: result?.problem ?? null })
    },
  })
  const stopLease = defineTool({
    name: 'stop_lease',
    title: 'Stop a lease',
    isReadOnly: false,
    description:
      'Ends a hired job at this second, brings back its outputs and what was not used. Costs nothing more.',
    input: z.strictObject({ lease: leaseInput, log_bytes: logBytes }),
    output: leaseSchema,
    async call({ lease: prefix, log_bytes: bytes }) {
      const lease = findLease(paths, prefix)
      const hire = hires.find(lease)
      if (hire !== undefined) {
        hire.stop()
        return showLease(lease, { bytes, problem: (await hire.done).problem })
      }
      const order = await openOrderContext(lease, flags)
      try {
        const { problem } = await stopOrder(order, order.order, 'stopped by an agent')
        return await show(order.order, { bytes, problem })
      } finally {
        order.order.close()
      }
    },
  })
  return [hireAndRun, watch, stopLease]
}
