import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentCard, Message, Part, Task } from '@a2a-js/sdk'
import { ClientFactory, ServiceParameters, withA2AExtensions } from '@a2a-js/sdk/client'
import { DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server'
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express'
import { getChannel } from '@millrace/sdk'
import express from 'express'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  a2aExtension,
  a2aExtensionUri,
  a2aKeys,
  createAgentPayer,
  type PaidSkill,
  priceAgent,
  textPart,
} from '../src/a2a/index.ts'
import { type BudgetLimits, openBudget } from '../src/buyer/openBudget.ts'
import { openChannelWallet } from '../src/buyer/openChannelWallet.ts'
import { signExact } from '../src/exact/signExact.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import {
  createPaywall,
  decodeCallReceipt,
  exactScheme,
  fundChannel,
  type Ledger,
  openLedger,
  type PaymentRequired,
  type PaymentRequirements,
  streamScheme,
} from '../src/index.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
let facilitator: Facilitator
let folder: string
let ledger: Ledger
let stop: () => void
let url: string
let served: string[]
let count = 0
const seller = privateKeyToAccount(generatePrivateKey())

beforeAll(async () => {
  chain = await startLocalChain()
  facilitator = await openFacilitator({
    chains: [{ network: chain.requirements.network, client: chain.client, relayer: accountAt(5) }],
    journal: memoryJournal(),
  })
})
afterAll(async () => {
  await facilitator?.close()
  await chain?.stop()
})
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'a2a-'))
  served = []
  const account = privateKeyToAccount(generatePrivateKey()).address
  const { deployment, currency } = chain
  ledger = await openLedger({
    ...{ ...deployment, path: join(folder, 'ledger'), payee: { account }, currency: currency.address },
    readChannel,
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
})
afterEach(async () => {
  stop?.()
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const readChannel = (channel: `0x${string}`) =>
  getChannel(chain.client, { deployment: chain.deployment, channel })
const textOf = (parts: readonly Part[]) =>
  parts.map(({ content }) => (content?.$case === 'text' ? content.value : '')).join('')

/** An agent that says things in capitals, served by the official SDK. */
async function serve(answer: PaidSkill = shout) {
  const { network, asset, extra } = chain.requirements
  const currency = {
    ...{ network, asset, payTo: seller.address },
    ...{ name: String(extra?.name), version: String(extra?.version) },
  }
  const paywall = createPaywall({
    schemes: [
      streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }),
      exactScheme({ currencies: [currency as never], facilitator }),
    ],
    receipts: seller,
  })
  const app = express()
  const server = app.listen(0, '127.0.0.1') as Server
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const card: AgentCard = {
    ...{ name: 'Shouter', description: 'Says things in capitals', version: '1.0.0', provider: undefined },
    supportedInterfaces: [
      { url: `${url}/rpc`, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' },
    ],
    capabilities: { streaming: false, pushNotifications: false, extensions: [a2aExtension()] },
    ...{ securitySchemes: {}, securityRequirements: [], signatures: [] },
    ...{ defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'] },
    skills: [
      {
        ...{ id: 'shout', name: 'Shout', description: 'Says it in capitals', tags: ['text'] },
        ...{ examples: [], inputModes: [], outputModes: [], securityRequirements: [] },
      },
    ],
  }
  const executor = priceAgent(paywall, { skill: 'shout', price: { amount: 1000n } }, answer)
  const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor)
  app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: handler }))
  app.use('/rpc', jsonRpcHandler({ requestHandler: handler, userBuilder: UserBuilder.noAuthentication }))
  stop = () => {
    server.closeAllConnections()
    server.close()
  }
}

const shout: PaidSkill = ({ parts }) => {
  served.push(textOf(parts))
  return [textPart(textOf(parts).toUpperCase())]
}

async function connect() {
  const client = await new ClientFactory().createFromUrl(url)
  const serviceParameters = ServiceParameters.create(withA2AExtensions(a2aExtensionUri))
  return {
    sendMessage: (params: Parameters<typeof client.sendMessage>[0]) =>
      client.sendMessage(params, { serviceParameters }),
    card: () => client.getAgentCard(),
  }
}

async function buyer(ways: 'stream' | 'exact', limits: BudgetLimits = {}) {
  const { deployment, currency } = chain
  const budget = await openBudget({ path: join(folder, `budget-${count++}`), limits })
  const channels = await openChannelWallet({
    ...{ path: join(folder, `wallet-${count++}`), deployment, currency, budget, readChannel },
    ...{ payer: accountAt(3), maxDeposit: 1_000_000n },
  })
  const client = await connect()
  const ask = createAgentPayer(client, {
    ...{ agent: url, deployment, currency, budget },
    ...(ways === 'stream' ? { channels } : { signer: accountAt(1) }),
  })
  const close = async () => {
    await channels.close()
    await budget.close()
  }
  return { ask, budget, close, client }
}

const messageOf = (text: string, change: Partial<Message> = {}) => ({
  tenant: '',
  message: {
    ...{ messageId: crypto.randomUUID(), contextId: '', taskId: '', role: 1, parts: [textPart(text)] },
    ...{ metadata: undefined, extensions: [], referenceTaskIds: [] },
    ...change,
  },
  ...{ configuration: undefined, metadata: undefined },
})
const isTask = (answer: Message | Task): answer is Task => 'status' in answer
const metadataOf = (answer: Message | Task) =>
  isTask(answer) ? (answer.status?.message?.metadata ?? {}) : {}
const stateOf = (answer: Message | Task) => (isTask(answer) ? answer.status?.state : undefined)

