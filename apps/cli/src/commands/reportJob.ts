import type { OpenAccount } from '../connection/openAccount.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import type { JobEvent, OnJobEvent } from '../jobs/events.ts'
import type { JobSummary } from '../jobs/finishOrder.ts'
import { shortLease } from '../jobs/order.ts'
import type { Candidate, JobPlan } from '../jobs/planJob.ts'
import type { RunJobResult } from '../jobs/runJob.ts'
import { offerColumns } from '../offers/offerColumns.ts'
import { formatAmount } from '../output/amounts.ts'
import { formatDuration } from '../output/durations.ts'
import type { Output } from '../output/output.ts'
import { type Column, formatTable } from '../output/printTable.ts'
import { theme } from '../output/theme.ts'
import type { Task } from '../tasks/task.ts'

/** The plan as a person reads it before money moves: what fits, which is taken and why, what it can cost. */
export function formatPlan(plan: JobPlan, task: Task, buyer: OpenAccount): string {
  const now = Math.floor(Date.now() / 1000)
  const [chosen] = plan.candidates
  const { currency } = chosen.offer
  const columns: readonly Column<Candidate>[] = [
    ...offerColumns(now).map(
      (column): Column<Candidate> => ({ ...column, of: ({ offer }) => column.of(offer) }),
    ),
    { head: 'AT MOST', of: ({ maxCost, offer }) => formatAmount(maxCost, offer.currency), align: 'right' },
    { head: 'CHOSEN', of: (candidate) => (candidate === chosen ? theme.green('✔') : '') },
  ]
  const { deposit, approveMarket } = plan.funds
  const moves = [
    deposit > 0n ? `deposit ${formatAmount(deposit, currency)} into your till account` : '',
    approveMarket ? 'allow the market to lock deposits of it' : '',
    `lock ${formatAmount(chosen.maxCost, currency)} for ${formatDuration(chosen.duration)}`,
  ].filter((text) => text !== '')
  return [
    `Machines that fit${plan.query === '' ? '' : ` '${plan.query}'`}:`,
    formatTable(columns, plan.candidates),
    '',
    `${theme.bold(task.name)} on ${chosen.offer.listing.id.slice(0, 10)}: ${plan.reason}. At most ${theme.bold(formatAmount(chosen.maxCost, currency))} for ${formatDuration(chosen.duration)}; seconds that are not used come back.`,
    `Wallet '${buyer.wallet}' will ${moves.join(', ')}.`,
  ].join('\n')
}

/** Says what happens: JSON lines for programs; for people the job's log on stdout and progress on stderr. */
export function jobReporter(output: Output): OnJobEvent {
  return output.json ? (event) => output.event(jsonEvent(event)) : textReporter(output)
}

function jsonEvent(event: JobEvent): unknown {
  switch (event.event) {
    case 'planned': {
      const { candidates, query, reason, funds } = event.plan
      return {
        event: 'planned',
        query,
        reason,
        funds,
        candidates: candidates.map(({ offer, duration, maxCost }) => ({
          lease: offer.listing.id,
          asset: offer.listing.published.offer.asset,
          pricePerHour: offer.listing.published.offer.pricePerHour,
          currency: offer.currency.symbol,
          terms: offer.listing.published.offer.terms,
          duration,
          maxCost,
        })),
      }
    }
    case 'log': {
      const { bytes, ...rest } = event
      return { ...rest, text: Buffer.from(bytes).toString('utf8') }
    }
    default:
      return event
  }
}

