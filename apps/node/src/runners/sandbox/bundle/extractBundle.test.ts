import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BundleError } from './errors.ts'
import { extractBundle } from './extractBundle.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-extract-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

interface Entry {
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
  readonly name: string
  readonly text?: string
  readonly linkname?: string
}

// Few names, so that entries meet: the trouble is in what they do to each other.
const part = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: fc.constantFrom('.', '..', '', 'canary') },
)
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const target = fc
  .array(fc.constantFrom('a', 'b', 'c', '..', 'canary'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ type: fc.constant('file' as const), name: path, text: fc.string({ maxLength: 20 }) }),
  fc.record({ type: fc.constant('directory' as const), name: path }),
  fc.record({ type: fc.constant('symlink' as const), name: path, linkname: target }),
  fc.record({ type: fc.constant('link' as const), name: path, linkname: path }),
)

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { text = '', ...header } of entries) tar.entry(header, text)
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

let run = 0
async function unpack(bytes: Buffer): Promise<{ into: string; outcome: string }> {
  const place = join(folder, String(run++))
  const into = join(place, 'work')
  mkdirSync(into, { recursive: true })
  writeFileSync(join(place, 'canary'), 'untouched')
  const bundle = join(folder, 'bundle.tgz')
  writeFileSync(bundle, bytes)
  const outcome = await extractBundle({ bundle, into, maxBytes: 4096, maxEntries: 16, owner: null }).then(
    () => 'unpacked',
    (error: unknown) => {
      // Every refusal is one of ours.
      expect(error).toBeInstanceOf(BundleError)
      return (error as BundleError).code
    },
  )
  expect(readdirSync(place).sort()).toEqual(['canary', 'work'])
  expect(readFileSync(join(place, 'canary'), 'utf8')).toBe('untouched')
  return { into, outcome }
}

/** Everything below a folder, links not followed. */
function tree(at: string): string[] {
  return readdirSync(at).flatMap((name) => {
    const path = join(at, name)
    return lstatSync(path).isDirectory() ? [path, ...tree(path)] : [path]
  })
}

describe('extractBundle', () => {
  it('behavior: whatever the entries, nothing leaves the folder and no link leads out', async () => {
    const reached = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (entries) => {
        const { into, outcome } = await unpack(gzipSync(await tarOf(entries)))
        reached.set(outcome, (reached.get(outcome) ?? 0) + 1)
        if (outcome !== 'unpacked') return
        for (const path of tree(into)) {
          const stat = lstatSync(path)
          expect(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink()).toBe(true)
          expect(stat.mode & 0o7000).toBe(0)
          if (!stat.isSymbolicLink()) continue
          expect(readlinkSync(path).startsWith('/')).toBe(false)
          let end: string
          try {
            end = realpathSync(path)
          } catch (error) {
            // A link to nothing, or in a circle, leads nowhere.
            expect(['ENOENT', 'ELOOP', 'ENOTDIR']).toContain((error as NodeJS.ErrnoException).code)
            continue
          }
          expect(`${end}/`.startsWith(`${realpathSync(into)}/`), `${path} leads to ${end}`).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
    // The hard states were reached.
    for (const outcome of ['unpacked', 'BUNDLE_PATH', 'BUNDLE_LINK', 'BUNDLE_CONFLICT'])
      expect(reached.get(outcome) ?? 0, outcome).toBeGreaterThan(0)
  })

  it('behavior: damaged archives are refused or harmless, and never hang', async () => {
    const good = await tarOf([
      { type: 'directory', name: 'a' },
      { type: 'file', name: 'a/b', text: 'x'.repeat(20) },
      { type: 'symlink', name: 'c', linkname: 'a/b' },
    ])
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(good.length),
        async (changes, length) => {
          const bytes = Buffer.from(good)
          for (const [at, value] of changes) bytes[at] = value
          const zipped = gzipSync(bytes.subarray(0, length))
          await unpack(zipped)
          await unpack(zipped.subarray(0, length % zipped.length))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('behavior: limits hold to the byte and the entry', async () => {
    const file = (name: string, size: number): Entry => ({ type: 'file', name, text: 'x'.repeat(size) })
    const outcomeOf = async (entries: readonly Entry[]) =>
      (await unpack(gzipSync(await tarOf(entries)))).outcome
    expect(await outcomeOf([file('a', 4096)])).toBe('unpacked')
    expect(await outcomeOf([file('a', 4096), file('b', 1)])).toBe('BUNDLE_SIZE')
    const many = (count: number) => Array.from({ length: count }, (_, i) => file(`f${i}`, 0))
    expect(await outcomeOf(many(16))).toBe('unpacked')
    expect(await outcomeOf(many(17))).toBe('BUNDLE_ENTRIES')
  })
})
