// What a price adds to a completion: the same upstream asked directly and through the gateway, whole and streamed. One after
// another the upstream answers at once, so that nothing hides the gateway's own time; with several in flight it takes 15 to 35
// ms for each, so that the one process that is client, gateway and upstream is not asked for more than it can do.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { accountAt, startLocalChain } from '@millrace/example-paid-completion'
import { channelPaymentToJson, openLedger, type PaymentRequirements, streamScheme } from '@millrace/pay'
import { openAiGateway, serveFetch } from '@millrace/pay/openai'
import {
  approveCurrency,
  approveModule,
  type Channel,
  confirm,
  depositToTill,
  getChannel,
  hashChannel,
  hashVoucher,
  openChannel,
} from '@millrace/sdk'
import secp256k1 from 'secp256k1'
import { bytesToHex, toBytes, zeroHash } from 'viem'

const WARM = Number(process.env.WARM ?? 500)
const REQUESTS = Number(process.env.REQUESTS ?? 3000)
const IN_FLIGHT = 8

const loadAtStart = loadavg()[0] ?? 0
const usage = { prompt_tokens: 8, completion_tokens: 16, total_tokens: 24 }
const head = { id: 'cmpl-1', created: 1, model: 'bench' }
const body = JSON.stringify({
  ...head,
  object: 'text_completion',
  choices: [{ index: 0, text: 'a piece of text '.repeat(4), logprobs: null, finish_reason: 'length' }],
  usage,
})
const piece = `data: ${JSON.stringify({ ...head, object: 'text_completion', choices: [{ index: 0, text: 'text', logprobs: null, finish_reason: null }] })}\n\n`
const tail = `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`
let thinks = false
const server = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  if (thinks) await sleep(15 + Math.random() * 20)
  if (JSON.parse(text).stream !== true) {
    response.writeHead(200, { 'content-type': 'application/json' })
    return response.end(body)
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let at = 0; at < 16; at++) response.write(piece)
  return response.end(tail)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const direct = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

// A real channel on a local chain; vouchers are signed beforehand, since the buyer's time is not the gateway's.
const chain = await startLocalChain()
const { deployment, currency } = chain
const wallet = chain.walletOf(2)
const payer = wallet.account.address
const key = Buffer.from(wallet.account.getHdKey().privateKey ?? [])
const parties = { payer, signer: payer, payee: accountAt(1).address, asset: 0n, currency: currency.address }
const channel: Channel = { ...parties, closeDelay: 900, salt: zeroHash }
const deposit = 900_000_000n
const funds = { deployment, currency: currency.address, amount: deposit }
await confirm(wallet, await approveCurrency(wallet, funds))
await confirm(wallet, await depositToTill(wallet, funds))
await confirm(
  wallet,
  await approveModule(wallet, { deployment, module: deployment.channels, approved: true }),
)
await confirm(wallet, await openChannel(wallet, { deployment, channel, amount: deposit }))

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-completions-'))
const ledger = await openLedger({
  ...deployment,
  path: join(folder, 'ledger.jsonl'),
  payee: { account: accountAt(1).address },
  currency: currency.address,
  readChannel: (id) => getChannel(chain.client, { deployment, channel: id }),
})
const scheme = streamScheme({ ledger, deployment, currency })

let promised = 0n
function voucherHeader(accepted: PaymentRequirements): string {
  promised += BigInt(accepted.amount)
  const voucher = {
    ...{ channel: hashChannel(channel, deployment), epoch: 0n, cumulative: promised },
    ...{ anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash },
  }
  const { signature, recid } = secp256k1.ecdsaSign(toBytes(hashVoucher(voucher, deployment)), key)
  const signed = bytesToHex(Buffer.concat([signature, Buffer.from([27 + recid])]))
  const payload = channelPaymentToJson({ channel, voucher, signature: signed })
  return Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload })).toString('base64')
}

const price = { perRequest: 1n, perMillionInput: 150_000n, perMillionOutput: 600_000n }
const gateway = await serveFetch(
  openAiGateway({
    upstream: { url: `${direct}/v1` },
    models: [{ id: 'bench', price, maxInput: 4096, maxOutput: 256 }],
    schemes: [scheme],
  }),
)

const ask = (stream: boolean) =>
  JSON.stringify({ model: 'bench', prompt: 'a prompt of some words', max_tokens: 16, stream })
const type = { 'content-type': 'application/json' }
/** The headers of so many calls, each with its own voucher at the gateway. */
async function headersFor(url: string, stream: boolean): Promise<Record<string, string>[]> {
  const count = WARM + REQUESTS
  if (url === direct) return Array.from({ length: count }, () => type)
  const unpaid = await fetch(`${url}/v1/completions`, { method: 'POST', body: ask(stream) })
  const required = Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString()
  await unpaid.arrayBuffer()
  const [accepted] = JSON.parse(required).accepts
  return Array.from({ length: count }, () => ({ ...type, 'payment-signature': voucherHeader(accepted) }))
}

interface Run {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Asks directly and through the gateway in turn, so that both see the same machine at the same time. */
async function measure(options: { stream: boolean; atOnce: number }): Promise<{ direct: Run; gateway: Run }> {
  const body = ask(options.stream)
  const sides = await Promise.all(
    [direct, gateway.url].map(async (url) => ({
      url: `${url}/v1/completions`,
      headers: await headersFor(url, options.stream),
      times: [] as number[],
    })),
  )
  let left = WARM + REQUESTS
  const worker = async () => {
    while (left-- > 0) {
      const counts = left < REQUESTS
      const place = WARM + REQUESTS - 1 - left
      for (const { url, headers, times } of sides) {
        const since = performance.now()
        const response = await fetch(url, { method: 'POST', headers: headers[place] ?? type, body })
        const text = await response.text()
        if (response.status !== 200 || !text.includes('text')) throw new RangeError(text)
        if (counts) times.push(performance.now() - since)
      }
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker))
  const [plain, sold] = sides.map(({ times }): Run => {
    times.sort((a, b) => a - b)
    const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(3))
    return { p50Ms: at(0.5), p99Ms: at(0.99) }
  })
  if (plain === undefined || sold === undefined) throw new RangeError('there are two sides')
  return { direct: plain, gateway: sold }
}

const results: Record<string, object> = {}
for (const stream of [false, true]) {
  for (const atOnce of [1, IN_FLIGHT]) {
    thinks = atOnce > 1
    const { direct: plain, gateway: sold } = await measure({ stream, atOnce })
    const added = {
      p50Ms: Number((sold.p50Ms - plain.p50Ms).toFixed(3)),
      p99Ms: Number((sold.p99Ms - plain.p99Ms).toFixed(3)),
    }
    results[`${stream ? 'streamed' : 'whole'}, ${atOnce} at once`] = { direct: plain, gateway: sold, added }
    console.log(stream ? 'streamed' : 'whole', `${atOnce} at once`, plain, sold, added)
  }
}
await gateway.close()
await ledger.close()
await chain.stop()
rmSync(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
server.close()
server.closeAllConnections()

const machine = {
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
  kernel: release(),
  node: process.version,
  loadAtStart: Number(loadAtStart.toFixed(1)),
  loadAtEnd: Number((loadavg()[0] ?? 0).toFixed(1)),
}
mkdirSync('bench/results', { recursive: true })
writeFileSync(
  'bench/results/completions.json',
  `${JSON.stringify({ machine, requests: REQUESTS, scheme: scheme.scheme, results, toReach: { addedP99Ms: 2 } }, null, 2)}\n`,
)
