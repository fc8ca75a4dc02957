/** Characters as tokens: the vocabulary is what the training text uses often enough, plus one stand-in for the rest. */
export interface Tokenizer {
  /** Token by id. Id 0 stands for every character that is not in the list. */
  readonly tokens: readonly string[]
}

const unknown = '\ufffd'

/** Builds the vocabulary of `text`: characters seen at least `atLeast` times, most frequent first, ties by code point. */
export function buildTokenizer(text: string, atLeast = 3): Tokenizer {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  counts.delete(unknown)
  const kept = [...counts]
    .filter(([, count]) => count >= atLeast)
    .sort(([a, m], [b, n]) => n - m || (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0))
  return { tokens: [unknown, ...kept.map(([character]) => character)] }
}

/** Ids of the characters of `text`. */
export function encode(tokenizer: Tokenizer, text: string): Int32Array {
  const ids = new Map(tokenizer.tokens.map((token, id) => [token, id]))
  return Int32Array.from([...text], (character) => ids.get(character) ?? 0)
}

/** The text that `ids` stand for. */
export function decode(tokenizer: Tokenizer, ids: Iterable<number>): string {
  return Array.from(ids, (id) => tokenizer.tokens[id] ?? unknown).join('')
}
