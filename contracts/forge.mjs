#!/usr/bin/env node
// Runs Forge from npm in this folder with solc from npm: `node forge.mjs test --match-contract Till`.
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' }

/** Absolute path of the Forge binary for this platform. Exits with one line when npm did not install one. */
export function forgeBinary() {
  const name = `@foundry-rs/forge-${process.platform}-${ARCHITECTURES[process.arch]}`
  try {
    return require.resolve(`${name}/bin/forge${process.platform === 'win32' ? '.exe' : ''}`)
  } catch {
    console.error(`Forge is missing: ${name} is not installed. Run "npm ci" in the repository's root.`)
    process.exit(1)
  }
}

/**
 * Runs Forge and waits.
 * @param {readonly string[]} args Arguments of Forge.
 * @param {import('node:child_process').SpawnSyncOptions} [options] Further options of the process.
 */
export function forge(args, options = {}) {
  const solc = join(import.meta.dirname, 'solc.mjs')
  const openZeppelin = dirname(require.resolve('@openzeppelin/contracts/package.json'))
  chmodSync(solc, 0o755)
  return spawnSync(forgeBinary(), args, {
    cwd: import.meta.dirname,
    stdio: 'inherit',
    maxBuffer: 1 << 28,
    ...options,
    env: {
      ...process.env,
      FOUNDRY_SOLC: solc,
      FOUNDRY_REMAPPINGS: `@openzeppelin/contracts/=${openZeppelin}/`,
      FOUNDRY_ALLOW_PATHS: `["${openZeppelin}"]`,
      FOUNDRY_DISABLE_NIGHTLY_WARNING: '1',
      ...options.env,
    },
  })
}

if (import.meta.filename === process.argv[1]) {
  const { status } = forge(process.argv.slice(2))
  process.exit(status ?? 1)
}
