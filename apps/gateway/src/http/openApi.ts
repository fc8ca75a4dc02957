import type { OpenAPIHono } from '@hono/zod-openapi'

/** The OpenAPI document of an app's routes. */
export function openApi(app: OpenAPIHono) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Millrace gateway',
      version: '1',
      description:
        'Signed offers, the index of the chain, and the relay. Amounts are decimal strings in base units, times are Unix seconds. The relay is two WebSockets, `/v1/relay/device` and `/v1/relay/session?device=0x…`; see the protocol.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
  })
}
