import type { Signer } from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { closeHeader } from '../ledger/closing.ts'
import { answerClosing } from '../seller/answerClosing.ts'
import { digestRequestFast } from '../seller/digestRequest.ts'
import { findWays } from '../seller/findWays.ts'
import type { MppOptions } from '../seller/mppCharge.ts'
import { type Charged, signReceiptOf } from '../seller/paidHeaders.ts'
import type { PaidRequest, Price, Reservation, SellerScheme } from '../seller/scheme.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { admitPayment, answerIn } from './admitPayment.ts'
import { answerCall } from './answerCall.ts'
import type { CallRequest } from './callRequest.ts'
import type { Charge } from './charge.ts'
import { createReplays, type OpenCall } from './createReplays.ts'
import { errorBody } from './errorBody.ts'
import {
  BodyTooLargeError,
  CallInFlightError,
  MethodUnsupportedError,
  ModelUnknownError,
  UrlUnknownError,
} from './errors.ts'
import type { CountTokens } from './meter.ts'
import { type ModelRoute, readModelCall, type SoldModel } from './modelCall.ts'
import { checkPrice, costUp } from './modelPrice.ts'
import type { KeptCalls } from './openKeptCalls.ts'
import { again, seeThrough } from './seeThrough.ts'
import type { Upstream } from './upstream.ts'

export interface OpenAiGatewayOptions {
  readonly upstream: Upstream
  /** What is sold, and for how much: a model that is not named here cannot be reached. */
  readonly models: readonly SoldModel[]
  /** Ways to be paid, the preferred one first. */
  readonly schemes: readonly SellerScheme[]
  /** Speaks MPP too. */
  readonly mpp?: MppOptions
  /** Signs a receipt for every paid call; without it there is none. */
  readonly receipts?: Signer
  /** How tokens are counted where the upstream says nothing plausible; four bytes a token by default. */
  readonly countTokens?: CountTokens
  /** Most bytes of a request; 1 MiB by default. */
  readonly maxRequest?: number
  /** Where buyers reach the gateway, if a proxy stands in between: `https://models.example/v1` is `https://models.example`. */
  readonly publicUrl?: string
  /** Keeps calls that were made under an idempotency key through a crash of this process; without it they are lost with it. */
  readonly kept?: KeptCalls
  /** Told of each call that was charged, and of each that could not be. */
  readonly onCharge?: (charge: Charge) => void
  /** Milliseconds; the system's clock by default. */
  readonly now?: () => number
}

const routes: ReadonlyMap<string, ModelRoute> = new Map([
  ['/v1/chat/completions', 'chat/completions'],
  ['/v1/completions', 'completions'],
  ['/v1/embeddings', 'embeddings'],
])

/**
 * Sells the models of any server that speaks OpenAI's API, by the token. Each call is priced before it is made, its
 * highest cost is held, the answer is passed on as it comes, and what was delivered is charged.
 *
 * @param options What is sold, by whom it is made, and how it is paid.
 * @returns A handler of web requests, for `serveFetch` or any server that takes one.
 * @throws InvalidInputError if a price is negative.
 * @see https://platform.openai.com/docs/api-reference
 * @example
 * const gateway = openAiGateway({ upstream: { url: 'http://127.0.0.1:8080/v1' }, models, schemes })
 * await serveFetch(gateway, { port: 4020 })
 */
