import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zeroAddress, zeroHash } from 'viem'
import { afterEach, describe, expect, test } from 'vitest'
import { GatewayAnswerError, GatewayError, GatewayUnreachableError } from '../errors/gateway.ts'
import { gatewayClient } from './gatewayClient.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** An HTTP server that answers as told, and remembers what it was asked. */
async function serve(answer: RequestListener) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json')
    answer(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const failure = (code: string, message = 'No.') =>
  JSON.stringify({ error: { code, message, details: { a: 1 } } })

describe('default', () => {
  test('asks as protocol §3 says', async () => {
    const { asked, url } = await serve((_, response) => response.end('{"offers":[],"next":null}'))
    const client = gatewayClient(`${url}/`)
    expect(await client.searchOffers({ query: 'price<2.5', order: 'price', limit: 5 })).toEqual({
      offers: [],
      next: null,
    })
    await client.searchOffers()
    expect(asked).toEqual(['GET /v1/offers?q=price%3C2.5&order=price&limit=5', 'GET /v1/offers'])
    expect(client.sessionUrl(zeroAddress)).toBe(
      `${url.replace('http', 'ws')}/v1/relay/session?device=${zeroAddress}`,
    )
  })

  test('publishes in batches and counts refusals over all', async () => {
    const { url, asked } = await serve(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { offers } = JSON.parse(Buffer.concat(chunks).toString())
      const rejected = [{ index: offers.length - 1, code: 'OFFER_EXPIRED', message: 'late' }]
      response.end(JSON.stringify({ accepted: [zeroHash], rejected }))
    })
    const offer = { offer: { asset: 1n, pricePerHour: 1n, bond: 0n, nonce: 0n } }
    const many = Array(1001).fill(offer)
    const { accepted, rejected } = await gatewayClient(url).publishOffers(many)
    expect(asked).toHaveLength(2)
    expect(accepted).toHaveLength(2)
    expect(rejected.map(({ index }) => index)).toEqual([999, 1000])
  })

  test('what is not there is null', async () => {
    const { url } = await serve((_, response) => response.writeHead(404).end(failure('LEASE_UNKNOWN')))
    const client = gatewayClient(url)
    expect(await client.getLease(zeroHash)).toBeNull()
    expect(await client.getOffer(zeroHash)).toBeNull()
    expect(await client.getTill(1n)).toBeNull()
    expect(await client.getEvidence(1n)).toBeNull()
    expect(await client.getAsset(1n)).toBeNull()
  })
})

describe('behavior: retries', () => {
  test('what may pass is tried again, and no more often than said', async () => {
    let count = 0
    const { url, asked } = await serve((_, response) => {
      if (++count < 3) response.writeHead(503).end(failure('DATABASE_UNAVAILABLE'))
      else response.end('{"offers":[],"next":null}')
    })
    await gatewayClient(url, { retries: 2 }).searchOffers()
    expect(asked).toHaveLength(3)
    count = -100
    await expect(gatewayClient(url, { retries: 1 }).searchOffers()).rejects.toMatchObject({ status: 503 })
    expect(asked).toHaveLength(5)
  })

  test('a refusal is not tried again', async () => {
    const { url, asked } = await serve((_, response) => response.writeHead(400).end(failure('QUERY_INVALID')))
    await expect(gatewayClient(url).searchOffers({ query: 'x' })).rejects.toBeInstanceOf(GatewayError)
    expect(asked).toHaveLength(1)
  })
})

describe('error', () => {
  test('GatewayError carries code, details and status', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(429, { 'retry-after': '0' }).end(failure('RATE_LIMITED')),
    )
    const error = await gatewayClient(url, { retries: 0 })
      .getNetwork()
      .catch((thrown) => thrown)
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      status: 429,
      retryable: true,
      retryAfter: 0,
      details: { a: 1 },
    })
  })

  test('GatewayAnswerError for what is no gateway', async () => {
    const html = await serve((_, response) => response.end('<html>'))
    await expect(gatewayClient(html.url).getNetwork()).rejects.toBeInstanceOf(GatewayAnswerError)
    const other = await serve((_, response) => response.end('{"chainId":"x"}'))
    await expect(gatewayClient(other.url).getNetwork()).rejects.toThrow("'chainId'")
  })

  test('GatewayUnreachableError for silence and for nobody', async () => {
    const silent = await serve(() => undefined)
    await expect(gatewayClient(silent.url, { timeout: 50, retries: 0 }).getNetwork()).rejects.toThrow(
      'no answer within 50 ms',
    )
    const half = await serve((_, response) => response.write('{'))
    await expect(gatewayClient(half.url, { timeout: 50, retries: 0 }).getNetwork()).rejects.toBeInstanceOf(
      GatewayUnreachableError,
    )
    await expect(gatewayClient('http://127.0.0.1:1', { retries: 0 }).getNetwork()).rejects.toBeInstanceOf(
      GatewayUnreachableError,
    )
  })
})
