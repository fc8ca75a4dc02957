// The least that anything between a buyer and an upstream does: it passes calls on and answers back, and knows nothing of them. In a
// process of its own, on the same client as the gateway. Prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Agent, request as ask } from 'undici'

const { upstream } = JSON.parse(process.argv[2] ?? '{}') as { readonly upstream: string }
const dispatcher = new Agent()

const server = createServer(async (request, response) => {
  const answer = await ask(`${upstream}${request.url}`, {
    ...{ dispatcher, method: 'POST', body: request },
    headers: { 'content-type': 'application/json' },
  })
  response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) })
  await pipeline(answer.body, response)
})
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
