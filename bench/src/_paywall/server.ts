// A seller in a process of its own, of answers that are at hand and of answers that take a while: `/free`, `/paid` for 100 units on a channel,
// and `/ahead`, whose handler begins while the payment is written; `?ms=` of each. `/stats` says what happened in this process since it was
// asked last. Prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createPaywall, nodeListener, openLedger, type PaidHandler, streamScheme } from '@millrace/pay'
import { currency, deployment, payee, stateOf } from '../_channels/parties.ts'
import { watchProcess } from '../_latency/watchProcess.ts'

const { path } = JSON.parse(process.argv[2] ?? '{}') as { readonly path: string }
const stats = await watchProcess(path)
const ledger = await openLedger({
  ...{ ...deployment, path, payee: { account: payee }, currency: currency.address },
  readChannel: stateOf,
})
const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency })] })
const price = { amount: 100n }
const answerAfter = (ms: number): PaidHandler =>
  ms === 0
    ? () => new Response('an answer')
    : async () => {
        await pause(ms)
        return new Response('an answer')
      }

const server = createServer(
  nodeListener((request) => {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/stats') return Response.json(stats())
    const answer = answerAfter(Number(searchParams.get('ms') ?? 0))
    if (pathname === '/free') return answer(request, null)
    return paywall.charge(request, { price, ahead: pathname === '/ahead' }, answer)
  }),
)
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
