import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { nodeListener } from './node.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(handle: Parameters<typeof nodeListener>[0]): Promise<number> {
  server = createServer(nodeListener(handle))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What a server says to bytes that no client of good manners sends. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  for await (const piece of socket) answer += String(piece)
  return answer
}

test('default: a handler that answers at once is served like one that answers later', async () => {
  const port = await serve((request) =>
    request.url.endsWith('/later') ? Promise.resolve(new Response('later')) : new Response('at once'),
  )
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('at once')
  expect(await (await fetch(`http://127.0.0.1:${port}/later`)).text()).toBe('later')
})

test('behavior: a handler that throws, and one that fails, are answered 500, and the server goes on', async () => {
  const port = await serve((request) => {
    if (request.url.endsWith('/throws')) throw new RangeError('a secret of the seller')
    return request.url.endsWith('/fails') ? Promise.reject(new RangeError('another')) : new Response('well')
  })
  for (const path of ['throws', 'fails']) {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`)
    expect([response.status, (await response.json()).error.code]).toEqual([500, 'INTERNAL'])
  }
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('well')
})

test.each([
  ['host', 'GET / HTTP/1.1\r\nHost: a b[\r\nConnection: close\r\n\r\n'],
  ['method', 'TRACE / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'],
])('behavior: a %s that no web request can have is answered 400, and the server goes on', async (_, text) => {
  const port = await serve(() => new Response('well'))
  expect(await say(port, text)).toMatch(/^HTTP\/1\.1 400 .*BAD_REQUEST/s)
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('well')
})

test("behavior: a program that started Hono's own server before it loaded this package", async () => {
  const program = `
    import { createServer } from 'node:http'
    import { serve } from '@hono/node-server'
    const own = serve({ fetch: () => new Response('own'), port: 0, hostname: '127.0.0.1' })
    const { nodeListener } = await import('@millrace/pay')
    const paid = createServer(nodeListener(() => new Response('paid'))).listen(0, '127.0.0.1')
    for (const server of [own, paid, paid]) {
      if (!server.listening) await new Promise((done) => server.once('listening', done))
      const response = await fetch('http://127.0.0.1:' + server.address().port)
      console.log(response.status, await response.text())
    }
    process.exit()`
  const run = ['--conditions=source', '--import', 'tsx', '--input-type=module', '--eval', program]
  const said = await promisify(execFile)(process.execPath, run, { cwd: import.meta.dirname })
  expect(said).toEqual({ stdout: '200 own\n200 paid\n200 paid\n', stderr: '' })
})
