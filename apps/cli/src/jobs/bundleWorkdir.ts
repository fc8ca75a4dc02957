import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs'
import { join, posix, relative, resolve, sep } from 'node:path'
import { Transform } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Hash } from 'viem'
import { WorkdirError } from '../tasks/errors.ts'
import { type IgnoreRule, isIgnored, parseIgnore } from './ignoreRules.ts'

export interface WorkdirBundle {
  /** SHA-256 of the gzipped tar. */
  readonly hash: Hash
  /** Bytes of the gzipped tar. */
  readonly size: number
  readonly files: number
  /** Bytes of all files, unpacked. */
  readonly unpacked: number
}

interface Entry {
  readonly name: string
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link'
  readonly mode: number
  readonly size: number
  readonly target: string
}

/**
 * Packs a folder as a gzipped tar: regular files, folders, and links that stay inside. Equal folders give equal bytes:
 * names are sorted, times and owners left out. `.git` is left out, and what a `.skyignore` or else a `.gitignore` at
 * the top names.
 *
 * @param folder Absolute path.
 * @param target Where the bundle is written.
 * @throws WorkdirError if there is something that cannot be sent.
 */
export async function bundleWorkdir(folder: string, target: string): Promise<WorkdirBundle> {
  const entries = listEntries(folder, readIgnore(folder))
  const hash = createHash('sha256')
  let size = 0
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  const tar = pack()
  const written = pipeline(tar, createGzip({ level: 6 }), count, createWriteStream(target, { mode: 0o600 }))
  try {
    for (const entry of entries) {
      const header = { name: entry.name, mode: entry.mode, mtime: new Date(0), uid: 0, gid: 0 }
      if (entry.kind === 'folder') tar.entry({ ...header, type: 'directory' })
      else if (entry.kind === 'link') tar.entry({ ...header, type: 'symlink', linkname: entry.target })
      else {
        const sink = tar.entry({ ...header, size: entry.size })
        await pipeline(createReadStream(entry.path), sink).catch((cause: Error) => {
          throw new WorkdirError({
            path: entry.path,
            reason: cause.message,
            remedy: 'Run it again when nothing changes the folder.',
          })
        })
        await finished(sink)
      }
    }
    tar.finalize()
  } catch (error) {
    tar.destroy()
    await written.catch(() => {})
    throw error
  }
  await written
  const files = entries.filter(({ kind }) => kind === 'file')
  return {
    hash: `0x${hash.digest('hex')}`,
    size,
    files: files.length,
    unpacked: files.reduce((sum, entry) => sum + entry.size, 0),
  }
}

function readIgnore(folder: string): readonly IgnoreRule[] {
  for (const name of ['.skyignore', '.gitignore']) {
    try {
      return parseIgnore(readFileSync(join(folder, name), 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return []
}

function listEntries(root: string, rules: readonly IgnoreRule[]): Entry[] {
  const entries: Entry[] = []
  const walk = (folder: string) => {
    const children = readdirSync(folder).sort((a, b) => (a < b ? -1 : 1))
    for (const child of children) {
      const path = join(folder, child)
      const name = relative(root, path).split(sep).join('/')
      const stat = lstatSync(path)
      if (name === '.git' || isIgnored(rules, name, stat.isDirectory())) continue
      const common = { path, mode: stat.mode & 0o100 ? 0o755 : 0o644, size: 0, target: '' }
      if (stat.isDirectory()) {
        entries.push({ ...common, name: `${name}/`, kind: 'folder', mode: 0o755 })
        walk(path)
      } else if (stat.isSymbolicLink()) {
        entries.push({ ...common, name, kind: 'link', target: insideTarget(root, path, name) })
      } else if (stat.isFile()) {
        entries.push({ ...common, name, kind: 'file', size: stat.size })
      } else {
        throw new WorkdirError({
          path,
          reason: 'it is neither a file nor a folder',
          remedy: 'Name it in `.skyignore`, or move it out of the folder.',
        })
      }
    }
  }
  walk(root)
  return entries
}

/** A link's target if it stays inside the folder. */
function insideTarget(root: string, path: string, name: string): string {
  const target = readlinkSync(path)
  const lands = resolve(root, posix.dirname(name), target)
  if (!target.startsWith('/') && (lands === root || lands.startsWith(root + sep))) return target
  throw new WorkdirError({
    path,
    reason: `it is a link to '${target}', outside the folder`,
    remedy: 'Replace it by what it points at, or name it in `.skyignore`.',
  })
}
