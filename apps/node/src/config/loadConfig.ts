import { readFile } from 'node:fs/promises'
import { parse, TomlError } from 'smol-toml'
import { parseUnits } from 'viem'
import type { z } from 'zod'
import { ConfigInvalidError, ConfigMissingError, ConfigSyntaxError } from './errors.ts'
import { type NodeConfig, nodeConfigSchema } from './nodeConfig.ts'

/** Reads and checks the configuration file. Throws `ConfigMissingError`, `ConfigSyntaxError`, `ConfigInvalidError`. */
export async function loadConfig(path: string): Promise<NodeConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new ConfigMissingError({ path })
    throw cause
  }
  return parseConfig(text, path)
}

/** As `loadConfig`, from the file's text; `path` only names it in errors. */
export function parseConfig(text: string, path: string): NodeConfig {
  let raw: unknown
  try {
    raw = parse(text)
  } catch (cause) {
    if (cause instanceof TomlError) {
      throw new ConfigSyntaxError({ path, line: cause.line, column: cause.column, cause })
    }
    throw cause
  }
  const result = nodeConfigSchema.safeParse(camelKeys(raw))
  if (!result.success) throw new ConfigInvalidError({ path, issues: result.error.issues.map(describe) })
  const { offer, network, haggle } = result.data
  const issues: string[] = []
  if (offer.minDuration > offer.maxDuration) {
    issues.push(
      `offer.min_duration is ${offer.minDuration}, above offer.max_duration, which is ${offer.maxDuration}`,
    )
  }
  if (new Set(network.gateways).size !== network.gateways.length)
    issues.push('network.gateways names one gateway twice')
  if (haggle.floorPrice !== undefined && amountOf(haggle.floorPrice) > amountOf(offer.pricePerHour)) {
    issues.push(
      `haggle.floor_price is "${haggle.floorPrice}", above offer.price_per_hour, which is "${offer.pricePerHour}"`,
    )
  }
  // Of two leases on one slot one is refused, which with a bond would cost it; list prices are out while buyers haggle.
  if (haggle.enabled && amountOf(offer.bond) > 0n)
    issues.push(`haggle.enabled is true, which needs offer.bond = "0"; it is "${offer.bond}"`)
  if (issues.length > 0) throw new ConfigInvalidError({ path, issues })
  return result.data
}

/** Amounts of up to 18 decimals, made comparable. */
const amountOf = (decimal: string) => parseUnits(decimal, 18)

function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      camelKeys(item),
    ]),
  )
}

const snake = (key: PropertyKey) => String(key).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(snake).join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path)
    return issue.keys
      .map((key) => {
        const near = nearest(snake(key), known)
        const name = path === '' ? snake(key) : `${path}.${snake(key)}`
        return `there is no setting "${name}"${near === null ? '' : `, did you mean "${near}"?`}`
      })
      .join('; ')
  }
  return `${path === '' ? 'the file' : path}: ${issue.message}`
}

/** Names allowed at `path` of the schema, in snake case. */
function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = nodeConfigSchema
  for (const key of path) {
    const inner = unwrap(schema)
    schema = typeof key === 'number' ? (inner as { element?: unknown }).element : shapeOf(inner)[String(key)]
  }
  return Object.keys(shapeOf(unwrap(schema))).map(snake)
}

function unwrap(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown } } | undefined)?.def?.innerType
  return inner === undefined ? schema : unwrap(inner)
}

function shapeOf(schema: unknown): Record<string, unknown> {
  return (schema as { shape?: Record<string, unknown> } | undefined)?.shape ?? {}
}

function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(2, word.length / 3) ? best.candidate : null
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
