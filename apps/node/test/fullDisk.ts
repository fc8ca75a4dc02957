import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JournalWriteError } from '@millrace/journal'
import { openNodeJournal } from '../src/journal/openNodeJournal.ts'

/**
 * Runs with a small file system at argv[2]: fills it while the journal is open, notes until it fails, makes room, goes
 * on, and reads everything back. Prints what it saw as one JSON line.
 */
const folder = process.argv[2] ?? ''
const path = join(folder, 'journal.jsonl')
const filler = join(folder, 'filler')
const journal = await openNodeJournal(path)
const fill = async () => {
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) await writeFile(filler, Buffer.alloc(size, 1), { flag: 'a' })
    } catch {
      // Full for this size; smaller pieces may still fit.
    }
  }
}

let noted = 0
let failure: unknown = null
await journal.note({ type: 'asset.registered', asset: '1' })
await fill()
try {
  // The journal's last block may have room left.
  for (; noted < 10_000; noted++) {
    await journal.note({ type: 'lease.forgotten', lease: `0x${String(noted).padStart(64, '0')}` })
  }
} catch (error) {
  failure = error
}
const writableFull = await journal.writable()
const stateKept = journal.state.asset
const whileFull = await openNodeJournal(path).then(
  async (again) => {
    const { asset } = again.state
    await again.close()
    return asset
  },
  (error: unknown) => String(error),
)
await rm(filler)
const writableAgain = await journal.writable()
await journal.note({ type: 'asset.registered', asset: '2' })
await journal.close()
const reopened = await openNodeJournal(path)
const lines = (await readFile(path, 'utf8')).split('\n').length - 1
process.stdout.write(
  `${JSON.stringify({
    failed: failure instanceof JournalWriteError ? failure.code : String(failure),
    remedy: failure instanceof JournalWriteError ? failure.remedy : null,
    writableFull,
    stateKept,
    whileFull,
    writableAgain,
    asset: reopened.state.asset,
    torn: reopened.torn,
    // The first note, those that fitted, the probe once it could be written, and the last.
    whole: lines === 1 + noted + 2,
  })}\n`,
)
await reopened.close()
