import { createReadStream } from 'node:fs'
import { pipeline, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type ExtractEvents, extract, type Header } from 'tar-stream'
import {
  BundleCompressionError,
  BundleEntriesError,
  BundleError,
  BundleFormatError,
  BundleSizeError,
} from './errors.ts'

export interface ReadBundleOptions {
  /** Path of the gzipped tar. */
  readonly bundle: string
  /** Most bytes of all files together. */
  readonly maxBytes: number
  /** Most files, folders and links. */
  readonly maxEntries: number
  /** Called for each entry, one after the other; must read or resume the content. What it throws ends the reading. */
  readonly onEntry: (header: Header, content: ExtractEvents['entry'][1]) => Promise<void>
}

/** Headers, padding and long names that an archive may spend on an entry besides its content. */
const OVERHEAD_PER_ENTRY = 16 * 1024
/** What the pipeline may read ahead, and the archive's end with its padding. */
const READ_AHEAD = 4 * 1024 * 1024

/**
 * Read a bundle that may be hostile, entry by entry. Sizes are counted while the stream flows: a bomb stops at the limit,
 * wherever in the archive it is. Throws a `BundleError`, the file system's error if the bundle cannot be read, or what
 * `onEntry` throws.
 */
export async function readBundle(options: ReadBundleOptions): Promise<void> {
  const budget = { bytes: 0, entries: 0, streamed: 0 }
  const archive = extract()
  const take = async (header: Header, content: ExtractEvents['entry'][1]) => {
    if (++budget.entries > options.maxEntries) throw new BundleEntriesError({ allowed: options.maxEntries })
    const size = header.size ?? 0
    // An extended header can say anything, and what is not a number compares as within every limit.
    if (!Number.isSafeInteger(size) || size < 0)
      throw new BundleFormatError({ reason: 'the size of an entry is not a whole number' })
    if (header.type === 'file' || header.type === 'contiguous-file') {
      if (budget.bytes + size > options.maxBytes) throw new BundleSizeError({ allowed: options.maxBytes })
      budget.bytes += size
    }
    await options.onEntry(header, content)
  }
  archive.on('entry', (header, content, next) => {
    // Destroyed with the parser, an entry nobody reads would throw its error at the process.
    content.on('error', () => {})
    take(header, content).then(
      () => next(),
      (error: unknown) => archive.destroy(error instanceof Error ? error : undefined),
    )
  })
  // Zeros behind the end of an archive, or endless headers, never reach an entry, and the parser keeps a long header in
  // memory until it is whole: the stream as a whole has a limit too.
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
  } catch (error) {
    if (error instanceof BundleError || !(error instanceof Error)) throw error
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code?.startsWith('Z_')) throw new BundleCompressionError({ cause: error })
    // What carries a system call comes from the disk; the rest is the tar parser's.
    if (syscall !== undefined) throw error
    throw new BundleFormatError({ reason: error.message, cause: error })
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