function textReporter(output: Output): OnJobEvent {
  const step = (text: string) => output.note(`${theme.cyan('•')} ${text}`)
  const bar = progressLine()
  return (event) => {
    if (event.event !== 'uploading' && event.event !== 'downloading') bar.end()
    switch (event.event) {
      case 'bundled':
        return step(`${event.files} files, ${formatBytes(event.bytes)}, packed ${formatBytes(event.packed)}`)
      case 'planned':
        return
      case 'passed-over':
        return step(theme.yellow(`offer ${shortLease(event.offer)} is passed over: ${event.reason}`))
      case 'challenging':
        return step(`challenging ${shortLease(event.offer)}`)
      case 'challenged':
        return step(
          event.isGood
            ? `${shortLease(event.offer)} passed its challenge: ${event.text}`
            : theme.yellow(`${shortLease(event.offer)} is passed over: ${event.text}`),
        )
      case 'haggling':
        return step(`haggling with the machine of ${shortLease(event.offer)}`)
      case 'haggled':
        return step(event.pricePerHour === null ? theme.yellow(event.text) : event.text)
      case 'deposited':
        return step('deposited into the till account')
      case 'market-approved':
        return step('the market may lock deposits')
      case 'opening':
        return step(`opening lease ${shortLease(event.lease)}`)
      case 'opened':
        return step(`lease ${shortLease(event.lease)} is open`)
      case 'uploading':
        return bar.show('sending', event.sent, event.size)
      case 'downloading':
        return bar.show('fetching', event.received, event.size)
      case 'state':
        return step(
          `${event.state}${event.state === 'running' ? ` after ${(event.ms / 1000).toFixed(1)} s` : ''}`,
        )
      case 'log':
        ;(event.stream === 'stdout' ? process.stdout : process.stderr).write(event.bytes)
        return
      case 'reconnecting':
        return step(theme.yellow(`connection lost, trying again: ${event.reason}`))
      case 'given-back':
        return step(theme.yellow(`lease ${shortLease(event.lease)} is given back: ${event.reason}`))
      case 'ended':
        return step(
          `job ${event.state}${event.exitCode === null ? '' : ` with exit code ${event.exitCode}`}${event.reason === null || event.reason === 'exit' ? '' : ` (${event.reason})`}`,
        )
      case 'stopping':
        return step('stopping the lease')
      case 'fetched':
        return step(`${event.files} file(s) in ${event.folder}`)
      case 'settled':
      case 'receipt':
        return
      default:
        return event satisfies never
    }
  }
}

/** One line that is drawn over, in a terminal; nothing elsewhere. */
function progressLine() {
  let isDrawn = false
  return {
    show(what: string, done: number, all: number) {
      if (process.stderr.isTTY !== true || all === 0) return
      const share = Math.round((done / all) * 24)
      process.stderr.write(
        `\r${theme.cyan('•')} ${what} ${'█'.repeat(share)}${'░'.repeat(24 - share)} ${formatBytes(done)} of ${formatBytes(all)}\u001b[K`,
      )
      isDrawn = true
    },
    end() {
      if (isDrawn) process.stderr.write('\n')
      isDrawn = false
    },
  }
}

/** The end of a job: seconds, cost, where the files are, the receipt. */
export function formatSummary(result: RunJobResult): string {
  const { currency, outputs } = result
  const isGood = result.state === 'done'
  const outcome = isGood
    ? theme.green(`✓ ${result.name} is done`)
    : theme.red(
        `✗ ${result.name}: ${result.state}${result.exitCode === null ? '' : `, exit code ${result.exitCode}`}`,
      )
  const times = [
    result.startMs === null ? '' : `started after ${(result.startMs / 1000).toFixed(2)} s`,
    result.firstLogMs === null ? '' : `first line after ${(result.firstLogMs / 1000).toFixed(2)} s`,
  ].filter((text) => text !== '')
  return [
    '',
    `${outcome}${result.reason === null || result.reason === 'exit' ? '' : ` (${result.reason})`}`,
    `  lease     ${result.lease}`,
    `  time      ${result.seconds} s paid${times.length === 0 ? '' : `; ${times.join(', ')}`}`,
    `  paid      ${formatAmount(result.paid, currency)} at ${formatAmount(result.pricePerHour, currency)} an hour; ${formatAmount(result.refunded, currency)} came back`,
    outputs.files.length === 0
      ? '  files     none'
      : `  files     ${outputs.files.length} in ${outputs.folder} (${formatBytes(outputs.files.reduce((sum, file) => sum + file.size, 0))})`,
    `  log       ${result.log}`,
    result.receipt === null
      ? `  receipt   none${result.problem === null ? '' : `: ${result.problem}`}`
      : `  receipt   ${result.receipt}, signed by both and verified`,
    ...(result.problem !== null && result.receipt !== null ? [`  problem   ${result.problem}`] : []),
  ].join('\n')
}

/** The job's own code if it ran to its end; 79 if it was cut short. */
export function exitCodeOfJob({ state, exitCode }: JobSummary): number {
  if (state === 'done') return exitCode ?? exitCodes.ok
  if (state === 'failed' && exitCode !== null) return exitCode
  return state === 'stopped' ? exitCodes.interrupted : exitCodes.jobLost
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
