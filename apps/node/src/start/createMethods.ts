import type { SessionHandler } from '@millrace/sdk'
import type { Hex } from 'viem'
import { createChallengeHandlers, gpuEngine } from '../challenge/index.ts'
import type { BundleStore } from '../leases/bundleStore.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import type { RunnerCaps } from '../leases/runnerTask.ts'
import { sessionHandlers } from '../leases/sessionHandlers.ts'
import type { Log } from './log.ts'
import type { PreparedNode } from './prepareNode.ts'

const MIB = 1024 * 1024

export interface MethodsOptions
  extends Pick<PreparedNode, 'chain' | 'clock' | 'journal' | 'machine' | 'specs' | 'health'> {
  readonly leases: LeaseTable
  /** The store of a lease's bundle. */
  readonly bundles: (lease: Hex) => BundleStore
  readonly caps: RunnerCaps
  /** Answers `haggle`. */
  readonly haggle: SessionHandler
  readonly log: Log
}

/** Everything that can be asked in a session: what a lease's buyer may, and challenges and haggling for anyone. */
export function createMethods(options: MethodsOptions): {
  readonly handlers: Readonly<Record<string, SessionHandler>>
  close(): Promise<void>
} {
  const { chain, clock, journal, leases, bundles, caps, specs, machine, health, log } = options
  const [firstSpec] = specs
  const { close, ...challenges } = createChallengeHandlers({
    cpus: firstSpec?.cpus ?? 1,
    cpuModel: machine.cpuModel,
    memoryBytes: (firstSpec?.memoryMiB ?? 0) * MIB,
    gpu: gpuEngine(machine),
    // A stranger's challenge must not slow down a job that somebody pays for; a buyer may challenge what was hired.
    refuse: ({ session }) => {
      if (session.hello.lease !== null) return null
      return specs.some((_, slot) => leases.slotTaken(slot)) ? 'the machine is working for someone' : null
    },
  })
  const refusal = () => {
    // A lease that is open was promised while the node was; draining does not break it.
    const reason = health.refusal()
    return journal.state.draining && reason === 'the node is draining' ? null : reason
  }
  return {
    handlers: {
      ...challenges,
      haggle: options.haggle,
      ...sessionHandlers({ chain, clock, journal, leases, bundles, caps, refusal, log }),
    },
    close,
  }
}
