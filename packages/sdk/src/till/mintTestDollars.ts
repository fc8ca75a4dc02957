import type { Address, Hash } from 'viem'
import { testDollarAbi } from '../generated/testDollar.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `mintTestDollars` takes. */
export interface MintTestDollarsParameters {
  /** The test dollar, the currency of `deployLocal`. */
  readonly currency: Address
  readonly to: Address
  /** Base units; 1 000 000 is one dollar. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Mints test dollars: the faucet of local chains.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Token, receiver and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the token's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await mintTestDollars(client, { currency, to: buyer.address, amount: 100_000_000n })
 */
export function mintTestDollars(client: WriteClient, parameters: MintTestDollarsParameters): Promise<Hash> {
  const { currency, to, amount, overrides } = parameters
  return write(client, {
    address: currency,
    abi: testDollarAbi,
    functionName: 'mint',
    args: [to, amount],
    overrides,
  })
}
