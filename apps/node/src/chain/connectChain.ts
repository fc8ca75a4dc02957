import type { Address } from 'viem'
import { type ChainOptions, createChain, type NodeChain } from './chain.ts'
import { type Clock, createClock } from './clock.ts'
import { ChainMismatchError, ContractMissingError, RpcUnavailableError } from './errors.ts'

/**
 * Connects to the chain and reads its time. Waits for nothing: says at once whether this is the right chain with the right
 * contracts. Throws `RpcUnavailableError`, `ChainMismatchError` and `ContractMissingError`.
 */
export async function connectChain(options: ChainOptions): Promise<{ chain: NodeChain; clock: Clock }> {
  const chain = createChain(options)
  const clock = createClock()
  let actual: number
  try {
    actual = await chain.client.getChainId()
    clock.observe((await chain.head()).timestamp)
  } catch (cause) {
    throw new RpcUnavailableError({ rpc: chain.rpc, cause })
  }
  if (actual !== chain.chainId)
    throw new ChainMismatchError({ rpc: chain.rpc, expected: chain.chainId, actual })
  for (const [name, address] of Object.entries(chain.contracts) as [string, Address][]) {
    const code = await chain.client.getCode({ address })
    if (code === undefined || code === '0x')
      throw new ContractMissingError({ name, address, chainId: actual })
  }
  return { chain, clock }
}
