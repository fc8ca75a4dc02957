/** What the relay allows. */
export interface RelayLimits {
  /** Devices connected at once. */
  readonly devices: number
  /** Sessions of one device at once. */
  readonly sessionsPerDevice: number
  /** Sessions of one client with one device at once, so that one client cannot take all the places of a device. */
  readonly sessionsPerClient: number
  /** Connections of one client at once, of either kind. */
  readonly connectionsPerClient: number
  /** Bytes waiting for one connection above which nothing more is read for it. */
  readonly bufferBytes: number
  /** Least that a connection with bytes waiting must take, in bytes a second; slower ones are closed. */
  readonly leastBytesPerSecond: number
  /** Longest that a buyer's backlog may hold its device, in milliseconds; then the buyer is closed. */
  readonly backlogMs: number
  /** How often connections are pinged and looked at, in milliseconds; one that missed a ping is closed. */
  readonly pingMs: number
  /** A session without a message for so long is closed, in milliseconds. */
  readonly idleMs: number
  /** Time for a device to answer the challenge, in milliseconds. */
  readonly helloMs: number
}

/** What a gateway allows unless it is told otherwise. */
export const defaultRelayLimits: RelayLimits = {
  devices: 10_000,
  sessionsPerDevice: 64,
  sessionsPerClient: 16,
  connectionsPerClient: 512,
  bufferBytes: 4 * 1024 * 1024,
  leastBytesPerSecond: 16 * 1024,
  backlogMs: 10_000,
  pingMs: 15_000,
  idleMs: 3_600_000,
  helloMs: 10_000,
}

/** Close codes beyond those of the SDK's `relayClose`. */
export const closeCodes = {
  /** The hello was wrong, late, or missing. */
  helloRefused: 4401,
  /** Idle, or too slow to take what was sent to it. */
  tooSlow: 4408,
  /** The same device connected anew. */
  replaced: 4409,
  /** The client has too many connections, or the gateway too many devices. */
  tooManyConnections: 4429,
  /** The gateway is going down. */
  goingAway: 1001,
  notBinary: 1003,
} as const
