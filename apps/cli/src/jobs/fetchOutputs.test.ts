import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { homePaths } from '../home/homePaths.ts'
import { OutputsDamagedError } from './errors.ts'
import { unpackOutputs } from './fetchOutputs.ts'
import { createOrder } from './order.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-outputs-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

async function unpack(entries: readonly (Partial<Header> & { name: string })[], listed = entries) {
  const order = createOrder(homePaths(join(home, 'home')), {
    type: 'planned',
    at: 1,
    lease: `0x${'ab'.repeat(32)}`,
    network: 'local',
    wallet: 'main',
    buyer: `0x${'11'.repeat(20)}`,
    published: {},
    currency: { address: `0x${'22'.repeat(20)}`, symbol: 'USD', decimals: 6 },
    duration: 60,
    maxCost: '10',
    job: {
      version: 1,
      name: 'job',
      run: 'true',
      envs: {},
      outputs: ['out/**', '*.log'],
      resources: { cpus: 1, memoryMiB: 64, diskMiB: 64, gpus: 0, network: 'none' },
    },
    bundle: null,
    outputDir: '/out',
  })
  const tar = pack()
  for (const entry of entries) tar.entry({ ...entry, size: 2 }, 'hi')
  tar.finalize()
  const path = join(home, 'outputs.tar')
  writeFileSync(path, await buffer(tar))
  const files = listed.map(({ name }) => ({ path: name, size: 2, sha256: `0x${'00'.repeat(32)}` as const }))
  try {
    await unpackOutputs(order, { path, folder: join(home, 'to'), files })
  } finally {
    order.close()
  }
}

test('behavior: what was asked for arrives, without set-uid', async () => {
  await unpack([{ name: 'out/deep/a', mode: 0o4755 }, { name: 'b.log' }])
  expect(readFileSync(join(home, 'to/b.log'), 'utf8')).toBe('hi')
  expect(statSync(join(home, 'to/out/deep/a')).mode & 0o7000).toBe(0)
})

test.each(['.git/hooks/post-checkout', 'package.json', 'out/../package.json', 'deep/b.log'])(
  'error: %s was not asked for',
  async (name) => {
    await expect(unpack([{ name }])).rejects.toThrow(OutputsDamagedError)
    expect(existsSync(join(home, 'to', name))).toBe(false)
  },
)

test('error: a file that is not listed', async () => {
  await expect(unpack([{ name: 'out/a' }], [])).rejects.toThrow(OutputsDamagedError)
})

test('error: a header that does not end', async () => {
  await expect(unpack([{ name: 'out/a', pax: { comment: 'x'.repeat(3_000_000) } }])).rejects.toThrow(
    OutputsDamagedError,
  )
})

test('behavior: links in the folder are not followed', async () => {
  await unpack([{ name: 'out/a' }])
  rmSync(join(home, 'to/out/a'))
  writeFileSync(join(home, 'kept'), 'mine')
  symlinkSync(join(home, 'kept'), join(home, 'to/b.log'))
  rmSync(join(home, 'home'), { recursive: true })
  await unpack([{ name: 'b.log' }])
  expect(readFileSync(join(home, 'kept'), 'utf8')).toBe('mine')
  rmSync(join(home, 'to/out'), { recursive: true })
  symlinkSync(home, join(home, 'to/out'))
  rmSync(join(home, 'home'), { recursive: true })
  await expect(unpack([{ name: 'out/kept' }])).rejects.toThrow(OutputsDamagedError)
  expect(readFileSync(join(home, 'kept'), 'utf8')).toBe('mine')
})
