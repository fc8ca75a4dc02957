// Runs the benchmarks one after another, so that none disturbs another; names given as arguments select.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { bootstrap, fail, must, root } from './bootstrap.mjs'

bootstrap()
must('node', ['tools/build.mjs', '--quiet'])
const all = readdirSync(join(root, 'bench', 'src'))
  .filter((file) => file.endsWith('.ts') && !file.startsWith('_'))
  .map((file) => basename(file, '.ts'))
const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !all.includes(name))
if (unknown.length > 0) fail(`no benchmark '${unknown.join("', '")}'; there are ${all.join(', ')}`)

let failed = 0
for (const name of chosen.length > 0 ? chosen : all) {
  process.stdout.write(`\n── ${name}\n`)
  const { status } = spawnSync(
    'node',
    ['--conditions=source', '--import', 'tsx', '--expose-gc', `bench/src/${name}.ts`],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  if (status !== 0) failed++
}
if (failed > 0) fail(`${failed} benchmark(s) failed`)
