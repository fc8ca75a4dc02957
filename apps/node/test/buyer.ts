import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import {
  type BundleRef,
  bulkBytes,
  confirm,
  hashOffer,
  type Job,
  type JobStatus,
  openLease,
  openSession,
  type PublishedOffer,
  type Session,
  webSocketTransport,
} from '@millrace/sdk'
import { pack } from 'tar-stream'
import type { Hex } from 'viem'
import { WebSocket } from 'ws'
import type { TestNetwork, Wallet } from './testNetwork.ts'

/** A job that runs `script`, small enough for any machine. */
export function jobOf(script: string, more: Partial<Job> = {}): Job {
  return {
    version: 1,
    name: 'test',
    run: script,
    envs: {},
    outputs: ['out/**'],
    resources: { cpus: 0.5, memoryMiB: 64, diskMiB: 64, gpus: 0, network: 'none' },
    ...more,
  }
}

/** A gzipped tar of `files` with its reference. */
export async function bundleOf(
  files: Record<string, string | Buffer>,
): Promise<{ bytes: Buffer; ref: BundleRef }> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content)
  archive.finalize()
  const parts: Buffer[] = []
  for await (const part of archive) parts.push(part as Buffer)
  const bytes = gzipSync(Buffer.concat(parts))
  return { bytes, ref: { hash: `0x${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length } }
}

/** Opens a lease on `offer`; returns its id. */
export async function hire(
  network: TestNetwork,
  buyer: Wallet,
  options: { offer: PublishedOffer; duration: number },
): Promise<Hex> {
  const { offer, duration } = options
  const { deployment, client } = network
  await confirm(
    client,
    await openLease(buyer, {
      deployment,
      offer: offer.offer,
      signature: offer.signature,
      duration,
      // Enough whatever the node's own transactions do to the market's account meanwhile.
      overrides: { gas: 500_000n },
    }),
  )
  return hashOffer(offer.offer, { chainId: deployment.chainId, market: deployment.market })
}

/** Opens a session with the device of `offer`. */
export async function dial(
  network: TestNetwork,
  options: { gateway: string; offer: PublishedOffer; lease: Hex | null; buyer?: Wallet },
): Promise<Session> {
  const { gateway, offer, lease, buyer } = options
  const account = buyer?.account
  const socket = new WebSocket(
    `${gateway.replace('http', 'ws')}/v1/relay/session?device=${offer.spec.device}`,
  )
  return openSession({
    transport: webSocketTransport(socket as never),
    sessionKey: offer.spec.sessionKey,
    lease,
    ...(account?.type === 'local' ? { account } : {}),
    chainId: network.deployment.chainId,
    market: network.deployment.market,
    now: Math.floor(Date.now() / 1000),
    timeout: 20_000,
  })
}

/** Sends a bundle from wherever the device has got to. */
export async function upload(session: Session, bundle: { bytes: Buffer; ref: BundleRef }): Promise<void> {
  const { result } = await session.request('bundle.status', bundle.ref)
  for (let offset = result.received; offset < bundle.ref.size; offset += bulkBytes) {
    const piece = new Uint8Array(bundle.bytes.subarray(offset, offset + bulkBytes))
    await session.request('bundle.write', { hash: bundle.ref.hash, offset }, piece)
  }
}

/** Asks until the job is in one of `states`. */
export async function jobIn(session: Session, ...states: JobStatus['state'][]): Promise<JobStatus> {
  for (;;) {
    const { result } = await session.request('job.status', {})
    if (states.includes(result.state)) return result
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Reads the whole log, following it to its end. */
export async function readLog(session: Session, from = 0): Promise<string> {
  const parts: Uint8Array[] = []
  const ended = new Promise<void>((resolve) => {
    session.on('log', (_, body) => parts.push(body.slice()))
    session.on('log.end', () => resolve())
  })
  await session.request('logs.read', { from, follow: true })
  await ended
  return Buffer.concat(parts).toString('utf8')
}

/** Asks again until `probe` gives something, or the time is over. */
export async function eventually<T>(
  probe: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  seconds = 120,
): Promise<T> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    const found = await probe()
    if (found !== null && found !== undefined && found !== false) return found
    if (Date.now() > until) throw new RangeError(`not within ${seconds} seconds: ${probe.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
