import type { MeterUnits } from './metered.ts'

/** Longest event that is looked into, in bytes; what is longer is counted by its bytes. */
const maxEvent = 1 << 20
const decoder = () => new TextDecoder()

/**
 * Counts the tokens of an answer in the form of OpenAI's API and its many likenesses, streamed or whole. What the answer says of its own
 * usage counts (`completion_tokens`, or `output_tokens`), but never more than a token a byte of text; until it says so, and where it never does, about
 * four bytes of text are a token. An answer of any other form is counted at four bytes a token.
 *
 * Buyers count by the same function: both come to the same number from the same bytes.
 *
 * @param headers Of the answer.
 * @returns The meter of that answer.
 * @example
 * const price = { amount: 2_000n, metered: { per: 'token', price: 3n, units: 1_000 } }
 */
export const meterTokens: MeterUnits = (headers) => {
  const type = (headers.get('content-type') ?? '').toLowerCase()
  if (type.startsWith('text/event-stream')) return meterEvents()
  return type.includes('json') ? meterDocument() : meterText()
}

const aboutTokens = (bytes: number) => Math.ceil(bytes / 4)

function meterText(): (piece: Uint8Array) => number {
  let bytes = 0
  return (piece) => {
    bytes += piece.length
    return aboutTokens(bytes)
  }
}

/** A document says what it used once it is whole; until then it is counted as text. */
function meterDocument(): (piece: Uint8Array) => number {
  const text = decoder()
  let bytes = 0
  let json = ''
  return (piece) => {
    bytes += piece.length
    if (bytes > maxEvent) return aboutTokens(bytes)
    json += text.decode(piece, { stream: true })
    const answer = json.trimEnd().endsWith('}') ? readAnswer(json) : null
    if (answer === null) return aboutTokens(bytes)
    const shown = byteLength(answer.text)
    const counted = aboutTokens(shown === 0 ? bytes : shown)
    return Math.min(answer.said ?? counted, shown === 0 ? bytes : shown)
  }
}

function meterEvents(): (piece: Uint8Array) => number {
  const text = decoder()
  let counted = 0
  /** Bytes of text, which no number of tokens can exceed. */
  let shown = 0
  /** Of an event that is not complete. */
  let rest = ''

  function show(bytes: number): void {
    shown += bytes
    counted += aboutTokens(bytes)
  }

  function take(event: string): void {
    const data = event
      .split('\n')
      .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []))
      .join('\n')
    if (data === '' || data === '[DONE]') return
    const answer = readAnswer(data)
    show(byteLength(answer === null ? data : answer.text))
    // What it states is of all up to here; what comes later is added.
    counted = answer?.said ?? counted
  }

  return (piece) => {
    rest += text.decode(piece, { stream: true }).replaceAll('\r', '')
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) take(event)
    if (rest.length > maxEvent) {
      show(byteLength(rest))
      rest = ''
    }
    return Math.min(counted, shown)
  }
}

const byteLength = (text: string) => new TextEncoder().encode(text).length

/** What an event, or a whole answer, says: its text, and what it says it used so far. Null where it is no object in JSON. */
function readAnswer(json: string): { readonly text: string; readonly said: number | null } | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  if (!isObject(value)) return null
  return { text: textOf(value), said: usageOf(value) }
}

/** `usage` stands in the answer, or in the `response` or `message` that an event brings. */
function usageOf(value: Readonly<Record<string, unknown>>): number | null {
  for (const holder of [value, value.response, value.message]) {
    const usage = isObject(holder) ? holder.usage : null
    if (!isObject(usage)) continue
    const tokens = usage.completion_tokens ?? usage.output_tokens
    if (typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0) return tokens
  }
  return null
}

/** The text that is new in an event: of each choice, or the delta itself. */
function textOf({ choices, delta }: Readonly<Record<string, unknown>>): string {
  const holders: readonly unknown[] = Array.isArray(choices)
    ? choices.flatMap((choice: unknown) => (isObject(choice) ? [choice, choice.delta, choice.message] : []))
    : [delta]
  return holders.map((holder) => (typeof holder === 'string' ? holder : textIn(holder))).join('')
}

/** Text of an answer, of its thought and of the tools that it calls: all of it was made token by token. */
function textIn(holder: unknown): string {
  if (!isObject(holder)) return ''
  const { content, text, reasoning_content, refusal, tool_calls, partial_json, thinking } = holder
  const tools = Array.isArray(tool_calls) ? JSON.stringify(tool_calls) : ''
  const parts = [content, text, reasoning_content, refusal, partial_json, thinking]
  return parts.filter((part) => typeof part === 'string').join('') + tools
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
