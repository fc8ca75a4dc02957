import { OutputPatternError } from './errors.ts'

/** A compiled set of output patterns. */
export interface OutputMatcher {
  /** Is this file an output? A pattern that names a folder takes all below it. */
  matches(path: readonly string[]): boolean
  /** May a folder hold outputs? Else it need not be walked. */
  mayHold(folder: readonly string[]): boolean
}

const MAX_PATTERNS = 256
const MAX_PATTERN_LENGTH = 1024
const MAX_PARTS = 64
const MAX_DEEP_PARTS = 8

/**
 * Compile output patterns: parts between `/`, in a part `*` for any characters and `?` for one, and a whole part `**` for any
 * number of folders. Matching takes time proportional to pattern times path: the buyer writes both.
 * Throws `OutputPatternError` for an absolute pattern, `..`, or one that is too long or has too many parts.
 */
export function compileOutputPatterns(patterns: readonly string[]): OutputMatcher {
  if (patterns.length > MAX_PATTERNS)
    throw new OutputPatternError({
      pattern: patterns[MAX_PATTERNS] ?? '',
      reason: `is more than the ${MAX_PATTERNS} allowed`,
    })
  const compiled = patterns.map(parsePattern)
  return {
    matches: (path) => compiled.some((pattern) => walk(pattern, path).has(pattern.length)),
    mayHold: (folder) => compiled.some((pattern) => walk(pattern, folder).size > 0),
  }
}

function parsePattern(pattern: string): readonly string[] {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new OutputPatternError({
      pattern: `${pattern.slice(0, 60)}…`,
      reason: 'is longer than 1024 characters',
    })
  if (pattern.startsWith('/')) throw new OutputPatternError({ pattern, reason: 'is absolute' })
  if (pattern.includes('\0')) throw new OutputPatternError({ pattern, reason: 'holds a zero byte' })
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new OutputPatternError({ pattern, reason: 'leaves the work folder' })
  if (parts.length === 0 && pattern === '') throw new OutputPatternError({ pattern, reason: 'is empty' })
  if (parts.length > MAX_PARTS)
    throw new OutputPatternError({ pattern, reason: `has more than ${MAX_PARTS} parts` })
  if (parts.filter((part) => part === '**').length > MAX_DEEP_PARTS)
    throw new OutputPatternError({ pattern, reason: `has more than ${MAX_DEEP_PARTS} parts "**"` })
  return parts
}

/**
 * The positions in the pattern that the path can have reached, all at once. The position behind the last part stays
 * reached whatever follows: a named folder takes all below it.
 */
function walk(pattern: readonly string[], path: readonly string[]): ReadonlySet<number> {
  let reached = closure(pattern, new Set([0]))
  for (const name of path) {
    const next = new Set<number>()
    for (const position of reached) {
      const part = pattern[position]
      if (part === undefined || part === '**') next.add(position)
      else if (matchesPart(part, name)) next.add(position + 1)
    }
    reached = closure(pattern, next)
    if (reached.size === 0) break
  }
  return reached
}

/** `**` may stand for no folder at all. */
function closure(pattern: readonly string[], positions: Set<number>): Set<number> {
  for (const position of positions) if (pattern[position] === '**') positions.add(position + 1)
  return positions
}

/** Wildcards in one name; goes back to the last `*` only, which is enough and never exponential. */
function matchesPart(pattern: string, name: string): boolean {
  let at = 0
  let star = -1
  let retry = 0
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') {
      star = at++
      retry = index
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[index])) {
      at++
      index++
    } else if (star >= 0) {
      at = star + 1
      index = ++retry
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
