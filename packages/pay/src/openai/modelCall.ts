import * as z from 'zod'
import {
  BodyInvalidError,
  FieldInvalidError,
  FieldUnknownError,
  ModelUnknownError,
  OutputTooLongError,
} from './errors.ts'
import type { ModelPrice } from './modelPrice.ts'

/** A model that is sold: nothing else of the upstream can be reached. */
export interface SoldModel {
  /** Name for buyers. */
  readonly id: string
  /** Name at the upstream; the same by default. */
  readonly upstreamId?: string
  readonly price: ModelPrice
  /** Most input tokens that the upstream takes; bounds what a call can cost. */
  readonly maxInput: number
  /** Most output tokens of one answer; taken where a request names no number. */
  readonly maxOutput: number
  /** What the model can be asked for; all three by default. */
  readonly routes?: readonly ModelRoute[]
}

export type ModelRoute = 'chat/completions' | 'completions' | 'embeddings'

/** A request to a model, checked and bounded: what is needed to price it and to pass it on. */
export interface ModelCall {
  readonly route: ModelRoute
  readonly model: SoldModel
  readonly stream: boolean
  /** Whether the buyer wants the usage event; the upstream is always asked for it. */
  readonly includeUsage: boolean
  /** No tokenizer makes more tokens of the input. */
  readonly inputAtMost: number
  /** The upstream is told not to make more. */
  readonly outputAtMost: number
  /** The texts of the input, for counting. */
  readonly texts: readonly string[]
  /** Input that came as token ids. */
  readonly ids: number
  /** Answers that are asked for. */
  readonly answers: number
  /** What the upstream is sent. */
  readonly body: Readonly<Record<string, unknown>>
}

const name = z.string().min(1).max(256)
const count = z.int().min(1).max(1_000_000)
const answers = z.int().min(1).max(16).nullish()
const free = z.unknown()
const sampling = {
  model: name,
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: count.nullish(),
  n: answers,
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  seed: z.int().nullish(),
  user: z.string().max(256).optional(),
}
const textPart = z.strictObject({
  type: z.enum(['text', 'refusal']),
  text: z.string().optional(),
  refusal: z.string().optional(),
})
const message = z.strictObject({
  role: z.enum(['developer', 'system', 'user', 'assistant', 'tool', 'function']),
  // Pictures and sound have no bound in tokens that follows from their bytes.
  content: z.union([z.string(), z.array(textPart)], 'must be text').nullish(),
  name: z.string().optional(),
  refusal: z.string().nullish(),
  tool_calls: z.array(z.record(z.string(), free)).optional(),
  tool_call_id: z.string().optional(),
  function_call: free.optional(),
})
const schemas = {
  'chat/completions': z.strictObject({
    ...sampling,
    messages: z.array(message).min(1).max(4096),
    max_completion_tokens: count.nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().nullish(),
    response_format: free.optional(),
    tools: z.array(z.record(z.string(), free)).optional(),
    tool_choice: free.optional(),
    parallel_tool_calls: z.boolean().optional(),
    reasoning_effort: z.string().nullish(),
    verbosity: z.string().nullish(),
    metadata: free.optional(),
  }),
  completions: z.strictObject({
    ...sampling,
    prompt: z
      .union([z.string(), z.array(z.string()).min(1), z.array(z.int()), z.array(z.array(z.int())).min(1)])
      .nullish(),
    suffix: z.string().nullish(),
    logprobs: z.int().nullish(),
    // More answers are made than are given, and input that is repeated: nothing that could be priced by what is delivered.
    best_of: z.literal(1).nullish(),
    echo: z.literal(false).nullish(),
  }),
  embeddings: z.strictObject({
    model: name,
    input: z.union([
      z.string(),
      z.array(z.string()).min(1),
      z.array(z.int()).min(1),
      z.array(z.array(z.int())).min(1),
    ]),
    encoding_format: z.enum(['float', 'base64']).optional(),
    dimensions: count.optional(),
    user: z.string().max(256).optional(),
  }),
}

