import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentCard, Message, Task } from '@a2a-js/sdk'
import { ClientFactory, ServiceParameters, withA2AExtensions } from '@a2a-js/sdk/client'
import { DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server'
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express'
import { closeChannelFor, confirm, getBalance, getChannel } from '@millrace/sdk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import express from 'express'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { getBlock } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  a2aExtension,
  a2aExtensionUri,
  a2aKeys,
  agentClosingFetch,
  createAgentPayer,
  priceAgent,
  textPart,
} from '../src/a2a/index.ts'
import {
  askToClose,
  createPaywall,
  fundChannel,
  openBudget,
  openChannelWallet,
  openLedger,
  type Paywall,
  readChannelAt,
  streamScheme,
} from '../src/index.ts'
import { closeTool, createToolPayer, metaKeys, priceTool, toolClosingFetch } from '../src/mcp/index.ts'
import { type LocalChain, startLocalChain } from './localChain.ts'

/** Channels that end by consent where sellers are tools of MCP and agents of A2A. */
let chain: LocalChain
let folder: string
const left: (() => unknown)[] = []
let files = 0
const price = 1_000n
beforeAll(async () => {
  chain = await startLocalChain()
  folder = mkdtempSync(join(tmpdir(), 'closing-elsewhere-'))
})
afterAll(async () => {
  for (const end of left.reverse()) await end()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const fileOf = (name: string) => join(folder, `${name}-${files++}`)
const tillOf = async (account: `0x${string}`) =>
  (await getBalance(chain.client, { deployment: chain.deployment, account, currency: chain.token })).till

/** A payee's paywall, which agrees to ends unless it is told not to. */
async function openPaywall({ closes = true } = {}) {
  const { deployment, currency } = chain
  const payee = privateKeyToAccount(generatePrivateKey())
  const ledger = await openLedger({
    ...{ ...deployment, path: fileOf('ledger'), payee: { account: payee.address } },
    currency: currency.address,
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
    readChannelAt: (channel) => readChannelAt(chain.client, { deployment, channel }),
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
  left.push(() => ledger.close())
  const closer = closes ? { closer: { signer: payee } } : {}
  const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency, ...closer })] })
  return { payee, ledger, paywall }
}

async function openPurse() {
  const { deployment, currency } = chain
  const payer = privateKeyToAccount(generatePrivateKey())
  await chain.mint(payer.address, 1_000_000_000n)
  const budget = await openBudget({ path: fileOf('budget'), limits: {} })
  const channels = await openChannelWallet({
    ...{ path: fileOf('wallet'), deployment, currency, payer, budget, maxDeposit: 1_000_000n },
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
  })
  left.push(() => channels.close())
  left.push(() => budget.close())
  const paying = { deployment, currency, budget, channels }
  /** Asks to end the only channel, by a transport of its own. */
  async function close(fetch: typeof globalThis.fetch) {
    const [own] = channels.channels()
    if (own === undefined) throw new RangeError('no channel yet')
    const { channel } = own
    const time = Number((await getBlock(chain.client)).timestamp)
    const until = Math.max(time, Math.floor(Date.now() / 1000)) + 200
    const agreed = await askToClose({ channels, channel, url: 'http://seller.invalid', until, fetch })
    const relay = chain.walletOf(1)
    await confirm(relay, await closeChannelFor(relay, { deployment, ...agreed, channel }))
    await agreed.over()
    return agreed
  }
  return { payer, paying, close }
}

/** The official client of a server with one sold tool, and the tool that ends channels if there is one. */
async function connectTools(paywall: Paywall, options: { readonly hasCloseTool: boolean }) {
  const server = new McpServer({ name: 'shop', version: '1' })
  const sold = { tool: 'add', price: { amount: price } }
  const add = ({ a = 0 }: { a?: number | undefined }) => ({
    content: [{ type: 'text' as const, text: String(a + 1) }],
  })
  server.registerTool('add', { inputSchema: { a: z.number().optional() } }, priceTool(paywall, sold, add))
  if (options.hasCloseTool) {
    const { name, config, handler } = closeTool(paywall)
    server.registerTool(name, config, handler)
  }
  const client = new Client({ name: 'buyer', version: '1' })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(far), client.connect(near)])
  left.push(() => client.close())
  return client
}

