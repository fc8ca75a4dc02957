import type { Artifact, Message, Part, Task } from '@a2a-js/sdk'
import type { AgentExecutor, ExecutionEventBus, RequestContext } from '@a2a-js/sdk/server'
import { askPaywallToClose } from '../seller/askPaywallToClose.ts'
import { callReceiptHeader } from '../seller/callReceipt.ts'
import type { PaidCall, PaidRoute, Paywall } from '../seller/paywall.ts'
import { pendingHeader } from '../seller/problem.ts'
import type { Price } from '../seller/scheme.ts'
import { encodeHeader } from '../wire/base64.ts'
import { WireError } from '../wire/errors.ts'
import { decodePaymentRequired, decodeSettleResponse, headerNames } from '../wire/headers.ts'
import type { PaymentRequired, SettleResponse } from '../wire/x402.ts'
import { a2aKeys, roles, taskStates } from './extension.ts'

/** What an agent sells. */
export interface SoldSkill extends Pick<PaidRoute, 'resource' | 'ahead'> {
  /** Its name, which stands in what is to be paid and in receipts. */
  readonly skill: string
  /** Of an answer; 0 is free. */
  readonly price: Price | ((message: Message) => Price | Promise<Price>)
}

/** Answers a message for which money is held; the payment is null where it is free. */
export type PaidSkill = (
  message: Message,
  call: PaidCall | null,
) => readonly Part[] | Promise<readonly Part[]>

/**
 * Puts a price on an agent of A2A, in the form of its x402 extension, by the same paywall as HTTP: a message that brings no payment
 * makes a task that waits for one, a message with one is answered, charged, and its task completed with the receipt. What is
 * paid for is the first message of the task; an answer that fails is not charged.
 *
 * @param paywall From `createPaywall`: every way to be paid that it has.
 * @param sold Name and price.
 * @param answer Answers once money is held.
 * @returns An executor, for the SDK's `DefaultRequestHandler`. The card should say so by `a2aExtension()`.
 * @see https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2/spec.md
 * @example
 * const executor = priceAgent(paywall, { skill: 'weather', price: { amount: 1000n } }, async () => [textPart('clear')])
 */
export function priceAgent(paywall: Paywall, sold: SoldSkill, answer: PaidSkill): AgentExecutor {
  const { skill, price, resource, ahead = false } = sold
  const url = `a2a://skill/${encodeURIComponent(skill)}`

  async function execute(context: RequestContext, bus: ExecutionEventBus): Promise<void> {
    const { userMessage, task } = context
    const paid = userMessage.metadata ?? {}
    // What is paid for is what was asked; the message that brings the money only names the task.
    const asked = task?.history.find(({ role }) => role === roles.user) ?? userMessage
    const publish = (change: TaskChange) => {
      bus.publish({ kind: 'task', data: taskOf(context, change) })
      bus.finished()
    }
    if (paid[a2aKeys.status] === 'payment-rejected')
      return publish({
        state: taskStates.canceled,
        text: 'The price was not taken.',
        metadata: { [a2aKeys.status]: 'payment-rejected', [a2aKeys.receipts]: receiptsOf(task) },
      })
    if (paid[a2aKeys.close] !== undefined) {
      const answer = await askPaywallToClose(paywall, { url, wish: paid[a2aKeys.close] })
      const isAgreed = answer.status === 200
      return publish({
        state: isAgreed ? taskStates.completed : taskStates.failed,
        text: isAgreed ? 'The channel may end.' : 'The channel does not end.',
        metadata: { [a2aKeys.closed]: { ...answer } },
      })
    }
    const headers = new Headers({ 'content-type': 'application/json' })
    const payload = paid[a2aKeys.payload]
    try {
      if (payload !== undefined) headers.set(headerNames.payment, encodeHeader(headerNames.payment, payload))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      return publish(failed(task, { error: error.code, text: error.message }))
    }
    const body = Buffer.from(JSON.stringify(asked.parts))
    const request = new Request(url, { method: 'POST', headers, body })
    const priced = { price: typeof price === 'function' ? await price(asked) : price }
    const response = await paywall.charge(
      request,
      { ...priced, ahead, resource: { mimeType: 'application/json', ...resource } },
      async (_, call) => Response.json(await answer(asked, call)),
    )
    publish(await changeOf(response, { task, isPaid: payload !== undefined }))
  }

  return {
    execute,
    cancelTask: (taskId, bus) => {
      bus.publish({
        kind: 'statusUpdate',
        data: {
          taskId,
          contextId: '',
          status: { state: taskStates.canceled, message: undefined, timestamp: new Date().toISOString() },
          metadata: undefined,
        },
      })
      bus.finished()
      return Promise.resolve()
    },
  }
}

/** How a task goes on. */
interface TaskChange {
  readonly state: (typeof taskStates)[keyof typeof taskStates]
  readonly text: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly parts?: Part[]
}

