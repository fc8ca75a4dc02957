import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Deployment } from '@millrace/sdk'
import { createPublicClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  batchScheme,
  createPaywall,
  nodeListener,
  openBatchLedger,
  openFacilitator,
  openPendingAnswers,
  openSettlements,
  readBatchChannel,
} from '../src/index.ts'
import { accountAt } from './localChain.ts'

/** A seller by `batch-settlement` with a facilitator of its own, in a process of its own, to be killed: takes one JSON argument, prints its port. */
const { deployment, rpc, folder, port, price, payTo, authorizer, ahead } = JSON.parse(
  process.argv[2] ?? '{}',
) as {
  readonly deployment: Deployment
  readonly rpc: string
  readonly folder: string
  readonly port: number
  readonly price: string
  readonly payTo: `0x${string}`
  readonly authorizer: `0x${string}`
  /** Whether answers are made while their payments are written. */
  readonly ahead: boolean
}
const [token] = deployment.currencies
if (token === undefined) throw new RangeError('no currency')
const client = createPublicClient({ transport: http(rpc), pollingInterval: 20 })
const network = `eip155:${deployment.chainId}`
const facilitator = await openFacilitator({
  chains: [{ network, client, relayer: accountAt(5), timeoutMs: 20_000 }],
  journal: await openSettlements(join(folder, 'settlements.jsonl')),
})
const ledger = await openBatchLedger({
  path: join(folder, 'ledger.jsonl'),
  readChannel: (channel) => readBatchChannel(client, { channel }),
})
const { address: asset, name, version } = token
const scheme = batchScheme({
  ...{ ledger, facilitator, authorizer: privateKeyToAccount(authorizer) },
  currency: { network, asset, payTo, name, version },
})
const pending = await openPendingAnswers({ path: join(folder, 'pending.jsonl') })
const paywall = createPaywall({ schemes: [scheme], pending })
const route = { price: { amount: BigInt(price) }, ahead }
const server = createServer(
  nodeListener((request) => paywall.charge(request, route, () => new Response('served'))),
)
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