/**
 * Reads a request to a model and bounds what it can cost. A token stands for at least one byte of its text, so the bytes of
 * the request's JSON are never fewer than its tokens, whatever the tokenizer and its template.
 *
 * @throws BodyInvalidError, FieldInvalidError, FieldUnknownError, ModelUnknownError, OutputTooLongError
 */
export function readModelCall(route: ModelRoute, bytes: Uint8Array, models: readonly SoldModel[]): ModelCall {
  const json = readObject(bytes)
  const request = check(schemas[route], json)
  const model = models.find(({ id, routes }) => id === request.model && (routes?.includes(route) ?? true))
  if (model === undefined) throw new ModelUnknownError({ model: request.model, route: `/v1/${route}` })
  const { texts, ids, prompts } = inputOf(request)
  const named = { model: model.upstreamId ?? model.id }
  const inputAtMost = Math.min(bytes.length, model.maxInput)
  const common = { route, model, inputAtMost, texts, ids }
  if ('input' in request) {
    const body = Object.assign({}, json, named)
    return { stream: false, includeUsage: false, outputAtMost: 0, answers: prompts, body, ...common }
  }
  const param =
    'max_completion_tokens' in request && request.max_completion_tokens != null
      ? 'max_completion_tokens'
      : 'max_tokens'
  const asked =
    ('max_completion_tokens' in request ? request.max_completion_tokens : null) ?? request.max_tokens
  const most = asked ?? model.maxOutput
  if (most > model.maxOutput) throw new OutputTooLongError({ param, asked: most, most: model.maxOutput })
  const stream = request.stream ?? false
  const made = (request.n ?? 1) * prompts
  // Of two limits in one request the upstream is told the one that the quote rests on.
  const limited = Object.assign({}, json, named, { max_tokens: undefined }, { [param]: most })
  return {
    stream,
    includeUsage: request.stream_options?.include_usage ?? false,
    outputAtMost: most * made,
    answers: made,
    body: stream ? Object.assign(limited, { stream_options: { include_usage: true } }) : limited,
    ...common,
  }
}

function readObject(bytes: Uint8Array): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new BodyInvalidError({ cause })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new BodyInvalidError()
  return json as Record<string, unknown>
}

function check<schema extends z.ZodType>(schema: schema, json: unknown): z.output<schema> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = (issue?.path ?? []).map(String)
  if (issue?.code === 'unrecognized_keys') {
    throw new FieldUnknownError({ param: [...path, issue.keys[0] ?? ''].join('.') })
  }
  throw new FieldInvalidError({ param: path.join('.'), problem: issue?.message ?? 'it is not allowed' })
}

type Request = z.output<(typeof schemas)[ModelRoute]>

function inputOf(request: Request): { texts: string[]; ids: number; prompts: number } {
  if ('messages' in request) {
    const texts = request.messages.flatMap(({ content }) =>
      typeof content === 'string'
        ? [content]
        : (content ?? []).map(({ text, refusal }) => text ?? refusal ?? ''),
    )
    // Tools are part of what the model reads.
    return {
      texts: request.tools === undefined ? texts : [...texts, JSON.stringify(request.tools)],
      ids: 0,
      prompts: 1,
    }
  }
  const input = 'input' in request ? request.input : (request.prompt ?? '')
  if (typeof input === 'string') return { texts: [input], ids: 0, prompts: 1 }
  const texts = input.filter((item) => typeof item === 'string')
  if (texts.length > 0) return { texts, ids: 0, prompts: texts.length }
  const lists = input.filter((item) => Array.isArray(item))
  const ids = lists.length === 0 ? input.length : lists.reduce((sum, { length }) => sum + length, 0)
  return { texts: [], ids, prompts: Math.max(1, lists.length) }
}
