import type { Message, Part, Task } from '@a2a-js/sdk'
import { createPayingFetch, type PayingFetchOptions } from '../buyer/createPayingFetch.ts'
import { pendingHeader } from '../seller/problem.ts'
import { decodePaymentPayload, encodeSettleResponse, headerNames } from '../wire/headers.ts'
import { paymentRequiredSchema, settleResponseSchema } from '../wire/x402.ts'
import { AgentAnswerInvalidError } from './errors.ts'
import { a2aKeys, roles, taskStates } from './extension.ts'
import { textPart } from './priceAgent.ts'

/** A client of A2A, as far as it is used here: the SDK's `Client` is one. */
export interface AgentClient {
  sendMessage(params: {
    readonly tenant: string
    readonly message: Message | undefined
    readonly configuration: undefined
    readonly metadata: undefined
  }): Promise<Message | Task>
}

/** How agents are paid. */
export interface AgentPayerOptions extends Omit<PayingFetchOptions, 'fetch'> {
  /** The agent's URL: budgets count by it, and errors name it. */
  readonly agent: string
}

/** One message of a caller, and the task that came of it. */
interface Turn {
  readonly parts: readonly Part[]
  task: Task | null
  answer: Message | Task | null
}

const turnHeader = 'millrace-turn'

/**
 * Makes a function that sends messages to an agent of A2A and pays where it is asked to, in the form of the x402 extension, and never
 * beyond its budget. It pays as `createPayingFetch` does, with the same refusals. The client must activate the extension
 * (`withA2AExtensions(a2aExtensionUri)`) where the agent's card requires it.
 *
 * @param client A client that is connected.
 * @param options Deployment, currency, budget, the ways to pay, and the agent's URL.
 * @returns Sends the parts of a message; resolves with the agent's last word, a finished task as a rule.
 * @throws (when called) AgentAnswerInvalidError, and what `createPayingFetch` and the client throw
 * @see https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2/spec.md
 * @example
 * const ask = createAgentPayer(client, { agent: 'https://agent.example', deployment, currency, budget, channels })
 * const task = await ask([textPart('How is the weather?')])
 */
export function createAgentPayer(
  client: AgentClient,
  options: AgentPayerOptions,
): (parts: readonly Part[]) => Promise<Message | Task> {
  const { agent, ...paying } = options
  const turns = new Map<string, Turn>()
  /** What the agent calls what it sells, which is what it wants to be paid for. */
  let resource: string | undefined

  async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const turn = turns.get(request.headers.get(turnHeader) ?? '')
    if (turn === undefined) throw new AgentAnswerInvalidError({ agent, reason: 'nothing was asked' })
    const header = request.headers.get(headerNames.payment)
    const payment = header === null ? null : decodePaymentPayload(header)
    if (payment?.resource !== undefined && resource !== undefined) payment.resource.url = resource
    const { task } = turn
    const message: Message = {
      messageId: crypto.randomUUID(),
      ...{ contextId: task?.contextId ?? '', taskId: task?.id ?? '', role: roles.user },
      parts: task === null ? [...turn.parts] : [textPart('The payment.')],
      metadata:
        payment === null ? undefined : { [a2aKeys.status]: 'payment-submitted', [a2aKeys.payload]: payment },
      ...{ extensions: [], referenceTaskIds: [] },
    }
    const answer = await client.sendMessage({
      ...{ tenant: '', message, configuration: undefined, metadata: undefined },
    })
    turn.answer = answer
    if (!('status' in answer)) return new Response(null)
    turn.task = answer
    return responseOf(answer, request.url)
  }

  function responseOf({ status }: Task, url: string): Response {
    const metadata = status?.message?.metadata ?? {}
    const headers = new Headers()
    const receipts: unknown = metadata[a2aKeys.receipts]
    const settled = settleResponseSchema.safeParse(Array.isArray(receipts) ? receipts.at(-1) : undefined)
    if (metadata[a2aKeys.pending] === true)
      return new Response(null, { status: 503, headers: { [pendingHeader]: '1', 'retry-after': '1' } })
    if (status?.state === taskStates.inputRequired && metadata[a2aKeys.required] !== undefined) {
      const read = paymentRequiredSchema.safeParse(metadata[a2aKeys.required])
      if (!read.success)
        throw new AgentAnswerInvalidError({ agent, reason: read.error.issues[0]?.message ?? '' })
      resource = read.data.resource.url
      return Response.json({ ...read.data, resource: { ...read.data.resource, url } }, { status: 402 })
    }
    if (settled.success) headers.set(headerNames.response, encodeSettleResponse(settled.data))
    return new Response(null, { status: status?.state === taskStates.failed ? 500 : 200, headers })
  }

  const pay = createPayingFetch({ ...paying, fetch: send })
  return async (parts) => {
    const id = crypto.randomUUID()
    const turn: Turn = { parts, task: null, answer: null }
    turns.set(id, turn)
    try {
      await pay(agent, { method: 'POST', headers: { [turnHeader]: id } })
    } finally {
      turns.delete(id)
    }
    if (turn.answer === null) throw new AgentAnswerInvalidError({ agent, reason: 'it gave no answer' })
    return turn.answer
  }
}
