import { createHash, type Hash } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { lstat, open, opendir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import type { CollectedOutputs, OutputFile } from '../../runner.ts'
import { compileOutputPatterns, type OutputMatcher } from './outputPattern.ts'

export interface CollectOutputsOptions {
  /** The work folder; nothing of the job runs any more, so nothing changes while it is read. */
  readonly from: string
  readonly patterns: readonly string[]
  /** Where the tar goes; it appears there only when it is whole. */
  readonly archive: string
  /** Most bytes of the tar. */
  readonly maxBytes: number
  /** Other limits than the usual ones. */
  readonly limits?: Partial<CollectLimits>
}

/** What collecting may cost besides bytes; at any of them it stops and keeps what it has. */
export interface CollectLimits {
  /** Most files, folders and others looked at. */
  readonly visited: number
  readonly files: number
  /** Most bytes of all collected files' paths together. */
  readonly pathBytes: number
  /** Time after which no other file is begun. */
  readonly milliseconds: number
}

const USUAL_LIMITS: CollectLimits = {
  visited: 200_000,
  files: 20_000,
  pathBytes: 1024 * 1024,
  milliseconds: 10 * 60 * 1000,
}

export interface Collection {
  readonly outputs: CollectedOutputs
  /** What matched and was left out, as lines for the log. */
  readonly skipped: readonly string[]
  /** Whether something was left out because the limit was reached. */
  readonly truncated: boolean
  /** Why collecting stopped before everything was looked at; `null` if it did not. */
  readonly stopped: string | null
}

/** A tar entry's header, and the extended header of a long name. */
const HEADER_BYTES = 512
const LONG_NAME_BYTES = 100
const END_BYTES = 1024
/** More lines about skipped files than this help nobody. */
const MAX_SKIPPED_LINES = 100
const READ_BYTES = 256 * 1024

/**
 * Collect a job's outputs into a tar of regular files, in a fixed order. Links, devices, pipes and sockets are never
 * opened or followed; they are named in `skipped`. A file that would exceed `maxBytes` is skipped whole, smaller ones after
 * it still fit. Throws the file system's error if the archive cannot be written.
 */
export async function collectOutputs(options: CollectOutputsOptions): Promise<Collection> {
  const matcher = compileOutputPatterns(options.patterns)
  const limits = { ...USUAL_LIMITS, ...options.limits }
  const until = performance.now() + limits.milliseconds
  let stopped: string | null = null
  let pathBytes = 0
  const skipped: string[] = []
  let left = 0
  const skip = (path: string, why: string) => {
    if (skipped.length < MAX_SKIPPED_LINES) skipped.push(`output ${JSON.stringify(path)} skipped: ${why}`)
    else left++
  }
  const files: OutputFile[] = []
  const total = createHash('sha256')
  let size = 0
  let budget = options.maxBytes - END_BYTES
  let truncated = false

  const tar = pack()
  const temporary = `${options.archive}.part`
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  const written = pipeline(tar, meter, createWriteStream(temporary, { mode: 0o600 }))
  // The tar's own streams do not reliably learn that nobody takes their bytes any more; whoever waits on them waits on
  // this as well.
  const failure = new Promise<never>((_, reject) => {
    written.catch(reject)
  })
  failure.catch(() => {})

  try {
    for await (const found of walk(options.from, { matcher, visited: limits.visited, until })) {
      if (found.type === 'stop') {
        stopped = found.why
        break
      }
      if (found.type !== 'file') {
        skip(found.path, found.why)
        continue
      }
      pathBytes += Buffer.byteLength(found.path)
      if (files.length >= limits.files || pathBytes > limits.pathBytes) {
        stopped = `The outputs are more than ${limits.files} files or ${limits.pathBytes} bytes of paths.`
        break
      }
      const cost = entryBytes(found.path, found.size)
      if (cost > budget) {
        truncated = true
        skip(
          found.path,
          `its ${found.size} bytes exceed what is left of the outputs' ${options.maxBytes} bytes`,
        )
        continue
      }
      const sha256 = await addFile(tar, join(options.from, found.path), { found, failure })
      if (sha256 === null) {
        skip(found.path, 'it could not be read')
        continue
      }
      budget -= cost
      files.push({ path: found.path, size: found.size, sha256 })
    }
    tar.finalize()
    await written
  } catch (error) {
    tar.destroy()
    const cause = await written.then(
      () => error,
      (writeError: unknown) => writeError,
    )
    await rm(temporary, { force: true })
    throw cause
  }
  await rename(temporary, options.archive)
  if (left > 0) skipped.push(`${left} more outputs skipped`)
  return {
    outputs: { archive: options.archive, size, sha256: hex(total), files },
    skipped,
    truncated,
    stopped,
  }
}

type Found =
  | {
      readonly type: 'file'
      readonly path: string
      readonly size: number
      readonly mode: number
      readonly mtime: Date
    }
  | { readonly type: 'other'; readonly path: string; readonly why: string }
  | { readonly type: 'stop'; readonly why: string }

/** Walk without recursion and without following anything, names in byte order. */
async function* walk(
  root: string,
  {
    matcher,
    visited,
    until,
  }: { readonly matcher: OutputMatcher; readonly visited: number; readonly until: number },
): AsyncGenerator<Found> {
  const tooMany: Found = {
    type: 'stop',
    why: `The work folder holds more than ${visited} files and folders.`,
  }
  let listed = 0
  // As strings: one made of its folder's and a name shares the folder's memory.
  const pending = ['']
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (performance.now() >= until) {
      yield { type: 'stop', why: 'Collecting the outputs took too long.' }
      return
    }
    const parts = path === '' ? [] : path.split('/')
    const matched = parts.length > 0 && matcher.matches(parts)
    const other = (why: string): Found => ({ type: 'other', path, why })
    let stat: Awaited<ReturnType<typeof lstat>>
    try {
      stat = await lstat(join(root, path))
    } catch (error) {
      yield other(`it cannot be looked at (${(error as NodeJS.ErrnoException).code})`)
      continue
    }
    if (stat.isDirectory()) {
      if (!matcher.mayHold(parts)) continue
      const names: string[] = []
      try {
        for await (const entry of await opendir(join(root, path), { encoding: 'buffer' as BufferEncoding })) {
          if (++listed > visited) {
            yield tooMany
            return
          }
          const bytes = entry.name as unknown as Buffer
          const name = bytes.toString('utf8')
          if (!Buffer.from(name).equals(bytes))
            yield { type: 'other', path: `${path}/${name}`, why: 'its name is not UTF-8' }
          else names.push(name)
        }
      } catch (error) {
        yield other(`its folder cannot be read (${(error as NodeJS.ErrnoException).code})`)
        continue
      }
      // The last one pushed is visited first.
      names.sort((a, b) => (a < b ? 1 : -1))
      for (const name of names) pending.push(path === '' ? name : `${path}/${name}`)
    } else if (matched) {
      if (stat.isFile()) yield { type: 'file', path, size: stat.size, mode: stat.mode, mtime: stat.mtime }
      else yield other(`it is a ${kindOf(stat)}`)
    }
  }
}

