import { createReadStream } from 'node:fs'
import { chmod, chown, lchown, link, mkdir, open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type ExtractEvents, extract, type Header } from 'tar-stream'
import { type BundleTree, createBundleTree } from './bundleTree.ts'
import {
  BundleCompressionError,
  BundleEntriesError,
  BundleEntryTypeError,
  BundleError,
  BundleFormatError,
  BundleSizeError,
  BundleUnreadableError,
} from './errors.ts'

export interface ExtractBundleOptions {
  /** Path of the gzipped tar. */
  readonly bundle: string
  /** An existing empty folder. */
  readonly into: string
  /** Most bytes of all files together. */
  readonly maxBytes: number
  /** Most files, folders and links. */
  readonly maxEntries: number
  /** Who owns what is unpacked; `null`: whoever unpacks. */
  readonly owner: number | null
}

/** Headers, padding and long names that an archive may spend on an entry besides its content. */
const OVERHEAD_PER_ENTRY = 16 * 1024
/** What the pipeline may read ahead, and the archive's end with its padding. */
const READ_AHEAD = 4 * 1024 * 1024

/**
 * Unpack a bundle that may be hostile into an empty folder.
 *
 * Only files, folders and links come out; every path is checked against what the bundle itself has made, and links are made
 * last, so that nothing is ever written through one. Sizes are counted while the stream flows: a bomb stops at the limit.
 * Throws a `BundleError`; what was unpacked until then stays in the folder.
 */
export async function extractBundle(options: ExtractBundleOptions): Promise<void> {
  const tree = createBundleTree()
  const budget = { bytes: 0, entries: 0, streamed: 0 }
  const archive = extract()
  archive.on('entry', (header, content, next) => {
    // Destroyed with the parser, an entry nobody reads would throw its error at the process.
    content.on('error', () => {})
    unpackEntry(header, content, { tree, budget, options }).then(
      () => next(),
      (error: unknown) => archive.destroy(error instanceof Error ? error : undefined),
    )
  })
  // Zeros behind the end of an archive, or endless headers, never reach an entry: the stream as a whole has a limit too.
  const gate = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      budget.streamed += chunk.length
      const allowed = budget.bytes + (budget.entries + 1) * OVERHEAD_PER_ENTRY + READ_AHEAD
      if (budget.streamed > allowed)
        done(
          new BundleFormatError({ reason: `${budget.streamed} bytes hold only ${budget.entries} entries` }),
        )
      else done(null, chunk)
    },
  })
  const parsed = new Promise<void>((resolve, reject) => {
    archive.on('finish', resolve)
    archive.on('error', reject)
    // Closed without either, it was destroyed in the middle.
    archive.on('close', () => reject(new BundleFormatError({ reason: 'it ends in the middle of an entry' })))
  })
  try {
    await Promise.race([feed(archive, unzipped(options.bundle, gate), parsed), parsed])
    await parsed
    for (const [path, target] of tree.checkedSymlinks()) {
      const place = join(options.into, path)
      await symlink(target, place)
      if (options.owner !== null) await lchown(place, options.owner, options.owner)
    }
  } catch (error) {
    throw bundleErrorOf(error, options)
  } finally {
    gate.destroy()
  }
}

/** The bundle's bytes, unzipped and counted; a failure on the way ends the last stream with its error. */
function unzipped(bundle: string, gate: Transform): AsyncIterable<Uint8Array> {
  return pipeline(createReadStream(bundle), createGunzip(), gate, () => {})
}

/**
 * Hand bytes to the parser as fast as it takes them. By hand and not by a pipeline: the parser's streams are not Node's, and
 * one that is destroyed in the middle would leave a pipeline waiting for ever.
 */
async function feed(
  archive: ReturnType<typeof extract>,
  bytes: AsyncIterable<Uint8Array>,
  parsed: Promise<void>,
): Promise<void> {
  for await (const chunk of bytes) {
    if (archive.write(chunk)) continue
    await Promise.race([new Promise<void>((resolve) => archive.once('drain', () => resolve())), parsed])
  }
  archive.end(undefined)
}

interface Unpacking {
  readonly tree: BundleTree
  readonly budget: { bytes: number; entries: number }
  readonly options: ExtractBundleOptions
}

async function unpackEntry(
  header: Header,
  content: ExtractEvents['entry'][1],
  { tree, budget, options }: Unpacking,
): Promise<void> {
  if (++budget.entries > options.maxEntries) throw new BundleEntriesError({ allowed: options.maxEntries })
  const place = (path: string) => join(options.into, path)
  const own = async (path: string) => {
    if (options.owner !== null) await chown(path, options.owner, options.owner)
  }
  const makeFolder = async (path: string) => {
    const parts = path.split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = place(parts.slice(0, depth).join('/'))
      try {
        await mkdir(folder, { mode: 0o755 })
        await own(folder)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
  }
  const makeParent = (path: string) => {
    const slash = path.lastIndexOf('/')
    return slash < 0 ? Promise.resolve() : makeFolder(path.slice(0, slash))
  }

  switch (header.type) {
    case 'directory': {
      const path = tree.directory(header.name)
      if (path !== '') {
        await makeFolder(path)
        await chmod(place(path), permissions(header, 0o755) | 0o700)
      }
      break
    }
    case 'file':
    case 'contiguous-file': {
      const path = tree.leaf(header.name, 'file')
      const size = header.size ?? 0
      if (budget.bytes + size > options.maxBytes) throw new BundleSizeError({ allowed: options.maxBytes })
      budget.bytes += size
      await makeParent(path)
      const file = await open(place(path), 'wx', 0o600)
      try {
        for await (const chunk of content as AsyncIterable<Uint8Array>) await file.writeFile(chunk)
        await file.chmod(permissions(header, 0o644) | 0o600)
        if (options.owner !== null) await file.chown(options.owner, options.owner)
      } finally {
        await file.close()
      }
      return
    }
    case 'link': {
      const path = tree.leaf(header.name, 'file')
      const target = tree.hardLinkTarget(path, header.linkname ?? '')
      await makeParent(path)
      await link(place(target), place(path))
      break
    }
    case 'symlink': {
      const path = tree.leaf(header.name, 'symlink')
      tree.symlinkTarget(path, header.linkname ?? '')
      await makeParent(path)
      break
    }
    default:
      throw new BundleEntryTypeError({ path: header.name, type: header.type ?? 'unknown' })
  }
  content.resume()
}

/** Permission bits alone: no set-user-id, no set-group-id, no sticky bit. */
function permissions(header: Header, otherwise: number): number {
  return (header.mode ?? otherwise) & 0o777
}

function bundleErrorOf(error: unknown, options: ExtractBundleOptions): unknown {
  if (error instanceof BundleError || !(error instanceof Error)) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC') return new BundleSizeError({ allowed: options.maxBytes })
  if (code?.startsWith('Z_')) return new BundleCompressionError({ cause: error })
  if (code !== undefined && (error as NodeJS.ErrnoException).path === options.bundle)
    return new BundleUnreadableError({ path: options.bundle, cause: error })
  // What carries a system call comes from the disk; the rest is the tar parser's.
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return error
  return new BundleFormatError({ reason: error.message, cause: error })
}
