// A seller in a process of its own: `/free` costs nothing, `/paid` 100 units on a channel, `/stats` says what happened in this process
// since it was asked last. Prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPaywall, nodeListener, openLedger, streamScheme } from '@millrace/pay'
import { watchProcess } from '../_latency/watchProcess.ts'
import { currency, deployment, payee, stateOf } from './parties.ts'

const { path } = JSON.parse(process.argv[2] ?? '{}') as { readonly path: string }
const stats = await watchProcess(path)
const ledger = await openLedger({
  ...{ ...deployment, path, payee: { account: payee }, currency: currency.address },
  readChannel: stateOf,
})
const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency })] })
const route = { price: { amount: 100n } }
const answer = () => new Response('an answer')

const server = createServer(
  nodeListener((request) => {
    if (request.url.endsWith('/stats')) return Response.json(stats())
    return request.url.endsWith('/free') ? answer() : paywall.charge(request, route, answer)
  }),
)
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
