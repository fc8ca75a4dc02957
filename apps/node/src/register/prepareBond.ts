import type { Address } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Sender } from '../chain/sender.ts'
import { BondTooLowError } from './errors.ts'

/**
 * Sees to it that the market can lock `needed` base units from the operator's till account. Throws `BondTooLowError`, the
 * sender's errors and viem's.
 */
export async function prepareBond(options: {
  chain: NodeChain
  sender: Sender
  currency: Address
  needed: bigint
}): Promise<void> {
  const { chain, sender, currency, needed } = options
  const balance = await chain.tillBalance(sender.address, currency)
  if (balance < needed) throw new BondTooLowError({ balance, needed })
  if (!(await chain.isTillOperator(sender.address, chain.contracts.market))) {
    await sender.send(chain.calls.approveMarket())
  }
}
