import { marketAbi } from '@millrace/sdk'
import { type Hex, parseEventLogs } from 'viem'
import type { TestNetwork } from './testNetwork.ts'

export interface SettledLease {
  readonly lease: Hex
  readonly deposit: bigint
  readonly earned: bigint
  readonly refunded: bigint
}

/** Every lease that was ever opened, with what became of its money; throws if one is not settled. */
export async function accountForAll(network: TestNetwork): Promise<readonly SettledLease[]> {
  const { client, deployment } = network
  const logs = await client.getLogs({ address: deployment.market, fromBlock: 0n, toBlock: 'latest' })
  const opened = parseEventLogs({ abi: marketAbi, logs, eventName: 'LeaseOpened' })
  const extended = parseEventLogs({ abi: marketAbi, logs, eventName: 'LeaseExtended' })
  const settled = parseEventLogs({ abi: marketAbi, logs, eventName: 'LeaseSettled' })
  return opened.map(({ args }) => {
    const last = extended.filter((log) => log.args.lease === args.lease).at(-1)
    const ends = settled.filter((log) => log.args.lease === args.lease)
    const [end] = ends
    if (ends.length !== 1 || end === undefined) {
      throw new RangeError(`lease ${args.lease} was settled ${ends.length} times`)
    }
    return {
      lease: args.lease,
      deposit: last?.args.deposit ?? args.deposit,
      earned: end.args.earned,
      refunded: end.args.refunded,
    }
  })
}
