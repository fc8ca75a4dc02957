import { getLease, hashSchema, parse, startLease } from '@millrace/sdk'
import * as z from 'zod'
import { type Agent, registerOwn } from './createAgent.ts'
import { promiseSeconds } from './lease.ts'
import { order, readQuotes } from './openMarketMaker.ts'
import { pause } from './pause.ts'

/** One who has a machine and sells its time to whoever bids enough. */
export interface Host {
  readonly agent: Agent
  readonly asset: bigint
  readonly sold: () => number
  /** Sells until the signal is given. */
  live(signal: AbortSignal): Promise<void>
}

/** What an hour costs the host, in base units: below it the machine stays idle. */
const costPerHour = 300_000n
const block = 20

/**
 * Opens a host.
 *
 * @param agent Whose it is.
 * @param options The desk to which it sells, and its account.
 */
export async function openHost(
  agent: Agent,
  { desk, buyer }: { readonly desk: string; readonly buyer: `0x${string}` },
): Promise<Host> {
  const { deployment, client } = agent.network
  const asset = await registerOwn(agent, 'machine')
  let sold = 0
  return {
    ...{ agent, asset, sold: () => sold },
    async live(signal) {
      while (!signal.aborted) {
        const { bid } = await readQuotes(desk)
        if (bid >= costPerHour) {
          const promise = await promiseSeconds(agent, { asset, buyer, pricePerHour: bid, seconds: block })
          const answer = await order(desk, 'sell', promise)
          if (answer !== null) {
            const { lease } = parse(z.object({ lease: hashSchema }), answer, 'sale')
            await agent.act((wallet) => startLease(wallet, { deployment, lease }))
            sold++
            const { endsAt = 0 } = (await getLease(client, { deployment, lease })) ?? {}
            await pause(Math.max(0, endsAt * 1000 - Date.now()), signal)
          }
        }
        await pause(500, signal)
      }
    },
  }
}
