// What the paywall adds to a request, beside the same route for nothing, by turns. Seller and client are processes of their own, the client asks
// at a rate that does not wait for answers, and all payments are on one channel.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineStalls } from './_latency/machineStalls.ts'
import { type AddedOptions, addedBy } from './_paywall/addedBy.ts'
import { writeResult } from './_result/writeResult.ts'

const REQUESTS = Number(process.env.REQUESTS ?? 2000)
/** What other work on the machine adds is no part of what is measured: the best of so many, and all are told. */
const REPEATS = Number(process.env.REPEATS ?? 3)

// Of answers that are at hand fewer than one is in flight at a time; of those of 20 ms eight, of those of 100 ms ten.
const slow: AddedOptions = { requests: REQUESTS, repeats: REPEATS, answerMs: 20, perSecond: 400 }
const slower: AddedOptions = { ...slow, answerMs: 100, perSecond: 100, requests: REQUESTS / 2 }

async function addedIn(at: string, cases: readonly AddedOptions[]) {
  const folder = mkdtempSync(join(at, 'millrace-bench-paywall-'))
  const added = await addedBy(folder, cases)
  rmSync(folder, { recursive: true, force: true })
  return added
}

const stallsBefore = await machineStalls()
const added = await addedIn(tmpdir(), [{ ...slow, answerMs: 0 }, slow, slower])
// What the software adds by itself, without what the machine's disk takes.
const inMemory = existsSync('/dev/shm') ? await addedIn('/dev/shm', [slow]) : null
const stallsAfter = await machineStalls()

writeResult('paywall', {
  what: 'milliseconds that payment adds to a request, on disk before its answer is given out: `paid` where the handler begins after the write, `ahead` where it begins meanwhile; all payments on one channel',
  requests: REQUESTS,
  'the machine alone, stalls of more than 1 ms': { before: stallsBefore, after: stallsAfter },
  'added to a request': added,
  'added to a request, books on a disk in memory': inMemory,
})
