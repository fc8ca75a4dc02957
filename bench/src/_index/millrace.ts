// Indexes a whole chain into a fresh embedded database and prints how long it took and what memory it needed.
import { startIndex } from '../../../apps/gateway/src/chain/startIndex.ts'
import { openDatabase } from '../../../apps/gateway/src/database/openDatabase.ts'
import { saveMemory } from '../../../apps/gateway/src/saveMemory.ts'
import { worldContracts } from '../../../apps/gateway/test/chain/World.ts'

saveMemory()
const [rpcUrl = '', head = '', dataDir = ''] = process.argv.slice(2)
const database = await openDatabase({ dataDir })
const opened = process.resourceUsage().maxRSS
let events = 0
const start = performance.now()
const before = process.cpuUsage()
const index = startIndex({ database, rpcUrl, deployment: { chainId: 31_337, ...worldContracts } })
index.on('applied', (applied) => {
  events += applied.length
})
index.on('failed', (error) => process.stderr.write(`${String(error)}\n`))
await index.reached(Number(head))
const seconds = (performance.now() - start) / 1000
const { user, system } = process.cpuUsage(before)
await index.close()
await database.close()
const toMiB = (kilobytes: number) => Math.round(kilobytes / 1024)
const peak = process.resourceUsage().maxRSS
process.stdout.write(
  `${JSON.stringify({ events, seconds, cpuSeconds: (user + system) / 1e6, openedMiB: toMiB(opened), peakMiB: toMiB(peak) })}\n`,
)
