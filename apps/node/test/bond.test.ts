import { readFile } from 'node:fs/promises'
import { confirm, depositToTill, getBalance, getLease, mintTestDollars, stopLease } from '@millrace/sdk'
import { createWalletClient, http, maxUint256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decryptKey, nodePaths, type RunningNode } from '../src/index.ts'
import { dial, eventually, hire, jobIn, jobOf } from './buyer.ts'
import { accountForAll } from './money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

const bond = 5_000_000n
let network: TestNetwork
let gateway: TestGateway
let home: TestHome
let node: RunningNode
let operator: Wallet

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  const config = testConfig(network, [gateway.url])
  home = await makeHome(network, { ...config, offer: { ...config.offer, bond: '5', slots: 2 } })
  const paths = nodePaths(home.home)
  const passphrase = (await readFile(paths.passphrase, 'utf8')).trim()
  const key = decryptKey({ text: await readFile(paths.operatorKey, 'utf8'), passphrase, path: '' })
  operator = createWalletClient({
    account: privateKeyToAccount(key),
    chain: network.admin.chain,
    transport: http(network.rpc),
  })
  const { deployment, client } = network
  const currency = deployment.currencies[0]?.address ?? operator.account.address
  await confirm(
    client,
    await mintTestDollars(operator, { currency, to: operator.account.address, amount: 20_000_000n }),
  )
  await confirm(
    client,
    await operator.writeContract({
      address: currency,
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
  await confirm(client, await depositToTill(operator, { deployment, currency, amount: 10_000_000n }))
  node = await home.start()
})
afterAll(async () => {
  await node?.close()
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

const balance = async () => {
  const { deployment, client } = network
  const currency = deployment.currencies[0]?.address ?? operator.account.address
  return (await getBalance(client, { deployment, currency, account: operator.account.address })).till
}

test('behavior: two slots run two jobs at a time, and a bond is never given away by stopping early', async () => {
  const { deployment, client } = network
  const buyer = await network.buyer()
  const before = await balance()
  const first = await freshOffer(gateway, node.asset)
  const one = await hire(network, buyer, { offer: first, duration: 4 })
  const second = await freshOffer(gateway, node.asset, [one])
  const two = await hire(network, buyer, { offer: second, duration: 60 })
  expect(first.offer.bond).toBe(bond)
  expect(await balance()).toBe(before - 2n * bond)

  const talks = await Promise.all([
    dial(network, { gateway: gateway.url, offer: first, lease: one, buyer }),
    dial(network, { gateway: gateway.url, offer: second, lease: two, buyer }),
  ])
  await talks[0].request('job.start', { job: jobOf('true'), bundle: null })
  await talks[1].request('job.start', { job: jobOf('sleep 30'), bundle: null })
  expect((await jobIn(talks[0], 'done')).exitCode).toBe(0)
  await jobIn(talks[1], 'running')
  // The first job is done and its grace is over, but stopping would forfeit the bond: the lease runs out.
  await eventually(async () => (await getLease(client, { deployment, lease: one }))?.state === 'settled')
  const seen = await getLease(client, { deployment, lease: one })
  expect((seen?.stoppedAt ?? 0) - (seen?.startedAt ?? 0)).toBe(4)
  await confirm(client, await stopLease(buyer, { deployment, lease: two, overrides: { gas: 300_000n } }))
  await eventually(async () => (await getLease(client, { deployment, lease: two }))?.state === 'settled')
  // Both bonds came back.
  expect(await balance()).toBeGreaterThanOrEqual(before)
  for (const talk of talks) talk.close()
  for (const { deposit, earned, refunded } of await accountForAll(network))
    expect(earned + refunded).toBe(deposit)
})
