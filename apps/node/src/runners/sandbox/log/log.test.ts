import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogStream } from '../../runner.ts'
import { openLogWriter } from './logWriter.ts'
import { readStoredLog } from './readStoredLog.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

let count = 0
const open = (limit: number) => {
  const place = join(folder, String(count++))
  const paths = { log: place, index: `${place}.index` }
  return { paths, writer: openLogWriter({ ...paths, limit }) }
}

const piece = fc.record({
  stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'system' as const),
  text: fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 }),
})

describe('a stored log', () => {
  it('behavior: gives back from any offset what each stream wrote, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.nat(100), async (pieces, from) => {
        const { paths, writer } = open(10_000)
        const written: { byte: string; stream: LogStream }[] = []
        for (const { stream, text } of pieces) {
          if (stream === 'system') writer.note(text)
          else writer.append(stream, Buffer.from(text))
          for (const byte of stream === 'system' ? `${text}\n` : text) written.push({ byte, stream })
        }
        const { size } = writer.close()
        expect(size).toBe(written.length)
        const read: { byte: string; stream: LogStream }[] = []
        let next = from
        const chunks = readStoredLog({ ...paths, from, follow: false, ended: () => true })
        for await (const { offset, stream, bytes } of chunks) {
          expect(offset).toBe(next)
          next += bytes.length
          for (const byte of Buffer.from(bytes).toString('latin1')) read.push({ byte, stream })
        }
        expect(read).toEqual(written.slice(from))
      }),
      { numRuns: 150 },
    )
  })

  it('behavior: stops at its limit, to the byte, the lines of the runner aside', () => {
    const { writer } = open(10)
    expect(writer.append('stdout', Buffer.from('12345'))).toBe(true)
    expect(writer.append('stderr', Buffer.from('6789abc'))).toBe(false)
    expect(writer.append('stdout', Buffer.from('x'))).toBe(false)
    writer.note('over')
    expect(writer.close().size).toBe(15)
  })

  it('behavior: a follower gets what is written later, and ends with the log', async () => {
    const { paths, writer } = open(100)
    let over = false
    setTimeout(() => writer.append('stdout', Buffer.from('late')), 30)
    setTimeout(() => {
      writer.close()
      over = true
    }, 90)
    let text = ''
    for await (const { bytes } of readStoredLog({ ...paths, from: 0, follow: true, ended: () => over }))
      text += Buffer.from(bytes)
    expect(text).toBe('late')
  })

  it('behavior: a follower can leave', async () => {
    const { paths } = open(100)
    const signal = AbortSignal.timeout(30)
    for await (const _ of readStoredLog({ ...paths, from: 0, follow: true, ended: () => false, signal }))
      expect.unreachable()
    expect(signal.aborted).toBe(true)
  })
})
