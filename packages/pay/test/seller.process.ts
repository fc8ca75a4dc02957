import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Deployment, getChannel } from '@millrace/sdk'
import { createPublicClient, createWalletClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  createPaywall,
  fundChannel,
  nodeListener,
  openLedger,
  readChannelAt,
  type StreamCloser,
  streamScheme,
} from '../src/index.ts'
import { accountAt } from './localChain.ts'

/**
 * A seller in a process of its own, to be killed: takes one JSON argument, prints its address once it sells. It answers with
 * what it has charged on the channel so far.
 */
const { deployment, rpc, path, port, price, payee, ahead, closer } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly deployment: Deployment
  readonly rpc: string
  readonly path: string
  readonly port: number
  readonly price: string
  readonly payee: `0x${string}`
  /** Whether answers are made while their payments are written. */
  readonly ahead?: boolean
  /** Key of the payee, with which ends are agreed; and whether the process dies when it is to be used. */
  readonly closer?: { readonly key: `0x${string}`; readonly dies: boolean }
}
const [currency] = deployment.currencies
if (currency === undefined) throw new RangeError('no currency')
const transport = http(rpc)
const client = createPublicClient({ transport, pollingInterval: 20 })
const relay = createWalletClient({
  account: accountAt(0),
  chain: {
    id: deployment.chainId,
    name: 'Local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  },
  transport,
  pollingInterval: 20,
})
/** One transaction at a time: the account's nonces are counted by the chain. */
let relaying: Promise<unknown> = Promise.resolve()
const ledger = await openLedger({
  ...deployment,
  path,
  payee: { account: payee },
  currency: currency.address,
  readChannel: (channel) => getChannel(client, { deployment, channel }),
  fund: (channel, authorization) => {
    const sent = relaying.then(() => fundChannel(relay, { deployment, channel, authorization }))
    relaying = sent.catch(() => {})
    return sent
  },
  ...(closer === undefined
    ? {}
    : { readChannelAt: (channel) => readChannelAt(client, { deployment, channel }) }),
})
const closing = (): { readonly closer?: StreamCloser } => {
  if (closer === undefined) return {}
  const account = privateKeyToAccount(closer.key)
  if (!closer.dies) return { closer: { signer: account } }
  const dying: typeof account.signTypedData = () => {
    process.kill(process.pid, 'SIGKILL')
    return new Promise(() => {})
  }
  return { closer: { signer: { address: account.address, signTypedData: dying } } }
}
const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency, ...closing() })] })
const route = { price: { amount: BigInt(price) }, ahead: ahead === true }
const server = createServer(
  nodeListener((request) => paywall.charge(request, route, () => new Response('served'))),
)
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
