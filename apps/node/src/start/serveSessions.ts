import {
  acceptSession,
  type DeviceSession,
  type SessionHandler,
  type Transport,
  type VerifiableHello,
} from '@millrace/sdk'
import { type Hex, isAddressEqual } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import { BuyerSignatureError, LeaseUnknownError, SlotTakenError } from '../leases/errors.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import { cameSecond } from '../leases/occupies.ts'
import type { Log } from './log.ts'

export interface SessionsOptions {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly leases: LeaseTable
  /** The key to which buyers encrypt. */
  readonly privateKey: Hex
  readonly handlers: Readonly<Record<string, SessionHandler>>
  readonly log: Log
}

/** All sessions of buyers with this machine, whichever gateway they come through. */
export interface Sessions {
  /** Greets who opened a transport. Never throws. */
  accept(transport: Transport): Promise<void>
  close(): void
}

/** Milliseconds between two pushes of a job's state to its buyer, at most. */
const STATUS_PUSH_MS = 250

/** Serves sessions: a lease's to its buyer only, and to him each change of the job's state. */
export function serveSessions(options: SessionsOptions): Sessions {
  const { chain, clock, leases, log } = options
  const sessions = new Set<DeviceSession>()

  async function verify(hello: VerifiableHello): Promise<void> {
    if (hello.lease === null) return
    const keeper = await leases.adopt(hello.lease)
    const { record } = keeper
    const buyer = record?.buyer
    if (record === undefined || buyer === undefined)
      throw new LeaseUnknownError({ lease: hello.lease, reason: 'it was forgotten' })
    const bySigner = hello.signer !== null && isAddressEqual(hello.signer, buyer)
    const good =
      bySigner ||
      (await chain.client
        .verifyHash({ address: buyer, hash: hello.digest, signature: hello.signature })
        .catch(() => false))
    if (!good) throw new BuyerSignatureError({ what: 'session', buyer })
    if (cameSecond(record)) throw new SlotTakenError({ lease: record.lease, slot: record.slot })
  }

  /** Tells the buyer of each change of the job's state. */
  async function pushStatus(session: DeviceSession, lease: Hex): Promise<void> {
    const over = new AbortController()
    void session.closed.then(() => over.abort())
    let last = ''
    while (!over.signal.aborted) {
      const keeper = leases.get(lease)
      if (keeper === undefined) return
      const status = await keeper.status()
      const text = JSON.stringify(status)
      if (text !== last) await session.emit('job', { ...status }).catch(() => undefined)
      last = text
      // The runner's own steps (setup, running, collecting) are not noted; they are looked at while the job lives.
      const ended = keeper.job === null || keeper.record?.run.state === 'ended'
      await keeper.changed({ abort: over.signal, ...(ended ? {} : { milliseconds: STATUS_PUSH_MS }) })
    }
  }

  return {
    async accept(transport) {
      try {
        const session = await acceptSession({
          transport,
          privateKey: options.privateKey,
          chainId: chain.chainId,
          market: chain.contracts.market,
          now: () => clock.now(),
          verify,
          handlers: options.handlers,
          onError: (error, method) => {
            log.error({ event: 'session.failed', method, error: messageOf(error) })
          },
        })
        sessions.add(session)
        void session.closed.then(() => sessions.delete(session))
        const { lease } = session.hello
        if (lease === null) return
        void pushStatus(session, lease).catch((error: unknown) => {
          log.warn({ event: 'node.failed', error: messageOf(error).split('\n')[0] })
        })
      } catch (error) {
        log.debug({ event: 'session.refused', error: messageOf(error) })
      }
    },
    close() {
      for (const session of sessions) session.close()
    },
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
