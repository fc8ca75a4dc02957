import { decodeFunctionData, type Hash, type Hex } from 'viem'
import { getBlock, getContractEvents } from 'viem/actions'
import { ChainUnreachableError } from '../errors/transaction.ts'
import { agentsAbi } from '../generated/agents.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'
import { type AgentChange, hashAgentChange } from './announceAgentChange.ts'
import { agentChangeReadyAt } from './getAgentWallet.ts'

/** A change that was announced and neither vetoed nor made. */
export interface AnnouncedAgentChange {
  /** As `vetoAgentChange` takes it. */
  readonly hash: Hash
  /** What it would do; `null` for a call that is none of the four. */
  readonly change: AgentChange | null
  readonly call: Hex
  /** First Unix second at which it can be made. */
  readonly readyAt: number
  /** Last one. */
  readonly until: number
}

/** Seconds in which a change can be made once it is ready, and the longest delay (`Policies`). */
const applyWindow = 14 * 86_400
const longestDelay = 30 * 86_400
/** Blocks of one look: as many as the chain's RPC takes, from the first to the last. */
const [widest, narrowest] = [1_000_000n, 500n]

/**
 * Reads what the owner of a wallet announced and may still make: what a guardian looks at before it vetoes. Reads the chain's events from
 * the head backwards, as far as an announcement can still be good: 44 days.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet; `fromBlock`, the first block to look at where it is known, as the one in which the wallet was made.
 * @returns The changes, those announced last first.
 * @throws ChainUnreachableError.
 * @example
 * const waiting = await listAgentChanges(client, { wallet })
 */
export async function listAgentChanges(
  client: ReadClient,
  parameters: { readonly wallet: AgentWallet; readonly fromBlock?: bigint },
): Promise<readonly AnnouncedAgentChange[]> {
  const { wallet, fromBlock = 0n } = parameters
  const calls = new Map<Hash, Hex>()
  try {
    const head = await getBlock(client)
    const oldest = Number(head.timestamp) - longestDelay - applyWindow
    let width = widest
    for (let to = head.number; to >= fromBlock; ) {
      const from = to - width + 1n > fromBlock ? to - width + 1n : fromBlock
      const logs = await eventsOf(client, wallet, { from, to }).catch((error: unknown) => {
        if (width <= narrowest) throw error
        width /= 4n
      })
      if (logs === undefined) continue
      for (const { args } of logs.toReversed()) {
        const { change, call } = args
        if (change !== undefined && call !== undefined && !calls.has(change)) calls.set(change, call)
      }
      to = from - 1n
      if (to >= fromBlock && Number((await getBlock(client, { blockNumber: to })).timestamp) < oldest) break
    }
    const found = [...calls].map(async ([hash, call]) => {
      const readyAt = await agentChangeReadyAt(client, { wallet, change: hash })
      const change = decodeChange(call)
      // Not what it looks like: for another account, or with bytes that the contract would not see again.
      const exact = change !== null && hashAgentChange(wallet, change) === hash
      return { hash, change: exact ? change : null, call, readyAt, until: readyAt + applyWindow }
    })
    const now = Number(head.timestamp)
    return (await Promise.all(found)).filter(({ readyAt, until }) => readyAt !== 0 && now <= until)
  } catch (cause) {
    if (cause instanceof ChainUnreachableError) throw cause
    throw new ChainUnreachableError({ reason: cause instanceof Error ? cause.message : String(cause), cause })
  }
}

const eventsOf = (client: ReadClient, wallet: AgentWallet, { from, to }: { from: bigint; to: bigint }) =>
  getContractEvents(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    eventName: 'Announced',
    args: { account: wallet.account },
    fromBlock: from,
    toBlock: to,
  })

/** An owner may announce any bytes: what is not one of the four changes does nothing when its time comes. */
function decodeChange(data: Hex): AgentChange | null {
  try {
    const { functionName, args } = decodeFunctionData({ abi: agentsAbi, data })
    switch (functionName) {
      case 'setPolicy': {
        const [, agent, currency, policy] = args
        return { type: 'policy', agent, currency, policy }
      }
      case 'allow': {
        const [, agent, currency, counterparties, services] = args
        return { type: 'allow', agent, currency, counterparties, services }
      }
      case 'setGuardian':
        return { type: 'guardian', guardian: args[1] }
      case 'setDelay':
        return { type: 'delay', delay: args[1] }
      default:
        return null
    }
  } catch {
    return null
  }
}
