import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { bulkBytes, type Outputs, type Session, SessionRequestError } from '@millrace/sdk'
import { extract } from 'tar-stream'
import { OutputsDamagedError } from './errors.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import type { Order } from './order.ts'

const inFlight = 16

/**
 * Downloads the outputs, checks them against the machine's word, and unpacks them: regular files and folders only, all
 * below the target. What was downloaded before a lost connection is not downloaded again.
 *
 * @param folder Where the files go; by default as the order says.
 * @returns The files, or `null` if the job has no outputs.
 * @throws OutputsDamagedError
 */
export async function fetchOutputs(
  context: JobContext,
  order: Order,
  options: { readonly session: Session; readonly folder?: string },
): Promise<Outputs['files'] | null> {
  const { session, folder = order.state.terms.outputDir } = options
  const outputs = await listOutputs(session)
  if (outputs === null) return null
  const { files, archive } = outputs
  const path = order.file('outputs.tar')
  await download(context, order, { session, path, archive })
  await unpack(order, path, folder)
  order.note({
    type: 'fetched',
    at: unixNow(),
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
  })
  context.onEvent({ event: 'fetched', lease: order.lease, files: files.length, folder })
  return files
}

/** `null` where the job never got as far as outputs. */
async function listOutputs(session: Session): Promise<Outputs | null> {
  try {
    return (await session.request('outputs.list', {})).result
  } catch (error) {
    if (error instanceof SessionRequestError && !error.retryable) return null
    throw error
  }
}

async function download(
  context: JobContext,
  order: Order,
  options: { readonly session: Session; readonly path: string; readonly archive: Outputs['archive'] },
): Promise<void> {
  const { session, path, archive } = options
  const partial = `${path}.partial`
  const file = await open(partial, 'a+', 0o600)
  try {
    const start = Math.min((await file.stat()).size, archive.size)
    let received = start
    const pending: Promise<{ offset: number; body: Uint8Array }>[] = []
    let next = start
    // Pieces are asked for ahead and written in order.
    const ask = () => {
      while (pending.length < inFlight && next < archive.size) {
        const [offset, length] = [next, Math.min(bulkBytes, archive.size - next)]
        const answer = session
          .request('outputs.read', { offset, length })
          .then(({ body }) => ({ offset, body }))
        answer.catch(() => {})
        pending.push(answer)
        next += length
      }
    }
    for (ask(); pending.length > 0; ask()) {
      const piece = await pending.shift()
      if (piece === undefined) break
      if (piece.body.length !== Math.min(bulkBytes, archive.size - piece.offset))
        throw new OutputsDamagedError({ lease: order.lease, reason: `a piece at ${piece.offset} is short` })
      await file.appendFile(piece.body)
      received += piece.body.length
      context.onEvent({ event: 'downloading', lease: order.lease, received, size: archive.size })
    }
    await file.sync()
  } finally {
    await file.close()
  }
  const hash = createHash('sha256')
  await pipeline(createReadStream(partial), hash)
  if (`0x${hash.digest('hex')}` !== archive.hash.toLowerCase()) {
    await rename(partial, `${path}.damaged`)
    throw new OutputsDamagedError({ lease: order.lease, reason: 'the archive has another checksum' })
  }
  await rename(partial, path)
}

/** Unpacks the archive. It comes from the machine, so nothing in it is believed. */
async function unpack(order: Order, path: string, folder: string): Promise<void> {
  const refuse = (name: string, reason: string): never => {
    throw new OutputsDamagedError({ lease: order.lease, reason: `'${name}' ${reason}` })
  }
  mkdirSync(folder, { recursive: true })
  const tar = extract()
  const reading = pipeline(createReadStream(path), tar)
  reading.catch(() => {})
  for await (const entry of tar) {
    const { name, type, mode = 0o644 } = entry.header
    const inside = normalize(name)
    if (name.includes('\0') || inside.startsWith('..') || inside.startsWith(sep) || /^[A-Za-z]:/.test(inside))
      refuse(name, 'would land outside the folder')
    const target = join(folder, inside)
    if (type === 'directory') {
      mkdirSync(target, { recursive: true })
      entry.resume()
    } else if (type === 'file') {
      mkdirSync(dirname(target), { recursive: true })
      // Never set-uid. Links cannot be in the way: none were unpacked.
      await pipeline(entry, createWriteStream(target, { mode: mode & 0o755 }))
    } else refuse(name, `is a ${type}, not a file`)
  }
  await reading
}
