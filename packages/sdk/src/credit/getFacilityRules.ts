import { type Address, decodeDeployData, isAddressEqual } from 'viem'
import { getBlock, getBlockNumber, getCode, getTransactionReceipt } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { facilityAbi, facilityBytecode } from '../generated/facility.ts'
import type { ReadClient } from '../transactions/write.ts'
import { deskRulesFromChain, type FacilityRules } from './facility.ts'

/** How a facility was made. */
export interface FacilityCreation {
  readonly rules: FacilityRules
  readonly curator: Address
  readonly underwriters: readonly Address[]
  /** Block in which it was created: no event of it is older. */
  readonly block: bigint
}

/**
 * Reads what a facility was made with from the transaction that created it, with its first underwriters. Needs a chain that still knows its old state, and a facility of the version that this package was built with.
 *
 * @param client A viem client of the chain.
 * @param parameters Address of the facility.
 * @returns Rules, curator and underwriters of the first day, and the block; `null` if the chain does not know any more, or another
 * code was deployed.
 * @throws ChainUnreachableError.
 * @example
 * const creation = await getFacilityRules(client, { facility })
 */
export async function getFacilityRules(
  client: ReadClient,
  parameters: { readonly facility: Address },
): Promise<FacilityCreation | null> {
  const { facility } = parameters
  try {
    const block = await creationBlock(client, facility)
    if (block === null) return null
    const { transactions } = await getBlock(client, { blockNumber: block, includeTransactions: true })
    for (const { hash, to, input } of transactions) {
      if (to !== null || !input.startsWith(facilityBytecode)) continue
      const { contractAddress } = await getTransactionReceipt(client, { hash })
      if (contractAddress == null || !isAddressEqual(contractAddress, facility)) continue
      const { args } = decodeDeployData({ abi: facilityAbi, bytecode: facilityBytecode, data: input })
      const [, , , , , curator, underwriters, book, desk] = args
      return { rules: { book, desk: deskRulesFromChain(desk) }, curator, underwriters, block }
    }
    return null
  } catch (error) {
    throw decodeRevert(error)
  }
}

/** The first block after which there is code at an address, by bisection. */
async function creationBlock(client: ReadClient, address: Address): Promise<bigint | null> {
  const hasCode = async (blockNumber: bigint) =>
    (await getCode(client, { address, blockNumber }).catch(() => undefined)) !== undefined
  let high = await getBlockNumber(client, { cacheTime: 0 })
  if (!(await hasCode(high))) return null
  let low = 0n
  while (low < high) {
    const middle = (low + high) / 2n
    if (await hasCode(middle)) high = middle
    else low = middle + 1n
  }
  return high
}
