import { openJournal } from '../src/openJournal.ts'

/** Writes until the disk is full, makes room by compacting, and goes on; says what was acknowledged as one line of JSON. */
const [path = ''] = process.argv.slice(2)
const journal = await openJournal<string>({
  ...{ path, compactAfter: Number.POSITIVE_INFINITY },
  summary: () => ['before'],
})
const text = (index: number) => `${index} ${'x'.repeat(100)}`
const acknowledged: number[] = []
const errors: unknown[] = []
for (let index = 0; errors.length < 4; index++) {
  try {
    await journal.append(text(index))
    acknowledged.push(index)
  } catch (error) {
    const { code, remedy, retryable } = error as { code: string; remedy: string; retryable: boolean }
    errors.push({ code, remedy, retryable })
  }
}
const lengthWhenFull = journal.length
await journal.compact()
await journal.append('after')
process.stdout.write(`${JSON.stringify({ acknowledged: acknowledged.length, lengthWhenFull, errors })}\n`)
// As by kill -9: nothing is tidied up.
process.kill(process.pid, 'SIGKILL')
