#!/usr/bin/env node
// The Solidity compiler from npm, dressed as the native one so that Forge can call it:
// answers `--version`, else compiles the standard JSON on its standard input.
// Results are kept in cache/solc by the hash of the input, because the compiler is JavaScript and slow.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const { version } = require('solc/package.json')
// The build string stands in the file's own first call of `version`; naming it here spares loading 9 MB for a question.
const BUILDS = { '0.8.37': '0.8.37+commit.f401782d' }
const build = BUILDS[version]
if (build === undefined) {
  console.error(`solc.mjs: solc ${version} is not known here, expected ${Object.keys(BUILDS)}`)
  process.exit(1)
}

if (process.argv.includes('--version')) {
  console.log('solc, the solidity compiler commandline interface')
  console.log(`Version: ${build}.Linux.g++`)
  process.exit(0)
}

const input = readFileSync(0, 'utf8')
const folder = process.env.MILLRACE_SOLC_CACHE ?? join(import.meta.dirname, 'cache', 'solc')
const kept = join(folder, `${createHash('sha256').update(build).update(input).digest('hex')}.json`)
if (existsSync(kept)) {
  process.stdout.write(readFileSync(kept))
} else {
  const solc = require('solc')
  if (!solc.version().startsWith(build)) {
    console.error(`solc.mjs: the package compiles as ${solc.version()}, expected ${build}`)
    process.exit(1)
  }
  const output = solc.compile(input)
  mkdirSync(folder, { recursive: true })
  // Written aside and renamed: a compiler that is killed leaves no half answer behind.
  writeFileSync(`${kept}.${process.pid}`, output)
  renameSync(`${kept}.${process.pid}`, kept)
  process.stdout.write(output)
  forgetOld()
}

/** Keeps the newest few answers: each is some megabytes. */
function forgetOld() {
  const files = readdirSync(folder).map((name) => join(folder, name))
  const age = new Map(files.map((file) => [file, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
  for (const file of files.sort((a, b) => age.get(b) - age.get(a)).slice(8)) rmSync(file, { force: true })
}
