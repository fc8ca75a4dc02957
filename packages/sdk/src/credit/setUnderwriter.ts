import type { Address, Hash } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setUnderwriter` takes. */
export interface SetUnderwriterParameters {
  /** Desk of the facility. */
  readonly desk: Address
  readonly underwriter: Address
  /** Whether it may sign: from seven days on, or no longer at once. */
  readonly listed: boolean
  readonly overrides?: TransactionOverrides
}

/**
 * Lists an underwriter, or unlists one. By the curator of the facility.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Desk, underwriter and whether it is listed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setUnderwriter(client, { desk, underwriter: owner.address, listed: true })
 */
export function setUnderwriter(client: WriteClient, parameters: SetUnderwriterParameters): Promise<Hash> {
  const { desk, underwriter, listed, overrides } = parameters
  return write(client, {
    address: desk,
    abi: deskAbi,
    functionName: 'setUnderwriter',
    args: [underwriter, listed],
    overrides,
  })
}
