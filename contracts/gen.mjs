#!/usr/bin/env node
// Compiles the contracts and writes their ABIs and creation code as TypeScript for the SDK:
// packages/sdk/src/generated/<noun>.ts, and the errors of all of them apart. What stands in on local chains for contracts of x402 goes to
// packages/pay/src/generated. With --check it writes nothing and fails where a file is out of date.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { forge } from './forge.mjs'

const CONTRACTS = {
  agentAccount: 'AgentAccount',
  agentAccounts: 'AgentAccounts',
  agentDelegate: 'AgentDelegate',
  agentModule: 'AgentModule',
  agentPolicies: 'Policies',
  agents: 'IAgentAccount',
  appraisals: 'Appraisals',
  assets: 'Assets',
  auction: 'Auction',
  channels: 'Channels',
  debt: 'IDebt',
  desk: 'Desk',
  desks: 'Desks',
  facility: 'Facility',
  identityRegistry: 'IdentityRegistry',
  market: 'Market',
  ranks: 'Ranks',
  reputationRegistry: 'ReputationRegistry',
  testDollar: 'TestDollar',
  till: 'Till',
  units: 'Units',
  vault: 'Vault',
  vaults: 'Vaults',
}

/** Stand-ins for contracts of x402, for local chains only. */
const STAND_INS = {
  batchSettlement: 'BatchSettlement',
  erc3009DepositCollector: 'Erc3009DepositCollector',
  multicall3: 'Multicall3',
  permit2: 'Permit2',
  uptoPermit2Proxy: 'UptoPermit2Proxy',
}

const root = join(import.meta.dirname, '..')
const sdkFolder = join(root, 'packages', 'sdk', 'src', 'generated')
const payFolder = join(root, 'packages', 'pay', 'src', 'generated')
const check = process.argv.includes('--check')

const build = forge(['build', '--skip', 'test', '--quiet'])
if (build.status !== 0) process.exit(build.status ?? 1)

/** ABI entries in a fixed order, whatever the compiler's: kind, name, then inputs. */
function sorted(abi) {
  const key = (entry) =>
    `${entry.type} ${entry.name ?? ''} ${(entry.inputs ?? []).map((input) => input.type).join()}`
  return [...abi].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** One ABI parameter without what only the compiler needs. */
function parameter({ internalType: _, components, ...rest }) {
  return components === undefined ? rest : { ...rest, components: components.map(parameter) }
}

function entry(item) {
  const result = { ...item }
  if (item.inputs !== undefined) result.inputs = item.inputs.map(parameter)
  if (item.outputs !== undefined) result.outputs = item.outputs.map(parameter)
  return result
}

/** A JSON value as a TypeScript literal in the repository's format: single quotes, bare keys. */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string') return `'${value}'`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([key, item]) => `${key}: ${literal(item)}`)
    .join(', ')} }`
}

const files = new Map()
const abis = new Map()
for (const [folder, contracts] of [
  [sdkFolder, CONTRACTS],
  [payFolder, STAND_INS],
]) {
  for (const [noun, contract] of Object.entries(contracts)) {
    const artifact = JSON.parse(
      readFileSync(join(import.meta.dirname, 'out', `${contract}.sol`, `${contract}.json`), 'utf8'),
    )
    abis.set(noun, artifact.abi)
    const lines = [
      `// Generated from contracts/src by \`npm run gen\`. Do not edit.`,
      '',
      `/** ABI of \`${contract}\`. */`,
      `export const ${noun}Abi = [`,
      ...sorted(artifact.abi).map((item) => `  ${literal(entry(item))},`),
      '] as const',
      '',
    ]
    if (artifact.bytecode.object.length > 2) {
      lines.push(
        `/** Creation code of \`${contract}\`; the constructor's arguments follow it. */`,
        `export const ${noun}Bytecode =`,
        `  '${artifact.bytecode.object}' as const`,
        '',
      )
    }
    files.set(join(folder, `${noun}.ts`), lines.join('\n'))
  }
}

/** Contracts whose custom errors a call can end in, in the order in which an error of many is looked for. */
const REFUSING = [
  ...['market', 'channels', 'agents', 'agentAccounts', 'till', 'assets', 'testDollar'],
  ...['facility', 'desk', 'vault', 'auction', 'appraisals', 'ranks', 'units'],
]
const errors = new Map()
for (const noun of REFUSING) {
  for (const item of sorted(abis.get(noun))) {
    const signature = `${item.name}(${(item.inputs ?? []).map(({ type }) => type).join()})`
    if (item.type === 'error' && !errors.has(signature)) errors.set(signature, literal(entry(item)))
  }
}
files.set(
  join(sdkFolder, 'errors.ts'),
  [
    `// Generated from contracts/src by \`npm run gen\`. Do not edit.`,
    '',
    '/** Every custom error that a call to Millrace can end in, once each: all that a reader of reverts needs of the ABIs. */',
    'export const errorsAbi = [',
    ...[...errors.values()].map((item) => `  ${item},`),
    '] as const',
    '',
  ].join('\n'),
)

const stale = []
for (const [path, text] of files) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  stale.push(relative(root, path))
  if (!check) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
for (const folder of [sdkFolder, payFolder]) {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, name)
    if (files.has(path)) continue
    stale.push(relative(root, path))
    if (!check) rmSync(path)
  }
}
if (check && stale.length > 0) {
  console.error(`Out of date, run "npm run gen": ${stale.join(', ')}`)
  process.exit(1)
}
console.log(
  check ? `${files.size} generated files are in sync` : `Wrote ${stale.length} of ${files.size} files`,
)
