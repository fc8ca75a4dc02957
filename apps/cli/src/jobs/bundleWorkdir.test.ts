import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bundleWorkdir } from './bundleWorkdir.ts'
import { isIgnored, parseIgnore } from './ignoreRules.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
  mkdirSync(join(folder, 'work', 'deep'), { recursive: true })
  writeFileSync(join(folder, 'work', 'a.txt'), 'a')
  writeFileSync(join(folder, 'work', 'deep', 'run.sh'), 'echo', { mode: 0o755 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))
const bundle = (name = 'b.tgz') => bundleWorkdir(join(folder, 'work'), join(folder, name))
const names = () =>
  execFileSync('tar', ['-tzf', join(folder, 'b.tgz')], { encoding: 'utf8' })
    .trim()
    .split('\n')

describe('bundleWorkdir', () => {
  test('default: equal folders give equal bytes', async () => {
    const first = await bundle()
    utimesSync(join(folder, 'work', 'a.txt'), 1, 1)
    const second = await bundle('c.tgz')
    expect(second).toEqual(first)
    expect(readFileSync(join(folder, 'c.tgz'))).toEqual(readFileSync(join(folder, 'b.tgz')))
    expect(first).toMatchObject({ files: 2, unpacked: 5 })
    expect(names()).toEqual(['a.txt', 'deep/', 'deep/run.sh'])
  })

  test('behavior: .git and ignored files stay here, links inside go along', async () => {
    mkdirSync(join(folder, 'work', '.git'))
    writeFileSync(join(folder, 'work', '.git', 'HEAD'), 'x')
    writeFileSync(join(folder, 'work', '.gitignore'), '*.log\nbuild/\n')
    writeFileSync(join(folder, 'work', 'x.log'), 'x')
    mkdirSync(join(folder, 'work', 'build'))
    writeFileSync(join(folder, 'work', 'build', 'y'), 'y')
    symlinkSync('../a.txt', join(folder, 'work', 'deep', 'link'))
    await bundle()
    expect(names()).toEqual(['.gitignore', 'a.txt', 'deep/', 'deep/link', 'deep/run.sh'])
  })

  test.each(['/etc/passwd', '../outside', 'deep/../../x'])(
    'error: WorkdirError for a link to %s',
    async (target) => {
      symlinkSync(target, join(folder, 'work', 'link'))
      await expect(bundle()).rejects.toMatchObject({ code: 'WORKDIR' })
    },
  )

  test('error: WorkdirError for a pipe', async () => {
    execFileSync('mkfifo', [join(folder, 'work', 'pipe')])
    await expect(bundle()).rejects.toMatchObject({ code: 'WORKDIR' })
  })
})

describe('parseIgnore', () => {
  test.each([
    ['*.log', 'a/b.log', false, true],
    ['/a.log', 'x/a.log', false, false],
    ['build/', 'build', true, true],
    ['build/', 'build', false, false],
    ['a/**/z', 'a/b/c/z', false, true],
    ['a/**/z', 'a/z', false, true],
    ['docs/*', 'docs/a', false, true],
    ['docs/*', 'docs/a/b', false, false],
    ['[ab].txt', 'a.txt', false, true],
    ['a?c', 'abc', false, true],
    ['a.c', 'abc', false, false],
    ['*\n!keep', 'keep', false, false],
  ])('default: %j on %s', (rules, path, isFolder, expected) => {
    expect(isIgnored(parseIgnore(rules), path, isFolder)).toBe(expected)
  })
})
