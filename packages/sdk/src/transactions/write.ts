import type { Abi, Account, Address, Chain, Client, Hash, Transport } from 'viem'
import { writeContract } from 'viem/actions'
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

/** Sends one contract call and returns its hash; a refusal while estimating is decoded. */
export async function write(
  client: WriteClient,
  call: {
    readonly address: Address
    readonly abi: Abi
    readonly functionName: string
    readonly args: readonly unknown[]
    readonly overrides?: TransactionOverrides | undefined
  },
): Promise<Hash> {
  const { overrides, ...request } = call
  try {
    return await writeContract(client, {
      ...request,
      ...overrides,
      account: client.account,
      chain: client.chain ?? null,
    } as Parameters<typeof writeContract>[1])
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
}
