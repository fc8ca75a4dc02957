import { statfs } from 'node:fs/promises'
import type { Hex } from 'viem'
import type { LeaseRecord } from '../journal/entries.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import type { Runner } from '../runners/runner.ts'
import type { Log } from '../start/log.ts'
import { chooseEvictions, type KeptFiles } from './chooseEvictions.ts'
import type { LeaseTable } from './leaseTable.ts'

export interface StorageOptions {
  readonly journal: NodeJournal
  readonly runner: Runner
  readonly leases: LeaseTable
  /** Deletes the bundle of a lease. */
  readonly dropBundle: (lease: Hex) => Promise<void>
  /** Most bytes kept for all leases together. */
  readonly budget: number
  /** A folder on the disk that must not fill. */
  readonly home: string
  /** Bytes that must stay free there. */
  readonly reserve: number
  readonly log: Log
}

/** Keeps what leases leave behind within its budget: bundles go with their jobs, logs and outputs when room is needed. */
export function createStorageKeeper(options: StorageOptions) {
  const { journal, runner, leases, log } = options

  async function kept(record: LeaseRecord): Promise<KeptFiles> {
    return {
      lease: record.lease,
      size: await runner.size(record.lease),
      endedAt: record.over?.stoppedAt ?? null,
      settled: record.settled !== null,
      acknowledged: record.receipt !== null && record.receipt.buyer !== null,
    }
  }

  return {
    /** Deletes what has to go now. Throws the file system's errors. */
    async look(): Promise<void> {
      const records = Object.values(journal.state.leases).filter(isJobOver)
      for (const { lease } of records) await options.dropBundle(lease)
      const disk = await statfs(options.home)
      const files = await Promise.all(records.map(kept))
      const { budget, reserve } = options
      for (const lease of chooseEvictions(files, { budget, reserve, free: disk.bavail * disk.bsize })) {
        await leases.get(lease)?.deleteFiles()
        log.info({ event: 'lease.files-deleted', lease, budget })
      }
    },
  }
}

/** Whether no job of the lease runs or will run: nothing needs its bundle any more. */
export function isJobOver(record: LeaseRecord): boolean {
  const { state } = record.run
  if (state === 'launching' || state === 'launched') return false
  return state === 'ended' || state === 'lost' || record.refused !== null || record.over !== null
}
