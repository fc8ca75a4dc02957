import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import {
  approveModule,
  confirm,
  type Deployment,
  deployLocal,
  depositToTill,
  mintTestDollars,
} from '@millrace/sdk'
import {
  type Account,
  type Chain,
  createTestClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  maxUint256,
  publicActions,
  type Transport as RpcTransport,
  type WalletClient,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

export const chainId = 31337
/** First of Anvil's well-known accounts: deploys and pays for everything. */
const richKey: Hex = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

export type Wallet = WalletClient<RpcTransport, Chain, Account>

export interface TestNetwork {
  readonly rpc: string
  readonly deployment: Deployment
  readonly admin: Wallet
  readonly client: ReturnType<typeof testClient>
  /** A new account with coins. */
  account(): Promise<{ readonly key: Hex; readonly wallet: Wallet }>
  /** A new account with coins and `amount` test dollars (base units) in the till, the market approved. */
  buyer(amount?: bigint): Promise<Wallet>
  readonly anvil: ChildProcess
  close(): Promise<void>
}

const chainAt = (rpc: string) =>
  defineChain({
    id: chainId,
    name: 'test',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  })

function testClient(rpc: string) {
  return createTestClient({
    mode: 'anvil',
    chain: chainAt(rpc),
    transport: http(rpc),
    pollingInterval: 50,
  }).extend(publicActions)
}

function walletOf(rpc: string, key: Hex): Wallet {
  return createWalletClient({
    account: privateKeyToAccount(key),
    chain: chainAt(rpc),
    transport: http(rpc),
    pollingInterval: 50,
  })
}

function anvilBinary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
  return require.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`)
}

/** Starts Anvil on a free port with Millrace deployed. */
export async function startTestNetwork(): Promise<TestNetwork> {
  const anvil = spawn(
    anvilBinary(),
    ['--host', '127.0.0.1', '--port', '0', '--chain-id', String(chainId), '--order', 'fifo'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  process.once('exit', () => anvil.kill('SIGKILL'))
  const rpc = await new Promise<string>((resolve, reject) => {
    let output = ''
    anvil.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (port === undefined) return
      output = ''
      resolve(`http://127.0.0.1:${port}`)
    })
    anvil.once('exit', (code) => reject(new RangeError(`anvil ended with ${code}`)))
  })
  const admin = walletOf(rpc, richKey)
  const deployment = await deployLocal(admin)
  const client = testClient(rpc)

  async function account() {
    const key = generatePrivateKey()
    const wallet = walletOf(rpc, key)
    await client.setBalance({ address: wallet.account.address, value: 10n ** 20n })
    return { key, wallet }
  }

  return {
    rpc,
    deployment,
    admin,
    client,
    account,
    async buyer(amount = 1_000_000_000n) {
      const { wallet } = await account()
      const [currency] = deployment.currencies
      if (currency === undefined) throw new RangeError('no currency')
      const send = async (hash: Promise<Hex>) => confirm(client, await hash)
      await send(mintTestDollars(wallet, { currency: currency.address, to: wallet.account.address, amount }))
      await send(
        wallet.writeContract({
          address: currency.address,
          abi: [
            {
              type: 'function',
              name: 'approve',
              stateMutability: 'nonpayable',
              inputs: [
                { name: 'spender', type: 'address' },
                { name: 'value', type: 'uint256' },
              ],
              outputs: [{ name: '', type: 'bool' }],
            },
          ],
          functionName: 'approve',
          args: [deployment.till, maxUint256],
        }),
      )
      await send(depositToTill(wallet, { deployment, currency: currency.address, amount }))
      await send(approveModule(wallet, { deployment, module: deployment.market, approved: true }))
      return wallet
    },
    anvil,
    async close() {
      const ended = new Promise((resolve) => anvil.once('exit', resolve))
      anvil.kill('SIGKILL')
      await ended
    },
  }
}
