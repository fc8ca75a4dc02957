import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { AgentContractsUnknownError } from '../errors/deployments.ts'
import { agentAccountsAbi } from '../generated/agentAccounts.ts'
import { read } from '../transactions/read.ts'
import { type ReadClient, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { AgentSetup } from './policy.ts'

/** What an account's address follows from. */
export interface AgentAccountParameters {
  readonly deployment: Deployment
  readonly owner: Address
  readonly setup: AgentSetup
  /** Tells accounts with the same owner and setup apart. */
  readonly salt: Hash
}

function factoryOf({ agents, chainId, till }: Deployment): Address {
  if (agents === undefined) throw new AgentContractsUnknownError({ chainId, till })
  return agents.factory
}

/**
 * Reads where an account is or will be, so that it can be funded before it is made.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, owner, setup and salt.
 * @returns Its address.
 * @throws AgentContractsUnknownError, ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-1014
 * @example
 * const account = await agentAccountAddress(client, { deployment, owner, setup, salt })
 */
export async function agentAccountAddress(
  client: ReadClient,
  parameters: AgentAccountParameters,
): Promise<Address> {
  const { deployment, owner, setup, salt } = parameters
  return read(client, {
    address: factoryOf(deployment),
    abi: agentAccountsAbi,
    functionName: 'addressOf',
    args: [owner, setup, salt],
  })
}

/**
 * Makes an account of its own for agents. Anyone may send it: the account belongs to its owner.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, owner, setup and salt.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws AgentContractsUnknownError, RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await createAgentAccount(client, { deployment, owner, setup, salt })
 */
export async function createAgentAccount(
  client: WriteClient,
  parameters: AgentAccountParameters & { readonly overrides?: TransactionOverrides },
): Promise<Hash> {
  const { deployment, owner, setup, salt, overrides } = parameters
  return write(client, {
    address: factoryOf(deployment),
    abi: agentAccountsAbi,
    functionName: 'create',
    args: [owner, setup, salt],
    overrides,
  })
}
