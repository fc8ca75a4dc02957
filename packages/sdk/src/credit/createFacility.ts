import { type Address, encodeDeployData, getAddress, type Hash, type TransactionReceipt } from 'viem'
import { estimateGas, sendTransaction } from 'viem/actions'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { facilityAbi, facilityBytecode } from '../generated/facility.ts'
import type { TransactionOverrides, WriteClient } from '../transactions/write.ts'
import { deskRulesToChain, type FacilityRules } from './facility.ts'

/** What `createFacility` takes. */
export interface CreateFacilityParameters {
  readonly deployment: Deployment
  /** Lists underwriters, and can do nothing else. */
  readonly curator: Address
  /** They may sign at once; later ones after seven days. */
  readonly underwriters: readonly Address[]
  readonly rules: FacilityRules
  readonly overrides?: TransactionOverrides
}

/** Gas on top of the estimate: a contract of this size is created once. */
const margin = 100_000n

/**
 * Creates a facility with its desk and its two vaults. It can lend once the admin of the till listed it (`listDebt`). What is
 * deployed is the code that this package was built with, which carries its own creation code: programs that only lend do not import it.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, curator, underwriters and rules.
 * @returns The transaction's hash; `createdFacility(await confirm(client, hash))` is its address.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await createFacility(client, { deployment, curator: owner.address, underwriters: [operator.address], rules })
 */
export async function createFacility(
  client: WriteClient,
  parameters: CreateFacilityParameters,
): Promise<Hash> {
  const { deployment, curator, underwriters, rules, overrides } = parameters
  const { appraisals, auction, desks, vaults } = creditOf(deployment)
  const data = encodeDeployData({
    abi: facilityAbi,
    bytecode: facilityBytecode,
    args: [
      deployment.till,
      auction,
      appraisals,
      desks,
      vaults,
      curator,
      underwriters,
      rules.book,
      deskRulesToChain(rules.desk),
    ],
  })
  try {
    const account = client.account
    const gas = overrides?.gas ?? (await estimateGas(client, { account, data })) + margin
    const request = { data, ...overrides, gas, account, chain: client.chain ?? null }
    return await sendTransaction(client, request as Parameters<typeof sendTransaction>[1])
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
}

/**
 * Reads the address of a new facility from its transaction.
 *
 * @param receipt Receipt of a `createFacility` transaction.
 * @returns The address, or `null` if no contract was created by it.
 * @example
 * const facility = createdFacility(await confirm(client, hash))
 */
export function createdFacility(receipt: Pick<TransactionReceipt, 'contractAddress'>): Address | null {
  return receipt.contractAddress == null ? null : getAddress(receipt.contractAddress)
}
