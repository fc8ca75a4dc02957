import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BundleRef } from '@millrace/sdk'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBundleStore } from './bundleStore.ts'
import { BundleHashError, BundleOffsetError, BundleTooLargeError } from './errors.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'))
})
afterEach(() => rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 }))

const refOf = (bytes: Uint8Array): BundleRef => ({
  hash: `0x${createHash('sha256').update(bytes).digest('hex')}`,
  size: bytes.length,
})

test('property: sent in any pieces, with repetitions and restarts in between, the whole arrives', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.array(
        fc.record({ size: fc.integer({ min: 1, max: 90 }), restart: fc.boolean(), again: fc.boolean() }),
        {
          minLength: 1,
          maxLength: 30,
        },
      ),
      async (bytes, steps) => {
        const place = join(folder, String(run++))
        const open = () => createBundleStore({ folder: place, limit: 1000 })
        let store = open()
        const ref = refOf(bytes)
        for (let step = 0; (await store.received(ref)) < ref.size; step++) {
          const how = steps[step % steps.length] ?? { size: 9, restart: false, again: false }
          const offset = await store.received(ref)
          const piece = bytes.subarray(offset, offset + how.size)
          await store.write(ref, offset, piece)
          if (how.again) await store.write(ref, offset, piece)
          if (how.restart) {
            await store.close()
            store = open()
          }
        }
        const path = await store.path(ref)
        expect(path === null ? null : new Uint8Array(await readFile(path))).toEqual(bytes)
        await store.close()
      },
    ),
    { numRuns: 60 },
  )
})

test.each(['received', 'path'] as const)(
  'crash: killed between the last piece and its check, the bundle is checked when it is asked for (%s)',
  async (first) => {
    const bytes = Buffer.alloc(400, 'a')
    const ref = refOf(bytes)
    const part = join(folder, `${ref.hash.slice(2)}.tgz.part`)
    await writeFile(part, bytes)
    const store = createBundleStore({ folder, limit: 1000 })
    if (first === 'received') expect(await store.received(ref)).toBe(400)
    const path = await store.path(ref)
    expect(path === null ? null : await readFile(path)).toEqual(bytes)
    expect(await store.received(ref)).toBe(400)
    await store.close()
  },
)

test('crash: what came whole and is damaged is asked for anew', async () => {
  const bytes = Buffer.alloc(400, 'a')
  const ref = refOf(bytes)
  await writeFile(join(folder, `${ref.hash.slice(2)}.tgz.part`), Buffer.alloc(400, 'b'))
  const store = createBundleStore({ folder, limit: 1000 })
  expect(await store.path(ref)).toBeNull()
  expect(await store.received(ref)).toBe(0)
  expect(await store.write(ref, 0, bytes)).toBe(400)
  expect(await store.path(ref)).not.toBeNull()
  await store.close()
})

test('behavior: a lease has the room of one bundle, whole ones and those left by a restart included', async () => {
  let store = createBundleStore({ folder, limit: 100 })
  const [first, second, third] = [1, 2, 3].map((value) => new Uint8Array(10).fill(value))
  if (first === undefined || second === undefined || third === undefined) throw new RangeError('three')
  await store.write(refOf(first), 0, first)
  await store.write(refOf(second), 0, second.subarray(0, 5))
  expect(await store.path(refOf(first))).toBeNull()
  await store.close()
  store = createBundleStore({ folder, limit: 100 })
  await store.write(refOf(third), 0, third)
  expect(await readdir(folder)).toEqual([`${refOf(third).hash.slice(2)}.tgz`])
  await store.close()
})

test('error: BundleOffsetError, a gap', async () => {
  const store = createBundleStore({ folder, limit: 100 })
  const bytes = new Uint8Array(20).fill(1)
  await store.write(refOf(bytes), 0, bytes.subarray(0, 5))
  await expect(store.write(refOf(bytes), 6, bytes.subarray(6))).rejects.toThrow(BundleOffsetError)
  await store.close()
})

test('error: BundleTooLargeError, above the limit or above what was announced', async () => {
  const store = createBundleStore({ folder, limit: 10 })
  const bytes = new Uint8Array(11)
  await expect(store.write(refOf(bytes), 0, bytes)).rejects.toThrow(
    'The bundle has 11 bytes; at most 10 are allowed.',
  )
  await expect(store.write({ ...refOf(bytes), size: 5 }, 0, bytes.subarray(0, 6))).rejects.toThrow(
    BundleTooLargeError,
  )
  await store.close()
})

test('error: BundleHashError, and it starts over', async () => {
  const store = createBundleStore({ folder, limit: 100 })
  const bytes = new Uint8Array([1, 2, 3])
  const lie: BundleRef = { ...refOf(new Uint8Array([9])), size: 3 }
  await expect(store.write(lie, 0, bytes)).rejects.toThrow(BundleHashError)
  expect(await store.received(lie)).toBe(0)
  expect(await store.path(lie)).toBeNull()
  await store.close()
})
