import type { Address } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { openShop } from '../selling/openShop.ts'
import type { BatchHomeChannel } from './findBatchChannels.ts'

/**
 * Claims, as payee, what was charged on channels of `batch-settlement`, and has it sent: a shop that opens and closes.
 *
 * @returns The transactions.
 * @throws SellerBusyError if the payee is selling at the moment: then it claims by itself; the first claim that failed
 */
export async function claimBatchChannels(
  connection: Connection,
  { seller, due }: { readonly seller: OpenAccount; readonly due: readonly BatchHomeChannel[] },
): Promise<readonly string[]> {
  const transactions: string[] = []
  const failed: Error[] = []
  for (const payee of new Set(due.map(({ config }): Address => config.receiver))) {
    const shop = await openShop(connection, {
      ...{ payee: { account: payee }, seller, claimAt: 1n, onCharge: () => undefined },
      onClaim(event) {
        if (event.event === 'claimed') transactions.push(event.transaction)
        else if (event.event === 'failed') failed.push(event.error)
      },
    })
    await shop.close()
  }
  const [first] = failed
  if (first !== undefined) throw first
  return transactions
}
