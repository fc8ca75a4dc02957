import { mkdtemp, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HTTPFacilitatorClient } from '@x402/core/server'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeTransfer } from '../src/exact/encodeTransfer.ts'
import { signExact } from '../src/exact/signExact.ts'
import { tokenAbi } from '../src/exact/tokenAbi.ts'
import { verifyExact } from '../src/exact/verifyExact.ts'
import { FacilitatorClosedError } from '../src/facilitator/errors.ts'
import { facilitatorHandler } from '../src/facilitator/facilitatorHandler.ts'
import { memoryJournal, type SettlementEntry, type SettlementJournal } from '../src/facilitator/journal.ts'
import { openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { openSettlements } from '../src/facilitator/openSettlements.ts'
import type { PaymentPayload } from '../src/wire/x402.ts'
import { accountAt, type LocalChain, lyingWallet, startLocalChain } from './localChain.ts'

let chain: LocalChain
let folder: string
beforeAll(async () => {
  chain = await startLocalChain(84532)
  folder = await mkdtemp(join(tmpdir(), 'millrace-facilitator-'))
})
afterAll(async () => {
  await chain?.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const now = () => Math.floor(Date.now() / 1000)
const pay = (index = 1) => signExact(accountAt(index), { requirements: chain.requirements, now: now() })
const open = (journal: SettlementJournal, options: { timeoutMs?: number; relayer?: number } = {}) =>
  openFacilitator({
    chains: [
      {
        network: chain.requirements.network,
        client: chain.client,
        relayer: accountAt(options.relayer ?? 5),
        timeoutMs: options.timeoutMs ?? 20_000,
      },
    ],
    journal,
  })

/** How often an authorization was spent. */
async function spent(payment: PaymentPayload): Promise<number> {
  const { from, nonce } = payment.payload.authorization as { from: Hex; nonce: Hex }
  const events = await chain.client.getContractEvents({
    address: chain.token,
    abi: tokenAbi,
    eventName: 'AuthorizationUsed',
    args: { authorizer: from, nonce },
    fromBlock: 0n,
  })
  return events.length
}

describe('default', () => {
  test('a payment is settled once, whoever asks how often, and later payments do not wait for it', async () => {
    const journal = memoryJournal()
    const facilitator = await open(journal)
    const payment = await pay()
    const { requirements } = chain
    expect(await facilitator.verify(payment, requirements)).toEqual({
      isValid: true,
      payer: accountAt(1).address.toLowerCase(),
    })
    const before = await chain.balanceOf(accountAt(9).address)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => facilitator.settle(payment, requirements)),
    )
    expect(new Set(answers.map((answer) => answer.transaction)).size).toBe(1)
    expect(answers[0]).toMatchObject({ success: true, amount: '1000', transaction: /^0x[0-9a-f]{64}$/ })
    expect(await chain.balanceOf(accountAt(9).address)).toBe(before + 1000n)
    expect(await spent(payment)).toBe(1)
    expect(journal.entries.map(({ type }) => type)).toEqual(['sent', 'settled'])

    const others = await Promise.all([1, 2, 3, 4, 1, 2, 3, 4].map((index) => pay(index)))
    const settled = await Promise.all(others.map((other) => facilitator.settle(other, requirements)))
    expect(settled.every(({ success }) => success)).toBe(true)
    expect(new Set(settled.map(({ transaction }) => transaction)).size).toBe(8)
    expect(await facilitator.verify(payment, requirements)).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_nonce_already_used',
    })
    await facilitator.close()
    await expect(facilitator.settle(await pay(), requirements)).rejects.toBeInstanceOf(FacilitatorClosedError)
  })

  test('the stock facilitator client speaks to it over HTTP', async () => {
    const facilitator = await open(memoryJournal())
    const listed = {
      resource: 'http://a.example',
      type: 'http',
      x402Version: 2,
      lastUpdated: '2026-01-01T00:00:00Z',
    } as const
    const handle = facilitatorHandler({
      facilitator,
      resources: () => [{ ...listed, accepts: [chain.requirements] }],
    })
    const url = 'http://facilitator.example/x402'
    const client = new HTTPFacilitatorClient({ url })
    const real = globalThis.fetch
    globalThis.fetch = ((input: string, init: RequestInit) =>
      String(input).startsWith(url) ? handle(new Request(input, init)) : real(input, init)) as typeof fetch
    try {
      const supported = await client.getSupported()
      expect(supported.kinds).toEqual([
        { x402Version: 2, scheme: 'exact', network: 'eip155:84532' },
        { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
      ])
      expect(supported.signers).toEqual({ 'eip155:*': [accountAt(5).address] })
      const payment = await pay()
      const pair = [payment, chain.requirements] as never as [never, never]
      expect(await client.verify(...pair)).toMatchObject({ isValid: true })
      const settled = await client.settle(...pair)
      expect(settled).toMatchObject({ success: true, network: 'eip155:84532' })
      expect(await client.settle(...pair)).toMatchObject({ transaction: settled.transaction })
      const garbage = { x402Version: 2 } as never
      await expect(client.verify(garbage, garbage)).rejects.toThrow(/invalid_payload/)
      const page = await (await handle(new Request(`${url}/discovery/resources?type=http&limit=1`))).json()
      expect(page).toMatchObject({ items: [listed], pagination: { total: 1, limit: 1, offset: 0 } })
      expect((await handle(new Request(`${url}/discovery/resources?limit=101`))).status).toBe(400)
      expect(
        (await handle(new Request(`${url}/verify`, { method: 'POST', body: 'x'.repeat(70_000) }))).status,
      ).toBe(400)
      expect((await handle(new Request(`${url}/other`))).status).toBe(404)
    } finally {
      globalThis.fetch = real
      await facilitator.close()
    }
  })

  test('x402 v1 bodies are taken', async () => {
    const facilitator = await open(memoryJournal())
    const handle = facilitatorHandler({ facilitator })
    const { payload } = await pay(2)
    const { amount, ...rest } = chain.requirements
    const body = JSON.stringify({
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload },
      paymentRequirements: {
        ...rest,
        network: 'base-sepolia',
        maxAmountRequired: amount,
        resource: 'http://a.example',
        description: '',
      },
    })
    const post = async (path: string) =>
      (await handle(new Request(`http://f.example/${path}`, { method: 'POST', body }))).json()
    expect(await post('verify')).toMatchObject({ isValid: true })
    expect(await post('settle')).toMatchObject({ success: true, network: 'base-sepolia' })
    await facilitator.close()
  })
})

