import { type Address, isAddressEqual, zeroAddress } from 'viem'
import { getBlockNumber, getContractEvents } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { RevertError } from '../errors/transaction.ts'
import { identityRegistryAbi } from '../generated/identityRegistry.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { AgentRegistries } from './registries.ts'

/** An agent as ERC-8004's registry of identities has it. */
export interface AgentIdentity {
  readonly agentId: bigint
  /** Speaks for it now. */
  readonly owner: Address
  /** Where it is paid; `null` for nowhere, as after each transfer: look again right before paying. */
  readonly wallet: Address | null
  /** Where its registration file stands, which anyone may have written: it proves nothing by itself. */
  readonly uri: string
}

/**
 * Reads an agent's identity.
 *
 * @param client A viem client of the chain.
 * @param parameters Registries and the agent's id; 0 is one.
 * @returns The identity, or `null` if there is none.
 * @throws ChainUnreachableError.
 * @see https://eips.ethereum.org/EIPS/eip-8004
 * @example
 * const identity = await getAgentIdentity(client, { registries, agentId: 0n })
 */
export async function getAgentIdentity(
  client: ReadClient,
  parameters: { readonly registries: Pick<AgentRegistries, 'identity'>; readonly agentId: bigint },
): Promise<AgentIdentity | null> {
  const { registries, agentId } = parameters
  const call = { address: registries.identity, abi: identityRegistryAbi, args: [agentId] } as const
  try {
    const [owner, wallet, uri] = await Promise.all([
      read(client, { ...call, functionName: 'ownerOf' }),
      read(client, { ...call, functionName: 'getAgentWallet' }),
      read(client, { ...call, functionName: 'tokenURI' }),
    ])
    return { agentId, owner, wallet: wallet === zeroAddress ? null : wallet, uri }
  } catch (error) {
    if (error instanceof RevertError && error.revert.name === 'ERC721NonexistentToken') return null
    throw error
  }
}

/** Blocks of one look: as many as the chain's RPC takes, from the first to the last. */
const [widest, narrowest] = [1_000_000n, 500n]

/**
 * Finds the agents that an address owns, or is the wallet of and once owned: the registry has no list by owner, so that its transfers to the address are
 * read, from `fromBlock` on.
 *
 * @param client A viem client of the chain.
 * @param parameters Registries, the address, and the first block to look at (default the first: name one on a chain that is long).
 * @returns Identities by id.
 * @throws ChainUnreachableError.
 * @example
 * const [identity] = await findAgentIdentities(client, { registries, account: operator, fromBlock: 0n })
 */
export async function findAgentIdentities(
  client: ReadClient,
  parameters: {
    readonly registries: Pick<AgentRegistries, 'identity'>
    readonly account: Address
    readonly fromBlock?: bigint
  },
): Promise<readonly AgentIdentity[]> {
  const { registries, account, fromBlock = 0n } = parameters
  const ids = new Set<bigint>()
  try {
    const head = await getBlockNumber(client)
    let width = widest
    for (let from = fromBlock; from <= head; ) {
      const to = from + width - 1n < head ? from + width - 1n : head
      const logs = await transfersTo(client, registries.identity, { account, from, to }).catch(
        (error: unknown) => {
          if (width <= narrowest) throw error
          width /= 4n
        },
      )
      if (logs === undefined) continue
      for (const { args } of logs) if (args.tokenId !== undefined) ids.add(args.tokenId)
      from = to + 1n
    }
  } catch (error) {
    throw decodeRevert(error)
  }
  const found = await Promise.all(
    [...ids].map((agentId) => getAgentIdentity(client, { registries, agentId })),
  )
  return found
    .flatMap((identity) => (identity === null ? [] : [identity]))
    .filter(({ owner, wallet }) =>
      [owner, wallet].some((each) => each !== null && isAddressEqual(each, account)),
    )
    .sort((a, b) => (a.agentId < b.agentId ? -1 : 1))
}

const transfersTo = (
  client: ReadClient,
  address: Address,
  { account, from, to }: { readonly account: Address; readonly from: bigint; readonly to: bigint },
) =>
  getContractEvents(client, {
    ...{ address, abi: identityRegistryAbi, eventName: 'Transfer', args: { to: account } },
    ...{ fromBlock: from, toBlock: to },
  })
