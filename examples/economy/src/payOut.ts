import { setTimeout as sleep } from 'node:timers/promises'
import { getTill, pullRoyalties, settleTill, tillAbi } from '@millrace/sdk'
import type { Agent } from './createAgent.ts'

/**
 * Lets every till pay: royalties are pulled and buckets settled, epoch by epoch, until nothing is left in any.
 *
 * @param anyone Sends the transactions; it needs no right to.
 * @param assets In an order in which each comes before those it is built from.
 */
export async function payOut(anyone: Agent, assets: readonly bigint[]): Promise<void> {
  const { deployment, client } = anyone.network
  for (const asset of assets) {
    for (;;) {
      const { bucket, currentEpoch, royalties } = await getTill(client, { deployment, asset })
      if (royalties > 0n) {
        await anyone.act((wallet) => pullRoyalties(wallet, { deployment, asset }))
        continue
      }
      if (bucket.amount === 0n) break
      if (bucket.epoch < currentEpoch) await anyone.act((wallet) => settleTill(wallet, { deployment, asset }))
      else await sleep(500)
    }
  }
}

/** An owner writes down what the tills of its assets paid it, from their events. */
export async function bookPayouts(agent: Agent): Promise<void> {
  const { deployment, client } = agent.network
  for (const [kind, asset] of agent.assets) {
    const events = await client.getContractEvents({
      ...{ address: deployment.till, abi: tillAbi, eventName: 'Settled', args: { asset } },
      ...{ fromBlock: 0n, toBlock: 'latest' },
    })
    for (const { args, transactionHash } of events) {
      const amount = args.owner ?? 0n
      if (amount > 0n)
        await agent.books.note({
          type: 'in',
          what: `till of ${kind}`,
          amount,
          ref: `asset:${asset} ${transactionHash}`,
        })
    }
  }
}
