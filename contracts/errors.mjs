#!/usr/bin/env node
// Every error in the ABI of a contract must be reverted to in a test, by name and with its data. Errors that come in through
// OpenZeppelin and cannot happen here stand below with the reason.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const CONTRACTS = [
  'Assets',
  'Till',
  'Market',
  'Channels',
  'IAgentAccount',
  'AgentAccounts',
  'Appraisals',
  'Auction',
  'Desk',
  'Facility',
  'Units',
  'Vault',
  'TestDollar',
  'Permit2',
  'UptoPermit2Proxy',
]

const UNREACHABLE = {
  InvalidShortString: 'the EIP-712 names are constants of 31 bytes at most',
  StringTooLong: 'the EIP-712 names are constants of 31 bytes at most',
  FailedDeployment: 'accounts of agents: refused before by the code that stands there',
  InsufficientBalance: 'accounts of agents: a copy is made without a value',
  ERC721InvalidSender: 'ids are counted: none is minted twice',
  ECDSAInvalidSignatureLength: 'test dollar: signatures in bytes are tried without reverting',
  ERC20InvalidApprover: 'test dollar: the zero address cannot call',
  ERC20InvalidSender: 'test dollar: the zero address cannot call',
  StringsInsufficientHexLength: 'units: an address has 20 bytes',
  InvalidAccountNonce: 'test dollar: permit uses the next nonce and takes none from the caller',
}

/** Names of errors that no test reverts to. */
export function untestedErrors() {
  const folder = join(import.meta.dirname, 'test')
  const tests = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.sol'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  const missing = []
  let count = 0
  for (const contract of CONTRACTS) {
    const path = join(import.meta.dirname, 'out', `${contract}.sol`, `${contract}.json`)
    for (const { type, name } of JSON.parse(readFileSync(path, 'utf8')).abi) {
      if (type !== 'error') continue
      count++
      if (name in UNREACHABLE || new RegExp(`\\.${name}\\.selector\\b`).test(tests)) continue
      missing.push(`${contract}: ${name}`)
    }
  }
  return { count, missing }
}

if (import.meta.filename === process.argv[1]) {
  const { count, missing } = untestedErrors()
  for (const name of missing) console.log(`no test reverts to ${name}`)
  console.log(`${count} errors in the ABIs, ${missing.length} without a test`)
  process.exit(missing.length === 0 ? 0 : 1)
}
