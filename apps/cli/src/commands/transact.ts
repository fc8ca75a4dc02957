import { confirm } from '@millrace/sdk'
import type { Hash, TransactionReceipt } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'

/** A command that is one transaction: connects, opens the wallet, sends, waits, says what happened. */
export async function transact(
  flags: GlobalFlags,
  options: {
    readonly send: (connection: Connection, sender: OpenAccount) => Promise<Hash>
    readonly describe: (
      receipt: TransactionReceipt,
      sender: OpenAccount,
      connection: Connection,
    ) => { readonly value: Record<string, unknown>; readonly text: string }
  },
): Promise<void> {
  const connection = await connect(flags)
  const sender = await openAccount(connection, flags)
  const transaction = await options.send(connection, sender)
  const receipt = await confirm(sender.client, transaction)
  const { value, text } = options.describe(receipt, sender, connection)
  createOutput(flags.json === true).result({ ...value, transaction }, text)
}

/**
 * Reads an asset's id.
 *
 * @throws UsageError
 */
export function readAssetId(text: string): bigint {
  if (/^\d{1,78}$/.test(text) && BigInt(text) > 0n) return BigInt(text)
  throw new UsageError({
    message: `'${text}' is not the id of an asset.`,
    remedy: 'Ids are numbers from 1: `millrace asset list`.',
  })
}
