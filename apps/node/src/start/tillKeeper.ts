import type { NodeChain } from '../chain/chain.ts'
import type { Sender } from '../chain/sender.ts'
import type { Log } from './log.ts'

/** Splits the asset's revenue when an epoch is over, so that everybody's part is credited without anyone asking. */
export function createTillKeeper(options: { chain: NodeChain; sender: Sender; asset: bigint; log: Log }) {
  const { chain, sender, asset, log } = options
  let epochLength: number | null = null
  return {
    /** Seconds between two looks: half an epoch, at most an hour. */
    async interval(): Promise<number> {
      epochLength ??= await chain.epochLength()
      return Math.min(3600, Math.max(1, epochLength / 2))
    },
    /** Settles if there is something to settle. Throws viem's errors and the sender's. */
    async look(): Promise<void> {
      const [epoch, amount] = await chain.bucketOf(asset)
      if (amount === 0n || epoch >= (await chain.currentEpoch())) return
      const receipt = await sender.send(chain.calls.settleTill(asset))
      log.info({ event: 'till.settled', asset: String(asset), transaction: receipt.transactionHash })
    },
  }
}
