/** Where a lease stands, as in `IMarket.sol`. `Running` says nothing of funds: past `ends_at` the lease is over. */
export const LeaseState = { Open: 1, Running: 2, Stopped: 3, Settled: 4 } as const

/** Names of the states, as the routes show and filter them. */
export const leaseStateNames = ['none', 'open', 'running', 'stopped', 'settled'] as const

/** Name of a lease's state. */
export type LeaseStateName = (typeof leaseStateNames)[number]
