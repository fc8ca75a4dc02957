import { join } from 'node:path'
import { zeroHash } from 'viem'
import {
  channelPaymentToJson,
  createPaywall,
  encodePaymentPayload,
  openBudget,
  openLedger,
  streamScheme,
} from '../src/index.ts'
import type { CallRequest } from '../src/openai/callRequest.ts'
import { openAiGateway } from '../src/openai/index.ts'
import { channelOf, currency, domain, openState, payee, paymentOf } from './offChain.ts'
import { beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

/**
 * A seller and a buyer's budget in a process that may not write more than so much to a file. They go on after the disk is full, for as many
 * calls again; what happened is printed as one line of JSON.
 */
const [folder = '', after = '0'] = process.argv.slice(2)
const price = 10n
const deployment = {
  ...{ chainId: domain.chainId, channels: domain.channels, till: currency, assets: currency },
  ...{ market: currency, currencies: [], epochLength: 60 },
}
const channel = channelOf(1)
const ledger = await openLedger({
  ...{ ...domain, path: join(folder, 'ledger.jsonl'), payee: { account: payee }, currency },
  readChannel: async () => openState(channel, 10n ** 12n),
})
const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: { lifetime: 10n ** 12n } })
const scheme = streamScheme({
  ...{ ledger, deployment },
  currency: { address: currency, symbol: 'X', decimals: 6, name: 'X', version: '1' },
})
const paywall = createPaywall({ schemes: [scheme] })
const [first] = await scheme.requirements(
  { amount: price },
  { method: 'GET', url: 'http://shop.example/', digest: zeroHash, idempotencyKey: null },
)
if (first === undefined) throw new RangeError('the scheme asks for something')
const accepted = first

let served = 0
let answered = 0
let promised = 0n
interface Refusal {
  readonly status: number
  readonly code: string
}
/** Sells until the disk is full, and for as many calls again; how those were refused. */
async function sell({ ahead }: { readonly ahead: boolean }): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  while (refusals.length < Number(after)) {
    promised += price
    const payload = channelPaymentToJson(await paymentOf(1, promised))
    const headers = { 'PAYMENT-SIGNATURE': encodePaymentPayload({ x402Version: 2, accepted, payload }) }
    const response = await paywall.charge(
      new Request('http://shop.example/', { headers }),
      { price: { amount: price }, ahead },
      () => new Response(`call ${++served}`),
    )
    if (response.status === 200) answered++
    else refusals.push({ status: response.status, code: (await response.json()).error.code })
  }
  return refusals
}
// The first that the disk does not take is made in vain. After it nothing is, until the disk takes a write.
const refusals = [...(await sell({ ahead: true })), ...(await sell({ ahead: false }))]

// The gateway of models asks its upstream ahead of the disk, but not while that refuses writes.
const upstream = await startUpstream(async ({ body }, response) => {
  if (body.stream !== true) return sendCompletion(response, 'four five')
  beginStream(response)
  response.end(event('four five'))
})
const gateway = openAiGateway({
  upstream: { url: upstream.url },
  models: [
    {
      id: 'm',
      price: { perRequest: price, perMillionInput: 0n, perMillionOutput: 0n },
      maxInput: 9,
      maxOutput: 9,
    },
  ],
  schemes: [scheme],
})
const modelRefusals: Refusal[] = []
for (let call = 0; call < Number(after); call++) {
  promised += price
  const payload = channelPaymentToJson(await paymentOf(1, promised))
  const request = new Request('http://shop.example/v1/completions', {
    ...{ method: 'POST', body: JSON.stringify({ model: 'm', prompt: 'a', stream: call % 2 === 1 }) },
    headers: { 'PAYMENT-SIGNATURE': encodePaymentPayload({ x402Version: 2, accepted, payload }) },
  })
  const response = await gateway(request as CallRequest)
  modelRefusals.push({ status: response.status, code: (await response.json()).error.code })
}

let reserved = 0
const budgetRefusals: string[] = []
while (budgetRefusals.length < Number(after)) {
  try {
    const reservation = await budget.reserve({ amount: price, payee: 'somebody', service: 'something' })
    reserved++
    await reservation.capture(price)
  } catch (error) {
    budgetRefusals.push(error instanceof Error && 'code' in error ? String(error.code) : String(error))
  }
}
const { spent, reserved: open } = budget.state()
process.stdout.write(
  `${JSON.stringify({ served, answered, refusals, modelRefusals, asked: upstream.asked.length, reserved, budgetRefusals, counted: (spent + open).toString() })}\n`,
)
// As by kill -9: nothing is tidied up.
process.kill(process.pid, 'SIGKILL')
