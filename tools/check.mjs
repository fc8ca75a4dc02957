// Everything that can be known without running the product: format, lint, types, direction of imports, generated
// files, links in the docs. Steps run side by side; each prints one line, and its output only when it fails.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap, root } from './bootstrap.mjs'
import { wrongImports } from './imports.mjs'
import { deadLinks } from './links.mjs'

bootstrap()

const command = (program, ...args) =>
  new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => done([error.message]))
    child.on('close', (code) => done(code === 0 ? [] : [output || `exit code ${code}`]))
  })
const bin = (name) => join(root, 'node_modules', '.bin', name)
const lock = () =>
  Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages)
    .filter(([, entry]) => /^https?:/.test(entry.resolved ?? ''))
    .map(([path]) => `package-lock.json names a download address for ${path}`)

const steps = {
  'format and lint': () =>
    command(bin('biome'), 'ci', '--colors=off', '--diagnostic-level=warn', '--error-on-warnings', '.'),
  types: () => command(bin('tsc'), '-p', '.'),
  'format of contracts': () => command('node', 'contracts/forge.mjs', 'fmt', '--check'),
  'direction of imports': wrongImports,
  'generated files': () => command('node', 'tools/gen.mjs', '--check'),
  'links in docs': deadLinks,
  'lock file': lock,
}

const started = performance.now()
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`
const results = await Promise.all(
  Object.entries(steps).map(async ([name, step]) => {
    const since = performance.now()
    const problems = await step()
    process.stdout.write(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${name} (${seconds(since)})\n`)
    for (const problem of problems) process.stdout.write(`${problem}\n`)
    return problems.length === 0
  }),
)
process.stdout.write(
  `${results.every(Boolean) ? 'All checks passed' : 'Checks failed'} in ${seconds(started)}\n`,
)
process.exit(results.every(Boolean) ? 0 : 1)
