import { setTimeout as sleep } from 'node:timers/promises'
import {
  getLease,
  hashOffer,
  marketAbi,
  type Offer,
  openLease,
  RevertError,
  settleLease,
  signOffer,
  stopLease,
} from '@millrace/sdk'
import { type Address, type Hash, type Hex, parseEventLogs, zeroHash } from 'viem'
import type { Agent } from './createAgent.ts'
import { DealFailedError } from './errors.ts'

/** A signed promise of seconds of one's machine. */
export interface SecondsPromise {
  readonly offer: Offer
  readonly signature: Hex
}

/**
 * Promises a number of seconds of an agent's machine to one buyer, at a price by the hour.
 *
 * @param agent Who operates the machine.
 * @param terms Its asset, the buyer, base units per hour, seconds.
 */
export async function promiseSeconds(
  agent: Agent,
  terms: {
    readonly asset: bigint
    readonly buyer: Address
    readonly pricePerHour: bigint
    readonly seconds: number
  },
): Promise<SecondsPromise> {
  const { asset, buyer, pricePerHour, seconds } = terms
  const { deployment, client } = agent.network
  const { timestamp } = await client.getBlock()
  const now = Math.max(Number(timestamp), Math.floor(Date.now() / 1000))
  const offer: Offer = {
    ...{ asset, buyer, pricePerHour, bond: 0n, minDuration: seconds, maxDuration: seconds },
    ...{ startWindow: 60, expiry: now + 60, spec: zeroHash, terms: zeroHash },
    nonce: BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`),
  }
  return { offer, signature: await signOffer(agent.account, offer, deployment) }
}

/** Opens a lease on a promise and gives its id. */
export async function hire(agent: Agent, { offer, signature }: SecondsPromise): Promise<Hash> {
  const { deployment } = agent.network
  const duration = offer.maxDuration
  await agent.act((wallet) => openLease(wallet, { deployment, offer, signature, duration }))
  return hashOffer(offer, deployment)
}

/**
 * Ends a lease now if it still runs, settles it, and books what its seconds cost.
 *
 * @param agent The buyer.
 * @param lease Which one.
 */
export async function endLease(agent: Agent, lease: Hash): Promise<void> {
  const { deployment, client } = agent.network
  for (;;) {
    const state = await getLease(client, { deployment, lease })
    if (state === null) throw new DealFailedError({ what: `Lease '${lease}'`, why: 'it is not on chain' })
    try {
      if (state.state === 'open' || (state.state === 'running' && state.endsAt > Date.now() / 1000 + 1))
        await agent.act((wallet) => stopLease(wallet, { deployment, lease }))
      const receipt = await agent.act((wallet) => settleLease(wallet, { deployment, lease }))
      const [settled] = parseEventLogs({ abi: marketAbi, eventName: 'LeaseSettled', logs: receipt.logs })
      const amount = settled?.args.earned ?? 0n
      await agent.books.note({ type: 'out', what: 'lease', amount, ref: `asset:${state.asset} ${lease}` })
      return
    } catch (error) {
      // In its last second it can neither be stopped any more nor be settled yet.
      if (!(error instanceof RevertError)) throw error
      await sleep(300)
    }
  }
}
