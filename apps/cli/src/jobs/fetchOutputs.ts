import { createHash } from 'node:crypto'
import { constants, createReadStream, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bulkBytes, type Outputs, type Session, SessionRequestError } from '@millrace/sdk'
import { extract } from 'tar-stream'
import { OutputsDamagedError } from './errors.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import type { Order } from './order.ts'

const inFlight = 16
const mebibyte = 1024 * 1024
/** Bytes of headers that a file may take in the archive, with its padding and a long name. */
const entryOverhead = 8192

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
  const most = order.state.terms.job.resources.diskMiB * mebibyte + files.length * entryOverhead + mebibyte
  if (archive.size > most)
    throw new OutputsDamagedError({
      lease: order.lease,
      reason: `the archive has ${archive.size} bytes, more than the disk of the job`,
    })
  const path = order.file('outputs.tar')
  await download(context, order, { session, path, archive })
  await unpackOutputs(order, { path, folder, files })
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

/**
 * Unpacks the archive. It comes from the machine, so nothing in it is believed: only files that are listed, with their
 * size, and that the job asked for, and never through a link that stands in the folder.
 *
 * @throws OutputsDamagedError
 */
export async function unpackOutputs(
  order: Pick<Order, 'lease' | 'state'>,
  options: { readonly path: string; readonly folder: string; readonly files: Outputs['files'] },
): Promise<void> {
  const { path, folder, files } = options
  const damaged = (name: string, reason: string) =>
    new OutputsDamagedError({ lease: order.lease, reason: `'${name}' ${reason}` })
  const patterns = order.state.terms.job.outputs
  const left = new Map(files.map(({ path, size }) => [path, size]))
  mkdirSync(folder, { recursive: true })
  const tar = extract()
  // Long headers are kept in memory until they end.
  let isInEntry = false
  let outside = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      outside = isInEntry ? 0 : outside + chunk.length
      done(outside > mebibyte ? damaged('the archive', 'has a header that does not end') : null, chunk)
    },
  })
  const reading = pipeline(createReadStream(path), meter, tar)
  reading.catch(() => {})
  for await (const entry of tar) {
    isInEntry = true
    const { name, type, mode = 0o644, size = 0 } = entry.header
    if (type === 'directory') entry.resume()
    else {
      if (type !== 'file') throw damaged(name, `is a ${type}, not a file`)
      const parts = name.split('/')
      if (/[\0\\]|^[A-Za-z]:/.test(name) || parts.some((part) => ['', '.', '..'].includes(part)))
        throw damaged(name, 'would land outside the folder')
      if (left.get(name) !== size) throw damaged(name, 'is not listed with this size')
      left.delete(name)
      if (!patterns.some((pattern) => matches(pattern.split('/').filter(isPart), parts)))
        throw damaged(name, 'was not asked for')
      let parent = folder
      for (const part of parts.slice(0, -1)) {
        parent = join(parent, part)
        const stat = lstatSync(parent, { throwIfNoEntry: false })
        if (stat === undefined) mkdirSync(parent)
        else if (!stat.isDirectory()) throw damaged(name, 'would pass a link or file that is in the way')
      }
      const target = join(folder, name)
      if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory())
        throw damaged(name, 'would replace a folder')
      rmSync(target, { force: true })
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
      const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
      // Never set-uid.
      const file = await open(target, flags, mode & 0o755)
      await pipeline(entry, file.createWriteStream())
    }
    isInEntry = false
    outside = 0
  }
  await reading
}

const isPart = (part: string) => part !== '' && part !== '.'

/** `*` and `?` within a part, `**` for any number of folders; a named folder takes all below it. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  let reached = new Set([0])
  const close = () => {
    for (const at of reached) if (pattern[at] === '**') reached.add(at + 1)
  }
  close()
  for (const name of path) {
    const next = new Set<number>()
    for (const at of reached) {
      const part = pattern[at]
      if (part === undefined || part === '**') next.add(at)
      else if (matchesPart(part, name)) next.add(at + 1)
    }
    reached = next
    close()
  }
  return reached.has(pattern.length)
}

function matchesPart(part: string, name: string): boolean {
  // The pattern is the buyer's own; stars that follow each other are one.
  const source = part
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(name)
}
