import { readFileSync } from 'node:fs'
import { queryFields } from '@millrace/sdk'
import { expect, test } from 'vitest'
import { documentApi } from './documentApi.ts'

const committed = new URL('../../../../docs/specs/openapi.json', import.meta.url)
const protocol = readFileSync(new URL('../../../../docs/specs/protocol.md', import.meta.url), 'utf8')

test('default: the committed document is that of the routes', () => {
  expect(documentApi()).toBe(readFileSync(committed, 'utf8'))
})

test('behavior: it names every HTTP route of the protocol', () => {
  const { paths } = JSON.parse(documentApi()) as { paths: Record<string, object> }
  for (const path of [
    '/v1/health',
    '/v1/network',
    '/v1/offers',
    '/v1/offers/changes',
    '/v1/offers/{id}',
    '/v1/offers/{id}/withdraw',
    '/v1/assets',
    '/v1/assets/{id}',
    '/v1/assets/{id}/evidence',
    '/v1/leases',
    '/v1/leases/{id}',
    '/v1/tills/{asset}',
    '/v1/accounts/{address}',
    '/x402/verify',
    '/x402/settle',
    '/x402/supported',
    '/x402/discovery/resources',
  ])
    expect(Object.keys(paths)).toContain(path)
})

test('behavior: every field of the query language stands in the protocol', () => {
  for (const field of Object.keys(queryFields)) expect(protocol).toContain(field)
})
