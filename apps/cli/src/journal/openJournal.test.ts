import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { openJournal } from './openJournal.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))
let count = 0
const fresh = () => join(folder, `${count++}.log`)
const open = (path: string) =>
  openJournal<unknown>({
    path,
    read: (json) => ({ entry: json }),
    onDamage: (line, reason) => new Error(`line ${line}: ${reason}`),
    onWriteError: (cause) => cause as Error,
  })
const json = fc.jsonValue({ maxDepth: 2 })

describe('openJournal', () => {
  test('default: what was appended is there, in order, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.array(json, { maxLength: 3 }), { maxLength: 6 }), (batches) => {
        const path = fresh()
        const journal = open(path)
        for (const batch of batches) journal.append(batch)
        journal.close()
        const again = open(path)
        expect(again.entries).toEqual(JSON.parse(JSON.stringify(batches.flat())))
        again.close()
      }),
    )
  })

  test('behavior: cut anywhere, the whole lines before the cut are there and it takes more', () => {
    fc.assert(
      fc.property(fc.array(json, { minLength: 1, maxLength: 6 }), fc.nat(), (entries, at) => {
        const path = fresh()
        const journal = open(path)
        journal.append(entries)
        journal.close()
        const text = readFileSync(path, 'latin1')
        const cut = at % (text.length + 1)
        const whole = text.slice(0, cut).split('\n').length - 1
        truncateSync(path, cut)
        const again = open(path)
        expect(again.entries).toEqual(JSON.parse(JSON.stringify(entries.slice(0, whole))))
        again.append(['after'])
        again.close()
        const last = open(path)
        expect(last.entries.at(-1)).toEqual('after')
        expect(last.entries.length).toBe(whole + 1)
        last.close()
      }),
    )
  })

  test('error: a changed byte before the last line is damage', () => {
    const path = fresh()
    const journal = open(path)
    journal.append([{ a: 1 }, { b: 2 }])
    journal.close()
    writeFileSync(path, readFileSync(path, 'latin1').replace('"a":1', '"a":7'))
    expect(() => open(path)).toThrow('line 1')
  })

  test('behavior: a damaged last line is forgotten', () => {
    const path = fresh()
    const journal = open(path)
    journal.append([{ a: 1 }])
    journal.close()
    appendFileSync(path, '00000000 {"b":2}\n')
    const again = open(path)
    expect(again.entries).toEqual([{ a: 1 }])
    again.close()
  })

  test('behavior: rewrite replaces everything and goes on', () => {
    const path = fresh()
    const journal = open(path)
    journal.append([1, 2, 3])
    journal.rewrite([3])
    journal.append([4])
    journal.close()
    const again = open(path)
    expect(again.entries).toEqual([3, 4])
    again.close()
  })
})
