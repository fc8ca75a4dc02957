import { type AbiEvent, type AbiParameter, decodeAbiParameters, type Hex, toEventSelector } from 'viem'
import { LogMalformed } from './errors.ts'
import { type EventBody, eventAbis, type Noun } from './events.ts'

/** A log as an RPC serves it, checked for shape. */
export interface RawLog {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly blockNumber: string
  readonly blockHash: string
  readonly blockTimestamp?: string
  readonly transactionHash: string
  readonly logIndex: string
}

type Value = string | number | bigint | boolean | readonly unknown[]

type Args = Record<string, Value>

interface Decoder {
  readonly type: EventBody['type']
  readonly topics: number
  readonly dataLength: number
  readonly read: (log: RawLog) => Args
}

/**
 * Decoders compiled once from the ABI: fixed-size events are read by offset, which is some ten times
 * faster than walking the ABI for every log.
 */
const decoders: { readonly [N in Noun]: ReadonlyMap<string, Decoder> } = {
  assets: compileAll('assets'),
  till: compileAll('till'),
  market: compileAll('market'),
  channels: compileAll('channels'),
}

/** First topics of all events that are followed, for the filter. */
export const followedTopics: readonly Hex[] = [
  ...new Set(Object.values(eventAbis).flatMap((abi) => eventsIn(abi).map((event) => toEventSelector(event)))),
]

/**
 * Decodes a log of the contract of `noun`.
 * @returns the event, or undefined when it is one that is not followed
 * @throws LogMalformed when topics or data do not fit the event
 */
export function decodeLog(noun: Noun, log: RawLog): EventBody | undefined {
  const decoder = decoders[noun].get(log.topics[0] ?? '')
  if (decoder === undefined) return undefined
  if (log.topics.length !== decoder.topics || log.data.length < decoder.dataLength) {
    throw new LogMalformed(decoder.type, log)
  }
  try {
    // The decoders are made from the ABI that the type is made from.
    return { type: decoder.type, args: decoder.read(log) } as EventBody
  } catch (cause) {
    throw new LogMalformed(decoder.type, log, cause)
  }
}

function compileAll(noun: Noun): ReadonlyMap<string, Decoder> {
  return new Map(eventsIn(eventAbis[noun]).map((event) => [toEventSelector(event), compile(noun, event)]))
}

function eventsIn(abi: readonly { readonly type: string }[]): AbiEvent[] {
  return abi.filter((item): item is AbiEvent => item.type === 'event')
}

function compile(noun: Noun, event: AbiEvent): Decoder {
  const body = event.inputs.filter((input) => !input.indexed)
  const indexed = event.inputs.filter((input) => input.indexed)
  const topics = indexed.map((input) => [input.name ?? '', readerOf(input.type)] as const)
  const readBody = body.every(isWord) ? readWords(body) : readDynamic(body)
  return {
    type: `${noun}.${event.name}` as EventBody['type'],
    topics: 1 + indexed.length,
    dataLength: 2 + 64 * body.length,
    read: (log) => {
      const args = readBody(log.data)
      topics.forEach(([name, read], index) => {
        args[name] = read(log.topics[index + 1] ?? '', 2)
      })
      return args
    },
  }
}

function readWords(body: readonly AbiParameter[]): (data: string) => Args {
  const fields = body.map((input, index) => [input.name ?? '', readerOf(input.type), 2 + 64 * index] as const)
  return (data) => {
    const args: Args = {}
    for (const [name, read, offset] of fields) args[name] = read(data, offset)
    return args
  }
}

function readDynamic(body: readonly AbiParameter[]): (data: string) => Args {
  return (data) => {
    const values = decodeAbiParameters(body, data as Hex)
    return Object.fromEntries(
      body.map((input, index) => [input.name ?? '', clean(input.type, values[index])]),
    )
  }
}

function isWord(input: AbiParameter): boolean {
  return /^(uint\d+|address|bytes32|bool)$/.test(input.type)
}

/** Reads one 32-byte word of hex at `offset`, in the type viem gives it: at most 48 bits are a number. */
function readerOf(type: string): (hex: string, offset: number) => Value {
  if (type === 'address') return (hex, offset) => `0x${hex.slice(offset + 24, offset + 64).toLowerCase()}`
  if (type === 'bytes32') return (hex, offset) => `0x${hex.slice(offset, offset + 64).toLowerCase()}`
  if (type === 'bool') return (hex, offset) => BigInt(`0x${hex.slice(offset, offset + 64)}`) !== 0n
  if (Number(type.slice(4)) <= 48) {
    return (hex, offset) => Number(`0x${hex.slice(offset, offset + 64)}`)
  }
  return (hex, offset) => BigInt(`0x${hex.slice(offset, offset + 64)}`)
}

const LONGEST_TEXT = 8192

/**
 * Anyone may register any bytes as a URI. Postgres refuses a zero character and half a surrogate pair,
 * and neither may stop the index.
 */
function clean(type: string, value: unknown): Value {
  if (type === 'address') return String(value).toLowerCase()
  if (type !== 'string') return value as Value
  return String(value)
    .slice(0, LONGEST_TEXT)
    .replaceAll('\u0000', '\ufffd')
    .replace(/[\ud800-\udbff]$/, '')
}
