import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { confirm, deployLocal, mintTestDollars } from '@millrace/sdk'
import {
  type Address,
  concat,
  createTestClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  keccak256,
  pad,
  publicActions,
  stringToHex,
  toHex,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import type { PaymentRequirements } from '../src/wire/x402.ts'

const require = createRequire(import.meta.url)
const mnemonic = 'test test test test test test test test test test test junk'

/** A funded account of Anvil. */
export const accountAt = (addressIndex: number) => mnemonicToAccount(mnemonic, { addressIndex })

/** Anvil on a free port with a token of EIP-3009 that accounts 0 to 4 own; `stop` ends it. */
export async function startLocalChain(chainId = 31337, deploying: Parameters<typeof deployLocal>[1] = {}) {
  const platform = process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const binary = require.resolve(`@foundry-rs/anvil-${platform}-${arch}/bin/anvil`)
  const child = spawn(binary, ['--port', '0', '--host', '127.0.0.1', '--chain-id', String(chainId)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`anvil ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  const chain = defineChain({
    id: chainId,
    name: 'Local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  // A limit ends what hangs; a busy machine takes a minute over what takes an idle one a second.
  const transport = http(url, { retryCount: 0, timeout: 120_000 })
  const options = { chain, transport, pollingInterval: 20 } as const
  const walletOf = (index: number) => createWalletClient({ ...options, account: accountAt(index) })
  const client = createTestClient({ ...options, mode: 'anvil' }).extend(publicActions)
  const deployment = await deployLocal(walletOf(0), deploying)
  const [currency] = deployment.currencies
  if (currency === undefined) throw new RangeError('a local deployment has a currency')

  /** Gives test dollars at any of the tokens' addresses. */
  async function mint(to: Address, amount: bigint, token: Address = currency?.address ?? '0x') {
    await confirm(walletOf(0), await mintTestDollars(walletOf(0), { currency: token, to, amount }))
  }
  for (let index = 0; index < 5; index++) await mint(accountAt(index).address, 1_000_000_000n)

  /** What is asked for: 1000 units for account 9, in the test dollar. */
  const requirements: PaymentRequirements = {
    scheme: 'exact',
    network: `eip155:${chainId}`,
    amount: '1000',
    asset: currency.address,
    payTo: accountAt(9).address,
    maxTimeoutSeconds: 120,
    extra: { name: currency.name, version: currency.version },
  }
  return {
    url,
    child,
    chain,
    client,
    walletOf,
    mint,
    deployment,
    currency,
    token: currency.address,
    requirements,
    balanceOf: (account: Address, token: Address = currency.address) =>
      client.readContract({
        address: token,
        abi: [
          {
            type: 'function',
            name: 'balanceOf',
            inputs: [{ name: 'account', type: 'address' }],
            outputs: [{ name: '', type: 'uint256' }],
            stateMutability: 'view',
          },
        ],
        functionName: 'balanceOf',
        args: [account],
      }),
    stop: () =>
      new Promise<void>((done) => {
        if (child.exitCode !== null) return done()
        child.once('exit', () => done())
        child.kill('SIGKILL')
      }),
  }
}

export type LocalChain = Awaited<ReturnType<typeof startLocalChain>>

/** USDC on Base Sepolia: where the stock clients expect it. */
export const usdcAddress: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

/**
 * Puts the test dollar's code to the address of USDC, with USDC's name and version in its EIP-712 domain, and gives
 * accounts 0 to 4 some.
 */
export async function etchUsdc(chain: LocalChain): Promise<PaymentRequirements> {
  const code = (await chain.client.getCode({ address: chain.token })) ?? '0x'
  const shortString = (text: string) =>
    concat([pad(stringToHex(text), { size: 31, dir: 'right' }), toHex(text.length, { size: 1 })])
  const patched = [
    [shortString('Test Dollar'), shortString('USDC')],
    [shortString('1'), shortString('2')],
    [keccak256(stringToHex('Test Dollar')), keccak256(stringToHex('USDC'))],
    [keccak256(stringToHex('1')), keccak256(stringToHex('2'))],
  ].reduce((text, [from = '', to = '']) => text.replaceAll(from.slice(2), to.slice(2)), code as string) as Hex
  await chain.client.setCode({ address: usdcAddress, bytecode: patched })
  // The ERC-20 name stands in slot 3, a short string: text on the left, twice its length in the last byte.
  await chain.client.setStorageAt({
    address: usdcAddress,
    index: 3,
    value: concat([pad(stringToHex('USDC'), { size: 31, dir: 'right' }), '0x08']),
  })
  for (let index = 0; index < 5; index++)
    await chain.mint(accountAt(index).address, 1_000_000_000n, usdcAddress)
  return { ...chain.requirements, asset: usdcAddress, extra: { name: 'USDC', version: '2' } }
}

/** Code of a contract account that stands by every signature. */
export const agreeingWallet: Hex = '0x631626ba7e60e01b5f5260205ff3'
/** Code of one that stands by every signature when it is asked without a gas price, and by none in a transaction. */
export const lyingWallet: Hex = '0x3a15631626ba7e0260e01b5f5260205ff3'
