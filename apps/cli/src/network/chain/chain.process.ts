import { parseArgs } from 'node:util'
import { openChain } from './openChain.ts'
import { serveChain } from './serveChain.ts'

/** The process that owns the local chain. Prints one JSON object a line; the first with `event: "ready"` says the URL. */
const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    'chain-id': { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
  },
})
const say = (event: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
// Whoever read our output may be gone; the chain goes on.
process.stdout.on('error', () => {})

try {
  const chain = await openChain({
    folder: values.folder ?? '',
    chainId: Number(values['chain-id']),
    onEvent: say,
  })
  const server = await serveChain({ chain, host: values.host, port: Number(values.port) })
  say({ event: 'ready', url: server.url, chainId: chain.chainId, pid: process.pid })

  let ending = false
  const end = async () => {
    if (ending) return
    ending = true
    await server.close()
    await chain.close()
    say({ event: 'stopped' })
    process.exit(0)
  }
  process.on('SIGTERM', () => void end())
  process.on('SIGINT', () => void end())
  await chain.failed
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  say({ event: 'failed', message, code: (error as { code?: unknown }).code ?? null })
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
