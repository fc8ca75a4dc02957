import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createPayingFetch, openBudget } from '@millrace/pay'
import { agentRegistries, confirm, giveAgentFeedback } from '@millrace/sdk'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'
import { mcpTools, openMcpContext } from '../src/mcp/mcpContext.ts'
import { freePort } from '../src/network/choosePort.ts'
import { kill, makeCommandHome, sellingAt } from './commandHome.ts'

/** `millrace reputation` and its MCP tools, on a network of their own, with the registries' stand-ins. */
const { work, home, passphraseFile, start, done, refused, up, down } = makeCommandHome('reputation')

let connection: Connection
let server: Server
let upstream: string
let seller: ChildProcess | null = null
beforeAll(async () => {
  server = createServer((_, response) => response.end('an answer'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await up(['shop', 'client', 'stranger'])
  connection = await connect({}, home)
}, 300_000)
afterAll(async () => {
  await kill(seller)
  await down()
  server?.closeAllConnections()
  server?.close()
}, 120_000)

async function sell(): Promise<string> {
  const port = String((await freePort(0)) ?? 0)
  seller = start(['sell', port, '--upstream', upstream, '--price', '0.001', '--wallet', 'shop'])
  return sellingAt(seller)
}
/** Ends the seller, which claims what is due. */
async function endSeller(): Promise<void> {
  const child = seller
  seller = null
  const gone = new Promise((resolve) => child?.once('exit', resolve))
  child?.kill('SIGTERM')
  await gone
}
const accountOf = (wallet: string) => openAccount(connection, { wallet, passphraseFile })

test('default: an agent is registered, paid, and rated by a receipt of what was really paid; who paid nothing is not heard', async () => {
  const registered = await done(
    'reputation',
    'register',
    'https://shop.example/card.json',
    '--wallet',
    'shop',
  )
  expect(registered).toMatchObject({ agent: '0', uri: 'https://shop.example/card.json' })
  const shop = registered.owner
  expect(await done('reputation', 'show', shop)).toMatchObject({ agent: '0', wallet: shop, weighed: null })
  expect(await refused('reputation', 'show', '7')).toMatchObject({ code: 'IDENTITY_MISSING' })

  const url = await sell()
  const bought = await done('pay', `${url}/a`, '--wallet', 'client')
  const channelReceipt = join(work, 'answer.json')
  writeFileSync(channelReceipt, JSON.stringify(bought))
  const rate = (who: string, value: string, receipt: string, ...more: string[]) => [
    ...['reputation', 'rate', '0', value, '--receipt', receipt, '--wallet', who, ...more],
  ]
  // Promised is not paid.
  expect(await refused(...rate('client', '95', channelReceipt))).toMatchObject({ code: 'RECEIPT_UNPAID' })
  // A one-time payment is paid once it is settled.
  const { deployment, currency, client } = connection
  const { account: stranger, client: strangers } = await accountOf('stranger')
  const budget = await openBudget({ path: join(work, 'budget.jsonl'), limits: {} })
  const pay = createPayingFetch({ deployment, currency, budget, signer: stranger })
  const answer = await pay(`${url}/b`)
  const onceReceipt = join(work, 'receipt')
  writeFileSync(onceReceipt, answer.headers.get('millrace-receipt') ?? '')
  await budget.close()
  await endSeller()

  const given = await done(...rate('client', '95.5', channelReceipt, '--endpoint', `${url}/a`))
  expect(given).toMatchObject({ agent: '0', value: '95.5', tag: 'starred' })
  expect(given.file.proofOfPayment).toMatchObject({
    fromAddress: bought.paid === null ? '' : given.file.receipt.receipt.payer,
    toAddress: shop,
  })
  const transferred = await done(...rate('stranger', '10', onceReceipt))
  expect(transferred.file.proofOfPayment.txHash).toMatch(/^0x[0-9a-f]{64}$/)

  // Of another's payment, of an altered one, of one to another agent.
  expect(await refused(...rate('stranger', '1', channelReceipt))).toMatchObject({ code: 'RECEIPT_FOREIGN' })
  const altered = JSON.parse(Buffer.from(bought.paid.receipt, 'base64').toString())
  altered.receipt.amount = '1'
  const forged = join(work, 'forged')
  writeFileSync(forged, Buffer.from(JSON.stringify(altered)).toString('base64'))
  expect(await refused(...rate('client', '1', forged))).toMatchObject({ code: 'RECEIPT_FOREIGN' })
  await done('reputation', 'register', 'https://other.example/card.json', '--wallet', 'client')
  expect(
    await refused('reputation', 'rate', '1', '5', '--receipt', onceReceipt, '--wallet', 'stranger'),
  ).toMatchObject({ code: 'RECEIPT_FOREIGN' })

  // The registry takes anyone's word; what is shown goes by what channels and leases really paid.
  const registries = agentRegistries.mainnets
  const word = { registries, agentId: 0n, value: 0n, tag: 'starred' }
  await confirm(client, await giveAgentFeedback(strangers, word))
  const shown = async () => (await done('reputation', 'show', '0')).weighed
  await expect.poll(shown).toMatchObject({ value: '95.5', weight: '1000', voices: 1 })
  const { feedback } = await done('reputation', 'list', '0')
  expect(feedback).toMatchObject([{ value: '95.5', weight: '1000', isRevoked: false }])
  const { feedback: other } = await done('reputation', 'list', '0', '--tag', 'uptime')
  expect(other).toEqual([])
}, 400_000)

test('default: the MCP server shows the same, and rates what its own account paid', async () => {
  vi.stubEnv('MILLRACE_HOME', home)
  const context = await openMcpContext({ wallet: 'client', passphraseFile, budget: '1' }, work)
  try {
    const call = async (name: string, input: object) => {
      const tool = mcpTools(context).find((each) => each.name === name)
      return (await tool?.call(input))?.value
    }
    expect(await call('agent_reputation', { agent: '0' })).toMatchObject({ value: '95.5', voices: 1 })
    const url = await sell()
    const bought = (await call('fetch_paid_url', { url: `${url}/c` })) as { readonly receipt: string }
    await endSeller()
    const rating = { agent: '0', value: '85.5', receipt: bought.receipt }
    expect(await call('rate_agent', rating)).toMatchObject({ agent: '0' })
    // One payer has one voice: the mean of what it said.
    await expect
      .poll(() => call('agent_reputation', { agent: '0' }))
      .toMatchObject({ value: '90.5', voices: 1 })
  } finally {
    await context.close()
  }
}, 300_000)
