import { testDollarAbi } from '@millrace/sdk'
import { type Address, encodeFunctionData, type Hex, parseGwei } from 'viem'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Call, createSender } from '../src/chain/sender.ts'
import { eventually } from './buyer.ts'
import { startTestNetwork, type TestNetwork } from './testNetwork.ts'

let network: TestNetwork
let currency: Address
beforeAll(async () => {
  network = await startTestNetwork()
  currency = network.deployment.currencies[0]?.address ?? '0x'
})
afterAll(() => network?.close())
afterEach(async () => {
  await network.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') })
  await network.client.mine({ blocks: 1 })
  await network.client.setAutomine(true)
})

/** A call of which the chain tells how often it was mined: each mints one unit to `to`. */
const mint = (to: Address): Call => ({
  what: 'mint',
  to: currency,
  data: encodeFunctionData({ abi: testDollarAbi, functionName: 'mint', args: [to, 1n] }),
})
const minted = (to: Address) =>
  network.client.readContract({
    address: currency,
    abi: testDollarAbi,
    functionName: 'balanceOf',
    args: [to],
  })
const someone = () => privateKeyToAddress(generatePrivateKey())

async function setUp(patience: number) {
  const { key } = await network.account()
  const account = privateKeyToAccount(key)
  return { account, sender: createSender({ client: network.client as never, account, patience }) }
}

/** Mines blocks whose base fee is above what was asked so far, until `done`. */
async function mineDearly<T>(done: Promise<T>): Promise<T> {
  let over = false
  const outcome = done.finally(() => {
    over = true
  })
  outcome.catch(() => {})
  while (!over) {
    await network.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('90') })
    await network.client.mine({ blocks: 1 })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return outcome
}

/** Waits until the chain's pool holds `count` transactions of a new account. */
const pending = (address: Address, count: number) =>
  eventually(
    async () => (await network.client.getTransactionCount({ address, blockTag: 'pending' })) === count,
  )
const nonceOf = (address: Address) => network.client.getTransactionCount({ address })

describe('a transaction whose fee is too low', () => {
  test('behavior: is replaced by one that pays what is asked, and is mined once; later ones follow', async () => {
    const { account, sender } = await setUp(0.3)
    await network.client.setAutomine(false)
    const [one, two] = [someone(), someone()]
    const seen: Hex[] = []
    const first = sender.send(mint(one), { before: async ({ hash }) => void seen.push(hash) })
    const both = Promise.all([first, sender.send(mint(two))])
    both.catch(() => {})
    await pending(account.address, 2)
    const [receipt] = await mineDearly(both)
    expect(seen.length).toBeGreaterThan(1)
    expect(seen).toContain(receipt.transactionHash)
    expect([await minted(one), await minted(two)]).toEqual([1n, 1n])
    expect(await nonceOf(account.address)).toBe(2)
  })

  test('behavior: left by a process before, it does not hold up the next one', async () => {
    const { account, sender } = await setUp(0.3)
    await network.client.setAutomine(false)
    const [old, fresh] = [someone(), someone()]
    const raw = await account.signTransaction({
      ...mint(old),
      type: 'eip1559',
      chainId: network.client.chain.id,
      nonce: 0,
      gas: 100_000n,
      maxFeePerGas: parseGwei('2'),
      maxPriorityFeePerGas: 1n,
    })
    await network.client.sendRawTransaction({ serializedTransaction: raw })
    // Counted a moment after it was taken.
    await pending(account.address, 1)
    await mineDearly(sender.send(mint(fresh)))
    expect(await minted(fresh)).toBe(1n)
    expect(await nonceOf(account.address)).toBe(2)
  })

  test('behavior: given up by its caller, its nonce goes to the next call', async () => {
    const { account, sender } = await setUp(0.02)
    await network.client.setAutomine(false)
    const [given, next] = [someone(), someone()]
    await expect(sender.send(mint(given))).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    await expect(sender.send(mint(next))).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    await network.client.mine({ blocks: 1 })
    expect(await nonceOf(account.address)).toBe(1)
    expect([await minted(given), await minted(next)]).toEqual([0n, 1n])
    // What is mined is out of the way: the next call has a nonce of its own.
    await network.client.setAutomine(true)
    await sender.send(mint(given))
    expect(await nonceOf(account.address)).toBe(2)
  })

  test('error: TransactionReplacedError when another transaction took the nonce', async () => {
    const { account, sender } = await setUp(0.3)
    await network.client.setAutomine(false)
    const [ours, theirs] = [someone(), someone()]
    const lost = sender.send(mint(ours))
    lost.catch(() => {})
    await pending(account.address, 1)
    const raw = await account.signTransaction({
      ...mint(theirs),
      type: 'eip1559',
      chainId: network.client.chain.id,
      nonce: 0,
      gas: 100_000n,
      maxFeePerGas: parseGwei('900'),
      maxPriorityFeePerGas: parseGwei('900'),
    })
    await network.client.sendRawTransaction({ serializedTransaction: raw })
    await network.client.mine({ blocks: 1 })
    await expect(lost).rejects.toMatchObject({ code: 'TRANSACTION_REPLACED', retryable: true })
    expect([await minted(ours), await minted(theirs)]).toEqual([0n, 1n])
  })
})
