import {
  gatewayClient,
  MillraceError,
  openSession,
  type PublishedOffer,
  type Session,
  webSocketTransport,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { WebSocket } from 'ws'
import type { Connection } from '../connection/connect.ts'
import { MachineUnreachableError } from './errors.ts'
import { type OrderTerms, offerOf } from './order.ts'

export interface MachineSessionOptions {
  readonly published: Pick<PublishedOffer, 'spec' | 'gateways'>
  /** The lease whose buyer `account` is; without one the machine answers `ping` and challenges only. */
  readonly hirer?: { readonly lease: Hash; readonly account: PrivateKeyAccount }
}

/**
 * Opens an encrypted session with the machine of an offer, through the first gateway that reaches it.
 *
 * @throws MachineUnreachableError
 */
export async function openMachineSession(
  connection: Connection,
  { published, hirer }: MachineSessionOptions,
): Promise<Session> {
  const { device, sessionKey } = published.spec
  const gateways = [...new Set([...connection.gateways, ...published.gateways])]
  const reasons: string[] = []
  for (const gateway of gateways) {
    let session: Session | null = null
    try {
      // A session carries bundles and outputs; small messages must not wait for large ones to fill a packet.
      const socket = new WebSocket(gatewayClient(gateway).sessionUrl(device), {
        maxPayload: 2 * 1024 * 1024,
        perMessageDeflate: false,
        handshakeTimeout: 10_000,
      })
      // A refused handshake is reported by the close that follows it.
      socket.on('error', () => {})
      session = await openSession({
        transport: webSocketTransport(socket),
        sessionKey,
        lease: hirer?.lease ?? null,
        ...(hirer === undefined ? {} : { account: hirer.account }),
        chainId: connection.deployment.chainId,
        market: connection.deployment.market,
        now: Math.floor(Date.now() / 1000),
        timeout: 30_000,
      })
      // The first answer proves that the machine, and not only the gateway, is there.
      await session.request('ping', {}, undefined, { timeout: 15_000 })
      return session
    } catch (error) {
      session?.close()
      const closed = session === null ? null : await Promise.race([session.closed, null])
      reasons.push(`${gateway}: ${describe(closed ?? error)}`)
    }
  }
  throw new MachineUnreachableError({
    device,
    reason: gateways.length === 0 ? 'no gateway is known' : reasons.join('; '),
  })
}

const describe = (error: unknown) =>
  error instanceof MillraceError || error instanceof Error ? error.message : String(error)

/**
 * The session of a lease.
 *
 * @throws MachineUnreachableError
 */
export function openJobSession(
  connection: Connection,
  { terms, account }: { readonly terms: OrderTerms; readonly account: PrivateKeyAccount },
): Promise<Session> {
  return openMachineSession(connection, {
    published: offerOf(terms),
    hirer: { lease: terms.lease, account },
  })
}
