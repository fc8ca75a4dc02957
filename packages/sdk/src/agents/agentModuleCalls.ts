import { type Address, encodeAbiParameters, encodeFunctionData, getAbiItem, type Hex } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { AgentContractsUnknownError } from '../errors/deployments.ts'
import { agentsAbi } from '../generated/agents.ts'
import { tillAbi } from '../generated/till.ts'
import type { AgentSetup } from './policy.ts'

/** A call that an account makes. */
export interface AccountCall {
  readonly to: Address
  readonly data: Hex
}

const accountAbi = [
  {
    type: 'function',
    name: 'installModule',
    inputs: [
      { name: 'moduleTypeId', type: 'uint256' },
      { name: 'module', type: 'address' },
      { name: 'initData', type: 'bytes' },
    ],
    outputs: [],
    stateMutability: 'nonpayable',
  },
] as const

const executorModule = 2n

/**
 * Encodes what an ERC-7579 account calls, in this order and in one batch if it can, so that agents spend from it: it installs the
 * module with its setup, and lets the channels and the market lock money of its till account. How the account is made to call
 * is its own matter. Its wallet is then `{ account, hub: deployment.agents.module }`.
 *
 * @param parameters Deployment, account and setup.
 * @returns The calls, without value.
 * @throws AgentContractsUnknownError.
 * @see https://eips.ethereum.org/EIPS/eip-7579
 * @example
 * const calls = agentModuleCalls({ deployment, account: wallet.account, setup })
 */
export function agentModuleCalls(parameters: {
  readonly deployment: Deployment
  readonly account: Address
  readonly setup: AgentSetup
}): readonly AccountCall[] {
  const { deployment, account, setup } = parameters
  const { agents, chainId, till, channels, market } = deployment
  if (agents === undefined) throw new AgentContractsUnknownError({ chainId, till })
  const [, setupType] = getAbiItem({ abi: agentsAbi, name: 'setUp' }).inputs
  const install = encodeFunctionData({
    abi: accountAbi,
    functionName: 'installModule',
    args: [executorModule, agents.module, encodeAbiParameters([setupType], [setup])],
  })
  const operator = (address: Address): AccountCall => ({
    to: till,
    data: encodeFunctionData({ abi: tillAbi, functionName: 'setOperator', args: [address, true] }),
  })
  return [{ to: account, data: install }, operator(channels), operator(market)]
}
