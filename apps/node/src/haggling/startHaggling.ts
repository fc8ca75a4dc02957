import type { SessionHandler } from '@millrace/sdk'
import type { NodeConfig } from '../config/nodeConfig.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import type { OfferKeeper, OfferTerms } from '../offers/offerKeeper.ts'
import type { Log } from '../start/log.ts'
import type { PreparedNode } from '../start/prepareNode.ts'
import { createHaggleHandler } from './createHaggleHandler.ts'
import { openHaggleStore } from './openHaggleStore.ts'
import { hagglePolicy } from './planHaggle.ts'

export interface HagglingOptions {
  readonly node: Pick<PreparedNode, 'chain' | 'clock' | 'journal' | 'operator' | 'decimals' | 'health'>
  readonly config: NodeConfig
  /** File of the haggles. */
  readonly path: string
  readonly leases: LeaseTable
  readonly offers: OfferKeeper
  readonly terms: OfferTerms
  readonly log: Log
}

/** Takes up the haggles that were open and answers more, as the configuration says. Throws `JournalCorruptError`. */
export async function startHaggling(
  options: HagglingOptions,
): Promise<{ readonly handler: SessionHandler; close(): Promise<void> }> {
  const { node, config, leases, offers, terms, log } = options
  const { chain, clock, journal, operator, decimals, health } = node
  const store = await openHaggleStore(options.path)
  const { messagesPerMinute, openMost } = config.haggle
  const handler = createHaggleHandler({
    chain,
    clock,
    journal,
    leases,
    offers,
    operator,
    store,
    terms,
    policy: hagglePolicy(config, decimals),
    messagesPerMinute,
    openMost,
    refusal: () => health.refusal(),
    log,
  })
  return { handler, close: store.close }
}
