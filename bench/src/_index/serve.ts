// Serves a seeded synthetic chain over JSON-RPC until its parent goes; prints where and how long it is.

import { SyntheticChain } from '../../../apps/gateway/test/chain/SyntheticChain.ts'
import { serveChain } from '../../../apps/gateway/test/chain/serveChain.ts'

const wanted = Number(process.argv[2])
const chain = new SyntheticChain({ seed: 2026, actions: 20, people: 2_000, assets: 400, forks: false })
let events = 0
while (events < wanted) {
  chain.mine(1)
  events += chain.head.logs.length
}
// Empty blocks at the end, so that every event is final for everyone.
chain.mine(300, 0)
const served = await serveChain(chain)
process.stdout.write(`${JSON.stringify({ url: served.url, head: chain.head.number, events })}\n`)
process.stdin.resume().on('end', () => process.exit())
