import { type Counterparty, counterpartyOf, serviceHash } from '@millrace/sdk'
import { getAddress, type Hash, isAddress, numberToHex } from 'viem'
import { readAssetId } from '../commands/transact.ts'
import { UsageError } from '../errors/input.ts'

/** Lists as they are typed. */
export interface ListFlags {
  readonly to?: readonly string[]
  readonly service?: readonly string[]
}

/** Lists as the contract names them. */
export interface AgentLists {
  readonly counterparties: readonly bigint[]
  readonly services: readonly Hash[]
}

/**
 * Reads an address or the id of an asset.
 *
 * @throws UsageError
 */
export function readCounterparty(text: string): Counterparty {
  if (isAddress(text)) return { to: getAddress(text) }
  if (/^\d+$/.test(text)) return { asset: readAssetId(text) }
  throw new UsageError({
    message: `'${text}' is neither an address nor the id of an asset.`,
    remedy: 'Give 0x and 40 hex digits, or a number from 1: `millrace asset list`.',
  })
}

/**
 * Reads a service: a method and a URL, or 32 bytes as the contract names it, which is what an offer's spec is.
 *
 * @throws UsageError
 */
export function readService(text: string): Hash {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase() as Hash
  const [, method, url] = /^([A-Za-z]+)\s+(https?:\/\/\S+)$/.exec(text.trim()) ?? []
  if (method !== undefined && url !== undefined && URL.canParse(url)) return serviceHash(url, method)
  throw new UsageError({
    message: `'${text}' is not a service.`,
    remedy:
      "Give a method and a URL, such as 'POST https://api.example/v1/ask', or the 32 bytes of an offer's spec.",
  })
}

/**
 * Reads both lists.
 *
 * @throws UsageError if neither names anything, or something that cannot be read.
 */
export function readLists(flags: ListFlags): AgentLists {
  const lists = {
    counterparties: (flags.to ?? []).map((text) => counterpartyOf(readCounterparty(text))),
    services: (flags.service ?? []).map(readService),
  }
  if (lists.counterparties.length + lists.services.length > 0) return lists
  throw new UsageError({
    message: 'Nothing was named.',
    remedy: "Name whom or what: --to <address-or-asset>, --service 'POST https://api.example/v1/ask'.",
  })
}

/** A counterparty as the contract names it, for people. */
export function describeCounterparty(counterparty: bigint): string {
  const asset = counterparty >> 255n === 1n
  return asset
    ? `asset ${counterparty & ((1n << 255n) - 1n)}`
    : getAddress(numberToHex(counterparty, { size: 20 }))
}
