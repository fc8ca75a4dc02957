// What a loan costs in gas, beside Morpho Blue from its npm package: compiled as its authors do (solc 0.8.19 through the IR, 999,999 runs) and
// sent as transactions to the same local chain in the same run. Ours stand in contracts/snapshots/gas.json, measured the same way: whole
// transactions. The two do not do the same: Morpho's markets lend against a token by an oracle, without terms, covenants, concentration,
// tranches, a queue or repayment by revenue, and its collateral moves into its custody in a transaction of its own.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Abi, type Address, type Hash, type Hex, maxUint256 } from 'viem'
import { startPeerChain } from './_credit/startPeerChain.ts'

interface Compiled {
  readonly abi: Abi
  readonly bytecode: Hex
}

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..', '..')
const morphoSource = join(dirname(require.resolve('@morpho-org/morpho-blue/package.json')), 'src')

const compiled = compile(['Morpho.sol', 'mocks/ERC20Mock.sol', 'mocks/OracleMock.sol', 'mocks/IrmMock.sol'])
const chain = await startPeerChain()
const { wallet, other } = chain
const measured: Record<string, number> = {}

try {
  const [loan, collateral] = [await deploy('ERC20Mock'), await deploy('ERC20Mock')]
  const [oracle, irm] = [await deploy('OracleMock'), await deploy('IrmMock')]
  const morpho = await deploy('Morpho', [wallet.account.address])
  const market = { loanToken: loan, collateralToken: collateral, oracle, irm, lltv: 800_000_000_000_000_000n }
  await send('OracleMock', oracle, 'setPrice', [10n ** 36n])
  await send('Morpho', morpho, 'enableIrm', [irm])
  await send('Morpho', morpho, 'enableLltv', [market.lltv])
  await send('Morpho', morpho, 'createMarket', [market])
  for (const account of [wallet.account.address, other.account.address])
    for (const token of [loan, collateral])
      await send('ERC20Mock', token, 'setBalance', [account, 10n ** 24n])
  for (const from of [wallet, other])
    for (const token of [loan, collateral])
      await send('ERC20Mock', token, 'approve', [morpho, maxUint256], from)

  const [lender, borrower] = [wallet.account.address, other.account.address]
  const unit = 10n ** 18n
  // Each the second time, when the market and the accounts are not empty.
  for (const again of [false, true]) {
    const names = (name: string) => (again ? name : `${name}_first`)
    const call = async (name: string, method: string, args: readonly unknown[], from = wallet) => {
      measured[names(name)] = Number((await send('Morpho', morpho, method, args, from)).gasUsed)
    }
    await chain.wait(3_600)
    await call('supply', 'supply', [market, 1_000n * unit, 0n, lender, '0x'])
    await call('supplyCollateral', 'supplyCollateral', [market, 500n * unit, borrower, '0x'], other)
    await call('borrow', 'borrow', [market, 100n * unit, 0n, borrower, borrower], other)
    await chain.wait(3_600)
    await call('repay', 'repay', [market, 50n * unit, 0n, borrower, '0x'], other)
    await call('withdraw', 'withdraw', [market, 10n * unit, 0n, lender, lender])
  }
} finally {
  await chain.stop()
}

const ours = JSON.parse(readFileSync(join(root, 'contracts', 'snapshots', 'gas.json'), 'utf8')) as Record<
  string,
  number
>
const rows = [
  {
    what: 'a lender comes, from its wallet',
    ours: ours['credit.deposit_from_wallet'],
    peer: measured.supply,
  },
  { what: 'a lender comes, from its account in the till', ours: ours['credit.deposit'], peer: null },
  { what: 'a lender leaves (request, queue, claim)', ours: ours['credit.redeem'], peer: measured.withdraw },
  { what: 'collateral is given', ours: ours['credit.pledge'], peer: measured.supplyCollateral },
  { what: 'borrow', ours: ours['credit.borrow'], peer: measured.borrow },
  { what: 'repay by hand', ours: ours['credit.repay'], peer: measured.repay },
  { what: 'repay from revenue, inside the settlement', ours: ours['credit.settle_with_debt'], peer: null },
]
const result = {
  benchmark: 'credit',
  at: new Date().toISOString().slice(0, 10),
  unit: 'gas of a whole transaction',
  peer: `@morpho-org/morpho-blue ${(require('@morpho-org/morpho-blue/package.json') as { version: string }).version}, mocks for token, oracle and rate`,
  rows,
  morpho: measured,
  millrace: Object.fromEntries(Object.entries(ours).filter(([key]) => /^(credit|auction)\./.test(key))),
}
const folder = join(root, 'bench', 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'credit.json'), `${JSON.stringify(result, null, 2)}\n`)
console.table(rows)

function compile(files: readonly string[]): Record<string, Compiled> {
  const solc = require('solc-0.8.19') as {
    compile(input: string, callbacks: { import(path: string): unknown }): string
  }
  const read = (path: string) => readFileSync(join(morphoSource, path), 'utf8')
  const output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: 'Solidity',
        sources: Object.fromEntries(files.map((file) => [file, { content: read(file) }])),
        settings: {
          viaIR: true,
          optimizer: { enabled: true, runs: 999_999 },
          evmVersion: 'paris',
          outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
        },
      }),
      { import: (path) => ({ contents: read(path) }) },
    ),
  ) as {
    errors?: { severity: string; formattedMessage: string }[]
    contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
  }
  const wrong = output.errors?.find(({ severity }) => severity === 'error')
  if (wrong !== undefined) throw new SyntaxError(wrong.formattedMessage)
  return Object.fromEntries(
    Object.values(output.contracts)
      .flatMap((contracts) => Object.entries(contracts))
      .map(([name, { abi, evm }]) => [name, { abi, bytecode: `0x${evm.bytecode.object}` as const }]),
  )
}

function contract(name: string): Compiled {
  const found = compiled[name]
  if (found === undefined) throw new RangeError(`no contract ${name}`)
  return found
}

async function deploy(name: string, args: readonly unknown[] = []): Promise<Address> {
  const { abi, bytecode } = contract(name)
  const hash = await wallet.deployContract({ abi, bytecode, args })
  const { contractAddress } = await chain.confirm(hash)
  if (!contractAddress) throw new RangeError(`${name} was not deployed`)
  return contractAddress
}

async function send(
  name: string,
  address: Address,
  functionName: string,
  args: readonly unknown[],
  from = wallet,
) {
  const hash: Hash = await from.writeContract({ abi: contract(name).abi, address, functionName, args })
  return chain.confirm(hash)
}