describe('default: an agent of the official SDK is paid by the official client', () => {
  test.each(['exact', 'stream'] as const)('by %s', async (ways) => {
    await serve()
    const { ask, budget, close, client } = await buyer(ways, { lifetime: 10_000n })
    const card = await client.card()
    expect(card.capabilities?.extensions).toMatchObject([{ uri: a2aExtensionUri, required: true }])
    for (const [index, words] of ['hello', 'good bye'].entries()) {
      const task = await ask([textPart(words)])
      expect(stateOf(task)).toBe(3)
      if (isTask(task)) expect(textOf(task.artifacts[0]?.parts ?? [])).toBe(words.toUpperCase())
      const metadata = metadataOf(task)
      expect(metadata[a2aKeys.status]).toBe('payment-completed')
      expect(metadata[a2aKeys.receipts]).toMatchObject([{ success: true, amount: '1000' }])
      const { receipt } = decodeCallReceipt(metadata[a2aKeys.receipt])
      expect(receipt).toMatchObject({ amount: 1000n, scheme: ways })
      expect(budget.state()).toMatchObject({ spent: BigInt(index + 1) * 1000n, reserved: 0n })
    }
    expect(served).toEqual(['hello', 'good bye'])
    await close()
  })

  test('the flow of the specification, message by message', async () => {
    await serve()
    const client = await connect()
    const first = await client.sendMessage(messageOf('hello'))
    expect(stateOf(first)).toBe(6)
    expect(metadataOf(first)[a2aKeys.status]).toBe('payment-required')
    const required = metadataOf(first)[a2aKeys.required] as PaymentRequired
    const requirements = required.accepts.find(({ scheme }) => scheme === 'exact') as PaymentRequirements
    const now = Math.floor(Date.now() / 1000)
    const payment = await signExact(accountAt(1), { requirements, now })
    const taskId = isTask(first) ? first.id : ''
    const contextId = isTask(first) ? first.contextId : ''
    const metadata = { [a2aKeys.status]: 'payment-submitted', [a2aKeys.payload]: payment }
    const before = await chain.balanceOf(seller.address)
    const done = await client.sendMessage(messageOf('Here is the money.', { taskId, contextId, metadata }))
    expect(stateOf(done)).toBe(3)
    expect(metadataOf(done)[a2aKeys.status]).toBe('payment-completed')
    expect(await chain.balanceOf(seller.address)).toBe(before + 1000n)
    // What was paid for is what was asked first.
    expect(served).toEqual(['hello'])
    // The same payment for something else buys nothing.
    const other = await client.sendMessage(messageOf('something else', { metadata }))
    expect(metadataOf(other)).toMatchObject({ [a2aKeys.status]: 'payment-failed' })
    expect(served).toEqual(['hello'])
    expect(await chain.balanceOf(seller.address)).toBe(before + 1000n)
  })
})

describe('error', () => {
  test('a price that is not taken ends the task', async () => {
    await serve()
    const client = await connect()
    const first = await client.sendMessage(messageOf('hello'))
    const { id: taskId, contextId } = first as Task
    const metadata = { [a2aKeys.status]: 'payment-rejected' }
    const done = await client.sendMessage(messageOf('Too dear.', { taskId, contextId, metadata }))
    expect(stateOf(done)).toBe(5)
    expect(served).toEqual([])
  })

  test.each([
    ['EXPIRED_PAYMENT', (now: number) => ({ now: now - 3600 }), 1],
    ['INSUFFICIENT_FUNDS', (now: number) => ({ now }), 20],
  ] as const)('%s', async (code, time, index) => {
    await serve()
    const client = await connect()
    const first = await client.sendMessage(messageOf('hello'))
    const required = metadataOf(first)[a2aKeys.required] as PaymentRequired
    const requirements = required.accepts.find(({ scheme }) => scheme === 'exact') as PaymentRequirements
    const { now } = time(Math.floor(Date.now() / 1000))
    const payment = await signExact(accountAt(index), { requirements, now })
    const { id: taskId, contextId } = first as Task
    const metadata = { [a2aKeys.status]: 'payment-submitted', [a2aKeys.payload]: payment }
    const refused = await client.sendMessage(messageOf('Money.', { taskId, contextId, metadata }))
    expect(stateOf(refused)).toBe(6)
    expect(metadataOf(refused)).toMatchObject({
      [a2aKeys.status]: 'payment-failed',
      [a2aKeys.error]: code,
      [a2aKeys.receipts]: [{ success: false, transaction: '' }],
    })
    expect(served).toEqual([])
  })

  test('an answer that fails is not charged', async () => {
    await serve(() => {
      throw new RangeError('broken')
    })
    const { ask, close } = await buyer('stream')
    await ask([textPart('hello')]).catch(() => null)
    expect(ledger.books()[0]?.spent ?? 0n).toBe(0n)
    await close()
  })

  test('an agent that asks for what the budget does not hold', async () => {
    await serve()
    const { ask, budget, close } = await buyer('exact', { perPayment: 999n })
    await expect(ask([textPart('hello')])).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
    await close()
  })

  test('AgentAnswerInvalidError: an agent whose demand is none', async () => {
    await serve()
    const { deployment, currency } = chain
    const budget = await openBudget({ path: join(folder, `budget-${count++}`), limits: {} })
    const task = (metadata: Record<string, unknown>) =>
      ({
        ...{ id: 't', contextId: 'c', artifacts: [], history: [], metadata: undefined },
        status: { state: 6, timestamp: undefined, message: { metadata } },
      }) as never
    const ask = createAgentPayer(
      { sendMessage: () => Promise.resolve(task({ [a2aKeys.required]: { x402Version: 7 } })) },
      { agent: url, deployment, currency, budget, signer: accountAt(1) },
    )
    await expect(ask([textPart('hello')])).rejects.toMatchObject({ code: 'AGENT_ANSWER_INVALID' })
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
    await budget.close()
  })
})
