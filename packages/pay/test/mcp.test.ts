import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getChannel } from '@millrace/sdk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme as StockClientScheme } from '@x402/evm/exact/client'
import { ExactEvmScheme as StockServerScheme } from '@x402/evm/exact/server'
import { x402Client } from '@x402/fetch'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type BudgetLimits,
  createPaywall,
  decodeCallReceipt,
  exactScheme,
  type Facilitator,
  fundChannel,
  memoryJournal,
  openBudget,
  openChannelWallet,
  openFacilitator,
  openLedger,
  type Payment,
  type PaymentPayload,
  type PaymentRequired,
  paymentPayloadSchema,
  paymentRequiredSchema,
  type SellerScheme,
  settleResponseSchema,
  signExact,
  streamScheme,
  verifyCallReceipt,
} from '../src/index.ts'
import {
  createToolPayer,
  digestToolCall,
  metaKeys,
  priceTool,
  type ToolClient,
  type ToolPayerOptions,
} from '../src/mcp/index.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
let folder: string
let facilitator: Facilitator
let exact: SellerScheme
let count = 0
const price = 1000n
const seller = accountAt(9)
const left: (() => unknown)[] = []

beforeAll(async () => {
  chain = await startLocalChain()
  folder = mkdtempSync(join(tmpdir(), 'tools-'))
  const { network, payTo } = chain.requirements
  facilitator = await openFacilitator({
    chains: [{ network, client: chain.client, relayer: accountAt(5) }],
    journal: memoryJournal(),
  })
  const { address: asset, name, version } = chain.currency
  const currency = { network, asset, payTo: payTo as `0x${string}`, name, version }
  exact = exactScheme({ currencies: [currency], facilitator })
}, 120_000)
afterAll(async () => {
  for (const end of left.reverse()) await end()
  await facilitator?.close()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const readChannel = (channel: `0x${string}`) =>
  getChannel(chain.client, { deployment: chain.deployment, channel })

/** A ledger of a payee of its own, so that its channels are. */
async function openStream() {
  const { deployment, currency } = chain
  const ledger = await openLedger({
    ...deployment,
    path: join(folder, `ledger-${count++}.jsonl`),
    payee: { account: privateKeyToAccount(generatePrivateKey()).address },
    currency: currency.address,
    readChannel,
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
  left.push(() => ledger.close())
  return { ledger, scheme: streamScheme({ ledger, deployment, currency }) }
}

const text = (said: string): CallToolResult => ({ content: [{ type: 'text', text: said }] })

/** An MCP server that sells, counts what it answered, and the official client of it. */
async function startShop(schemes: readonly SellerScheme[]) {
  const paywall = createPaywall({ schemes, receipts: seller })
  const server = new McpServer({ name: 'shop', version: '1' })
  const served: string[] = []
  const sum = { a: z.number(), b: z.number().default(1) }
  server.registerTool(
    'add',
    { inputSchema: sum },
    priceTool(paywall, { tool: 'add', price: { amount: price } }, ({ a, b }: { a: number; b: number }) => {
      served.push('add')
      return text(String(a + b))
    }),
  )
  server.registerTool(
    'typed',
    { inputSchema: sum, outputSchema: { sum: z.number() } },
    priceTool(
      paywall,
      { tool: 'typed', price: { amount: price }, hasOutputSchema: true },
      ({ a, b }: { a: number; b: number }): CallToolResult => {
        served.push('typed')
        return { ...text(String(a + b)), structuredContent: { sum: a + b } }
      },
    ),
  )
  server.registerTool(
    'fail',
    { inputSchema: { how: z.enum(['error', 'throw']) } },
    priceTool(paywall, { tool: 'fail', price: { amount: price } }, ({ how }: { how: string }) => {
      if (how === 'throw') throw new RangeError('broken')
      return { ...text('no luck'), isError: true }
    }),
  )
  server.registerTool(
    'measure',
    { inputSchema: { words: z.string() } },
    priceTool(
      paywall,
      { tool: 'measure', price: { amount: price, upTo: true } },
      ({ words }: { words: string }, _, call) => {
        call?.charge(BigInt(words.length))
        return text('measured')
      },
    ),
  )
  server.registerTool(
    'by-size',
    { inputSchema: { size: z.int() } },
    priceTool(
      paywall,
      { tool: 'by-size', price: ({ size }: { size: number }) => ({ amount: BigInt(size) }) },
      ({ size }) => text(`size ${size}`),
    ),
  )
  return { client: await connectTo(server), paywall, served }
}

async function connectTo(server: McpServer): Promise<Client> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await server.connect(theirs)
  const client = new Client({ name: 'buyer', version: '1' })
  await client.connect(ours)
  left.push(() => client.close())
  return client
}

async function openBuyer(
  client: ToolClient,
  options: { limits?: BudgetLimits; ways?: 'stream' | 'exact' | 'both'; maxPrice?: bigint } = {},
) {
  const { limits = {}, ways = 'both', maxPrice } = options
  const { deployment, currency } = chain
  const budget = await openBudget({ path: join(folder, `budget-${count++}.jsonl`), limits })
  const channels = await openChannelWallet({
    ...{ path: join(folder, `wallet-${count++}.jsonl`), deployment, currency, budget, readChannel },
    ...{ payer: accountAt(3), maxDeposit: 1_000_000n },
  })
  left.push(async () => {
    await channels.close()
    await budget.close()
  })
  const payments: Payment[] = []
  const way: Partial<ToolPayerOptions> = {
    ...(ways === 'exact' ? {} : { channels }),
    ...(ways === 'stream' ? {} : { signer: accountAt(1) }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
  }
  const callTool = createToolPayer(client, {
    ...{ server: 'https://shop.example/mcp', deployment, currency, budget, ...way },
    onPayment: (payment) => payments.push(payment),
  })
  return { callTool, budget, channels, payments }
}

const pay = (amount = price) => signedBy(1, { amount: amount.toString() })
const signedBy = async (index: number, changes: { amount?: string } = {}) => {
  const requirements = { ...chain.requirements, maxTimeoutSeconds: 120, ...changes }
  return signExact(accountAt(index), { requirements, now: Math.floor(Date.now() / 1000) })
}
const sumOf = (
  client: Client,
  meta: Record<string, unknown> = {},
  input: Record<string, unknown> = { a: 2, b: 3 },
) => client.callTool({ name: 'add', arguments: input, _meta: meta }) as Promise<CallToolResult>

describe('priceTool', () => {
  let shop: Awaited<ReturnType<typeof startShop>>
  beforeEach(async () => {
    shop = await startShop([exact])
  })

  test('default: asks in the form of the transport, is paid in _meta, answers with what was settled', async () => {
    const asked = await sumOf(shop.client)
    const required = paymentRequiredSchema.parse(asked.structuredContent)
    expect(asked.isError).toBe(true)
    expect(asked.content).toEqual([{ type: 'text', text: JSON.stringify(asked.structuredContent) }])
    expect(required).toMatchObject({
      ...{ x402Version: 2, error: 'payment required' },
      resource: { url: 'mcp://tool/add', mimeType: 'application/json' },
      accepts: [{ scheme: 'exact', amount: '1000', payTo: seller.address }],
    })
    const before = await chain.balanceOf(seller.address)
    const result = await sumOf(shop.client, { [metaKeys.payment]: await pay() })
    expect(result).toMatchObject({ content: [{ text: '5' }] })
    const settled = settleResponseSchema.parse(result._meta?.[metaKeys.response])
    expect(settled).toMatchObject({ success: true, amount: '1000', payer: accountAt(1).address })
    expect(await chain.balanceOf(seller.address)).toBe(before + price)
    const signed = decodeCallReceipt(String(result._meta?.[metaKeys.receipt]))
    const request = digestToolCall('add', { b: 3, a: 2 })
    await verifyCallReceipt(signed, { seller: seller.address, request, most: price })
    expect(signed.receipt.reference).toBe(settled.transaction)
  })

  test('behavior: the same payment for the same arguments is answered again, for others it is not', async () => {
    const meta = { [metaKeys.payment]: await pay() }
    const first = await sumOf(shop.client, meta)
    expect(await sumOf(shop.client, meta)).toEqual(first)
    expect(shop.served).toEqual(['add'])
    const other = await sumOf(shop.client, meta, { a: 7, b: 7 })
    expect(other).toMatchObject({ isError: true, structuredContent: { error: 'payment_already_used' } })
    expect(shop.served).toEqual(['add'])
  })

  test('behavior: a key of its own makes two payments one call', async () => {
    const keyed = async () => ({ [metaKeys.payment]: await pay(), [metaKeys.idempotencyKey]: 'once' })
    const before = await chain.balanceOf(seller.address)
    const first = await sumOf(shop.client, await keyed())
    expect(await sumOf(shop.client, await keyed())).toEqual(first)
    const conflict = await sumOf(shop.client, await keyed(), { a: 7 })
    expect(conflict).toMatchObject({ isError: true })
    expect(JSON.stringify(conflict.content)).toContain('IDEMPOTENCY_CONFLICT')
    expect(await chain.balanceOf(seller.address)).toBe(before + price)
  })

  test('behavior: an error of the tool, and a tool that breaks, cost nothing', async () => {
    const before = await chain.balanceOf(seller.address)
    for (const [how, said] of [
      ['error', 'no luck'],
      ['throw', 'broken'],
    ] as const) {
      const meta = { [metaKeys.payment]: await pay() }
      const result = (await shop.client.callTool({
        name: 'fail',
        arguments: { how },
        _meta: meta,
      })) as CallToolResult
      expect(result).toMatchObject({ isError: true, content: [{ text: said }] })
      expect(result._meta?.[metaKeys.response]).toBeUndefined()
    }
    expect(await chain.balanceOf(seller.address)).toBe(before)
  })

  test('behavior: a tool with an output schema is paid by official clients that know it', async () => {
    await shop.client.listTools()
    const call = (meta: Record<string, unknown>) =>
      shop.client.callTool({ name: 'typed', arguments: { a: 2 }, _meta: meta }) as Promise<CallToolResult>
    const asked = await call({})
    expect(asked.structuredContent).toBeUndefined()
    const [said] = z.array(z.object({ text: z.string() })).parse(asked.content)
    expect(paymentRequiredSchema.parse(JSON.parse(said?.text ?? '')).accepts).toHaveLength(1)
    expect((await call({ [metaKeys.payment]: await pay() })).structuredContent).toEqual({ sum: 3 })
  })

  test('behavior: a price that depends on the arguments', async () => {
    const sized = async (size: number, meta = {}) =>
      (await shop.client.callTool({ name: 'by-size', arguments: { size }, _meta: meta })) as CallToolResult
    expect((await sized(0)).isError).toBeUndefined()
    expect(await sized(77)).toMatchObject({ structuredContent: { accepts: [{ amount: '77' }] } })
    const small = { [metaKeys.payment]: await pay(77n) }
    expect(await sized(78, small)).toMatchObject({ structuredContent: { error: 'no_matching_requirements' } })
    expect(await sized(77, small)).toMatchObject({ content: [{ text: 'size 77' }] })
  })

  test.each<[string, (good: PaymentPayload) => unknown, string]>([
    ['text', () => 'money', 'header_fields'],
    ['no payload', ({ payload: _, ...rest }) => rest, 'header_fields'],
    ['another version', (good) => ({ ...good, x402Version: 1 }), 'header_fields'],
    ['too long', (good) => ({ ...good, payload: { pad: 'x'.repeat(20_000) } }), 'HEADER_TOO_LARGE'],
    [
      'another payee',
      (good) => ({ ...good, accepted: { ...good.accepted, payTo: accountAt(1).address } }),
      'no_matching_requirements',
    ],
    [
      'a forged signature',
      (good) => ({ ...good, payload: { ...good.payload, signature: `0x${'11'.repeat(64)}1b` } }),
      'invalid_exact_evm_signature',
    ],
  ])('error: %s is no payment, nothing is served', async (_, change, said) => {
    const result = await sumOf(shop.client, { [metaKeys.payment]: change(await pay()) })
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result.content)).toContain(said)
    expect(shop.served).toEqual([])
  })

  test('error: a payment that cannot be settled is told as the transport says, and the answer is kept back', async () => {
    // Signed well, by one who has nothing.
    const result = await sumOf(shop.client, { [metaKeys.payment]: await signedBy(19) })
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { error: expect.stringContaining('balance') },
    })
    expect(JSON.stringify(result)).not.toContain('"5"')
  })

  test('default: stock x402 core pays our tool', async () => {
    const stock = new x402Client().register(`eip155:${chain.chain.id}`, new StockClientScheme(accountAt(2)))
    const allowed = { network: chain.requirements.network, asset: chain.token, maxAmountPerPayment: '100000' }
    stock.setSpendControls({ allowedAssets: [allowed] } as never)
    const asked = await sumOf(shop.client)
    const payment = await stock.createPaymentPayload(asked.structuredContent as never)
    const result = await sumOf(shop.client, { [metaKeys.payment]: payment })
    expect(result).toMatchObject({
      content: [{ text: '5' }],
      _meta: { [metaKeys.response]: { success: true } },
    })
  })
})