describe('behavior: a settlement whose outcome is not known', () => {
  test('is pending with its transaction, and the same one once it is mined', async () => {
    const facilitator = await open(memoryJournal(), { timeoutMs: 300 })
    const payment = await pay(2)
    await chain.client.setAutomine(false)
    const first = await facilitator.settle(payment, chain.requirements)
    expect(first).toMatchObject({ success: false, errorReason: 'settlement_pending' })
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })
    await expect
      .poll(() => facilitator.settle(payment, chain.requirements), { timeout: 20_000 })
      .toMatchObject({ success: true, transaction: first.transaction })
    expect(await spent(payment)).toBe(1)
    await facilitator.close()
  })

  test('is found again after a crash, from the file, and settled once', async () => {
    const path = join(folder, 'crash')
    const payment = await pay(3)
    await chain.client.setAutomine(false)
    const before = await openSettlements(path)
    const crashed = await open(before, { timeoutMs: 300 })
    const first = await crashed.settle(payment, chain.requirements)
    expect(first.errorReason).toBe('settlement_pending')
    await crashed.close()
    await before.close()
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })

    const journal = await openSettlements(path)
    const facilitator = await open(journal)
    const second = await facilitator.settle(payment, chain.requirements)
    expect(second).toMatchObject({ success: true, transaction: first.transaction })
    expect(await spent(payment)).toBe(1)
    await facilitator.close()
    await journal.close()
    // Decided ones are read back as well.
    const again = await openSettlements(path)
    const third = await open(again)
    expect(await third.settle(payment, chain.requirements)).toMatchObject({ transaction: first.transaction })
    await third.close()
    await again.close()
  })

  /** Dies between the line on disk and the sending. */
  async function crashBeforeSending(payment: PaymentPayload): Promise<SettlementEntry[]> {
    const entries: SettlementEntry[] = []
    const dying: SettlementJournal = {
      replayed: [],
      append(entry) {
        entries.push(entry)
        return Promise.reject(new FacilitatorClosedError())
      },
    }
    const facilitator = await open(dying)
    await expect(facilitator.settle(payment, chain.requirements)).rejects.toBeInstanceOf(
      FacilitatorClosedError,
    )
    await facilitator.close()
    expect(await spent(payment)).toBe(0)
    return entries
  }

  test('that was written and never sent is sent at the next opening: the very same transaction', async () => {
    const payment = await pay(4)
    const [entry] = await crashBeforeSending(payment)
    if (entry?.type !== 'sent') expect.fail('nothing was written ahead')
    const journal = memoryJournal([{ entry }])
    const facilitator = await open(journal)
    expect(await facilitator.settle(payment, chain.requirements)).toMatchObject({
      success: true,
      transaction: entry.hash,
    })
    expect(await spent(payment)).toBe(1)
    await facilitator.close()
  })

  test('that somebody else sent first is settled by theirs', async () => {
    const payment = await pay(4)
    const [entry] = await crashBeforeSending(payment)
    if (entry === undefined) expect.fail('nothing was written ahead')
    const verdict = await verifyExact(payment, { requirements: chain.requirements, now: now() })
    if (verdict.type === 'refused') expect.fail(verdict.message)
    const hash = await chain.walletOf(6).sendTransaction({ to: chain.token, data: encodeTransfer(verdict) })
    await chain.client.waitForTransactionReceipt({ hash })
    const facilitator = await open(memoryJournal([{ entry }]))
    expect(await facilitator.settle(payment, chain.requirements)).toMatchObject({
      success: true,
      transaction: hash,
    })
    expect(await spent(payment)).toBe(1)
    await facilitator.close()
  })
})

