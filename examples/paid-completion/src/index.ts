export { channelFetch } from './channelFetch.ts'
export { accountAt, startLocalChain } from './localChain.ts'
export { type PaidCompletion, paidCompletion } from './paidCompletion.ts'
export { prepaidFetch, prepaidScheme } from './prepaid.ts'
