import { statfs } from 'node:fs/promises'
import type { Address } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import type { Runner, RunnerProbe } from '../runners/runner.ts'
import type { Log } from './log.ts'

export interface Health {
  /** Looks at everything once. Never throws. */
  look(): Promise<void>
  /** Why no new work is taken, or `null`. */
  refusal(): string | null
  /** The chain answered just now. */
  chainSeen(): void
  readonly runner: RunnerProbe
  /** Native coins of the operator in base units; `null` before the first answer. */
  readonly gas: bigint | null
}

export interface HealthOptions {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly journal: NodeJournal
  readonly runner: Runner
  readonly operator: Address
  readonly gasReserve: bigint
  readonly home: string
  /** Bytes that must be free on the disk of the home. */
  readonly diskReserve: number
  readonly log: Log
}

/** Seconds without an answer of the chain after which nothing new is promised. */
const SILENCE = 30

/** Watches what the node needs to keep its promises. A failure stops new work only, and ends when it is mended. */
export async function watchHealth(options: HealthOptions): Promise<Health> {
  const { chain, clock, journal, runner, log } = options
  let probe = await runner.probe()
  let gas: bigint | null = null
  let free = Number.POSITIVE_INFINITY
  let lastAnswer = clock.now()
  let said: string | null = null

  function refusal(): string | null {
    if (journal.state.draining) return 'the node is draining'
    if (!probe.available) return `the machine cannot run jobs: ${probe.reason} (${probe.remedy})`
    if (journal.failed) return 'the disk cannot be written'
    if (free < options.diskReserve) return 'the disk is nearly full'
    if (gas !== null && gas < options.gasReserve)
      return 'the operator’s account has too few coins for transactions'
    if (clock.now() - lastAnswer > SILENCE) return 'the chain does not answer'
    return null
  }

  async function look(): Promise<void> {
    try {
      gas = await chain.balance(options.operator)
      lastAnswer = clock.now()
    } catch {
      // The silence is counted from the last answer.
    }
    try {
      const disk = await statfs(options.home)
      free = disk.bavail * disk.bsize
    } catch {
      free = 0
    }
    if (journal.failed) await journal.writable()
    if (!probe.available) probe = await runner.probe()
    const reason = refusal()
    if (reason !== said) {
      if (reason === null) log.info({ event: 'node.open' })
      else log.warn({ event: 'node.refusing', reason })
      said = reason
    }
  }

  return {
    look,
    refusal,
    chainSeen() {
      lastAnswer = clock.now()
    },
    get runner() {
      return probe
    },
    get gas() {
      return gas
    },
  }
}
