import type { Header } from 'tar-stream'
import { type BundleTree, createBundleTree } from '../runners/sandbox/bundle/bundleTree.ts'
import { BundleEntryTypeError } from '../runners/sandbox/bundle/errors.ts'
import { readBundle } from '../runners/sandbox/bundle/readBundle.ts'

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
  const tree = createBundleTree()
  await readBundle({
    ...options,
    onEntry: async (header, content) => {
      place(tree, header)
      content.resume()
    },
  })
  tree.checkedSymlinks()
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
