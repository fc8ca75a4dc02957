import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  createReadStream,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collectOutputs } from './collectOutputs.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-collect-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

async function readTar(path: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const reader = extract()
  reader.on('entry', (header, content, next) => {
    const chunks: Uint8Array[] = []
    content.on('data', (chunk) => chunks.push(chunk as Uint8Array))
    content.on('end', () => {
      expect(header.type).toBe('file')
      files.set(header.name, Buffer.concat(chunks))
      next()
    })
  })
  await pipeline(createReadStream(path), reader)
  return files
}

const sha256 = (bytes: Buffer) => `0x${createHash('sha256').update(bytes).digest('hex')}`
const name = fc.oneof(
  fc
    .string({ unit: fc.constantFrom('a', 'b', 'é', ' ', '-', '.', '\n'), minLength: 1, maxLength: 6 })
    .filter((text) => !/^\.+$/.test(text)),
  fc.constant('n'.repeat(120)),
)
const item = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 3 }),
  kind: fc.constantFrom('file', 'file', 'file', 'symlink', 'hardlink', 'pipe'),
  size: fc.nat(3000),
})

describe('collectOutputs', () => {
  let run = 0
  it('behavior: the archive holds exactly the files it lists, within its limit, and nothing through a link', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 8 }),
        fc.integer({ min: 1024, max: 20_000 }),
        async (items, maxBytes) => {
          const place = join(folder, String(run++))
          const from = join(place, 'work')
          mkdirSync(from, { recursive: true })
          const secret = join(place, 'secret')
          writeFileSync(secret, 'secret of the host')
          const made: string[] = []
          for (const { path, kind, size } of items) {
            const at = join(from, ...path)
            try {
              mkdirSync(dirname(at), { recursive: true })
              if (kind === 'file') writeFileSync(at, 'x'.repeat(size), { flag: 'wx' })
              else if (kind === 'symlink') symlinkSync(secret, at)
              else if (kind === 'hardlink') linkSync(join(from, ...(items[0]?.path ?? [])), at)
              else execFileSync('mkfifo', ['--', at], { stdio: 'ignore' })
              if (kind === 'file') made.push(path.join('/'))
            } catch {
              // Something is there already.
            }
          }
          const archive = join(place, 'outputs.tar')
          const { outputs, truncated } = await collectOutputs({ from, patterns: ['**'], archive, maxBytes })
          const bytes = readFileSync(archive)
          expect(outputs.size).toBe(bytes.length)
          expect(outputs.size).toBeLessThanOrEqual(maxBytes)
          expect(outputs.sha256).toBe(sha256(bytes))
          expect(bytes.includes('secret of the host')).toBe(false)
          const inside = await readTar(archive)
          expect([...inside.keys()]).toEqual(outputs.files.map(({ path }) => path))
          for (const file of outputs.files) {
            expect(file.size).toBe(inside.get(file.path)?.length)
            expect(file.sha256).toBe(sha256(inside.get(file.path) ?? Buffer.alloc(0)))
          }
          if (!truncated) for (const path of made) expect(inside.has(path), path).toBe(true)
        },
      ),
      { numRuns: 120 },
    )
  })

  it('behavior: the same files make the same archive, in order', async () => {
    const from = join(folder, 'same')
    mkdirSync(from)
    for (const file of ['b', 'a', 'c']) writeFileSync(join(from, file), file)
    const collect = (archive: string) =>
      collectOutputs({ from, patterns: ['**'], archive: join(folder, archive), maxBytes: 1 << 20 })
    const [first, second] = [await collect('first.tar'), await collect('second.tar')]
    expect(first.outputs.sha256).toBe(second.outputs.sha256)
    expect(first.outputs.files.map(({ path }) => path)).toEqual(['a', 'b', 'c'])
  })

  it.each([
    [{ files: 2 }, 2],
    [{ pathBytes: 1 }, 1],
    [{ visited: 2 }, 0],
    [{ milliseconds: 0 }, 0],
  ])('behavior: stops at %j and keeps what it has', async (limits, count) => {
    const from = mkdtempSync(join(folder, 'many-'))
    for (const file of ['a', 'b', 'c']) writeFileSync(join(from, file), file)
    const archive = `${from}.tar`
    const collected = await collectOutputs({ from, patterns: ['**'], archive, maxBytes: 1 << 20, limits })
    expect(collected.stopped).not.toBeNull()
    expect(collected.outputs.files).toHaveLength(count)
    expect((await readTar(archive)).size).toBe(count)
  })

  it('error: the disk that the archive goes to is full', async () => {
    const from = join(folder, 'large')
    mkdirSync(from)
    for (const file of ['a', 'b']) writeFileSync(join(from, file), 'x'.repeat(3 << 20))
    const archive = join(folder, 'full.tar')
    // What is being written is written to a device that has no room.
    symlinkSync('/dev/full', `${archive}.part`)
    const collecting = collectOutputs({ from, patterns: ['**'], archive, maxBytes: 1 << 24 })
    await expect(collecting).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(readdirSync(folder).filter((file) => file.startsWith('full.tar'))).toEqual([])
  })

  it('error: the folder that the archive goes to is gone', async () => {
    const archive = join(folder, 'missing', 'x.tar')
    const collecting = collectOutputs({ from: folder, patterns: ['**'], archive, maxBytes: 1 << 20 })
    await expect(collecting).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
