import { canonicalJson } from '@millrace/sdk'
import type { Hash } from 'viem'
import { digestRequest } from '../seller/digestRequest.ts'

/** What x402 calls a tool: `mcp://tool/summarise`. */
export const toolUrl = (tool: string): string => `mcp://tool/${encodeURIComponent(tool)}`

/** A tool's arguments as bytes: canonical JSON, so that their order does not matter. */
export const argumentBytes = (input: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(canonicalJson(input ?? {}))

/**
 * Names a call of a tool by what it asks, as the seller's receipt does.
 *
 * @param tool The tool's name.
 * @param input Its arguments as the tool took them: with the defaults of its schema.
 * @returns 32 bytes in hex, for `verifyCallReceipt`.
 * @throws NotCanonicalError if the arguments are not JSON.
 * @example
 * await verifyCallReceipt(signed, { seller, request: digestToolCall('add', { a: 1, b: 2 }) })
 */
export const digestToolCall = (tool: string, input: unknown): Hash =>
  digestRequest({ method: 'POST', url: toolUrl(tool), body: argumentBytes(input) })
