// What a page does with the SDK; bundled for browsers and run where there is no Node.
import {
  acceptSession,
  generateSessionKey,
  hashOffer,
  linkedTransports,
  matches,
  type Offer,
  type OfferRow,
  openSession,
  parseQuery,
} from '../src/index.ts'

const market = '0x5FbDB2315678afecb367f032d93F642f64180aa3'

/** Names an offer, searches, and talks to a device through an encrypted session. */
export async function scenario(offer: Offer, row: OfferRow) {
  const domain = { chainId: 31337, market } as const
  const { publicKey, privateKey } = await generateSessionKey()
  const [transport, deviceEnd] = linkedTransports()
  const now = Math.floor(Date.now() / 1000)
  const accepted = acceptSession({
    ...domain,
    transport: deviceEnd,
    privateKey,
    now: () => now,
    verify: () => undefined,
    handlers: { ping: () => ({ result: { now, chainId: 31337 }, body: new Uint8Array([1, 2, 3]) }) },
  })
  const session = await openSession({ ...domain, transport, sessionKey: publicKey, lease: null, now })
  const { result, body } = await session.request('ping', {})
  await accepted
  session.close()
  const globals = globalThis as { process?: unknown; Buffer?: unknown }
  return {
    id: hashOffer(offer, domain),
    found: matches(parseQuery('num_gpus>=1'), row),
    chainId: result.chainId,
    bytes: [...body],
    node: globals.process !== undefined || globals.Buffer !== undefined,
  }
}
