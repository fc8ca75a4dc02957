import { copyFileSync, existsSync, readdirSync, statSync } from 'node:fs'
import {
  appendFile,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JournalClosedError, JournalCorruptError, JournalWriteError } from './errors.ts'
import { encodeLine } from './lines.ts'
import { openJournal } from './openJournal.ts'
import { readEntries } from './readEntries.ts'

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
    const journal = await openJournal<string>({ path, summary: () => ['sum'] })
    for (const entry of ['a', 'b', 'c']) await journal.append(entry)
    await journal.compact()
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
      const journal = await openJournal<string>({ path, summary: () => ['sum'] })
      await journal.append('a')
      expect((await flagsOf()) & constants.O_DSYNC).toBe(constants.O_DSYNC)
      await journal.compact()
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

  test('behavior: entries that wait together are one line, read back one by one', async () => {
    const journal = await openJournal<number>({ path })
    await Promise.all([journal.append(0), ...[1, 2, 3].map((n) => journal.append(n))])
    await journal.append(4)
    await journal.close()
    expect((await readFile(path, 'latin1')).replaceAll(/[0-9a-f]{8} /g, '')).toBe('[0,0,1,2,3]\n[4,4]\n')
    const again = await openJournal<number>({ path })
    expect(again.replayed).toEqual([0, 1, 2, 3, 4].map((n) => ({ sequence: n, entry: n })))
    expect(again.length).toBe(5)
    await again.append(5)
    await again.close()
    expect(await entriesOf()).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('behavior: a file with a line for each entry, as they once were, is read on', async () => {
    await mkdir(dirname(path))
    await writeFile(path, Buffer.concat([0, 1, 2].map((n) => encodeLine(n, [`${n}`]))))
    const journal = await openJournal<number>({ path })
    await journal.append(3)
    await journal.close()
    expect(await entriesOf()).toEqual([0, 1, 2, 3])
  })

  test('behavior: a tail of zeros, as after a power cut, is dropped', async () => {
    const journal = await openJournal<string>({ path })
    await journal.append('a')
    await journal.close()
    const { size } = await stat(path)
    await truncate(path, size + 4096)
    const again = await openJournal<string>({ path })
    expect(again.torn).toBe(4096)
    expect(again.replayed.map(({ entry }) => entry)).toEqual(['a'])
    await again.close()
    expect((await stat(path)).size).toBe(size)
  })

  test('behavior: it is read while it is written', async () => {
    expect(readEntries(path)).toEqual([])
    const journal = await openJournal<number>({ path })
    await Promise.all([1, 2].map((n) => journal.append(n)))
    await journal.append(3)
    await appendFile(path, '00000000 [3,')
    expect(readEntries(path)).toEqual([1, 2, 3])
    await journal.close()
  })

  test('behavior: a power cut in a write, any of its sectors on disk or not: what was promised is there, and nothing of it by half', async () => {
    const sector = 512
    const outcomes = { before: 0, after: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          before: fc.array(fc.array(fc.string({ maxLength: 900 }), { minLength: 1, maxLength: 6 }), {
            maxLength: 12,
          }),
          last: fc.array(fc.string({ unit: 'binary', maxLength: 1500 }), { minLength: 1, maxLength: 8 }),
          kept: fc.infiniteStream(fc.boolean()),
          // Whether the file's new length is on disk; otherwise some of it.
          hasLength: fc.boolean(),
          grownBy: fc.nat(),
        }),
        async ({ before, last, kept, grownBy, hasLength }) => {
          await rm(path, { force: true })
          const journal = await openJournal<string>({ path })
          const put = (entries: readonly string[]) =>
            Promise.all(entries.map((entry) => journal.append(entry)))
          for (const batch of before) await put(batch)
          const old = await readFile(path)
          await put(last)
          const next = await readFile(path)
          await journal.close()

          const length = hasLength ? next.length : old.length + (grownBy % (next.length - old.length + 1))
          const cut = Buffer.alloc(length)
          let lost = 0
          for (let start = 0; start < length; start += sector) {
            const end = Math.min(start + sector, length)
            const mine = next.subarray(start, end)
            const was = Buffer.alloc(end - start)
            if (start < old.length) old.copy(was, 0, start, end)
            if (!mine.equals(was) && kept.next().value === false) {
              lost++
              was.copy(cut, start)
            } else mine.copy(cut, start)
          }
          if (length < next.length && next.subarray(length).some((byte) => byte !== 0)) lost++
          await writeFile(path, cut)

          const again = await openJournal<string>({ path })
          const entries = again.replayed.map(({ entry }) => entry)
          expect(entries).toEqual(lost === 0 ? [...before.flat(), ...last] : before.flat())
          outcomes[lost === 0 ? 'after' : 'before']++
          await again.append('and on')
          await again.close()
          expect(await entriesOf()).toEqual([...entries, 'and on'])
        },
      ),
      { numRuns: 60, endOnFailure: true },
    )
    expect(Math.min(outcomes.before, outcomes.after)).toBeGreaterThan(0)
  })

  describe('rewriting', () => {
    const isRewriting = () => existsSync(`${path}.new`)

    test('behavior: appends go on beside it, and stand behind the summary', async () => {
      const size = 20_000
      let appended = 0
      let appendedWhenDrawn = 0
      const journal = await openJournal<string | number>({
        path,
        *summary() {
          for (let index = 0; index < size; index++) yield `${index}`.padStart(100)
          appendedWhenDrawn = appended
        },
      })
      let over = false
      const compacted = journal.compact().finally(() => {
        over = true
      })
      while (!over) await Promise.all(Array.from({ length: 20 }, () => journal.append(appended++)))
      await compacted
      await journal.append(appended++)
      expect(appendedWhenDrawn).toBeGreaterThan(0)
      expect(journal.length).toBe(size + appended)
      await journal.close()
      const entries = await entriesOf()
      expect(entries.slice(0, size).map(Number)).toEqual(Array.from({ length: size }, (_, index) => index))
      expect(entries.slice(size)).toEqual(Array.from({ length: appended }, (_, n) => n))
    })

    test('behavior: it comes by itself, at `compactAfter` and at twice what is kept', async () => {
      let isKept = false
      let rewrites = 0
      const all: number[] = []
      const journal = await openJournal<number>({
        ...{ path, compactAfter: 10 },
        summary() {
          rewrites++
          return isKept ? all : all.slice(-1)
        },
      })
      const put = async (count: number) => {
        for (let index = 0; index < count; index++)
          await journal.append(all.length, () => all.push(all.length))
        await journal.compact()
        rewrites--
      }
      await put(10)
      expect(rewrites).toBe(0)
      await put(100)
      // What comes while it is rewritten counts to the next time.
      expect(rewrites).toBeGreaterThan(1)
      expect(rewrites).toBeLessThanOrEqual(10)
      isKept = true
      await journal.compact()
      rewrites = 0
      await put(89)
      expect(rewrites).toBeLessThanOrEqual(1)
      await journal.close()
    })

    test('behavior: killed at any moment, with the summary drawn beside what changes', async () => {
      type Entry = { readonly key: number; readonly n: number }
      const values = new Map<number, number>()
      const acknowledged = new Map<number, number>()
      const journal = await openJournal<Entry>({
        ...{ path, compactAfter: 500 },
        *summary() {
          for (const [key, n] of values) yield { key, n }
        },
      })
      const reached = { rewriting: 0, rewritten: 0 }
      let n = 0
      let inode = 0
      for (let round = 0; round < 300; round++) {
        for (let index = 0; index < 12; index++) {
          const entry = { key: (n * 7919) % 400, n: n++ }
          // As a ledger does: in memory first, told once it is on disk.
          values.set(entry.key, entry.n)
          void journal.append(entry).then(() => acknowledged.set(entry.key, entry.n))
        }
        for (let turns = round % 7; turns >= 0; turns--) await new Promise(setImmediate)
        if (isRewriting()) reached.rewriting++
        const { ino } = statSync(path)
        if (ino !== inode) reached.rewritten++
        inode = ino
        const killed = join(folder, 'killed')
        copyFileSync(path, killed)
        const after = new Map<number, number>()
        for (const { key, n } of readEntries(killed) as Entry[]) after.set(key, n)
        for (const [key, n] of acknowledged) expect(after.get(key)).toBeGreaterThanOrEqual(n)
        for (const [key, n] of after) expect(n).toBeLessThanOrEqual(values.get(key) ?? -1)
      }
      await journal.close()
      expect(reached.rewriting).toBeGreaterThan(10)
      expect(reached.rewritten).toBeGreaterThan(3)
      const after = new Map(((await entriesOf()) as Entry[]).map(({ key, n }) => [key, n]))
      expect(after).toEqual(values)
    })

    test('behavior: killed at any moment, with entries that say how much changed', async () => {
      type Entry = { readonly sum: number } | { readonly plus: number }
      let sum = 0
      let promised = 0
      let asked = 0
      const journal = await openJournal<Entry>({ ...{ path, compactAfter: 20 }, summary: () => [{ sum }] })
      const read = (entries: readonly Entry[]) =>
        entries.reduce((total, entry) => ('sum' in entry ? entry.sum : total + entry.plus), 0)
      let rewriting = 0
      for (let round = 0; round < 400; round++) {
        for (let index = round % 4; index >= 0; index--) {
          const plus = 1 + (round % 3)
          asked += plus
          void journal
            .append({ plus }, () => {
              sum += plus
            })
            .then(() => {
              promised += plus
            })
        }
        for (let turns = round % 5; turns >= 0; turns--) await new Promise(setImmediate)
        if (round % 3 === 0) void journal.compact()
        if (isRewriting()) rewriting++
        const killed = join(folder, 'killed')
        copyFileSync(path, killed)
        const after = read(readEntries(killed) as Entry[])
        expect(after).toBeGreaterThanOrEqual(promised)
        expect(after).toBeLessThanOrEqual(asked)
      }
      await journal.close()
      expect(rewriting).toBeGreaterThan(10)
      expect(read((await entriesOf()) as Entry[])).toBe(asked)
    })

    test('behavior: a file that is closed while it is rewritten holds everything', async () => {
      const journal = await openJournal<number>({
        path,
        *summary() {
          for (let n = 0; n < 5_000; n++) yield n
        },
      })
      const compacted = journal.compact()
      const appended = [5_000, 5_001].map((n) => journal.append(n))
      await journal.close()
      expect(readdirSync(dirname(path))).toEqual(['journal.jsonl'])
      await Promise.all([compacted, ...appended])
      expect(await entriesOf()).toEqual(Array.from({ length: 5_002 }, (_, n) => n))
    })

    test('error: JournalWriteError, and the file goes on as it was', async () => {
      const journal = await openJournal<number>({ ...{ path, compactAfter: 3 }, summary: () => [-1] })
      await mkdir(`${path}.new`)
      for (let n = 0; n < 20; n++) await journal.append(n)
      await expect(journal.compact()).rejects.toThrow(JournalWriteError)
      await journal.append(20)
      expect(readEntries(path)).toEqual(Array.from({ length: 21 }, (_, n) => n))
      await rm(`${path}.new`, { recursive: true })
      await journal.compact()
      await journal.append(21)
      await journal.close()
      expect(await entriesOf()).toEqual([-1, 21])
    })
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
