import type { PaymentRequirements, ResourceInfo } from '../wire/x402.ts'

/** Something that was paid for, as `/discovery/resources` lists it. */
export interface DiscoveredResource {
  /** Its URL. */
  readonly resource: string
  readonly type: 'http'
  readonly x402Version: 1 | 2
  readonly accepts: readonly PaymentRequirements[]
  /** When this last changed, as in RFC 3339. */
  readonly lastUpdated: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/**
 * What a facilitator lists: resources whose payments it settled and whose sellers ask to be listed. A payer could make
 * one up and pay itself, so the list says where to ask for a price, never whom to pay.
 */
export interface ResourceCatalogue {
  /** Notes a resource that was paid for. */
  note(resource: ResourceInfo, paid: PaymentRequirements): Promise<void>
  /** One page, what was paid last first, and how many there are. */
  list(page: { readonly limit: number; readonly offset: number }): Promise<{
    readonly items: readonly DiscoveredResource[]
    readonly total: number
  }>
}
