import {
  agentRegistries,
  type Channel,
  claimVouchers,
  gatewayClient,
  getAgentFeedback,
  giveAgentFeedback,
  hashChannel,
  openChannel,
  placeAgentRegistries,
  readPaidVolumes,
  settleLease,
  signVoucher,
  startLease,
  stopLease,
  weighFeedback,
} from '@millrace/sdk'
import { parseAbi, zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { accountAt, type LocalChain, startLocalChain } from '../../test/localChain.ts'
import { startGateway } from '../startGateway.ts'

/** Feedback of ERC-8004, weighed by what the index says was really paid: a lease, a channel, and nothing. */
let chain: LocalChain
let gateway: Awaited<ReturnType<typeof startGateway>>
beforeAll(async () => {
  chain = await startLocalChain()
  await placeAgentRegistries(chain.client)
  gateway = await startGateway({
    ...{ deployment: chain.deployment, rpcUrl: chain.url, database: { memory: true }, port: 0 },
    chainPollMs: 50,
  })
})
afterAll(async () => {
  await gateway?.close()
  await chain?.stop()
})

test('default: who hired and who paid by channel is heard by the amount, who paid nothing is not', async () => {
  const { deployment, currency, walletOf, done } = chain
  const registries = agentRegistries.mainnets
  const [operator, device, hirer, caller, sybil] = [1, 2, 3, 4, 5]
  const asset = await chain.newAsset()
  await done(
    operator,
    walletOf(operator).writeContract({
      ...{ address: registries.identity, abi: parseAbi(['function register(string)']) },
      ...{ functionName: 'register', args: ['https://agent.example/card.json'] },
    }),
  )
  // A lease that earns…
  await chain.fund(hirer)
  const { id, published } = await chain.newOffer(asset)
  await chain.open(published, hirer)
  await done(device, startLease(walletOf(device), { deployment, lease: id }))
  await chain.client.increaseTime({ seconds: 100 })
  await done(hirer, stopLease(walletOf(hirer), { deployment, lease: id }))
  await done(operator, settleLease(walletOf(operator), { deployment, lease: id }))
  // …and a channel of which some was claimed.
  await chain.fund(caller)
  const channel: Channel = {
    ...{ payer: accountAt(caller).address, signer: accountAt(caller).address, payee: zeroAddress, asset },
    ...{ currency, closeDelay: 900, salt: zeroHash },
  }
  await done(caller, openChannel(walletOf(caller), { deployment, channel, amount: 50_000n }))
  const voucher = {
    ...{ channel: hashChannel(channel, deployment), epoch: 0n, cumulative: 30_000n },
    ...{ anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash },
  }
  const signature = await signVoucher(accountAt(caller), voucher, deployment)
  await done(
    operator,
    claimVouchers(walletOf(operator), { deployment, claims: [{ channel, voucher, signature }] }),
  )

  const client = gatewayClient(gateway.url)
  const { paid } = await eventually(async () => {
    const found = await readPaidVolumes(client, { currency, assets: [asset] })
    expect(found.paid).toHaveLength(2)
    return found
  })
  const amountOf = (index: number) =>
    paid.find(({ payer }) => payer === accountAt(index).address)?.amount ?? 0n
  expect(amountOf(caller)).toBe(30_000n)
  expect(amountOf(hirer)).toBeGreaterThan(0n)
  expect(amountOf(hirer)).toBe((await client.getLease(id))?.earned)

  for (const [index, value] of [
    [hirer, 80n],
    [caller, 20n],
    [sybil, -1_000n],
  ] as const)
    await done(index, giveAgentFeedback(walletOf(index), { registries, agentId: 0n, value, tag: 'starred' }))
  const clients = [hirer, caller, sybil].map((index) => accountAt(index).address)
  const feedback = await getAgentFeedback(chain.client, { registries, agentId: 0n, clients })
  const own = [accountAt(operator).address]
  const weighed = weighFeedback({ feedback, paid, tag: 'starred', own })
  const [most, some] = [amountOf(hirer), amountOf(caller)]
  expect(weighed).toEqual({
    value: ((80n * most + 20n * some) * 10n ** 18n) / (most + some),
    weight: most + some,
    voices: 2,
  })
})
