import { randomUUID } from 'node:crypto'
import { embed, encode, type Model } from '@millrace/example-train-lm'
import type { ContinueOptions, Piece } from './continueText.ts'
import { ContextTooLong, FieldInvalid } from './errors.ts'
import type { ChatRequest, CompletionRequest, EmbeddingRequest } from './requests.ts'

/** What is served: a model, its public name, and how much of it one request may have. */
export interface Served {
  readonly model: Model
  readonly name: string
  /** Seconds since 1970, as `created` of the model. */
  readonly created: number
  /** Most tokens of prompt and answer together. */
  readonly context: number
}

/** How an answer is to be made and in which of the two forms it is written. */
export interface Plan {
  readonly options: Omit<ContinueOptions, 'signal'>
  readonly stream: boolean
  readonly includeUsage: boolean
  /** The whole answer. */
  whole(text: string, last: Piece): object
  /** One event of a stream. */
  chunk(piece: Piece, first: boolean): object
  /** The event that tells the usage, after the last piece. */
  usage(tokens: number): object
}

const usageOf = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
})

/** @throws FieldInvalid, ContextTooLong */
export function planCompletion(served: Served, request: CompletionRequest): Plan {
  const prompt = idsOf(served, request.prompt ?? '', 'prompt')
  const head = headOf(served, 'cmpl', 'text_completion')
  const plan = sampling(served, request, { prompt, most: request.max_tokens ?? 16, param: 'prompt' })
  const usage = (tokens: number) => usageOf(prompt.length, tokens)
  const choice = (text: string, finish: Piece['finish']) => [
    { text, index: 0, logprobs: null, finish_reason: finish },
  ]
  const nullUsage = plan.includeUsage ? { usage: null } : {}
  return {
    ...plan,
    whole: (text, { tokens, finish }) => ({ ...head, choices: choice(text, finish), usage: usage(tokens) }),
    chunk: ({ text, finish }) => ({ ...head, choices: choice(text, finish), ...nullUsage }),
    usage: (tokens) => ({ ...head, choices: [], usage: usage(tokens) }),
  }
}

/** @throws ContextTooLong */
export function planChat(served: Served, request: ChatRequest): Plan {
  const lines = request.messages.map(({ role, content }) => {
    const text = typeof content === 'string' ? content : content.map((part) => part.text).join('')
    return `${role}: ${text}\n`
  })
  const prompt = encode(served.model.tokenizer, `${lines.join('')}assistant:`)
  const head = headOf(served, 'chatcmpl', 'chat.completion')
  const chunkHead = { ...head, object: 'chat.completion.chunk' }
  const most = request.max_completion_tokens ?? request.max_tokens ?? 64
  const plan = sampling(served, request, { prompt, most, param: 'messages' })
  const usage = (tokens: number) => usageOf(prompt.length, tokens)
  const nullUsage = plan.includeUsage ? { usage: null } : {}
  const choices = (said: object, finish: Piece['finish']) => [
    { index: 0, ...said, logprobs: null, finish_reason: finish },
  ]
  return {
    ...plan,
    whole: (content, { tokens, finish }) => ({
      ...head,
      choices: choices({ message: { role: 'assistant', content, refusal: null } }, finish),
      usage: usage(tokens),
    }),
    chunk: ({ text, finish }, first) => ({
      ...chunkHead,
      choices: choices({ delta: { ...(first ? { role: 'assistant' } : {}), content: text } }, finish),
      ...nullUsage,
    }),
    usage: (tokens) => ({ ...chunkHead, choices: [], usage: usage(tokens) }),
  }
}

/** The list of embeddings. @throws FieldInvalid, ContextTooLong */
export async function answerEmbedding(served: Served, request: EmbeddingRequest): Promise<object> {
  const { input } = request
  const one = typeof input === 'string' || typeof input[0] === 'number'
  const texts = (one ? [input] : input) as (string | number[])[]
  const all = texts.map((text) => idsOf(served, text, 'input'))
  const data: object[] = []
  for (const [index, ids] of all.entries()) {
    fit(served, { prompt: ids.length, answer: 0, param: 'input' })
    const vector = await embed(served.model, ids)
    const embedding =
      request.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    data.push({ object: 'embedding', index, embedding })
  }
  const prompt = all.reduce((sum, { length }) => sum + length, 0)
  return {
    object: 'list',
    data,
    model: served.name,
    usage: { prompt_tokens: prompt, total_tokens: prompt },
  }
}

function sampling(
  served: Served,
  request: CompletionRequest | ChatRequest,
  { prompt, most, param }: { prompt: Int32Array; most: number; param: string },
) {
  fit(served, { prompt: prompt.length, answer: most, param })
  const { stop } = request
  return {
    options: {
      prompt,
      most,
      stops: typeof stop === 'string' ? [stop] : (stop ?? []),
      // Without a seed each answer is another one, as with the original.
      seed: request.seed ?? Math.floor(Math.random() * 2 ** 32),
      temperature: request.temperature ?? 0.8,
    },
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  }
}

function fit(served: Served, { prompt, answer, param }: { prompt: number; answer: number; param: string }) {
  if (prompt + answer > served.context) {
    throw new ContextTooLong(param, { prompt, answer, most: served.context })
  }
}

function idsOf(
  { model }: Served,
  value: string | readonly (string | number | readonly number[])[],
  param: string,
): Int32Array {
  if (typeof value === 'string') return encode(model.tokenizer, value)
  const [first] = value
  if (typeof first === 'string') return encode(model.tokenizer, first)
  const ids = (typeof first === 'number' ? value : (first ?? [])) as readonly number[]
  const wrong = ids.find((id) => id >= model.config.vocabulary)
  if (wrong !== undefined) {
    throw new FieldInvalid(param, `token ${wrong} is not below ${model.config.vocabulary}`)
  }
  return Int32Array.from(ids)
}

function headOf({ name }: Served, prefix: string, object: string) {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: name,
  }
}
