// Writes everything that is generated and committed; with --check, says what is out of date and changes nothing.
import { spawnSync } from 'node:child_process'
import { bootstrap, root } from './bootstrap.mjs'

bootstrap()
const check = process.argv.includes('--check')
const typescript = ['--conditions=source', '--import', 'tsx']

/** Each generator knows `--check`. */
export const generators = [
  { name: 'ABIs and bytecode', args: ['contracts/gen.mjs'] },
  { name: 'OpenAPI document', args: [...typescript, 'apps/gateway/gen.ts'] },
  { name: 'error pages', args: [...typescript, 'tools/gen-errors.ts'] },
]

let failed = 0
for (const { name, args } of generators) {
  const { status, stdout, stderr } = spawnSync('node', [...args, ...(check ? ['--check'] : [])], {
    cwd: root,
    encoding: 'utf8',
  })
  process.stdout.write(`${status === 0 ? (check ? 'in sync' : 'written') : 'FAILED '}  ${name}\n`)
  if (status !== 0) {
    failed++
    process.stdout.write(`${stdout}${stderr}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