export function openAiGateway(options: OpenAiGatewayOptions): (request: CallRequest) => Promise<Response> {
  const { models, maxRequest = 1 << 20, now = Date.now } = options
  for (const { id, price } of models) checkPrice(price, id)
  const { kept } = options
  const replays = createReplays(now, kept === undefined ? {} : { keptMs: 3_600_000 }, kept)
  const created = Math.floor(now() / 1000)

  async function handle(request: CallRequest): Promise<Response> {
    const url = new URL(request.url)
    const path = url.pathname
    const closing = request.headers.get(closeHeader)
    if (closing !== null) return answerClosing(options.schemes, closing)
    const expect = (allowed: string) => {
      if (request.method !== allowed) {
        throw new MethodUnsupportedError({ method: request.method, path, allowed })
      }
    }
    if (path === '/v1/models' || path.startsWith('/v1/models/')) {
      expect('GET')
      return Response.json(describeModels(models, { path, created }))
    }
    const route = routes.get(path)
    if (route === undefined) throw new UrlUnknownError({ method: request.method, path })
    expect('POST')
    const publicUrl = `${options.publicUrl ?? url.origin}${path}`
    return sell(request, { route, publicUrl })
  }

  async function sell(
    request: CallRequest,
    { route, publicUrl }: { route: ModelRoute; publicUrl: string },
  ): Promise<Response> {
    const bytes = await readBody(request, maxRequest)
    const call = readModelCall(route, bytes, models)
    const idempotencyKey = request.headers.get('idempotency-key')
    const paid: PaidRequest = {
      method: request.method,
      url: publicUrl,
      digest: await digestRequestFast({ method: request.method, url: publicUrl, body: bytes }),
      idempotencyKey,
    }
    let open: OpenCall | null = null
    if (idempotencyKey !== null) {
      const found = replays.begin(`${idempotencyKey} ${paid.digest}`)
      if (found.type === 'open') throw new CallInFlightError({ key: idempotencyKey })
      if (found.type === 'answered') return again(found.answer)
      open = found.call
    }
    const { receipts: signer } = options
    const at = () => Math.floor(now() / 1000)
    /** How the receipt of a payment is signed. */
    const signing = (requirements: PaymentRequirements) =>
      signer === undefined
        ? {}
        : {
            sign: (charged: Pick<Charged, 'settled' | 'amount' | 'payer'>) =>
              signReceiptOf({ ...charged, request: paid, requirements, at: at(), signer }),
          }
    try {
      const { price } = call.model
      const quote = costUp(price, { input: call.inputAtMost, output: call.outputAtMost })
      if (quote === 0n) {
        return await answerCall({
          call,
          quote,
          flat: false,
          open,
          signal: request.signal,
          reservation: holding(0n),
          once: null,
          network: '',
          ...options,
        })
      }
      const flat = price.perMillionInput === 0n && price.perMillionOutput === 0n
      const left = open?.left ?? null
      if (open !== null && left !== null) {
        const { once } = left
        const { requirements } = once
        const sold = {
          call,
          quote,
          flat,
          open,
          signal: request.signal,
          once,
          network: requirements.network,
          ...signing(requirements),
          ...options,
        }
        const answer = await seeThrough(sold, left)
        if (answer !== null) return answer
      }
      const asked: Price = flat ? { amount: quote } : { amount: quote, upTo: true }
      // An earlier try has paid for all of it: to hold as much again would charge it again if this one dies too.
      if (open !== null && open.credit >= quote) {
        const [way] = (await findWays(options.schemes, asked, paid)).accepts
        return await answerCall({
          call,
          quote,
          flat,
          open,
          signal: request.signal,
          reservation: holding(quote),
          once: null,
          network: way?.network ?? '',
          ...options,
        })
      }
      const admission = await admitPayment({
        schemes: options.schemes,
        price: asked,
        request: paid,
        headers: request.headers,
        mpp: options.mpp,
        now: Math.floor(now() / 1000),
        resource: {
          url: publicUrl,
          description: `${call.model.id}: at most ${call.inputAtMost} input and ${call.outputAtMost} output tokens`,
          mimeType: call.stream ? 'text/event-stream' : 'application/json',
        },
      })
      if (admission.type === 'unpaid') {
        open?.dropped()
        return admission.response
      }
      const { reservation, dialect, requirements, once } = admission
      if (once === null && open !== null) await keepHeld(open, reservation)
      const answer = await answerCall({
        call,
        quote,
        flat,
        open,
        signal: request.signal,
        reservation,
        once,
        network: requirements.network,
        ...signing(requirements),
        ...options,
      })
      return answerIn(dialect, answer, { now: at() })
    } catch (error) {
      open?.dropped()
      throw error
    }
  }

  return (request) =>
    handle(request).catch((error: unknown) => {
      const { status, body } = errorBody(error)
      return Response.json(body, { status })
    })
}

/** Notes what is held for a call, once the disk has that: what is noted is credited to its repetition after a crash. */
async function keepHeld(open: OpenCall, reservation: Reservation): Promise<void> {
  try {
    await reservation.kept
    await open.held(reservation.ceiling)
  } catch (error) {
    await reservation.release('the call could not be kept')
    throw error
  }
}

/** What is held for a call that costs nothing, or nothing more: `ceiling` was paid before. */
const holding = (ceiling: bigint): Reservation => ({
  payer: zeroAddress,
  ceiling,
  capture: async () => ({
    success: false,
    transaction: '',
    network: 'eip155:0',
    errorReason: 'nothing is held',
  }),
  release: async () => {},
})

async function readBody(request: CallRequest, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > most) throw new BodyTooLargeError({ most })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The list of models or one of them, each with its price: base units as decimal strings. */
function describeModels(
  models: readonly SoldModel[],
  { path, created }: { path: string; created: number },
): object {
  const described = models.map(({ id, price, maxInput, maxOutput, routes: sold }) => ({
    id,
    object: 'model',
    created,
    owned_by: 'millrace',
    pricing: {
      per_request: String(price.perRequest),
      per_million_input_tokens: String(price.perMillionInput),
      per_million_output_tokens: String(price.perMillionOutput),
    },
    max_input_tokens: maxInput,
    max_output_tokens: maxOutput,
    routes: sold ?? [...routes.values()],
  }))
  if (path === '/v1/models') return { object: 'list', data: described }
  const id = decodeURIComponent(path.slice('/v1/models/'.length))
  const found = described.find((model) => model.id === id)
  if (found === undefined) throw new ModelUnknownError({ model: id, route: '/v1/models' })
  return found
}
