import type { Deployment } from '@millrace/sdk'
import type { Logger } from 'pino'
import type { ChallengeSettings } from './challenges/startChallenges.ts'
import type { DatabaseOptions } from './database/openDatabase.ts'
import type { RateLimit } from './http/RateLimiter.ts'
import type { RelayLimits } from './relay/limits.ts'

/** What a gateway is started with. */
export interface GatewayOptions {
  readonly deployment: Deployment
  /** First block that can hold an event; 0 where unknown. @default 0 */
  readonly startBlock?: number
  readonly rpcUrl: string
  readonly database: DatabaseOptions
  /** @default '127.0.0.1' */
  readonly host?: string
  /** 0 for any free one. @default 0 */
  readonly port?: number
  /** Base URLs under which machines reach this gateway. Default: the addresses of this machine. */
  readonly urls?: readonly string[]
  /** Base URLs of gateways whose offers are taken over. */
  readonly peers?: readonly string[]
  /** Pause between two looks at a peer, milliseconds. @default 5000 */
  readonly peerPollMs?: number
  /** Where events are logged. Silent if absent. */
  readonly log?: Logger
  /** Name of the header in which a proxy in front notes its client; absent if there is no proxy. */
  readonly proxyHeader?: string
  /** Origins whose pages may read answers. @default ['*'] */
  readonly origins?: readonly string[]
  /** For each client. @default 100 a second, 500 at once */
  readonly rate?: RateLimit
  readonly relay?: Partial<RelayLimits>
  /** Challenges the machines that are connected here, each once a day; none are challenged if absent. */
  readonly challenges?: ChallengeSettings
  /** Longest time for one request, milliseconds. @default 30000 */
  readonly requestTimeoutMs?: number
  /** Longest time for the head of a request to arrive, milliseconds; its body may take as long again. @default 10000 */
  readonly slowClientMs?: number
  /** Longest time for one question to the chain, milliseconds. @default 5000 */
  readonly rpcTimeoutMs?: number
  /** Pause between two looks at the chain's head, milliseconds. @default 250 */
  readonly chainPollMs?: number
  /** Blocks that can be undone. @default 256 */
  readonly finality?: number
  /** Unix seconds. Default: the system's clock. */
  readonly now?: () => number
}
