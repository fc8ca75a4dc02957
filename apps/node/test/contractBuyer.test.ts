import {
  approveCurrency,
  approveModule,
  confirm,
  depositToTill,
  getLease,
  hashReceipt,
  marketAbi,
  mintTestDollars,
  openSession,
  signReceipt,
  stopLease,
  webSocketTransport,
} from '@millrace/sdk'
import { type Address, createWalletClient, type Hex, http, parseEventLogs } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { RunningNode } from '../src/index.ts'
import { dial, eventually, hire, jobIn, jobOf } from './buyer.ts'
import { accountForAll } from './money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

/** Blocks that a lease's opening must have on top of it. */
const blocks = 2
let network: TestNetwork
let gateway: TestGateway
let home: TestHome
let node: RunningNode
const used: Hex[] = []

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  const config = testConfig(network, [gateway.url])
  home = await makeHome(network, { ...config, money: { ...config.money, confirmations: [{ blocks }] } })
  node = await home.start()
})
// A block a second, as chains make them whether or not anything happens; before, each transaction was its own.
const slowBlocks = async () => {
  await network.client.setAutomine(false)
  await network.client.setIntervalMining({ interval: 1 })
}
afterEach(async () => {
  await network.client.setIntervalMining({ interval: 0 })
  await network.client.setAutomine(true)
})
afterAll(async () => {
  await node?.close()
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

/** A contract that vouches for what `owner` signed: ERC-1271 by ecrecover, and nothing else. */
const vouchingFor = (owner: Address): Hex =>
  `0x60043560005260a43560001a602052606435604052608435606052602060006080600060015afa5060005173${owner.slice(2)}14631626ba7e60e01b0260005260206000f3`

/** A buyer that is a contract, with money in the till; `owner` signs for it. */
async function contractBuyer(): Promise<{ wallet: Wallet; owner: PrivateKeyAccount }> {
  const { client, deployment, admin, rpc } = network
  const owner = privateKeyToAccount(generatePrivateKey())
  const address = privateKeyToAccount(generatePrivateKey()).address
  await client.setCode({ address, bytecode: vouchingFor(owner.address) })
  await client.setBalance({ address, value: 10n ** 20n })
  await client.impersonateAccount({ address })
  const wallet: Wallet = createWalletClient({
    account: address,
    chain: admin.chain,
    transport: http(rpc),
    pollingInterval: 50,
  })
  const currency = deployment.currencies[0]?.address ?? address
  const amount = 1_000_000_000n
  const done = async (hash: Promise<Hex>) => confirm(client, await hash)
  await done(mintTestDollars(admin, { currency, to: address, amount }))
  await done(approveCurrency(wallet, { deployment, currency, amount }))
  await done(depositToTill(wallet, { deployment, currency, amount }))
  await done(approveModule(wallet, { deployment, module: deployment.market, approved: true }))
  return { wallet, owner }
}

test('behavior: a buyer that is a contract is served by its owner’s signature, and by nobody else’s', async () => {
  const { wallet, owner } = await contractBuyer()
  const { deployment, client } = network
  const offer = await freshOffer(gateway, node.asset, used)
  const lease = await hire(network, wallet, { offer, duration: 60 })
  used.push(lease)
  const connect = (account: PrivateKeyAccount) =>
    openSession({
      transport: webSocketTransport(
        new WebSocket(
          `${gateway.url.replace('http', 'ws')}/v1/relay/session?device=${offer.spec.device}`,
        ) as never,
      ),
      sessionKey: offer.spec.sessionKey,
      lease,
      account,
      chainId: deployment.chainId,
      market: deployment.market,
      now: Math.floor(Date.now() / 1000),
      timeout: 20_000,
    })
  const stranger = await connect(privateKeyToAccount(generatePrivateKey()))
  expect((await stranger.closed).message).toContain('BUYER_SIGNATURE')

  await slowBlocks()
  const talk = await connect(owner)
  await talk.request('job.start', { job: jobOf('mkdir out; echo hi > out/a'), bundle: null })
  await jobIn(talk, 'done')
  await confirm(client, await stopLease(wallet, { deployment, lease }))
  const { result } = await eventually(() => talk.request('receipt.get', {}).catch(() => null))
  const domain = { chainId: deployment.chainId, market: deployment.market }
  expect(result.receipt.buyer).toBe(wallet.account.address)
  const forged = await signReceipt(privateKeyToAccount(generatePrivateKey()), result.receipt, domain)
  await expect(talk.request('receipt.acknowledge', { signature: forged })).rejects.toMatchObject({
    reason: 'BUYER_SIGNATURE',
  })
  const signature = await signReceipt(owner, result.receipt, domain)
  const both = await talk.request('receipt.acknowledge', { signature })
  expect(both.result.buyer).toBe(signature)
  expect(hashReceipt(both.result.receipt, domain)).toBe(hashReceipt(result.receipt, domain))
  talk.close()
})

test('behavior: with confirmations a job starts only when its deposit has them, and a settlement counts when it has', async () => {
  const buyer = await network.buyer()
  const { deployment, client } = network
  const offer = await freshOffer(gateway, node.asset, used)
  await slowBlocks()
  const lease = await hire(network, buyer, { offer, duration: 60 })
  used.push(lease)
  const talk = await dial(network, { gateway: gateway.url, offer, lease, buyer })
  const accepted = await talk.request('job.start', { job: jobOf('echo hi'), bundle: null })
  expect(accepted.result.state).toBe('accepted')
  await jobIn(talk, 'done')
  await confirm(client, await stopLease(buyer, { deployment, lease }))
  const settled = await eventually(async () =>
    (await node.status()).leases.find((item) => item.lease === lease && item.settled),
  )
  const settledSeenAt = await client.getBlockNumber()
  expect(settled.state).toBe('done')
  const logs = await client.getLogs({ address: deployment.market, fromBlock: 0n, toBlock: 'latest' })
  const events = parseEventLogs({ abi: marketAbi, logs }).filter(
    ({ args }) => 'lease' in args && args.lease === lease,
  )
  const blockOf = (name: string) => events.find(({ eventName }) => eventName === name)?.blockNumber ?? 0n
  expect(blockOf('LeaseStarted')).toBeGreaterThan(blockOf('LeaseOpened') + BigInt(blocks))
  expect(settledSeenAt).toBeGreaterThanOrEqual(blockOf('LeaseSettled') + BigInt(blocks))
  expect((await getLease(client, { deployment, lease }))?.state).toBe('settled')
  talk.close()
  for (const one of await accountForAll(network)) expect(one.earned + one.refunded).toBe(one.deposit)
})
