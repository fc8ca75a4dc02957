import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MillraceError } from '@millrace/sdk/errors'
import { type Economy, runEconomy } from './economy.ts'
import { SecondsInvalidError } from './errors.ts'

const usage = 'npm run example:agents -- [--once] [--seconds N] [--json]'
const say = (text: string) => process.stderr.write(`${text}\n`)

/** The program: six agents, and what each has in the end. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seconds: { type: 'string' },
    },
  })
  const given = values.seconds ?? (values.once ? '30' : '120')
  const seconds = /^\d{1,4}$/.test(given) ? Number(given) : 0
  if (seconds < 10 || seconds > 3600) throw new SecondsInvalidError({ given })
  const home = await mkdtemp(join(tmpdir(), 'millrace-agents-'))
  try {
    const steps = values.once ? 12 : 40
    const economy = await runEconomy({ home, seconds, steps, budget: 90_000n, say })
    report(economy)
    if (values.json)
      process.stdout.write(
        `${JSON.stringify(economy, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      )
    if (!economy.audit.agrees) process.exitCode = 1
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  }
}

function report({ pages, trainings, completions, budgetSpent, desk, audit, currency }: Economy): void {
  const amount = (units: bigint) => (Number(units) / 10 ** currency.decimals).toFixed(currency.decimals)
  const row = (cells: readonly (string | bigint)[]) =>
    say(
      cells
        .map((cell, at) => (typeof cell === 'bigint' ? amount(cell) : cell).padStart(at === 0 ? 0 : 13))
        .map((cell, at) => (at === 0 ? cell.padEnd(22) : cell))
        .join(''),
    )
  say('')
  row([currency.symbol, 'opening', 'income', 'spending', 'closing', 'books'])
  for (const { agent, opening, income, spending, closing, agrees } of audit.agents)
    row([agent, opening, income, spending, closing, agrees ? 'agree' : 'DIFFER'])
  for (const { name, closing } of audit.others) row([name, '', '', '', closing, ''])
  say('')
  row(['till of', 'owner', 'received', 'payers say', 'left', 'books'])
  for (const { asset, kind, owner, received, booked, left, agrees } of audit.assets)
    row([
      `${kind} ${asset}`,
      owner.replace('the node’s ', ''),
      received,
      booked,
      left,
      agrees ? 'agree' : 'DIFFER',
    ])
  say('')
  say(
    `${pages} pages sold, ${trainings.length} trainings, ${completions} completions${budgetSpent ? ' until the budget was spent' : ''}; the market maker bought ${desk.bought} leases and sold ${desk.sold}.`,
  )
  say(
    `All accounts and buckets hold ${amount(audit.owed)}, the till ${amount(audit.held)}, leases and channels lock ${amount(audit.locked)}: ${audit.agrees ? 'everything is accounted for' : 'SOMETHING IS NOT ACCOUNTED FOR'}.`,
  )
}

main().catch((error: unknown) => {
  if (!(error instanceof MillraceError) && !(error instanceof TypeError)) throw error
  say(`${error.message}\nUse: ${usage}`)
  process.exitCode = error instanceof SecondsInvalidError || error instanceof TypeError ? 2 : 1
})
