import { constants, mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JournalClosedError, JournalCorruptError } from './errors.ts'
import { openJournal } from './openJournal.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'))
  path = join(folder, 'deep', 'journal.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const entriesOf = async () => {
  const journal = await openJournal<unknown>({ path })
  await journal.close()
  return journal.replayed.map((line) => line.entry)
}

describe('openJournal', () => {
  test('default: what was appended is there after opening again, in order', async () => {
    const journal = await openJournal<{ n: number }>({ path })
    expect(journal.replayed).toEqual([])
    await Promise.all(Array.from({ length: 100 }, (_, n) => journal.append({ n })))
    expect(journal.length).toBe(100)
    await journal.close()
    expect(await entriesOf()).toEqual(Array.from({ length: 100 }, (_, n) => ({ n })))
  })

  test('behavior: `written` is called in order, before the promise resolves', async () => {
    const journal = await openJournal<number>({ path })
    const seen: number[] = []
    await Promise.all([1, 2, 3].map((n) => journal.append(n, () => seen.push(n))))
    expect(seen).toEqual([1, 2, 3])
    await journal.close()
  })

  test('behavior: a compacted file holds the new lines and goes on', async () => {
    const journal = await openJournal<string>({ path })
    for (const entry of ['a', 'b', 'c']) await journal.append(entry)
    await journal.compact(() => ['sum'])
    expect(journal.length).toBe(1)
    await journal.append('d')
    await journal.close()
    expect(await entriesOf()).toEqual(['sum', 'd'])
  })

  test.runIf(process.platform === 'linux')(
    'behavior: every write returns once it is on disk, to a compacted file as well',
    async () => {
      const flagsOf = async () => {
        for (const fd of await readdir('/proc/self/fd'))
          if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) === path)
            return Number.parseInt(
              /flags:\s+([0-7]+)/.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
              8,
            )
        return 0
      }
      const journal = await openJournal<string>({ path })
      await journal.append('a')
      expect((await flagsOf()) & constants.O_DSYNC).toBe(constants.O_DSYNC)
      await journal.compact(() => ['sum'])
      expect((await flagsOf()) & constants.O_DSYNC).toBe(constants.O_DSYNC)
      await journal.close()
    },
  )

  test('behavior: cut at any byte, every whole line before the cut is kept and appending goes on', async () => {
    const journal = await openJournal<{ n: number }>({ path })
    for (let n = 0; n < 8; n++) await journal.append({ n })
    await journal.close()
    const whole = await readFile(path)
    for (let cut = 0; cut <= whole.length; cut += 3) {
      await writeFile(path, whole.subarray(0, cut))
      const again = await openJournal<{ n: number }>({ path })
      const complete = whole.subarray(0, cut).filter((byte) => byte === 0x0a).length
      expect(again.replayed.map((line) => line.entry.n)).toEqual(
        Array.from({ length: complete }, (_, n) => n),
      )
      await again.append({ n: 99 })
      await again.close()
      expect((await entriesOf()).at(-1)).toEqual({ n: 99 })
    }
  })

  test('behavior: a tail of zeros, as after a power cut, is dropped', async () => {
    const journal = await openJournal<string>({ path })
    await journal.append('a')
    await journal.close()
    const size = (await readFile(path)).length
    await truncate(path, size + 4096)
    const again = await openJournal<string>({ path })
    expect(again.torn).toBe(4096)
    expect(again.replayed.map((line) => line.entry)).toEqual(['a'])
    await again.close()
    expect((await readFile(path)).length).toBe(size)
  })

  test('error: JournalCorruptError, any flipped bit in a line before the last is found', async () => {
    const journal = await openJournal<{ n: number }>({ path })
    for (let n = 0; n < 4; n++) await journal.append({ n })
    await journal.close()
    const whole = await readFile(path)
    const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1
    await fc.assert(
      fc.asyncProperty(fc.nat(lastLine - 1), fc.nat(7), async (position, bit) => {
        const damaged = Buffer.from(whole)
        damaged[position] = (damaged[position] ?? 0) ^ (1 << bit)
        await writeFile(path, damaged)
        await expect(openJournal({ path })).rejects.toThrow(JournalCorruptError)
        expect(await readFile(path)).toEqual(damaged)
      }),
      { numRuns: 60 },
    )
  })

  test('error: JournalCorruptError, a line that is missing', async () => {
    const journal = await openJournal<number>({ path })
    for (let n = 0; n < 3; n++) await journal.append(n)
    await journal.close()
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, [lines[0], lines[2], ''].join('\n'))
    await expect(openJournal({ path })).rejects.toThrow(
      `The journal "${path}" is damaged at line 2 (byte ${(lines[0]?.length ?? 0) + 1}), with good lines behind it.`,
    )
  })

  test('error: JournalClosedError', async () => {
    const journal = await openJournal<number>({ path })
    await journal.close()
    await expect(journal.append(1)).rejects.toThrow(JournalClosedError)
  })
})
