import type { Abi, Account, Address, Chain, Client, Hash, Transport } from 'viem'
import { estimateContractGas, writeContract } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'

/** A viem client that can sign: `createWalletClient({ account, chain, transport })`. */
export type WriteClient = Client<Transport, Chain | undefined, Account>
/** A viem client that only looks. */
export type ReadClient = Client<Transport, Chain | undefined, Account | undefined>

/** What a caller may set on any transaction. Gas in units, fees in wei per unit. */
export interface TransactionOverrides {
  readonly gas?: bigint
  readonly nonce?: number
  readonly maxFeePerGas?: bigint
  readonly maxPriorityFeePerGas?: bigint
}

/**
 * Gas on top of an estimate. Between the estimate and the block someone else may empty an account or fill one, which changes
 * what a write costs. What is not used is not paid.
 */
const usualMargin = 60_000n

/** For calls that may be the first of a till's epoch and then settle the old one, a debt module's answer included. */
export const epochMargin = 600_000n

/** Sends one contract call and returns its hash; a refusal while estimating is decoded. */
export async function write(
  client: WriteClient,
  call: {
    readonly address: Address
    readonly abi: Abi
    readonly functionName: string
    readonly args: readonly unknown[]
    readonly overrides?: TransactionOverrides | undefined
    /** Gas on top of the estimate, where none is set. */
    readonly margin?: bigint
  },
): Promise<Hash> {
  const { overrides, margin = usualMargin, ...contract } = call
  const request = { ...contract, ...overrides, account: client.account }
  try {
    const gas =
      overrides?.gas ??
      (await estimateContractGas(client, request as Parameters<typeof estimateContractGas>[1])) + margin
    return await writeContract(client, {
      ...request,
      gas,
      chain: client.chain ?? null,
    } as Parameters<typeof writeContract>[1])
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
}
