/**
 * Byte-pair encoding over characters (Sennrich, Haddow and Birch 2016): the characters that the training text uses
 * often enough, then the pairs of tokens that were merged, in the order of the merging.
 */
export interface Tokenizer {
  /** Token by id. Id 0 stands for every character that is not in the list. */
  readonly tokens: readonly string[]
  /** Pairs of ids that become one token; the n-th gives the n-th of the last tokens. */
  readonly merges: readonly (readonly [number, number])[]
}

const unknown = '\ufffd'
/** Merges never cross these pieces: a word with the space before it, a run of signs, a run of white space. */
const pieces = / ?[\p{L}\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+/gu

/**
 * Builds the vocabulary of `text`: characters seen at least `atLeast` times, most frequent first, then as many merges
 * as fit into `size` tokens. Ties go to what was seen first.
 */
export function buildTokenizer(text: string, size = 512, atLeast = 3): Tokenizer {
  const tokens = [unknown, ...frequentCharacters(text, atLeast)]
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const words = new Map<string, number>()
  for (const [word] of text.matchAll(pieces)) words.set(word, (words.get(word) ?? 0) + 1)
  const counted = [...words].map(([word, count]) => ({ ids: [...word].map((c) => ids.get(c) ?? 0), count }))
  const merges: [number, number][] = []
  while (tokens.length < size) {
    const pair = mostFrequentPair(counted, tokens.length)
    if (pair === null) break
    const id = tokens.length
    tokens.push(`${tokens[pair[0]]}${tokens[pair[1]]}`)
    merges.push(pair)
    for (const word of counted) word.ids = merge(word.ids, pair, id)
  }
  return { tokens, merges }
}

function frequentCharacters(text: string, atLeast: number): string[] {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  counts.delete(unknown)
  return [...counts]
    .filter(([, count]) => count >= atLeast)
    .sort(([a, m], [b, n]) => n - m || (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0))
    .map(([character]) => character)
}

function mostFrequentPair(
  words: readonly { ids: readonly number[]; count: number }[],
  size: number,
): [number, number] | null {
  const counts = new Int32Array(size * size)
  let best: [number, number] | null = null
  let most = 1
  for (const { ids, count } of words) {
    for (let i = 1; i < ids.length; i++) {
      const [left, right] = [ids[i - 1] ?? 0, ids[i] ?? 0]
      if (left === 0 || right === 0) continue
      const at = left * size + right
      const total = (counts[at] ?? 0) + count
      counts[at] = total
      if (total > most) {
        most = total
        best = [left, right]
      }
    }
  }
  return best
}

function merge(ids: readonly number[], [left, right]: readonly [number, number], id: number): number[] {
  const merged: number[] = []
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      merged.push(id)
      i++
    } else merged.push(ids[i] ?? 0)
  }
  return merged
}

/** Ids of the tokens of `text`. */
export function encode(tokenizer: Tokenizer, text: string): Int32Array {
  const { tokens, merges } = tokenizer
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const first = tokens.length - merges.length
  const ranks = new Map(merges.map(([left, right], rank) => [left * 65_536 + right, rank]))
  const known = new Map<string, readonly number[]>()
  const encodeWord = (word: string): readonly number[] => {
    let found = [...word].map((character) => ids.get(character) ?? 0)
    for (;;) {
      let least = merges.length
      for (let i = 1; i < found.length; i++) {
        least = Math.min(least, ranks.get((found[i - 1] ?? 0) * 65_536 + (found[i] ?? 0)) ?? merges.length)
      }
      const pair = merges[least]
      if (pair === undefined) return found
      found = merge(found, pair, first + least)
    }
  }
  const out: number[] = []
  for (const [word] of text.matchAll(pieces)) {
    const encoded = known.get(word) ?? encodeWord(word)
    known.set(word, encoded)
    for (const id of encoded) out.push(id)
  }
  return Int32Array.from(out)
}

/** The text that `ids` stand for. */
export function decode(tokenizer: Tokenizer, ids: Iterable<number>): string {
  return Array.from(ids, (id) => tokenizer.tokens[id] ?? unknown).join('')
}
