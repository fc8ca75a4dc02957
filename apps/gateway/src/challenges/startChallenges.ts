import { MillraceError, parse, publishedOfferSchema } from '@millrace/sdk'
import type { Database } from '../database/Database.ts'
import { deleteOldChallenges, nextToChallenge, saveChallenge } from '../offers/OfferTable.ts'
import type { Relay } from '../relay/createRelay.ts'
import { challengeDevice } from './challengeDevice.ts'
import { type Finding, isVerified } from './Finding.ts'

/** How a gateway challenges the machines that are connected to it. */
export interface ChallengeSettings {
  /** Pause between two looks for a machine that is due, milliseconds. @default 2000 */
  readonly pollMs?: number
  /** How long a machine is connected before it is challenged, milliseconds: who just came has other things to do. @default 15000 */
  readonly settleMs?: number
  /** Longest time for one product, milliseconds. @default 15000 */
  readonly timeoutMs?: number
}

export interface ChallengesOptions extends ChallengeSettings {
  readonly database: Database
  readonly relay: Pick<Relay, 'dial' | 'has' | 'connectedSince'>
  /** Unix seconds. */
  readonly now: () => number
  readonly onEvent: (event: {
    readonly event: 'challenge.done'
    readonly device: string
    readonly verdict: string
    readonly code: string | null
  }) => void
  readonly onError: (error: unknown) => void
}

/** Between two challenges of a machine, in seconds. */
const DAY = 86_400
/** After a refusal, which costs nobody anything, in seconds. */
const SOON = 600
/** A machine that works for others refuses; what it showed so many seconds ago stands meanwhile. */
const STANDS = 7 * DAY
/** Answers of a machine that is well and would not be challenged now. */
const refusals = new Set(['CHALLENGE_BUSY', 'CHALLENGE_REFUSED'])

/** Challenges connected machines, one at a time, each once a day, and keeps what it finds. */
export function startChallenges(options: ChallengesOptions): { close(): Promise<void> } {
  const { database, relay, now, onEvent, onError } = options
  const { pollMs = 2_000, settleMs = 15_000, timeoutMs = 15_000 } = options
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function challengeNext(): Promise<void> {
    const devices = relay.connectedSince(Date.now() - settleMs)
    const next = await nextToChallenge(database, { devices, now: now() })
    if (next === undefined) return
    const published = parse(publishedOfferSchema, JSON.parse(next.document), 'offer')
    const finding = await challengeDevice({ published, dial: relay.dial, now: now(), timeoutMs }).catch(
      (error: unknown) => unreachable(error, now()),
    )
    // It left meanwhile, or this gateway did: nothing was found.
    if (finding === undefined || closed) return
    if (!isVerified(finding) && !relay.has(published.spec.device)) return
    const device = published.spec.device.toLowerCase()
    onEvent({ event: 'challenge.done', device, verdict: finding.verdict, code: finding.code })
    const isRefused = finding.code !== null && refusals.has(finding.code)
    if (isRefused && next.verified && now() - Number(next.at ?? 0n) < STANDS)
      return postpone(device, published.offer.spec)
    await database.transaction((session) =>
      saveChallenge(session, {
        device,
        spec: published.offer.spec.toLowerCase(),
        at: finding.at,
        due: finding.at + (isRefused ? SOON : DAY),
        verified: isVerified(finding),
        finding: JSON.stringify(finding),
      }),
    )
  }

  /** The earlier finding stands. */
  async function postpone(device: string, spec: string): Promise<void> {
    await database.query('update challenges set due = $3 where device = $1 and spec = $2', [
      device,
      spec.toLowerCase(),
      now() + SOON,
    ])
  }

  async function round(): Promise<void> {
    await challengeNext()
    await deleteOldChallenges(database, now() - STANDS)
  }

  let running: Promise<void> = Promise.resolve()
  const again = () => {
    timer = setTimeout(() => {
      running = round()
        .catch(onError)
        .finally(() => {
          if (!closed) again()
        })
    }, pollMs)
  }
  again()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}

/** A session that could not be opened: a key that is none. */
function unreachable(error: unknown, at: number): Finding {
  if (!(error instanceof MillraceError)) throw error
  const rates = { measured: null, claimed: null }
  return { at, device: 'cpu', verdict: 'unproven', code: error.code, text: error.message, ...rates }
}