function kindOf(stat: { isSymbolicLink(): boolean; isFIFO(): boolean; isSocket(): boolean }): string {
  if (stat.isSymbolicLink()) return 'symbolic link'
  if (stat.isFIFO()) return 'pipe'
  return stat.isSocket() ? 'socket' : 'device'
}

/** Append one file; its sha256, or `null` if it cannot be opened. */
async function addFile(
  tar: Pack,
  place: string,
  { found, failure }: { readonly found: Extract<Found, { type: 'file' }>; readonly failure: Promise<never> },
): Promise<string | null> {
  // O_NOFOLLOW and O_NONBLOCK cost nothing and hold even if something did change the file.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(place, flags).catch(() => null)
  if (file === null) return null
  try {
    const hash = createHash('sha256')
    const entry = tar.entry({
      name: found.path,
      size: found.size,
      mode: (found.mode & 0o111) === 0 ? 0o644 : 0o755,
      mtime: new Date(Math.floor(found.mtime.getTime() / 1000) * 1000),
      type: 'file',
    })
    const finished = new Promise<void>((resolve, reject) => {
      entry.on('error', reject)
      entry.on('close', resolve)
    })
    finished.catch(() => {})
    for (let position = 0; position < found.size; ) {
      const want = Math.min(READ_BYTES, found.size - position)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(want), 0, want, position)
      // A file that lost bytes since is filled with zeros, so that the archive stays well-formed.
      const chunk = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead)
      hash.update(chunk)
      position += chunk.length
      if (!entry.write(chunk))
        await Promise.race([
          new Promise<void>((resolve) => entry.once('drain', () => resolve())),
          finished,
          failure,
        ])
    }
    entry.end(undefined)
    await Promise.race([finished, failure])
    return hex(hash)
  } finally {
    await file.close()
  }
}

/** What an entry takes in the tar. */
function entryBytes(path: string, size: number): number {
  const nameBytes = Buffer.byteLength(path)
  const plain = nameBytes <= LONG_NAME_BYTES && nameBytes === path.length && size < 0o77777777777
  const extended = plain ? 0 : HEADER_BYTES + roundUp(nameBytes + 64)
  return HEADER_BYTES + extended + roundUp(size)
}

const roundUp = (bytes: number) => Math.ceil(bytes / HEADER_BYTES) * HEADER_BYTES
const hex = (hash: Hash) => `0x${hash.digest('hex')}`
