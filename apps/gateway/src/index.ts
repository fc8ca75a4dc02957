/** The public API of the gateway. */
export type { DatabaseOptions } from './database/openDatabase.ts'
export type { GatewayOptions } from './GatewayOptions.ts'
export type { RateLimit } from './http/RateLimiter.ts'
export type { RelayLimits } from './relay/limits.ts'
export { type Gateway, startGateway } from './startGateway.ts'
