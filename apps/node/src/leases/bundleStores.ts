import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { type BundleStore, createBundleStore } from './bundleStore.ts'

/** The bundle stores of all leases, each in a folder of its own. */
export interface BundleStores {
  /** The store of a lease. */
  of(lease: Hex): BundleStore
  /** Deletes the bundle of a lease. */
  drop(lease: Hex): Promise<void>
  /** Forgets open files; what came stays for the next time. */
  close(): Promise<void>
}

/**
 * Makes each lease's store when it is first asked for.
 *
 * @param options.limitOf Most bytes of a lease's bundle.
 */
export function createBundleStores(options: {
  folder: string
  limitOf: (lease: Hex) => number
}): BundleStores {
  const stores = new Map<Hex, BundleStore>()
  const folderOf = (lease: Hex) => join(options.folder, lease)
  return {
    of(lease) {
      let store = stores.get(lease)
      if (store === undefined) {
        store = createBundleStore({ folder: folderOf(lease), limit: options.limitOf(lease) })
        stores.set(lease, store)
      }
      return store
    },
    async drop(lease) {
      await stores.get(lease)?.close()
      stores.delete(lease)
      await rm(folderOf(lease), { recursive: true, force: true })
    },
    async close() {
      for (const store of stores.values()) await store.close()
    },
  }
}
