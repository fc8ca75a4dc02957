import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ClientFactory, ServiceParameters, withA2AExtensions } from '@a2a-js/sdk/client'
import {
  createPaywall,
  fundChannel,
  nodeListener,
  openLedger,
  readChannelAt,
  streamScheme,
} from '@millrace/pay'
import { a2aExtensionUri, createAgentPayer, textPart } from '@millrace/pay/a2a'
import { closeTool, priceTool } from '@millrace/pay/mcp'
import { getBalance, getChannel } from '@millrace/sdk'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { agreeToClose } from '../src/channels/closeByConsent.ts'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'
import { mcpTools, openMcpContext } from '../src/mcp/mcpContext.ts'
import { serveHttp } from '../src/mcp/serveHttp.ts'
import { openPurse } from '../src/paying/openPurse.ts'
import { serveAgent } from '../src/selling/serveAgent.ts'
import { makeCommandHome } from './commandHome.ts'

/** Channels that paid for tools and agents, ended by consent where these sell, on a network of their own. */
const { work, home, passphraseFile, done, up, down } = makeCommandHome('close')
const left: (() => unknown)[] = []
const price = 1_000n
let connection: Connection

beforeAll(async () => {
  vi.stubEnv('MILLRACE_HOME', home)
  await up(['client', 'relay'])
  connection = await connect({})
}, 300_000)
afterAll(async () => {
  for (const end of left.reverse()) await end()
  await down()
}, 120_000)

/** A payee that agrees to ends, and is paid on channels only. */
async function openSeller(name: string) {
  const { deployment, client, currency } = connection
  const payee = privateKeyToAccount(generatePrivateKey())
  const relay = await openAccount(connection, { wallet: 'relay', passphraseFile })
  const ledger = await openLedger({
    ...{ ...deployment, path: join(work, `${name}.jsonl`), payee: { account: payee.address } },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    readChannelAt: (channel) => readChannelAt(client, { deployment, channel }),
    fund: (channel, authorization) => fundChannel(relay.client, { deployment, channel, authorization }),
  })
  left.push(() => ledger.close())
  const scheme = streamScheme({ ledger, deployment, currency, closer: { signer: payee } })
  const paywall = createPaywall({ schemes: [scheme] })
  const earned = async () =>
    (await getBalance(client, { deployment, account: payee.address, currency: currency.address })).till
  return { paywall, earned }
}

test('default: a channel that paid for tools is closed by the MCP server, and once it is gone by the command', async () => {
  const { paywall, earned } = await openSeller('tools')
  const { url, close } = await serveHttp({
    port: 0,
    create() {
      const server = new McpServer({ name: 'shop', version: '1' })
      const sold = { tool: 'shout', price: { amount: price } }
      const shout = ({ text }: { text: string }) => ({
        content: [{ type: 'text' as const, text: text.toUpperCase() }],
      })
      server.registerTool('shout', { inputSchema: { text: z.string() } }, priceTool(paywall, sold, shout))
      const { name, config, handler } = closeTool(paywall)
      server.registerTool(name, config, handler)
      return server.server
    },
  })
  left.push(close)
  const context = await openMcpContext({ wallet: 'client', passphraseFile, budget: '1' }, work)
  const call = async (name: string, input: object) =>
    (
      await mcpTools(context)
        .find((each) => each.name === name)
        ?.call(input)
    )?.value as Record<string, unknown>
  const shout = () => call('call_paid_tool', { server: url, tool: 'shout', arguments: { text: 'hey' } })
  expect(await shout()).toMatchObject({ paid: '0.001 TUSD', scheme: 'stream' })
  const { channels } = (await call('receipts', {})) as { readonly channels: readonly { channel: string }[] }
  const [own] = channels
  const closed = await call('close_channel', { channel: own?.channel.slice(0, 14) ?? '' })
  expect(closed).toMatchObject({ channel: own?.channel, state: 'none', reason: null })
  expect(await earned()).toBe(price)
  // The next call opens the channel's next life; the server ends, and the command finds its channel.
  await shout()
  await context.close()
  const { channels: listed } = await done('channel', 'ls')
  expect(listed).toMatchObject([{ id: own?.channel, side: 'payer', state: 'open', epoch: '1' }])
  expect(await done('channel', 'close', own?.channel ?? '', '--wallet', 'client')).toMatchObject({
    ...{ state: 'none', claimed: '1000' },
  })
  expect(await earned()).toBe(2n * price)
}, 300_000)

test('default: a channel that paid an agent is closed by a message to it', async () => {
  const { paywall, earned } = await openSeller('agent')
  let url = ''
  const agent = serveAgent({
    ...{ skill: 'Echo', paywall, price: { amount: price }, ahead: false, url: () => url },
    ask: async (request) => new Response(await request.text()),
  })
  const answer = async (request: Request) => (await agent(request)) ?? new Response(null, { status: 404 })
  const server = createServer(nodeListener(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  left.push(() => server.close())
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const payer = await openAccount(connection, { wallet: 'client', passphraseFile })
  const { deployment, currency } = connection
  const { budget, channels, close } = await openPurse(connection, { payer, perPayment: price })
  const client = await new ClientFactory().createFromUrl(url)
  const serviceParameters = ServiceParameters.create(withA2AExtensions(a2aExtensionUri))
  const ask = createAgentPayer(
    { sendMessage: (params) => client.sendMessage(params, { serviceParameters }) },
    { agent: url, deployment, currency, budget, channels },
  )
  await ask([textPart('hello')])
  const [own] = channels.channels()
  if (own === undefined) throw new RangeError('no channel yet')
  const { channel, service } = own
  const outcome = await agreeToClose(connection, { channels, channel, service, payer, servers: new Map() })
  expect(outcome).toMatchObject({ type: 'closed', claimed: price })
  expect(await earned()).toBe(price)
  await close()
}, 300_000)
