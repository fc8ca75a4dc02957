import type { NodeStatus } from '../control/nodeStatus.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import { jobStatus } from '../leases/jobStatus.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'

/** What a node says of its leases, those that are over and kept included. */
export function describeLeases(journal: NodeJournal, leases: LeaseTable): Promise<NodeStatus['leases']> {
  return Promise.all(
    Object.values(journal.state.leases).map(async (record) => ({
      lease: record.lease,
      slot: record.slot,
      buyer: record.buyer,
      state: (await (leases.get(record.lease)?.status() ?? jobStatus(record, null))).state,
      startedAt: record.started?.startedAt ?? null,
      endsAt: record.started?.endsAt ?? null,
      over: record.over?.how ?? null,
      settled: record.settled !== null,
    })),
  )
}
