import type { Address, Hash } from 'viem'
import * as z from 'zod'
import { addressSchema, hashSchema, uint40Schema, uintSchema } from '../border/primitives.ts'

/** A channel in JSON, read into the form the contract takes. */
export const channelSchema = z.strictObject({
  payer: addressSchema,
  signer: addressSchema,
  payee: addressSchema,
  asset: uintSchema(256),
  currency: addressSchema,
  closeDelay: uint40Schema,
  salt: hashSchema,
})

/** What a channel is between. Its id is the hash of all of it. */
export interface Channel {
  /** Whose money it is; gets back what is not claimed. */
  readonly payer: Address
  /** Key that signs vouchers; an account, never a contract. */
  readonly signer: Address
  /** Account that is paid; the zero address where an asset is. */
  readonly payee: Address
  /** Asset whose till is paid; 0 where an account is. */
  readonly asset: bigint
  readonly currency: Address
  /** Seconds between `requestClose` and `finalizeClose`, in which the payee claims. */
  readonly closeDelay: number
  /** Tells channels between the same parties apart. */
  readonly salt: Hash
}

/** A channel as it travels in JSON: the asset's id is a decimal string. */
export type ChannelJson = z.input<typeof channelSchema>

/** Shortest and longest `closeDelay` that the contract takes, in seconds. */
export const closeDelays = { min: 900, max: 2_592_000 } as const

/** Most that a channel can hold in an epoch, in base units: 96 bits. */
export const maxDeposit = 2n ** 96n - 1n

/**
 * Writes a channel for JSON.
 *
 * @param channel The channel in its inner form.
 * @returns The same with the asset's id as a decimal string; `channelSchema` reads it back.
 * @example
 * JSON.stringify(channelToJson(channel))
 */
export function channelToJson(channel: Channel): ChannelJson {
  return { ...channel, asset: channel.asset.toString() }
}
