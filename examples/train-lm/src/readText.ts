import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { TextFolderEmpty, TextFolderUnreadable, TextNotUtf8 } from './errors.ts'

/** One text file. */
export interface Document {
  /** Path relative to the folder, with `/`. */
  readonly path: string
  readonly text: string
}

const extensions = ['.md', '.txt']
const skipped = new Set(['node_modules', 'dist', 'out'])

/**
 * Reads every Markdown and text file under a folder, in the order of their paths, so that the same folder always
 * gives the same text. Hidden folders, `node_modules`, `dist` and `out` are left out; links are not followed.
 * @throws TextFolderUnreadable, TextFolderEmpty, TextNotUtf8
 */
export async function readText(folder: string): Promise<readonly Document[]> {
  const files = (await list(folder, folder)).sort()
  if (files.length === 0) throw new TextFolderEmpty(folder, extensions)
  const documents: Document[] = []
  for (const file of files) {
    const bytes = await readFile(join(folder, file))
    documents.push({ path: file, text: decode(file, bytes) })
  }
  return documents
}

async function list(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TextFolderUnreadable(folder, cause)
  })
  const found: string[] = []
  for (const entry of entries) {
    if (entry.name.startsWith('.') || skipped.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await list(root, path)))
    else if (entry.isFile() && extensions.includes(extname(entry.name).toLowerCase())) {
      found.push(relative(root, path).replaceAll('\\', '/'))
    }
  }
  return found
}

function decode(file: string, bytes: Uint8Array): string {
  // A zero byte is valid UTF-8, but no text file has one.
  if (bytes.includes(0)) throw new TextNotUtf8(file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch (cause) {
    throw new TextNotUtf8(file, cause)
  }
}
