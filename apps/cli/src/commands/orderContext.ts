import { type Connection, connect } from '../connection/connect.ts'
import { type OpenAccount, openAccount } from '../connection/openAccount.ts'
import { homePaths } from '../home/homePaths.ts'
import type { OnJobEvent } from '../jobs/events.ts'
import type { JobContext } from '../jobs/jobContext.ts'
import { findLease, type Order, openOrder } from '../jobs/order.ts'
import type { GlobalFlags } from './flags.ts'

const never = new AbortController().signal

/** What a command that works on one lease of ours needs. */
export interface OrderContext extends JobContext {
  readonly order: Order
}

/**
 * Opens an order by the first digits of its lease, on the network and with the wallet it was ordered with.
 *
 * @throws LeaseNotOursError, LeaseAmbiguousError, and what `connect` and `openAccount` throw
 */
export async function openOrderContext(
  prefix: string,
  flags: GlobalFlags,
  onEvent: OnJobEvent = () => {},
): Promise<OrderContext> {
  const paths = homePaths()
  const order = openOrder(paths, findLease(paths, prefix))
  try {
    const { network, wallet } = order.state.terms
    const connection: Connection = await connect({ network, ...flags })
    const buyer: OpenAccount = await openAccount(connection, { wallet, ...flags })
    return { order, connection, buyer, onEvent, detach: never, stop: never, startedAt: performance.now() }
  } catch (error) {
    order.close()
    throw error
  }
}
