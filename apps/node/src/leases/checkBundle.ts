import { createReadStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { type BundleTree, createBundleTree } from '../runners/sandbox/bundle/bundleTree.ts'
import {
  BundleCompressionError,
  BundleEntriesError,
  BundleEntryTypeError,
  BundleError,
  BundleFormatError,
  BundleSizeError,
} from '../runners/sandbox/bundle/errors.ts'

export interface CheckBundleOptions {
  readonly bundle: string
  /** Most bytes of all files together. */
  readonly maxBytes: number
  /** Most files, folders and links. */
  readonly maxEntries: number
}

/**
 * Reads a bundle through without writing anything, by the same rules as it will be unpacked. Done before the lease is
 * started, so that a bundle that cannot be unpacked costs its buyer nothing. Throws a `BundleError`.
 */
export async function checkBundle(options: CheckBundleOptions): Promise<void> {
  const { bundle, maxBytes, maxEntries } = options
  const tree = createBundleTree()
  const archive = extract()
  let entries = 0
  let bytes = 0
  archive.on('entry', (header, content, next) => {
    // Destroying the archive destroys its open entry, which would otherwise report the error to nobody.
    content.on('error', () => undefined)
    try {
      if (++entries > maxEntries) throw new BundleEntriesError({ allowed: maxEntries })
      bytes += header.type === 'file' ? (header.size ?? 0) : 0
      if (bytes > maxBytes) throw new BundleSizeError({ allowed: maxBytes })
      place(tree, header)
      content.on('end', next)
      content.resume()
    } catch (error) {
      archive.destroy(error as Error)
    }
  })
  // What flows is bounded as a whole too: a bomb need not be inside a file.
  const slack = 64 * 1024 * 1024
  let streamed = 0
  const gate = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      streamed += chunk.length
      if (streamed > maxBytes + slack) done(new BundleSizeError({ allowed: maxBytes }))
      else done(null, chunk)
    },
  })
  try {
    await pipeline(createReadStream(bundle), createGunzip(), gate, archive)
    tree.checkedSymlinks()
  } catch (error) {
    if (error instanceof BundleError || !(error instanceof Error)) throw error
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code?.startsWith('Z_')) throw new BundleCompressionError({ cause: error })
    if (syscall !== undefined) throw error
    throw new BundleFormatError({ reason: error.message, cause: error })
  }
}

function place(tree: BundleTree, header: Header): void {
  switch (header.type) {
    case 'directory':
      tree.directory(header.name)
      return
    case 'file':
    case 'contiguous-file':
      tree.leaf(header.name, 'file')
      return
    case 'link':
      tree.hardLinkTarget(tree.leaf(header.name, 'file'), header.linkname ?? '')
      return
    case 'symlink':
      tree.symlinkTarget(tree.leaf(header.name, 'symlink'), header.linkname ?? '')
      return
    default:
      throw new BundleEntryTypeError({ path: header.name, type: header.type ?? 'unknown' })
  }
}