describe('behavior: payments that are not settled', () => {
  test('altered, foreign, replayed, another network, unfunded: each with its reason, none on chain', async () => {
    const facilitator = await open(memoryJournal())
    const { requirements } = chain
    const payment = await pay(1)
    const settle = async (paid: PaymentPayload, asked = requirements) => {
      const answer = await facilitator.settle(paid, asked)
      expect(answer).toMatchObject({ success: false, transaction: '' })
      return answer.errorReason
    }
    const authorization = payment.payload.authorization as Record<string, string>
    const altered = (change: Record<string, string>) => ({
      ...payment,
      payload: { ...payment.payload, authorization: { ...authorization, ...change } },
    })
    expect(await settle(payment, { ...requirements, amount: '999' })).toBe(
      'invalid_exact_evm_payload_authorization_value_mismatch',
    )
    expect(await settle(altered({ nonce: `0x${'22'.repeat(32)}` }))).toBe('invalid_exact_evm_signature')
    expect(await settle(altered({ validBefore: `${now() + 5}` }))).toBe(
      'invalid_exact_evm_payload_authorization_valid_before',
    )
    const elsewhere = { ...requirements, network: 'eip155:1' }
    expect(
      await settle(await signExact(accountAt(1), { requirements: elsewhere, now: now() }), elsewhere),
    ).toBe('invalid_exact_evm_network_mismatch')
    expect(await settle(await pay(7))).toBe('invalid_exact_evm_insufficient_balance')
    expect(await settle({ ...payment, payload: {} })).toBe('unsupported_payload_type')
    expect(await spent(payment)).toBe(0)

    expect(await facilitator.settle(payment, requirements)).toMatchObject({ success: true })
    const again = { ...payment, payload: { ...payment.payload, signature: '0x1234' } }
    expect(await settle(again)).toBe('invalid_exact_evm_nonce_already_used')
    await facilitator.close()
  })

  test('a token that is not among those it settles in, or wants more gas than it gives', async () => {
    const { network } = chain.requirements
    const place = { network, client: chain.client, relayer: accountAt(5) }
    const choosy = await openFacilitator({
      chains: [{ ...place, assets: [accountAt(1).address] }],
      journal: memoryJournal(),
    })
    const payment = await pay()
    expect(await choosy.verify(payment, chain.requirements)).toMatchObject({
      isValid: false,
      invalidReason: 'unsupported_asset',
    })
    expect(await choosy.settle(payment, chain.requirements)).toMatchObject({
      errorReason: 'unsupported_asset',
    })
    await choosy.close()
    const stingy = await openFacilitator({
      chains: [{ ...place, maxGas: 30_000n }],
      journal: memoryJournal(),
    })
    expect(await stingy.settle(payment, chain.requirements)).toMatchObject({
      errorReason: 'invalid_exact_evm_transaction_simulation_failed',
    })
    expect(await spent(payment)).toBe(0)
    await stingy.close()
  })

  test('a contract that stands by its signature only while it is asked pays nothing and is told so', async () => {
    const facilitator = await open(memoryJournal())
    const wallet = accountAt(8)
    await chain.mint(wallet.address, 5000n)
    await chain.client.setCode({ address: wallet.address, bytecode: lyingWallet })
    const signed = await signExact(wallet, { requirements: chain.requirements, now: now() })
    const payment = { ...signed, payload: { ...signed.payload, signature: '0x1234' } }
    expect(await facilitator.verify(payment, chain.requirements)).toMatchObject({ isValid: true })
    expect(await facilitator.settle(payment, chain.requirements)).toMatchObject({
      success: false,
      errorReason: expect.stringMatching(
        /^invalid_exact_evm_(transaction_failed|transaction_simulation_failed)$/,
      ),
    })
    expect(await spent(payment)).toBe(0)
    expect(await chain.balanceOf(wallet.address)).toBe(5000n)
    await facilitator.close()
  })
})

test('behavior: a line that a crash cut short is dropped; what came before it stays', async () => {
  const path = join(folder, 'torn')
  const journal = await openSettlements(path)
  await journal.append({ type: 'failed', key: 'a', reason: 'settlement_pending' })
  await journal.append({ type: 'failed', key: 'b', reason: 'settlement_pending' })
  await journal.close()
  await truncate(path, (await stat(path)).size - 5)
  const torn = await openSettlements(path)
  expect(torn.replayed).toHaveLength(1)
  await torn.append({ type: 'failed', key: 'c', reason: 'settlement_pending' })
  await torn.close()
  const whole = await openSettlements(path)
  expect(whole.replayed.map(({ entry }) => entry.key)).toEqual(['a', 'c'])
  await whole.close()
})
