#!/usr/bin/env node
// Applies each mutant (a small fault on a path of money) to a copy of the contracts and runs the suites that its second line
// names: they must fail. With names as arguments only those are tried.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forge } from './forge.mjs'

const folder = join(import.meta.dirname, 'mutants')

/** Names of all mutants that are kept. */
export const allMutants = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .map((name) => name.slice(0, -'.patch'.length))
    .sort()

/**
 * Tries mutants one after the other.
 * @param {readonly string[]} names Mutants to try.
 * @param {(line: string) => void} print Told one line a mutant.
 * @returns Names of mutants that were not caught.
 */
export function tryMutants(names, print) {
  const survivors = []
  const place = mkdtempSync(join(tmpdir(), 'millrace-mutants-'))
  try {
    // What is compiled already comes along, so that only what the mutant touches is compiled again.
    for (const name of ['test', 'foundry.toml', 'out', 'cache/forge']) {
      cpSync(join(import.meta.dirname, name), join(place, name), { recursive: true })
    }
    mkdirSync(join(place, 'cache', 'reach'), { recursive: true })
    for (const name of names) {
      const patch = join(folder, `${name}.patch`)
      const suites = /^Caught by: (.+)$/m.exec(readFileSync(patch, 'utf8'))?.[1]
      rmSync(join(place, 'src'), { recursive: true, force: true })
      cpSync(join(import.meta.dirname, 'src'), join(place, 'src'), { recursive: true })
      const applied = spawnSync('git', ['apply', '--unidiff-zero', patch], { cwd: place, encoding: 'utf8' })
      if (suites === undefined || applied.status !== 0) {
        print(`FAIL  mutant ${name} does not apply: ${applied.stderr}`)
        survivors.push(name)
        continue
      }
      const { stdout } = forge(['test', '--fail-fast', '--match-contract', `(${suites})`], {
        cwd: place,
        stdio: ['ignore', 'pipe', 'pipe'],
        encoding: 'utf8',
        env: { FOUNDRY_PROFILE: 'mutant', MILLRACE_SOLC_CACHE: join(place, 'cache', 'solc') },
      })
      // A mutant that does not compile proves nothing: it must be a test that fails.
      const caught = /^\[FAIL[^\n]*\] (\w+)|^\s+(invariant_\w+)\(\)/m.exec(stdout)
      print(
        caught
          ? `ok    mutant ${name}: caught by ${/(test\w*|invariant_\w+)\(/.exec(stdout.slice(caught.index))?.[1]}`
          : `FAIL  mutant ${name} was not caught by ${suites}\n${stdout.slice(-2_000)}`,
      )
      if (!caught) survivors.push(name)
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
  return survivors
}

if (import.meta.filename === process.argv[1]) {
  const asked = process.argv.slice(2)
  const names = asked.length > 0 ? asked : allMutants()
  const survivors = tryMutants(names, (line) => console.log(line))
  console.log(`${names.length - survivors.length} of ${names.length} mutants caught`)
  process.exit(survivors.length === 0 ? 0 : 1)
}
