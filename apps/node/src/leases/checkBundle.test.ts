import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extractBundle } from '../runners/sandbox/bundle/extractBundle.ts'
import { checkBundle } from './checkBundle.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-check-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

async function bundleOf(header: Parameters<ReturnType<typeof pack>['entry']>[0], text = ''): Promise<string> {
  const tar = pack()
  tar.entry(header, text)
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const bundle = join(folder, 'bundle.tgz')
  writeFileSync(bundle, gzipSync(Buffer.concat(chunks)))
  return bundle
}

const readers = {
  checkBundle: (bundle: string) => checkBundle({ bundle, maxBytes: 1 << 30, maxEntries: 16 }),
  extractBundle: (bundle: string) =>
    extractBundle({
      bundle,
      into: mkdtempSync(join(folder, 'into-')),
      maxBytes: 1 << 30,
      maxEntries: 16,
      owner: null,
    }),
}

describe.each(Object.entries(readers))('%s', (_name, read) => {
  it('default', async () => {
    await expect(read(await bundleOf({ name: 'a' }, 'text'))).resolves.toBeUndefined()
  })

  it('error: one extended header of many megabytes', async () => {
    const bundle = await bundleOf({ name: 'a', pax: { comment: 'x'.repeat(12 << 20) } })
    await expect(read(bundle)).rejects.toMatchObject({ code: 'BUNDLE_FORMAT' })
  })

  it.each(['x', '-1', '9007199254740993'])('error: an extended header gives the size %s', async (size) => {
    const bundle = await bundleOf({ name: 'a', pax: { size } }, 'text')
    await expect(read(bundle)).rejects.toMatchObject({ code: 'BUNDLE_FORMAT' })
  })

  it('error: a tar that ends in the middle, and a file that is not gzip', async () => {
    const bundle = join(folder, 'bad.tgz')
    writeFileSync(bundle, gzipSync(Buffer.alloc(700, 1)))
    await expect(read(bundle)).rejects.toMatchObject({ code: 'BUNDLE_FORMAT' })
    writeFileSync(bundle, 'plain')
    await expect(read(bundle)).rejects.toMatchObject({ code: 'BUNDLE_COMPRESSION' })
  })
})
