// The gateway of models in a process of its own: `free` costs nothing, `paid` is paid by the token on a channel. `/stats` says what
// happened in this process since it was asked last. Prints its port.
import { openLedger, streamScheme } from '@millrace/pay'
import { openAiGateway, serveFetch } from '@millrace/pay/openai'
import { currency, deployment, payee, stateOf } from '../_channels/parties.ts'
import { watchProcess } from '../_latency/watchProcess.ts'

const { path, upstream } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly path: string
  readonly upstream: string
}
const stats = await watchProcess(path)
const ledger = await openLedger({
  ...{ ...deployment, path, payee: { account: payee }, currency: currency.address },
  readChannel: stateOf,
})
const sizes = { maxInput: 4096, maxOutput: 256, upstreamId: 'bench' }
const gateway = openAiGateway({
  upstream: { url: upstream },
  models: [
    { id: 'free', price: { perRequest: 0n, perMillionInput: 0n, perMillionOutput: 0n }, ...sizes },
    {
      id: 'paid',
      price: { perRequest: 1n, perMillionInput: 150_000n, perMillionOutput: 600_000n },
      ...sizes,
    },
  ],
  schemes: [streamScheme({ ledger, deployment, currency })],
})
process.on('SIGINT', () => process.exit(0))
const { url } = await serveFetch(async (request) =>
  request.url.endsWith('/stats') ? Response.json(stats()) : gateway(request),
)
process.stdout.write(new URL(url).port)
