import type { Address, Hash } from 'viem'
import { agentsAbi } from '../generated/agents.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { type AgentWallet, hubOf } from './account.ts'

/** Who rules a wallet. */
export interface AgentWalletState {
  readonly owner: Address
  /** The zero address for none. */
  readonly guardian: Address
  /** Seconds that a change which loosens waits. */
  readonly delay: number
}

/**
 * Reads who rules a wallet.
 *
 * @param client A viem client of the chain.
 * @param wallet The wallet.
 * @returns Owner, guardian, and delay in seconds.
 * @throws RevertError with the contract's reason, ChainUnreachableError.
 * @example
 * const { owner, guardian, delay } = await getAgentWallet(client, wallet)
 */
export async function getAgentWallet(client: ReadClient, wallet: AgentWallet): Promise<AgentWalletState> {
  const call = { address: hubOf(wallet), abi: agentsAbi, args: [wallet.account] } as const
  const [owner, guardian, delay] = await Promise.all([
    read(client, { ...call, functionName: 'ownerOf' }),
    read(client, { ...call, functionName: 'guardianOf' }),
    read(client, { ...call, functionName: 'delayOf' }),
  ])
  return { owner, guardian, delay }
}

/**
 * Reads whether an agent is paused, or was never started.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet and agent.
 * @returns Whether it may spend nothing now.
 * @throws ChainUnreachableError.
 * @example
 * const paused = await isAgentPaused(client, { wallet, agent })
 */
export function isAgentPaused(
  client: ReadClient,
  { wallet, agent }: { readonly wallet: AgentWallet; readonly agent: Address },
): Promise<boolean> {
  return read(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'isPaused',
    args: [wallet.account, agent],
  })
}

/**
 * Reads when a change that was announced can be made.
 *
 * @param client A viem client of the chain.
 * @param parameters Wallet and the hash of the change.
 * @returns A Unix second; 0 if it was not announced, was vetoed or was made.
 * @throws ChainUnreachableError.
 * @example
 * const ready = await agentChangeReadyAt(client, { wallet, change: hash })
 */
export function agentChangeReadyAt(
  client: ReadClient,
  { wallet, change }: { readonly wallet: AgentWallet; readonly change: Hash },
): Promise<number> {
  return read(client, {
    address: hubOf(wallet),
    abi: agentsAbi,
    functionName: 'readyAt',
    args: [wallet.account, change],
  })
}
