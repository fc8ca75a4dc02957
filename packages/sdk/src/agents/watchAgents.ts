import { type Address, type Hash, parseEventLogs } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { type WatchLogsOptions, watchLogs } from '../transactions/watchLogs.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type SpendKind, spendKinds } from './spend.ts'

/** Something that happened to an agent's wallet. Amounts in base units, times in Unix seconds. */
export type AgentEvent = { readonly blockNumber: bigint; readonly transaction: Hash } & (
  | {
      readonly type: 'spent'
      readonly agent: Address
      readonly currency: Address
      readonly kind: SpendKind
      /** As `counterpartyOf` names it. */
      readonly counterparty: bigint
      readonly amount: bigint
      readonly service: Hash
      readonly ref: bigint
      /** What is left of the budget. */
      readonly budget: bigint
    }
  | { readonly type: 'paused'; readonly agent: Address; readonly by: Address }
  | { readonly type: 'unpaused'; readonly agent: Address }
  | {
      readonly type: 'announced'
      readonly change: Hash
      readonly readyAt: number
      readonly call: Hash
    }
  | { readonly type: 'vetoed'; readonly change: Hash; readonly by: Address }
)

/** How a wallet is watched. */
export interface WatchAgentsParameters extends WatchLogsOptions {
  readonly wallet: AgentWallet
  /** Told of events in order, at least once each: after a reorganisation the last blocks' events are told again. */
  readonly onEvents: (events: readonly AgentEvent[], upTo: bigint) => void | Promise<void>
}

/**
 * Watches what the agents of a wallet spend, who stops them, and which changes are announced, from the chain's events.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet, first block, listeners, interval and timeout in milliseconds.
 * @returns A function that ends it.
 * @example
 * const stop = watchAgents(client, { wallet, onEvents: (events) => console.log(events.map(({ type }) => type)) })
 */
export function watchAgents(client: ReadClient, parameters: WatchAgentsParameters): () => void {
  const { wallet, onEvents, ...options } = parameters
  return watchLogs(client, hubOf(wallet), {
    ...options,
    onLogs: (logs, upTo) => {
      const events = parseEventLogs({ abi: agentsAbi, logs }).flatMap((log): AgentEvent[] => {
        const account = log.args.account?.toLowerCase()
        // A module keeps the books of many.
        if (account !== wallet.account.toLowerCase()) return []
        const where = { blockNumber: log.blockNumber, transaction: log.transactionHash }
        switch (log.eventName) {
          case 'Spent': {
            const { agent, currency, kind, counterparty, amount, service, ref, budget } = log.args
            const name = spendKinds[kind]
            if (name === undefined) return []
            return [
              {
                ...where,
                type: 'spent',
                agent,
                currency,
                kind: name,
                counterparty,
                amount,
                service,
                ref,
                budget,
              },
            ]
          }
          case 'Paused':
            return [{ ...where, type: 'paused', agent: log.args.agent, by: log.args.by }]
          case 'Unpaused':
            return [{ ...where, type: 'unpaused', agent: log.args.agent }]
          case 'Announced': {
            const { change, readyAt, call } = log.args
            return [{ ...where, type: 'announced', change, readyAt, call }]
          }
          case 'Vetoed':
            return [{ ...where, type: 'vetoed', change: log.args.change, by: log.args.by }]
          default:
            return []
        }
      })
      return onEvents(events, upTo)
    },
  })
}
