import { join } from 'node:path'
import type { Payee } from '@millrace/pay'
import type { Connection } from '../connection/connect.ts'

/** A payee's own folder on a chain, and what is in it. */
export function sellFiles(connection: Pick<Connection, 'paths' | 'deployment'>, payee: Payee) {
  const { paths, deployment } = connection
  const name = 'account' in payee ? payee.account.toLowerCase() : `asset-${payee.asset}`
  const folder = join(paths.sell, String(deployment.chainId), name)
  return {
    folder,
    ledger: join(folder, 'ledger.jsonl'),
    batch: join(folder, 'batch.jsonl'),
    pending: join(folder, 'pending.jsonl'),
    calls: join(folder, 'calls.jsonl'),
    haggles: join(folder, 'haggles.jsonl'),
    settlements: join(folder, 'settlements.jsonl'),
    pid: join(folder, 'sell.pid'),
  }
}

/** A payee as people write it. */
export const payeeName = (payee: Payee): string =>
  'account' in payee ? payee.account : `asset ${payee.asset}`
