import { type PublishedOffer, verifyOffer } from '@millrace/sdk'
import { challengeMachine, compareClaim } from '@millrace/sdk/challenge'
import { type Connection, connect } from '../connection/connect.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { NoOfferError } from '../jobs/errors.ts'
import { openMachineSession } from '../jobs/jobSession.ts'
import { listOrders, offerOf } from '../jobs/order.ts'
import { findOffers } from '../offers/findOffers.ts'
import { createOutput } from '../output/output.ts'
import { theme } from '../output/theme.ts'
import type { GlobalFlags } from './flags.ts'

export interface ChallengeFlags extends GlobalFlags {
  readonly gpu?: boolean
  readonly size?: number
}

/** Most offers that are looked through for an id's first digits. */
const mostOffers = 200

/** Has a machine multiply what it cannot know beforehand, and holds its rate against what its offer claims. */
export async function runChallenge(prefix: string, flags: ChallengeFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const published = await findOffer(connection, prefix)
  const session = await openMachineSession(connection, { published })
  const gpus = published.spec.gpus.length
  try {
    output.note(theme.dim('the machine multiplies …'))
    const result = await challengeMachine(session, {
      ...(flags.size === undefined ? {} : { n: flags.size }),
      ...(flags.gpu === true ? { device: 'gpu', gpus: Math.max(1, gpus) } : {}),
    })
    const verdict = compareClaim(published.spec, result)
    const isGood = verdict.type === 'met' || verdict.type === 'unclaimed'
    output.result(
      { ...result, machine: published.spec.device, verdict },
      [
        `${isGood ? theme.green('✓') : theme.red('✗')} ${verdict.text}`,
        `  ${result.n}×${result.n} on ${result.units.map(({ name }) => name).join(', ') || result.device} in ${(result.ms / 1000).toFixed(1)} s, seen from here`,
        `  a machine that left out more than ${(100 * result.missedShare).toFixed(0)} % of the rows would have been found out with 99 % probability`,
      ].join('\n'),
    )
    process.exitCode = isGood ? exitCodes.ok : exitCodes.refused
  } finally {
    session.close()
  }
  setImmediate(() => process.exit())
}

/** An offer by the first digits of its id: one of a lease of ours, or a live one. */
async function findOffer(connection: Connection, prefix: string): Promise<PublishedOffer> {
  const wanted = `0x${prefix.toLowerCase().replace(/^0x/, '')}`
  const ours = listOrders(connection.paths).find(({ terms }) => terms.lease.startsWith(wanted))
  if (ours !== undefined) return offerOf(ours.terms)
  const { offers } = await findOffers(connection, { query: '', order: 'price', limit: mostOffers })
  const found = offers.find(({ listing }) => listing.id.startsWith(wanted))?.listing.published
  if (found === undefined) throw new NoOfferError({ query: `id=${prefix}` })
  const now = Math.floor(Date.now() / 1000)
  await verifyOffer(found, { ...connection.deployment, now, signature: 'skip' })
  return found
}