describe('tools of MCP', () => {
  test.each([
    { how: 'by its tool', hasCloseTool: true },
    { how: 'by what a call carries', hasCloseTool: false },
  ])('default: a channel that paid for tools ends at what was charged, $how', async ({ hasCloseTool }) => {
    const { payee, paywall } = await openPaywall()
    const client = await connectTools(paywall, { hasCloseTool })
    const { payer, paying, close } = await openPurse()
    const call = createToolPayer(client, { server: 'shop', ...paying })
    for (const a of [1, 2])
      expect(await call({ name: 'add', arguments: { a } })).toMatchObject({
        content: [{ text: String(a + 1) }],
      })
    const agreed = await close(toolClosingFetch(client, { tool: 'add' }))
    expect(agreed.claimed).toBe(2n * price)
    expect(await tillOf(payee.address)).toBe(2n * price)
    // The rest of the deposit is the payer's again, and the next payment opens the next life.
    expect(await tillOf(payer.address)).toBe(200n * price - 2n * price)
    await call({ name: 'add', arguments: { a: 3 } })
  })

  test('error: a seller that agrees to no ends, one that knows none, and a wish that is none', async () => {
    const { paywall } = await openPaywall({ closes: false })
    const client = await connectTools(paywall, { hasCloseTool: true })
    const { paying, close } = await openPurse()
    await createToolPayer(client, { server: 'shop', ...paying })({ name: 'add', arguments: { a: 1 } })
    await expect(close(toolClosingFetch(client))).rejects.toMatchObject({
      ...{ code: 'CLOSE_REFUSED', details: { reason: expect.stringContaining('CLOSE_UNSUPPORTED') } },
    })
    const bare = await connectTools(paywall, { hasCloseTool: false })
    await expect(close(toolClosingFetch(bare))).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    // Nothing was paid by asking, and the channel goes on.
    expect(paying.budget.state().spent).toBe(price)
    await createToolPayer(client, { server: 'shop', ...paying })({ name: 'add', arguments: { a: 1 } })
    const { paywall: willing } = await openPaywall()
    const wishes = await connectTools(willing, { hasCloseTool: true })
    const said = await wishes.callTool({ name: 'millrace_close', arguments: { close: { channel: 'none' } } })
    expect(said).toMatchObject({ isError: true, _meta: { [metaKeys.closed]: { status: 400 } } })
  })
})

describe('agents of A2A', () => {
  async function connectAgent(paywall: Paywall) {
    const app = express()
    const server = app.listen(0, '127.0.0.1') as Server
    await once(server, 'listening')
    left.push(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const card: AgentCard = {
      ...{ name: 'Shouter', description: 'Says it in capitals', version: '1.0.0', provider: undefined },
      supportedInterfaces: [
        { url: `${url}/rpc`, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' },
      ],
      capabilities: { streaming: false, pushNotifications: false, extensions: [a2aExtension()] },
      ...{ securitySchemes: {}, securityRequirements: [], signatures: [], skills: [] },
      ...{ defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'] },
    }
    const executor = priceAgent(paywall, { skill: 'shout', price: { amount: price } }, () => [
      textPart('HELLO'),
    ])
    const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor)
    app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: handler }))
    app.use('/rpc', jsonRpcHandler({ requestHandler: handler, userBuilder: UserBuilder.noAuthentication }))
    const agent = await new ClientFactory().createFromUrl(url)
    const serviceParameters = ServiceParameters.create(withA2AExtensions(a2aExtensionUri))
    type Sent = Parameters<typeof agent.sendMessage>[0]
    return {
      url,
      client: { sendMessage: (sent: Sent) => agent.sendMessage(sent, { serviceParameters }) },
    }
  }

  test('default: a channel that paid an agent ends at what was charged, by a message', async () => {
    const { payee, paywall } = await openPaywall()
    const { url, client } = await connectAgent(paywall)
    const { paying, close } = await openPurse()
    const ask = createAgentPayer(client, { agent: url, ...paying })
    await ask([textPart('hello')])
    const agreed = await close(agentClosingFetch(client))
    expect(agreed.claimed).toBe(price)
    expect(await tillOf(payee.address)).toBe(price)
    await ask([textPart('again')])
  })

  test('error: an agent that agrees to no ends says so; a wish costs nothing', async () => {
    const { paywall } = await openPaywall({ closes: false })
    const { url, client } = await connectAgent(paywall)
    const { paying, close } = await openPurse()
    await createAgentPayer(client, { agent: url, ...paying })([textPart('hello')])
    let last: Message | Task | undefined
    const heard = {
      sendMessage: async (sent: Parameters<typeof client.sendMessage>[0]) => {
        last = await client.sendMessage(sent)
        return last
      },
    }
    await expect(close(agentClosingFetch(heard))).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    const { metadata } = (last as Task).status?.message ?? {}
    expect(metadata?.[a2aKeys.closed]).toMatchObject({ status: 404 })
    expect(paying.budget.state().spent).toBe(price)
  })
})
