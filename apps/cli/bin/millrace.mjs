#!/usr/bin/env node
// Runs the built command; in a clone whose sources are newer than its build, or that has none, the TypeScript sources.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const built = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Whether any source of the apps and packages was changed after the build. */
function isStale() {
  const builtAt = statSync(built).mtimeMs
  const isNewer = (folder) =>
    readdirSync(folder, { withFileTypes: true }).some((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name !== 'node_modules' && entry.name !== 'dist' && isNewer(path)
      return (
        entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') && statSync(path).mtimeMs > builtAt
      )
    })
  return ['apps', 'packages'].some((kind) =>
    readdirSync(join(root, kind)).some((name) => {
      const folder = join(root, kind, name, 'src')
      return existsSync(folder) && isNewer(folder)
    }),
  )
}

if (existsSync(built) && (!existsSync(source) || !isStale())) {
  await import(pathToFileURL(built).href)
} else {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', tsx, source, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  )
  // The terminal sends Ctrl-C to the child as well; it decides when to end, and so do we.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 70)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
