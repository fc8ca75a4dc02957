import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OutputPatternError } from '../../src/runners/sandbox/outputs/errors.ts'
import { createSandboxRunner } from '../../src/runners/sandbox/sandboxRunner.ts'
import { buildSupervisor } from './buildSupervisor.ts'
import { type Finished, finish, taskOf } from './runTask.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-outputs-'))
const supervisor = await buildSupervisor(folder)
const runner = createSandboxRunner({ directory: join(folder, 'jobs'), supervisor })
const canary = join(folder, 'canary')
let finished: Finished
let archive: string
let entries: string[]

const SCRIPT = `
mkdir -p out/deep
echo good > out/good
echo deeper > out/deep/file
ln -s "$CANARY" out/link-to-host
ln -s /etc out/link-to-etc
ln -s ../../../../../../../.. out/link-up
ln -s good out/link-inside
ln out/good out/hard-inside
ln /etc/passwd out/hard-outside || true
ln "$CANARY" out/hard-host || true
mkfifo out/pipe
mknod out/device c 1 3 || true
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un("out/socket"))'
perl -e 'truncate("out/sparse", 1) ; open F, ">", "out/sparse"; truncate F, 1 << 40'
perl -e 'open F, ">", "out/not-utf8-\\xff\\xfe"; print F "x"'
perl -e 'open F, ">", "out/line\\nbreak"; print F "x"'
mkdir -p "out/..." && echo dots > "out/.../..x"
echo closed > out/closed && chmod 000 out/closed
mkdir out/shut && echo inside > out/shut/file && chmod 000 out/shut
perl -e 'mkdir "out/chain"; chdir "out/chain"; for (1..60) { mkdir "d" x 200; chdir "d" x 200 } open F, ">", "far"; print F "x"'
echo elsewhere > not-an-output
ln -s /proc out/proc
`

beforeAll(async () => {
  writeFileSync(canary, 'secret of the host\n')
  finished = await finish(
    runner,
    taskOf('outputs', SCRIPT, {
      envs: { CANARY: canary },
      limits: { outputBytes: 1 << 20, diskBytes: 64 << 20 },
    }),
  )
  archive = finished.result.outputs?.archive ?? ''
  entries = []
  const reader = extract()
  reader.on('entry', (header, content, next) => {
    entries.push(`${header.type} ${header.name}`)
    content.resume()
    next()
  })
  await pipeline(createReadStream(archive), reader)
})

afterAll(async () => {
  await runner.sweep(new Set())
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const collected = () => finished.result.outputs?.files.map(({ path }) => path) ?? []
const skippedLine = (path: string) =>
  finished.system.split('\n').find((line) => line.includes(JSON.stringify(path)))

describe('default', () => {
  it('good files are collected, whatever else is there', () => {
    expect(finished.result).toMatchObject({ outcome: 'exited', exitCode: 0, reason: 'outputs' })
    expect(collected()).toEqual(
      expect.arrayContaining(['out/good', 'out/deep/file', 'out/closed', 'out/.../..x']),
    )
    expect(entries).toEqual(collected().map((path) => `file ${path}`))
    expect(statSync(archive).size).toBe(finished.result.outputs?.size)
  })
})

describe('an output cannot', () => {
  const refused: readonly (readonly [how: string, path: string, why: string])[] = [
    ['be a link to a file of the host', 'out/link-to-host', 'symbolic link'],
    ['be a link to a folder of the host', 'out/link-to-etc', 'symbolic link'],
    ['be a link that climbs up', 'out/link-up', 'symbolic link'],
    ['be a link even inside', 'out/link-inside', 'symbolic link'],
    ['be a link to /proc', 'out/proc', 'symbolic link'],
    ['be a pipe that blocks the collector', 'out/pipe', 'pipe'],
    ['be a socket', 'out/socket', 'socket'],
    ['be a sparse file of a tebibyte', 'out/sparse', 'exceed'],
  ]
  for (const [how, path, why] of refused)
    it(how, () => {
      expect(collected()).not.toContain(path)
      expect(skippedLine(path)).toContain(why)
    })

  it('be a device', () => {
    expect(entries.join('\n')).not.toContain('out/device')
  })

  it('be a hard link to something outside', () => {
    expect(collected()).not.toContain('out/hard-outside')
    expect(collected()).not.toContain('out/hard-host')
  })

  it('have a name that is not UTF-8', () => {
    expect(collected().join()).not.toContain('not-utf8')
    expect(finished.system).toContain('its name is not UTF-8')
  })

  it('break the log by its name', () => {
    expect(finished.system).not.toContain('line\nbreak')
  })

  it('be so deep that the collector fails', () => {
    expect(finished.system).toContain('ENAMETOOLONG')
  })

  it('carry a byte of the host', () => {
    expect(readFileSync(archive, 'latin1')).not.toContain('secret of the host')
  })

  it('be what no pattern names', () => {
    expect(collected()).not.toContain('not-an-output')
  })

  it('exceed the bytes that are leased', () => {
    expect(statSync(archive).size).toBeLessThanOrEqual(1 << 20)
  })

  it('make the archive large by many small files', async () => {
    const script = `mkdir out; perl -e 'for (1..1500) { open F, ">", "out/f$_"; print F "x" }'`
    const { result, system } = await finish(
      runner,
      taskOf('many', script, { limits: { outputBytes: 100_000 } }),
    )
    expect(result.outputs?.size).toBeLessThanOrEqual(100_000)
    expect(result.reason).toBe('outputs')
    expect(system).toContain('more outputs skipped')
  })
})

describe('error: OutputPatternError', () => {
  for (const pattern of ['../**', '/etc/**', 'out/../../etc', '', 'a\0b'])
    it(`pattern ${JSON.stringify(pattern)}`, async () => {
      await expect(runner.start(taskOf('pattern', 'true', { outputs: [pattern] }))).rejects.toThrow(
        OutputPatternError,
      )
      expect(await runner.attach('pattern')).toBeNull()
    })
})