async function changeOf(
  response: Response,
  of: { readonly task: Task | undefined; readonly isPaid: boolean },
): Promise<TaskChange> {
  const { task, isPaid } = of
  const required = response.headers.get(headerNames.required)
  if (required !== null) {
    await response.body?.cancel()
    return isPaid ? refused(task, decodePaymentRequired(required)) : asks(decodePaymentRequired(required))
  }
  if (!response.ok) {
    const { code = 'FAILED', message = 'The answer failed.' } = await errorOf(response)
    if (!response.headers.has(pendingHeader)) return failed(task, { error: code, text: message })
    const metadata = { [a2aKeys.status]: 'payment-submitted', [a2aKeys.pending]: true }
    return { state: taskStates.inputRequired, text: message, metadata }
  }
  const said = response.headers.get(headerNames.response)
  const settled = said === null ? [] : [decodeSettleResponse(said)]
  const receipt = response.headers.get(callReceiptHeader)
  const parts = JSON.parse(await response.text(), revived) as Part[]
  return {
    state: taskStates.completed,
    text: said === null ? 'Done.' : 'Paid and done.',
    parts,
    metadata: {
      ...(said === null ? {} : { [a2aKeys.status]: 'payment-completed' }),
      [a2aKeys.receipts]: [...receiptsOf(task), ...settled],
      ...(receipt === null ? {} : { [a2aKeys.receipt]: receipt }),
    },
  }
}

const asks = (required: PaymentRequired): TaskChange => ({
  state: taskStates.inputRequired,
  text: 'Payment is required.',
  metadata: { [a2aKeys.status]: 'payment-required', [a2aKeys.required]: required },
})

/** The payment was not taken; another one may be. */
function refused(task: Task | undefined, required: PaymentRequired): TaskChange {
  const error = required.error ?? 'payment_refused'
  const network = required.accepts[0]?.network ?? 'eip155:0'
  const receipt: SettleResponse = { success: false, transaction: '', network, errorReason: error }
  return {
    state: taskStates.inputRequired,
    text: `The payment was refused: ${error}.`,
    metadata: {
      [a2aKeys.status]: 'payment-failed',
      [a2aKeys.error]: codeOf(error),
      [a2aKeys.required]: required,
      [a2aKeys.receipts]: [...receiptsOf(task), receipt],
    },
  }
}

const failed = (
  task: Task | undefined,
  { error, text }: { readonly error: string; readonly text: string },
): TaskChange => ({
  state: taskStates.failed,
  text,
  metadata: {
    [a2aKeys.status]: 'payment-failed',
    [a2aKeys.error]: error,
    [a2aKeys.receipts]: receiptsOf(task),
  },
})

/** The extension's own codes for the commonest reasons of x402; any other stays as it is. */
const codes: readonly (readonly [RegExp, string])[] = [
  [/insufficient_balance|deposit_too_low/, 'INSUFFICIENT_FUNDS'],
  [/signature/, 'INVALID_SIGNATURE'],
  [/valid_before|deadline_expired/, 'EXPIRED_PAYMENT'],
  [/nonce|already_used/, 'DUPLICATE_NONCE'],
  [/network_mismatch/, 'NETWORK_MISMATCH'],
  [/value_mismatch|amount_mismatch|voucher_too_low/, 'INVALID_AMOUNT'],
  [/transaction_failed|simulation_failed/, 'SETTLEMENT_FAILED'],
]
const codeOf = (reason: string): string =>
  codes.find(([pattern]) => pattern.test(reason))?.[1] ?? reason.toUpperCase()

/** All that was settled, or was not, for a task so far. */
function receiptsOf(task: Task | undefined): readonly unknown[] {
  const known: unknown = task?.status?.message?.metadata?.[a2aKeys.receipts]
  return Array.isArray(known) ? known : []
}

function taskOf(
  { taskId, contextId, userMessage, task }: RequestContext,
  { state, text, metadata, parts }: TaskChange,
): Task {
  const message: Message = {
    messageId: crypto.randomUUID(),
    ...{ contextId, taskId, role: roles.agent, metadata: { ...metadata } },
    parts: [textPart(text)],
    ...{ extensions: [], referenceTaskIds: [] },
  }
  const artifact = (given: Part[]): Artifact => ({
    artifactId: crypto.randomUUID(),
    ...{ name: 'answer', description: '', parts: given, metadata: undefined, extensions: [] },
  })
  const seen = task?.history ?? []
  const isSeen = seen.some(({ messageId }) => messageId === userMessage.messageId)
  return {
    ...{ id: taskId, contextId },
    status: { state, message, timestamp: new Date().toISOString() },
    artifacts: [...(task?.artifacts ?? []), ...(parts === undefined ? [] : [artifact(parts)])],
    history: isSeen ? [...seen] : [...seen, userMessage],
    metadata: task?.metadata,
  }
}

/** A part of a message that is text. */
export const textPart = (value: string): Part => ({
  content: { $case: 'text', value },
  ...{ metadata: undefined, filename: '', mediaType: 'text/plain' },
})

async function errorOf(response: Response): Promise<{ readonly code?: string; readonly message?: string }> {
  const body: unknown = await response.json().catch(() => null)
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null
  return typeof error === 'object' && error !== null ? error : {}
}

/** Bytes are written as `{type: 'Buffer', data}`. */
const revived = (_: string, value: unknown): unknown =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  value.type === 'Buffer' &&
  'data' in value &&
  Array.isArray(value.data)
    ? Buffer.from(value.data as number[])
    : value
