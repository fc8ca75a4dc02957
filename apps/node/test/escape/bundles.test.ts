import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, describe, expect, it } from 'vitest'
import { BundleError } from '../../src/runners/sandbox/bundle/errors.ts'
import { createSandboxRunner } from '../../src/runners/sandbox/sandboxRunner.ts'
import { buildSupervisor } from './buildSupervisor.ts'
import { finish, taskOf } from './runTask.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-bundles-'))
const supervisor = await buildSupervisor(folder)
const runner = createSandboxRunner({ directory: join(folder, 'jobs'), supervisor })
const canary = join(folder, 'canary')
writeFileSync(canary, 'untouched')

afterAll(async () => {
  await runner.sweep(new Set())
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly text?: string }

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { text = '', ...header } of entries) tar.entry(header, text)
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A header for what tar-stream would not write: any name, type and size, with a right checksum. */
function rawHeader(name: string, type: string, size = 0, linkname = ''): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100, 'latin1')
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(linkname, 157, 100, 'latin1')
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

const file = (name: string, text = 'x'): Entry => ({ name, text })
const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname })
const END = Buffer.alloc(1024)

const refused: readonly (readonly [how: string, code: string, bytes: () => Buffer | Promise<Buffer>])[] = [
  ['climb up by ..', 'BUNDLE_PATH', () => tarOf([file('../canary')])],
  ['climb up by .. in the middle', 'BUNDLE_PATH', () => tarOf([file('a/../../canary')])],
  ['climb up by a folder entry', 'BUNDLE_PATH', () => tarOf([{ name: '../up', type: 'directory' }])],
  ['name an absolute path', 'BUNDLE_PATH', () => tarOf([file(canary)])],
  ['name the work folder itself', 'BUNDLE_PATH', () => tarOf([file('.')])],
  ['use a name longer than a name can be', 'BUNDLE_PATH', () => tarOf([file('n'.repeat(300))])],
  ['use a name that is not UTF-8', 'BUNDLE_PATH', () => Buffer.concat([rawHeader('bad-\xff', '0'), END])],
  [
    'hide .. in a long name record',
    'BUNDLE_PATH',
    () => tarOf([file(`${'d/'.repeat(80)}${'../'.repeat(90)}canary`)]),
  ],
  ['link to an absolute path', 'BUNDLE_LINK', () => tarOf([link('l', '/etc/passwd')])],
  ['link up and out', 'BUNDLE_LINK', () => tarOf([link('l', '../../../etc/passwd')])],
  [
    'link out by way of another link',
    'BUNDLE_LINK',
    () => tarOf([link('a/b/up', '../..'), link('l', 'a/b/up/../canary')]),
  ],
  ['write through a link', 'BUNDLE_CONFLICT', () => tarOf([link('d', 'inside'), file('d/file')])],
  [
    'write through a link made later at the same path',
    'BUNDLE_CONFLICT',
    () => tarOf([file('d/file'), link('d', 'x')]),
  ],
  [
    'hard-link a file of the host',
    'BUNDLE_PATH',
    () => tarOf([{ name: 'h', type: 'link', linkname: canary }]),
  ],
  ['hard-link up and out', 'BUNDLE_PATH', () => tarOf([{ name: 'h', type: 'link', linkname: '../canary' }])],
  [
    'hard-link a file that is not in it',
    'BUNDLE_LINK',
    () => tarOf([{ name: 'h', type: 'link', linkname: 'nothing' }]),
  ],
  [
    'hard-link its own symbolic link',
    'BUNDLE_LINK',
    () => tarOf([link('s', 'x'), { name: 'h', type: 'link', linkname: 's' }]),
  ],
  ['name the same file twice', 'BUNDLE_CONFLICT', () => tarOf([file('a'), file('./a', 'other')])],
  [
    'put a folder where a file is',
    'BUNDLE_CONFLICT',
    () => tarOf([file('a'), { name: 'a', type: 'directory' }]),
  ],
  ['put a file below a file', 'BUNDLE_CONFLICT', () => tarOf([file('a'), file('a/b')])],
  [
    'hold a character device',
    'BUNDLE_ENTRY_TYPE',
    () => tarOf([{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }]),
  ],
  [
    'hold a block device',
    'BUNDLE_ENTRY_TYPE',
    () => tarOf([{ name: 'd', type: 'block-device', devmajor: 7, devminor: 0 }]),
  ],
  ['hold a pipe', 'BUNDLE_ENTRY_TYPE', () => tarOf([{ name: 'p', type: 'fifo' }])],
  ['hold an entry of an unknown kind', 'BUNDLE_ENTRY_TYPE', () => Buffer.concat([rawHeader('s', 'S'), END])],
  [
    'unpack to more than the disk (zip bomb)',
    'BUNDLE_SIZE',
    () => tarOf([file('bomb', '\0'.repeat(40 << 20))]),
  ],
  [
    'unpack to more than the disk in many files',
    'BUNDLE_SIZE',
    () => tarOf(Array.from({ length: 40 }, (_, i) => file(`b${i}`, '\0'.repeat(1 << 20)))),
  ],
  [
    'claim a size of gigabytes',
    'BUNDLE_SIZE',
    () => Buffer.concat([rawHeader('huge', '0', 8 * 1024 ** 3 - 1), END]),
  ],
  [
    'hold more files than the disk can',
    'BUNDLE_ENTRIES',
    () => tarOf(Array.from({ length: 3000 }, (_, i) => file(`f${i}`, ''))),
  ],
  ['go on with zeros for ever behind its end', 'BUNDLE_FORMAT', () => Buffer.alloc(64 << 20)],
  [
    'open with a name record of megabytes',
    'BUNDLE_FORMAT',
    () => Buffer.concat([rawHeader('long', 'L', 5 << 20), Buffer.alloc(5 << 20, 65)]),
  ],
  [
    'end in the middle of a file',
    'BUNDLE_FORMAT',
    async () => (await tarOf([file('a', 'x'.repeat(5000))])).subarray(0, 2048),
  ],
  ['have a broken header', 'BUNDLE_FORMAT', () => Buffer.alloc(512, 7)],
]

