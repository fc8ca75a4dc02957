import { decode, drawTokens, type Model } from '@millrace/example-train-lm'

export interface ContinueOptions {
  readonly prompt: Int32Array
  /** Most tokens to draw. */
  readonly most: number
  readonly stops: readonly string[]
  readonly seed: number
  readonly temperature: number
  readonly signal: AbortSignal
}

/** A piece of the answer; the last one says why there is no more. */
export interface Piece {
  readonly text: string
  /** Tokens drawn so far, those behind a stop included. */
  readonly tokens: number
  readonly finish: 'stop' | 'length' | null
}

/**
 * Continues a prompt piece by piece and ends before the first of the stops. Text that may be the beginning of a stop is
 * held back until it is known not to be.
 */
export async function* continueText(model: Model, options: ContinueOptions): AsyncGenerator<Piece> {
  const { prompt, most, stops, seed, temperature, signal } = options
  let held = ''
  let tokens = 0
  for await (const id of drawTokens(model, prompt, { seed, temperature, signal })) {
    held += decode(model.tokenizer, [id])
    tokens++
    const at = firstStop(held, stops)
    if (at !== null) return yield { text: held.slice(0, at), tokens, finish: 'stop' }
    if (tokens === most) return yield { text: held, tokens, finish: 'length' }
    const safe = held.length - heldBack(held, stops)
    yield { text: held.slice(0, safe), tokens, finish: null }
    held = held.slice(safe)
  }
}

function firstStop(text: string, stops: readonly string[]): number | null {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
  return found.length === 0 ? null : Math.min(...found)
}

/** Length of the longest end of `text` that a stop begins with. */
function heldBack(text: string, stops: readonly string[]): number {
  let most = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > most; length--) {
      if (text.endsWith(stop.slice(0, length))) most = length
    }
  }
  return most
}
