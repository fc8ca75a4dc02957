// A seller in a process of its own: `/free` costs nothing, `/paid` 100 units on a channel. Prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPaywall, nodeListener, openLedger, streamScheme } from '@millrace/pay'
import type { Currency, Deployment } from '@millrace/sdk'
import type { Address } from 'viem'

const { deployment, currency, payee, path } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly deployment: Deployment
  readonly currency: Currency
  readonly payee: Address
  readonly path: string
}
const ledger = await openLedger({
  ...{ ...deployment, path, payee: { account: payee }, currency: currency.address },
  // No chain: what it would say is known.
  readChannel: async (id) => ({
    ...{ id, state: 'open', deposit: 10n ** 15n, claimed: 0n, epoch: 0n, closesAt: 0 },
  }),
})
const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency })] })
const route = { price: { amount: 100n } }
const answer = () => new Response('an answer')
const server = createServer(
  nodeListener((request) =>
    request.url.endsWith('/free') ? answer() : paywall.charge(request, route, answer),
  ),
)
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
