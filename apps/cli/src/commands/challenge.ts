import type { PublishedOffer, Spec } from '@millrace/sdk'
import type { Hash } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { UsageError } from '../errors/input.ts'
import { homePaths } from '../home/homePaths.ts'
import { challengeOffer, type OfferChallenge } from '../jobs/challengeOffer.ts'
import { LeaseNotOursError } from '../jobs/errors.ts'
import { findLease, offerOf, shortLease } from '../jobs/order.ts'
import { findOfferByPrefix } from '../offers/findOfferByPrefix.ts'
import { createOutput } from '../output/output.ts'
import { theme } from '../output/theme.ts'
import type { GlobalFlags } from './flags.ts'
import { openOrderContext } from './orderContext.ts'

export interface ChallengeFlags extends GlobalFlags {
  readonly device?: string
  readonly size?: number
}

/** Codes of a machine that may be as good as it says, and would not be challenged now. */
const busy = new Set(['CHALLENGE_BUSY', 'CHALLENGE_REFUSED'])

/** Has a machine multiply what it cannot know beforehand, and holds its rate against what its offer claims. */
export async function runChallenge(prefix: string, flags: ChallengeFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const device = readDevice(flags.device)
  const options = {
    ...(device === null ? {} : { device }),
    ...(flags.size === undefined ? {} : { size: flags.size }),
  }
  const announce = (id: Hash) => output.note(theme.dim(`challenging ${shortLease(id)} …`))
  const { lease, id, published, challenge } =
    (await challengeLease(prefix, flags, { options, announce })) ??
    (await challengeLive(await connect(flags), prefix, { options, announce }))
  output.result(
    {
      offer: id,
      lease,
      device: published.spec.device,
      claimed: published.spec.measured ?? null,
      verdict: challenge.verdict,
      result: challenge.result,
    },
    formatChallenge(challenge, published.spec),
  )
  process.exitCode = exitCodeOf(challenge)
  setImmediate(() => process.exit())
}

interface Asked {
  readonly options: { readonly device?: 'cpu' | 'gpu'; readonly size?: number }
  readonly announce: (id: Hash) => void
}

interface Challenged {
  readonly id: Hash
  readonly lease: Hash | null
  readonly published: PublishedOffer
  readonly challenge: OfferChallenge
}

/** In the session of a lease of ours, if the digits are of one. */
async function challengeLease(
  prefix: string,
  flags: GlobalFlags,
  { options, announce }: Asked,
): Promise<Challenged | null> {
  if (!isOurs(prefix)) return null
  const { order, connection, buyer } = await openOrderContext(prefix, flags)
  try {
    const { lease, state } = order
    const published = offerOf(state.terms)
    announce(lease)
    // Once a lease is over its session is too; the machine may still be challenged as by anyone.
    const hirer = state.ended === null ? { hirer: { lease, account: buyer.account } } : {}
    const challenge = await challengeOffer(connection, { published, ...hirer, ...options })
    return { id: lease, lease: state.ended === null ? lease : null, published, challenge }
  } finally {
    order.close()
  }
}

/** Without a lease, through the gateway's relay. */
async function challengeLive(
  connection: Connection,
  prefix: string,
  { options, announce }: Asked,
): Promise<Challenged> {
  const { id, published } = await findOfferByPrefix(connection, prefix)
  announce(id)
  return {
    id,
    lease: null,
    published,
    challenge: await challengeOffer(connection, { published, ...options }),
  }
}

function isOurs(prefix: string): boolean {
  try {
    findLease(homePaths(), prefix)
    return true
  } catch (error) {
    if (error instanceof LeaseNotOursError) return false
    throw error
  }
}

function readDevice(text: string | undefined): 'cpu' | 'gpu' | null {
  if (text === undefined || text === 'cpu' || text === 'gpu') return text ?? null
  throw new UsageError({ message: `--device is '${text}'.`, remedy: 'Give `cpu` or `gpu`.' })
}

function exitCodeOf({ isGood, result }: OfferChallenge): number {
  if (isGood) return exitCodes.ok
  return result.reasons.some(({ code }) => busy.has(code)) ? exitCodes.later : exitCodes.data
}

function formatChallenge({ isGood, verdict, result }: OfferChallenge, { measured }: Spec): string {
  const claim =
    measured === undefined
      ? 'nothing'
      : result.device === 'cpu'
        ? `${measured.cpuGflops.toFixed(1)} GFLOPS`
        : `${measured.gpuTflops.toFixed(1)} TFLOPS`
  const units = result.units.map(({ name }) => name).join(', ') || result.device
  return [
    `${isGood ? theme.green('✓') : theme.red('✗')} ${verdict.text}`,
    `  measured  ${result.passed ? `${result.gflops.toFixed(1)} GFLOPS` : 'nothing that is proven'}`,
    `  claimed   ${claim}`,
    `  product   ${result.n}×${result.n} on ${units}${result.engine === null ? '' : ` (${result.engine})`} in ${(result.ms / 1000).toFixed(2)} s, the way there and back included`,
    ...(isGood ? [] : result.reasons.map(({ code, message }) => `  ${code}  ${message}`)),
    ...(result.passed
      ? [
          `  certainty more than ${(100 * result.missedShare).toFixed(1)} % of the rows left out would have been found with 99 %`,
        ]
      : []),
  ].join('\n')
}
