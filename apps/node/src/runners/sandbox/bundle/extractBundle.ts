import { chmod, chown, lchown, link, mkdir, open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExtractEvents, Header } from 'tar-stream'
import { type BundleTree, createBundleTree } from './bundleTree.ts'
import { BundleEntryTypeError, BundleError, BundleSizeError, BundleUnreadableError } from './errors.ts'
import { readBundle } from './readBundle.ts'

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

/**
 * Unpack a bundle that may be hostile into an empty folder.
 *
 * Only files, folders and links come out; every path is checked against what the bundle itself has made, and links are made
 * last, so that nothing is ever written through one. Sizes are counted while the stream flows: a bomb stops at the limit.
 * Throws a `BundleError`; what was unpacked until then stays in the folder.
 */
export async function extractBundle(options: ExtractBundleOptions): Promise<void> {
  const tree = createBundleTree()
  try {
    await readBundle({
      ...options,
      onEntry: (header, content) => unpackEntry(header, content, { tree, options }),
    })
    for (const [path, target] of tree.checkedSymlinks()) {
      const place = join(options.into, path)
      await symlink(target, place)
      if (options.owner !== null) await lchown(place, options.owner, options.owner)
    }
  } catch (error) {
    throw bundleErrorOf(error, options)
  }
}

interface Unpacking {
  readonly tree: BundleTree
  readonly options: ExtractBundleOptions
}

async function unpackEntry(
  header: Header,
  content: ExtractEvents['entry'][1],
  { tree, options }: Unpacking,
): Promise<void> {
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
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC') return new BundleSizeError({ allowed: options.maxBytes })
  if (code !== undefined && path === options.bundle)
    return new BundleUnreadableError({ path: options.bundle, cause: error })
  return error
}
