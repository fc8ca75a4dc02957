import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JournalCorruptError } from '@millrace/journal'
import { HTTPFacilitatorClient } from '@x402/core/server'
import { concat, type Hex, numberToHex, parseSignature, serializeSignature } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeTransfer } from '../src/exact/encodeTransfer.ts'
import { signExact } from '../src/exact/signExact.ts'
import { tokenAbi } from '../src/exact/tokenAbi.ts'
import { verifyExact } from '../src/exact/verifyExact.ts'
import { FacilitatorClosedError, SettlementTakenError } from '../src/facilitator/errors.ts'
import { facilitatorHandler } from '../src/facilitator/facilitatorHandler.ts'
import { memoryJournal, type SettlementEntry, type SettlementJournal } from '../src/facilitator/journal.ts'
import { openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { openSettlements } from '../src/facilitator/openSettlements.ts'
import type { PaymentPayload } from '../src/wire/x402.ts'
import { accountAt, agreeingWallet, type LocalChain, lyingWallet, startLocalChain } from './localChain.ts'

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
const open = (
  journal: SettlementJournal,
  options: { timeoutMs?: number; raiseAfterMs?: number; relayer?: number } = {},
) =>
  openFacilitator({
    chains: [
      {
        network: chain.requirements.network,
        client: chain.client,
        relayer: accountAt(options.relayer ?? 5),
        timeoutMs: options.timeoutMs ?? 20_000,
        raiseAfterMs: options.raiseAfterMs ?? 30_000,
      },
    ],
    journal,
  })

/** Order of secp256k1: `order - s` is the same signature written a second way. */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

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
  await expect(facilitator.settle(payment, chain.requirements)).rejects.toBeInstanceOf(FacilitatorClosedError)
  await facilitator.close()
  expect(await spent(payment)).toBe(0)
  return entries
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
    const noted: string[] = []
    const listed = {
      resource: 'http://a.example',
      type: 'http',
      x402Version: 2,
      lastUpdated: '2026-01-01T00:00:00Z',
    } as const
    const handle = facilitatorHandler({
      facilitator,
      catalogue: {
        note: async ({ url }) => void noted.push(url),
        list: async () => ({ items: [{ ...listed, accepts: [chain.requirements] }], total: 1 }),
      },
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
      expect(noted).toEqual([])
      const wished = {
        ...(await pay()),
        resource: { url: 'http://a.example' },
        extensions: { bazaar: {} },
      } as never
      await client.settle(wished, chain.requirements as never)
      expect(noted).toEqual(['http://a.example'])
      const garbage = { x402Version: 2 } as never
      await expect(client.verify(garbage, garbage)).rejects.toThrow(/invalid_payload/)
      const page = await (await handle(new Request(`${url}/discovery/resources?type=http&limit=1`))).json()
      expect(page).toMatchObject({ items: [listed], pagination: { total: 1, limit: 1, offset: 0 } })
      expect((await handle(new Request(`${url}/discovery/resources?limit=101`))).status).toBe(400)
      expect(
        (await handle(new Request(`${url}/verify`, { method: 'POST', body: 'x'.repeat(140_000) }))).status,
      ).toBe(413)
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
    expect(await settle(payment, { ...requirements, asset: accountAt(9).address })).toBe(
      'invalid_exact_evm_signature',
    )
    const { r, s, yParity } = parseSignature(payment.payload.signature as Hex)
    const mirrored = serializeSignature({
      r,
      s: numberToHex(order - BigInt(s), { size: 32 }),
      yParity: 1 - yParity,
    })
    expect(await settle({ ...payment, payload: { ...payment.payload, signature: mirrored } })).toBe(
      'invalid_exact_evm_signature',
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

  test('a payment below the minimum is refused, one of it is settled', async () => {
    const { network, amount } = chain.requirements
    const openWith = (minimum: bigint) =>
      openFacilitator({
        chains: [{ network, client: chain.client, relayer: accountAt(5), minimum }],
        journal: memoryJournal(),
      })
    const payment = await pay()
    const strict = await openWith(BigInt(amount) + 1n)
    const invalidReason = 'amount_below_minimum'
    expect(await strict.verify(payment, chain.requirements)).toMatchObject({ isValid: false, invalidReason })
    expect(await strict.settle(payment, chain.requirements)).toMatchObject({
      success: false,
      errorReason: invalidReason,
      errorMessage: 'The payment is of 1000 base units; this facilitator settles 1001 and more.',
    })
    expect(await spent(payment)).toBe(0)
    await strict.close()
    const lenient = await openWith(BigInt(amount))
    expect(await lenient.settle(payment, chain.requirements)).toMatchObject({ success: true })
    await lenient.close()
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

describe('behavior: payers that are contracts', () => {
  test('a contract pays by ERC-1271; of an account with a delegate of EIP-7702 the delegate decides, not its key', async () => {
    const facilitator = await open(memoryJournal())
    const [delegate, wallet] = [accountAt(11).address, accountAt(12)]
    await chain.mint(wallet.address, 5000n)
    const delegated = async (code: Hex) => {
      await chain.client.setCode({ address: delegate, bytecode: code })
      await chain.client.setCode({ address: wallet.address, bytecode: concat(['0xef0100', delegate]) })
      const signed = await signExact(wallet, { requirements: chain.requirements, now: now() })
      return signed
    }
    const agreed = await delegated(agreeingWallet)
    expect(await facilitator.settle(agreed, chain.requirements)).toMatchObject({ success: true })
    // Stops at once: it has no ERC-1271.
    expect(await facilitator.verify(await delegated('0x00'), chain.requirements)).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_signature',
    })
    expect(await chain.balanceOf(wallet.address)).toBe(4000n)
    await facilitator.close()
  })
})

describe('behavior: a transaction that is stuck', () => {
  test('is sent again with a higher fee, and the payment is settled once by whichever is mined', async () => {
    const journal = memoryJournal()
    const facilitator = await open(journal, { timeoutMs: 300, raiseAfterMs: 100 })
    const payment = await pay(2)
    await chain.client.setAutomine(false)
    const first = await facilitator.settle(payment, chain.requirements)
    expect(first.errorReason).toBe('settlement_pending')
    await expect.poll(() => journal.entries.filter(({ type }) => type === 'raised').length).toBeGreaterThan(1)
    await chain.client.mine({ blocks: 1 })
    await chain.client.setAutomine(true)
    const hashes = () => journal.entries.flatMap((entry) => ('raw' in entry ? [entry.hash] : []))
    await expect
      .poll(() => facilitator.settle(payment, chain.requirements))
      .toMatchObject({ success: true, transaction: expect.toSatisfy((hash) => hashes().includes(hash)) })
    expect(hashes()).toContain(first.transaction)
    expect(await spent(payment)).toBe(1)
    // The next one takes the next number.
    expect(await facilitator.settle(await pay(2), chain.requirements)).toMatchObject({ success: true })
    await facilitator.close()

    const replayed = journal.entries.map((entry) => ({ entry }))
    const again = await open(memoryJournal(replayed))
    expect(await again.settle(payment, chain.requirements)).toMatchObject({ success: true })
    await again.close()
  })

  test('whose number another has got fails, and the payment can be settled anew', async () => {
    const payment = await pay(2)
    const [entry] = await crashBeforeSending(payment)
    if (entry === undefined) expect.fail('nothing was written ahead')
    const wallet = chain.walletOf(5)
    const hash = await wallet.sendTransaction({ to: accountAt(5).address, value: 0n })
    await chain.client.waitForTransactionReceipt({ hash })
    const facilitator = await open(memoryJournal([{ entry }]), { raiseAfterMs: 20 })
    expect(await facilitator.settle(payment, chain.requirements)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_transaction_failed',
    })
    expect(await facilitator.settle(payment, chain.requirements)).toMatchObject({ success: true })
    expect(await spent(payment)).toBe(1)
    await facilitator.close()
  })
})

describe('behavior: facilitators that share a journal', () => {
  /** A journal in memory as two processes see it that share a table. */
  function sharedJournal() {
    const entries: SettlementEntry[] = []
    const find = (key: string) => Promise.resolve(entries.filter((entry) => entry.key === key))
    const journal: SettlementJournal = {
      replayed: [],
      find,
      async append(entry) {
        const last = (await find(entry.key)).at(-1)
        if (entry.type === 'sent' && last !== undefined && last.type !== 'failed')
          throw new SettlementTakenError({ key: entry.key })
        entries.push(entry)
      },
    }
    return { journal, entries }
  }

  test('settle a payment once, and each answers with the same transaction', async () => {
    const { journal, entries } = sharedJournal()
    const one = await open(journal)
    const other = await open(journal, { relayer: 6 })
    const payment = await pay(3)
    const { requirements } = chain
    const both = await Promise.all(
      [one, other, one, other].map((facilitator) => facilitator.settle(payment, requirements)),
    )
    expect(both.some(({ success }) => success)).toBe(true)
    for (const { success, errorReason } of both)
      if (!success) expect(errorReason).toMatch(/settlement_pending|nonce_already_used|simulation_failed/)
    expect(entries.filter(({ type }) => type === 'sent')).toHaveLength(1)
    const { transaction } = await one.settle(payment, requirements)
    expect(await other.settle(payment, requirements)).toMatchObject({ success: true, transaction })
    expect(await spent(payment)).toBe(1)
    await one.close()
    await other.close()
  })
})

describe('behavior: the file of settlements', () => {
  test('drops what failed and what is long over, and a torn last line; damage before it stops the opening', async () => {
    const path = join(folder, 'book')
    const entries: SettlementEntry[] = []
    const recording = { replayed: [], append: async (entry: SettlementEntry) => void entries.push(entry) }
    const facilitator = await open(recording)
    const payment = await pay(3)
    await facilitator.settle(payment, chain.requirements)
    await facilitator.close()
    const journal = await openSettlements(path)
    await journal.append({ type: 'failed', key: 'a', reason: 'settlement_pending' })
    for (const entry of entries) await journal.append(entry)
    await journal.close()
    await appendFile(path, '00000000 [3,{"type"')
    const kept = await openSettlements(path)
    expect(kept.replayed.map(({ entry }) => entry)).toEqual(entries)
    await kept.close()
    const later = await openSettlements(path, { now: () => now() + 200_000 })
    expect(later.replayed).toEqual([])
    await later.close()
    const text = await readFile(path, 'utf8')
    expect(text).toBe('')
    await writeFile(path, 'nonsense\n')
    await (await openSettlements(path)).close()
    for (const entry of entries) {
      const again = await openSettlements(path)
      await again.append(entry)
      await again.close()
    }
    await writeFile(path, `nonsense\n${await readFile(path, 'utf8')}`)
    await expect(openSettlements(path)).rejects.toBeInstanceOf(JournalCorruptError)
  })
})
