import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import * as challenge from '../src/challenge/index.ts'
import * as sdk from '../src/index.ts'
import * as keystore from '../src/keystore/index.ts'

const sources = fileURLToPath(new URL('../src/', import.meta.url))
const placeholders = fileURLToPath(new URL('./placeholders.ts', import.meta.url))
const repository = fileURLToPath(new URL('../../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

interface Example {
  readonly file: string
  readonly code: string
}

/** The examples of all comments, each as it would be copied. */
function examples(): readonly Example[] {
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('generated'))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(sources, file), 'utf8')
      return [...text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\//g)].flatMap(([, comment = '']) => {
        const [, example] = comment.split('@example')
        if (example === undefined) return []
        const code = example.replace(/^\s*\* ?/gm, '').trim()
        return [{ file, code }]
      })
    })
}

/** A program with every example in a function of its own, among the API and the placeholders. */
function programOf(all: readonly Example[]): string {
  const given = [
    ...readFileSync(placeholders, 'utf8').matchAll(/^export (?:declare const (\w+)|\{ ([\w, ]+) \})/gm),
  ].flatMap(([, name, names = '']) => name ?? names.split(', '))
  const use = (names: readonly unknown[], path: string) =>
    `import { ${names.join(', ')} } from ${JSON.stringify(path)}`
  return [
    use([...Object.keys(sdk), 'type Transport'], join(sources, 'index.ts')),
    use(Object.keys(challenge), join(sources, 'challenge', 'index.ts')),
    use(Object.keys(keystore), join(sources, 'keystore', 'index.ts')),
    use(given, placeholders),
    ...all.map(({ file, code }, at) => `// ${file}\nexport async function example${at}() {\n${code}\n}`),
    '',
  ].join('\n')
}

function typeCheck(): Promise<string> {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin',
    'tsc',
  )
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], (_, stdout) => resolve(stdout))
  })
}

test('every example in the comments is good TypeScript', async () => {
  const all = examples()
  expect(all.length).toBeGreaterThan(90)
  writeFileSync(join(folder, 'examples.mts'), programOf(all))
  const compilerOptions = {
    noUnusedLocals: false,
    noUnusedParameters: false,
    incremental: false,
    rewriteRelativeImportExtensions: false,
    tsBuildInfoFile: null,
    rootDir: '/',
    typeRoots: [join(repository, 'node_modules', '@types')],
  }
  const config = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions,
    include: [join(folder, 'examples.mts')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const lines = programOf(all).split('\n')
  // Each complaint with the line it is about.
  const complaints = (await typeCheck()).replace(
    /examples\.mts\((\d+),.*/g,
    (whole, line) => `${whole}\n    ${lines[Number(line) - 1]}`,
  )
  expect(complaints).toBe('')
})
