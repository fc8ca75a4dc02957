// A seller in a process of its own: `/free` costs nothing, `/paid` 100 units on a channel, `/stats` says what happened in this process
// since it was asked last. Prints its port.
import { type FileHandle, open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PerformanceObserver } from 'node:perf_hooks'
import { createPaywall, nodeListener, openLedger, streamScheme } from '@millrace/pay'
import type { Currency, Deployment } from '@millrace/sdk'
import type { Address } from 'viem'

const { deployment, currency, payee, path } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly deployment: Deployment
  readonly currency: Currency
  readonly payee: Address
  readonly path: string
}

/** Milliseconds, of each: what the collector held everything up for, and what the disk took from the call to its answer. */
let pauses: number[] = []
let syncs: number[] = []
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) pauses.push(duration)
}).observe({ entryTypes: ['gc'] })
const probe = await open(`${path}.probe`, 'w')
const handles: Pick<FileHandle, 'datasync'> & { write(...given: unknown[]): Promise<unknown> } =
  Object.getPrototypeOf(probe)
const timed = <given extends unknown[], result>(work: (this: unknown, ...given: given) => Promise<result>) =>
  async function (this: unknown, ...given: given): Promise<result> {
    const started = performance.now()
    const done = await work.apply(this, given)
    syncs.push(performance.now() - started)
    return done
  }
// On Linux a write returns once it is on disk; elsewhere the second call is the one that waits.
handles.write = timed(handles.write)
handles.datasync = timed(handles.datasync)
await probe.close()

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

function stats(): Response {
  const said = { pauses, syncs }
  pauses = []
  syncs = []
  return Response.json(said)
}

const server = createServer(
  nodeListener((request) => {
    if (request.url.endsWith('/stats')) return stats()
    return request.url.endsWith('/free') ? answer() : paywall.charge(request, route, answer)
  }),
)
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