describe('createToolPayer', () => {
  test('default: pays on a channel, and once it knows the price without asking', async () => {
    const { ledger, scheme } = await openStream()
    const { client, served } = await startShop([scheme, exact])
    let calls = 0
    const counting: ToolClient = {
      callTool(params, schema, options) {
        calls++
        return client.callTool(params, schema, options)
      },
    }
    const { callTool, budget, payments } = await openBuyer(counting)
    for (let turn = 1; turn <= 3; turn++)
      expect(await callTool({ name: 'add', arguments: { a: turn } })).toMatchObject({
        content: [{ text: String(turn + 1) }],
      })
    expect([calls, served.length]).toEqual([4, 3])
    expect(budget.state()).toMatchObject({ spent: 3n * price, reserved: 0n })
    expect(ledger.books()).toMatchObject([{ spent: 3n * price, worth: 3n * price }])
    expect(payments[0]).toMatchObject({ scheme: 'stream', amount: price })
    await callTool({ name: 'measure', arguments: { words: 'seven..' } })
    expect(payments.at(-1)).toMatchObject({ amount: 7n })
  })

  test('default: pays once where there is no channel', async () => {
    const { client } = await startShop([exact])
    const { callTool, payments } = await openBuyer(client)
    const result = await callTool({ name: 'add', arguments: { a: 4 } })
    expect(result).toMatchObject({ content: [{ text: '5' }] })
    expect(payments).toMatchObject([{ scheme: 'exact', amount: price, settled: { success: true } }])
  })

  test('behavior: any number of calls at once stay within the budget', async () => {
    const { ledger, scheme } = await openStream()
    const { client, served } = await startShop([scheme])
    const { callTool, budget } = await openBuyer(client, { limits: { lifetime: 5n * price } })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => callTool({ name: 'add', arguments: { a: 1 } })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect(served).toHaveLength(5)
    expect(budget.state()).toMatchObject({ spent: 5n * price, reserved: 0n })
    expect(ledger.books()).toMatchObject([{ worth: 5n * price }])
  })

  test('behavior: a free tool, and a tool that fails, cost nothing', async () => {
    const { scheme } = await openStream()
    const { client } = await startShop([scheme])
    const { callTool, budget, payments } = await openBuyer(client)
    expect(await callTool({ name: 'by-size', arguments: { size: 0 } })).toMatchObject({
      content: [{ text: 'size 0' }],
    })
    expect(await callTool({ name: 'fail', arguments: { how: 'error' } })).toMatchObject({ isError: true })
    expect(payments.map(({ amount }) => amount)).toEqual([0n])
    // What was promised and not taken pays for the next call.
    await callTool({ name: 'add', arguments: { a: 1 } })
    expect(budget.state().spent).toBe(price)
  })

  test('error: dearer than one answer may cost', async () => {
    const { client, served } = await startShop([exact])
    const { callTool, budget } = await openBuyer(client, { maxPrice: price - 1n })
    await expect(callTool({ name: 'add', arguments: { a: 1 } })).rejects.toMatchObject({
      code: 'NO_WAY_TO_PAY',
    })
    expect([served.length, budget.state().spent]).toEqual([0, 0n])
  })

  /** A server that answers what it is told to, the n-th call (from 0) with the payment that came. */
  const hostile = (answer: (turn: number, payment: PaymentPayload | null) => unknown): ToolClient => {
    let turn = 0
    return {
      async callTool({ _meta }) {
        return answer(turn++, paymentPayloadSchema.safeParse(_meta?.[metaKeys.payment]).data ?? null)
      },
    }
  }
  const demand = (changes: Record<string, unknown> = {}, resource = 'mcp://tool/add') => {
    const required: PaymentRequired = {
      ...{ x402Version: 2, resource: { url: resource } },
      accepts: [{ ...chain.requirements, ...changes }],
    }
    return { ...text(JSON.stringify(required)), isError: true, structuredContent: required }
  }

  test.each<[string, (turn: number, payment: PaymentPayload | null) => unknown, string, bigint]>([
    [
      'asks for nothing',
      () => ({ ...demand(), structuredContent: { x402Version: 2, accepts: [] } }),
      'PAYMENT_REQUIRED_INVALID',
      0n,
    ],
    ['answers what is no result', () => ({ money: true }), 'TOOL_RESULT_INVALID', 0n],
    ['asks for another currency', () => demand({ asset: accountAt(7).address }), 'NO_WAY_TO_PAY', 0n],
    ['asks for another chain', () => demand({ network: 'eip155:1' }), 'NO_WAY_TO_PAY', 0n],
    [
      'raises its price once it is paid',
      (turn) => demand({ amount: String(1000 + turn) }),
      'QUOTE_CHANGED',
      1000n,
    ],
    [
      'names another payee then',
      (turn) => demand({ payTo: accountAt(turn).address }),
      'QUOTE_CHANGED',
      1000n,
    ],
    // Both signatures have one nonce.
    ['takes payment and asks again', () => demand(), 'PAYMENT_LOOP', 1000n],
    [
      'answers a payment with what is no result',
      (turn) => (turn === 0 ? demand() : { money: true }),
      'TOOL_RESULT_INVALID',
      1000n,
    ],
  ])('error: a server that %s', async (_, answer, code, spent) => {
    const { callTool, budget } = await openBuyer(hostile(answer), { ways: 'exact' })
    await expect(callTool({ name: 'add' })).rejects.toMatchObject({ code })
    // A signature that is out may be used: it counts.
    expect(budget.state()).toMatchObject({ spent, reserved: 0n })
  })

  test('behavior: reads what is to be paid wherever the transport allows it to stand', async () => {
    const plain = demand()
    const wrapped = { 'x402/error': { code: 402, message: 'pay', data: plain.structuredContent } }
    for (const asked of [
      plain,
      { ...text('pay'), isError: true, structuredContent: wrapped },
      { ...text(JSON.stringify(plain.structuredContent)), isError: true },
      { ...text(JSON.stringify(wrapped)), isError: true },
    ]) {
      const seen: (PaymentPayload | null)[] = []
      const server = hostile((turn, payment) => {
        seen.push(payment)
        return turn === 0 ? asked : text('paid')
      })
      const { callTool } = await openBuyer(server, { ways: 'exact' })
      expect(await callTool({ name: 'add' })).toMatchObject({ content: [{ text: 'paid' }] })
      expect(seen).toMatchObject([null, { resource: { url: 'mcp://tool/add' } }])
    }
  })

  test('default: pays a tool that stock x402 core sells', async () => {
    const { network, asset, payTo, extra } = chain.requirements
    const stock = new x402ResourceServer({
      verify: (payment: never, requirements: never) => facilitator.verify(payment, requirements),
      settle: (payment: never, requirements: never) => facilitator.settle(payment, requirements),
      getSupported: async () => facilitator.supported(),
    } as never).register(network as never, new StockServerScheme())
    await stock.initialize()
    const accepts = await stock.buildPaymentRequirements({
      ...{ scheme: 'exact', network: network as never, payTo },
      price: { asset, amount: '1000', extra: extra as never },
    })
    const server = new McpServer({ name: 'stock', version: '1' })
    server.registerTool('weather', { inputSchema: { city: z.string() } }, async ({ city }, { _meta }) => {
      const payment = _meta?.[metaKeys.payment] as never
      const resource = { url: 'mcp://tool/weather', description: 'Weather', mimeType: 'application/json' }
      const refuse = async (reason: string): Promise<CallToolResult> => {
        const required = await stock.createPaymentRequiredResponse(accepts, resource, reason)
        const said = { ...required } as Record<string, unknown>
        return { structuredContent: said, ...text(JSON.stringify(said)), isError: true }
      }
      if (payment === undefined) return refuse('Payment required')
      const matched = stock.findMatchingRequirements(accepts, payment)
      if (matched === undefined) return refuse('No match')
      const verified = await stock.verifyPayment(payment, matched)
      if (!verified.isValid) return refuse(verified.invalidReason ?? 'invalid')
      const settled = await stock.settlePayment(payment, matched)
      return { ...text(`sunny in ${city}`), _meta: { [metaKeys.response]: settled } }
    })
    const { callTool, payments, budget } = await openBuyer(await connectTo(server))
    const result = await callTool({ name: 'weather', arguments: { city: 'Oslo' } })
    expect(result).toMatchObject({ content: [{ text: 'sunny in Oslo' }] })
    expect(payments).toMatchObject([{ scheme: 'exact', amount: 1000n, settled: { success: true } }])
    expect(budget.state().spent).toBe(1000n)
  })
})
