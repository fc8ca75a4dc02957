import { type AgentCard, Extensions, type Message } from '@a2a-js/sdk'
import { DefaultRequestHandler, JsonRpcTransportHandler, ServerCallContext } from '@a2a-js/sdk/server'
import type { PaidHandler, Paywall, Price } from '@millrace/pay'
import { a2aExtension, a2aExtensionUri, priceAgent, textPart } from '@millrace/pay/a2a'
import { AgentUpstreamError } from './errors.ts'
import { openTaskStore } from './openTaskStore.ts'

export interface SoldAgent {
  /** What the agent is called, and its one skill. */
  readonly skill: string
  readonly paywall: Paywall
  /** Of an answer. */
  readonly price: Price
  readonly ahead: boolean
  /** Where buyers reach this server, without a slash at the end. */
  readonly url: () => string
  /** Answers with what the server behind answers. */
  readonly ask: PaidHandler
}

/** Where clients of A2A look for the card, and where they send messages. */
export const agentCardPath = '/.well-known/agent-card.json'
export const agentRpcPath = '/a2a'

/** Most characters of a JSON-RPC request. */
const maxCharacters = 1 << 20

/**
 * Serves an HTTP server as an agent of A2A too: its card says by the x402 extension that it is paid, and a message is a POST of its text to the
 * server behind, whose answer is the agent's.
 *
 * @returns Answers requests of A2A; `null` for any other.
 * @see https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2/spec.md
 */
export function serveAgent(options: SoldAgent): (request: Request) => Promise<Response | null> {
  const { skill, paywall, price, ahead, ask } = options
  const executor = priceAgent(paywall, { skill, price, ahead }, async (message) => {
    const answer = await ask(
      new Request(`${options.url()}/`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: textOf(message),
      }),
      null,
    )
    // What fails is not charged.
    if (answer.status >= 400) throw new AgentUpstreamError({ skill, status: answer.status })
    return [textPart(await answer.text())]
  })
  const handler = new DefaultRequestHandler(cardOf(options), openTaskStore(), executor)
  const transport = new JsonRpcTransportHandler(handler)

  return async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === agentCardPath && request.method === 'GET') return Response.json(cardOf(options))
    if (pathname !== agentRpcPath || request.method !== 'POST') return null
    const text = await request.text()
    if (text.length > maxCharacters) return Response.json(null, { status: 413 })
    const headers = request.headers
    const version = headers.get('a2a-version')
    const extensions = Extensions.parseServiceParameter(headers.get('a2a-extensions') ?? undefined)
    const context = new ServerCallContext({
      requestedExtensions: extensions,
      ...(version === null ? {} : { requestedVersion: version }),
    })
    const answer = await transport.handle(text, context)
    if (Symbol.asyncIterator in answer) return Response.json(null, { status: 406 })
    return Response.json(answer, { headers: { 'a2a-extensions': a2aExtensionUri } })
  }
}

function cardOf({ skill, url }: SoldAgent): AgentCard {
  const description = `${skill}, paid for each answer`
  const text = ['text/plain']
  return {
    ...{ name: skill, description, version: '1.0.0', provider: undefined },
    supportedInterfaces: [
      { url: `${url()}${agentRpcPath}`, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' },
    ],
    capabilities: { streaming: false, pushNotifications: false, extensions: [a2aExtension()] },
    ...{ securitySchemes: {}, securityRequirements: [], signatures: [] },
    ...{ defaultInputModes: text, defaultOutputModes: text },
    skills: [
      {
        ...{ id: skill, name: skill, description, tags: ['paid'], examples: [] },
        ...{ inputModes: text, outputModes: text, securityRequirements: [] },
      },
    ],
  }
}

const textOf = ({ parts }: Message) =>
  parts.map(({ content }) => (content?.$case === 'text' ? content.value : '')).join('')
