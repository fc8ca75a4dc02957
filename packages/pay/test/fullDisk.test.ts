import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBudget, openLedger } from '../src/index.ts'
import { channelOf, currency, domain, openState, payee } from './offChain.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'full-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const after = 5
const kibibytes = 64

interface Told {
  readonly served: number
  readonly answered: number
  readonly refusals: readonly { readonly status: number; readonly code: string }[]
  readonly modelRefusals: Told['refusals']
  /** Calls of the model behind. */
  readonly asked: number
  readonly reserved: number
  readonly budgetRefusals: readonly string[]
  readonly counted: string
}

/** Runs the process under the system's own limit on the size of a file. */
async function runFull(): Promise<Told> {
  const script = fileURLToPath(new URL('./fullDisk.process.ts', import.meta.url))
  const command = 'ulimit -f "$1" && shift && exec "$@"'
  // TypeScript is transformed without a cache: its files would meet the limit too.
  const environment = { ...process.env, TSX_DISABLE_CACHE: '1' }
  const node = [process.execPath, '--conditions=source', '--import', 'tsx', script, folder, String(after)]
  const child = spawn('bash', ['-c', command, 'bash', String(kibibytes), ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  })
  let output = ''
  for await (const piece of child.stdout) output += String(piece)
  return JSON.parse(output) as Told
}

// `ulimit -f` and a failed write in place of a signal are of Linux and macOS.
test.skipIf(process.platform === 'win32')(
  'behavior: on a full disk nothing is served and nothing spent, the error says so, and all before it is there',
  async () => {
    const told = await runFull()
    expect(told.served).toBeGreaterThan(0)
    // Of the calls that were refused, one was made: ahead of the write that failed first.
    expect([told.served, told.asked]).toEqual([told.answered + 1, 0])
    expect(told.refusals).toEqual(Array(2 * after).fill({ status: 503, code: 'JOURNAL_WRITE_FAILED' }))
    expect(told.modelRefusals).toEqual(Array(after).fill({ status: 503, code: 'journal_write_failed' }))
    expect(told.budgetRefusals).toEqual(Array(after).fill('JOURNAL_WRITE_FAILED'))
    expect(statSync(join(folder, 'ledger.jsonl')).size).toBeLessThanOrEqual(kibibytes * 1024)

    const ledger = await openLedger({
      ...{ ...domain, path: join(folder, 'ledger.jsonl'), payee: { account: payee }, currency },
      readChannel: async () => openState(channelOf(1), 10n ** 12n),
    })
    const [book] = ledger.books()
    const due = BigInt(told.answered) * 10n
    expect(book?.worth).toBeGreaterThanOrEqual(due)
    expect(book?.spent).toBeGreaterThanOrEqual(due)
    expect(book?.spent).toBeLessThanOrEqual(book?.worth ?? 0n)
    await ledger.close()

    const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: {} })
    // What was taken aside before the disk was full is counted, whether its end could be written or not.
    expect(budget.state().spent).toBe(BigInt(told.reserved) * 10n)
    expect(told.counted).toBe(budget.state().spent.toString())
    await budget.close()
  },
)