async function start(id: string, bytes: Buffer) {
  const bundle = join(folder, `${id}.tgz`)
  writeFileSync(bundle, bytes)
  return runner.start(taskOf(id, 'true', { bundle }))
}

describe('default', () => {
  it('a good bundle is the work folder', async () => {
    const bundle = join(folder, 'good.tgz')
    const bytes = await tarOf([
      { name: 'src/', type: 'directory' },
      { name: 'src/run.sh', mode: 0o4755, text: 'echo from the bundle' },
      file('deep/er/file', 'deep'),
      link('deep/link', '../src/run.sh'),
      { name: 'hard', type: 'link', linkname: 'src/run.sh' },
    ])
    writeFileSync(bundle, gzipSync(bytes))
    const { stdout, result } = await finish(
      runner,
      taskOf(
        'good',
        'src/run.sh; cat deep/er/file; sh deep/link; sh hard; stat -c %a src/run.sh; echo more >> src/run.sh',
        { bundle },
      ),
    )
    expect(stdout).toBe('from the bundle\ndeepfrom the bundle\nfrom the bundle\n755\n')
    expect(result.exitCode).toBe(0)
  })
})

describe('a bundle cannot', () => {
  refused.forEach(([how, code, bytes], index) => {
    it(`${how} (${code})`, async () => {
      const id = `bundle-${index}`
      const failure = await start(id, gzipSync(await bytes())).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(BundleError)
      expect(failure).toMatchObject({ code })
      expect(await runner.attach(id)).toBeNull()
      expect(readdirSync(join(folder, 'jobs'))).not.toContain(id)
    })
  })

  it('be cut off (BUNDLE_COMPRESSION)', async () => {
    const bytes = gzipSync(await tarOf([file('a', 'x'.repeat(5000))]))
    await expect(start('cut', bytes.subarray(0, bytes.length - 20))).rejects.toMatchObject({
      code: 'BUNDLE_COMPRESSION',
    })
  })

  it('be something else than gzip (BUNDLE_COMPRESSION)', async () => {
    await expect(start('plain', await tarOf([file('a')]))).rejects.toMatchObject({
      code: 'BUNDLE_COMPRESSION',
    })
  })

  it('be missing (BUNDLE_UNREADABLE)', async () => {
    await expect(
      runner.start(taskOf('none', 'true', { bundle: join(folder, 'none.tgz') })),
    ).rejects.toMatchObject({
      code: 'BUNDLE_UNREADABLE',
    })
  })
})
