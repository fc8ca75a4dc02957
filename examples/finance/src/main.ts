import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MillraceError } from '@millrace/sdk/errors'
import type { Step } from './audit.ts'
import { type Story, tellDefaulted, tellRepaid } from './stories.ts'

const usage = 'npm run example:finance -- [--once] [--json]'
const say = (text: string) => process.stderr.write(`${text}\n`)
/** Milliseconds for which a line stands alone, unless all is told at once. */
const pace = 700

/** The program: the same eight machines, repaid and defaulted. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  })
  const onLine = async (line: Step) => {
    say(rowOf(line))
    if (!values.once) await setTimeout(pace)
  }
  say('Eight GPUs on credit, three years: investment, ramp, a customer leaves, sweep, recovery, repaid.\n')
  say(head)
  const repaid = await tellRepaid({ onLine })
  report(repaid)
  say('\nThe same, but all customers leave after a year, and nobody takes their place.\n')
  say(head)
  const defaulted = await tellDefaulted({ onLine })
  report(defaulted)
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ repaid, defaulted }, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`,
    )
}

/** Whole units with two decimals; a currency of six decimals. */
const amount = (units: bigint) => (Number(units) / 1e6).toFixed(2)
const cells = (values: readonly string[]) =>
  values.map((value, at) => (at === 0 ? value.padEnd(24) : value.padStart(at === 1 ? 6 : 13))).join('')
const head = cells([
  ...['step', 'day', 'loan', 'revenue', 'owed', 'due', 'idle', 'senior', 'junior', 'first loss', 'operator'],
])
const rowOf = (line: Step) =>
  cells([
    line.name,
    String(line.day),
    line.isSwept ? `${line.state}, swept` : line.state,
    ...[line.revenue, line.principal, line.due, line.idle, line.senior, line.junior].map(amount),
    ...[line.stake, line.operator].map(amount),
  ])

function report({ parties, audited, revenue, symbol }: Story): void {
  say('')
  say(cells([symbol, 'as', '', 'put in', 'has', 'difference']))
  for (const { who, as, put, got } of parties) say(cells([who, as, '', ...[put, got, got - put].map(amount)]))
  say(
    `The machines earned ${amount(revenue)}. ${audited.checks} numbers in ${audited.steps} steps were compared with the books, to the unit.`,
  )
}

main().catch((error: unknown) => {
  if (!(error instanceof MillraceError) && !(error instanceof TypeError)) throw error
  say(`${error.message}\nUse: ${usage}`)
  process.exitCode = error instanceof TypeError ? 2 : 1
})
