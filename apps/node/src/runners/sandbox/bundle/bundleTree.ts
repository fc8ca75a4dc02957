import { BundleConflictError, BundleLinkError, BundlePathError } from './errors.ts'

/** What a bundle has put where so far, by path relative to the work folder. Pure; the disk follows it. */
export interface BundleTree {
  /** Place a folder; the same folder twice is fine. Returns its path in canonical form, `''` for the work folder itself. */
  directory(rawPath: string): string
  /** Place a file or a link; nothing may be there. Returns its path in canonical form. */
  leaf(rawPath: string, kind: 'file' | 'symlink'): string
  /** Check a hard link's target: a file of this bundle. Returns the target's path. */
  hardLinkTarget(path: string, rawTarget: string): string
  /** Note a symbolic link's target, checked later. */
  symlinkTarget(path: string, target: string): void
  /** Check that every symbolic link stays inside, followed link by link to its end. Returns them as `[path, target]`. */
  checkedSymlinks(): readonly (readonly [path: string, target: string])[]
}

const MAX_PATH_BYTES = 4000
const MAX_NAME_BYTES = 255
/** The kernel's own limit (MAXSYMLINKS). */
const MAX_LINKS = 40

export function createBundleTree(): BundleTree {
  const kinds = new Map<string, 'directory' | 'file' | 'symlink'>([['', 'directory']])
  const targets = new Map<string, string>()

  const enterParents = (raw: string, parts: readonly string[]) => {
    for (let depth = 1; depth < parts.length; depth++) {
      const ancestor = parts.slice(0, depth).join('/')
      const kind = kinds.get(ancestor)
      if (kind !== undefined && kind !== 'directory')
        throw new BundleConflictError({ path: raw, reason: `lies below a ${kind}` })
      kinds.set(ancestor, 'directory')
    }
  }

  return {
    directory(raw) {
      const parts = pathParts(raw)
      enterParents(raw, parts)
      const path = parts.join('/')
      const kind = kinds.get(path)
      if (kind !== undefined && kind !== 'directory')
        throw new BundleConflictError({ path: raw, reason: `is a folder where a ${kind} is already` })
      kinds.set(path, 'directory')
      return path
    },
    leaf(raw, kind) {
      const parts = pathParts(raw)
      if (parts.length === 0) throw new BundlePathError({ path: raw, reason: 'is the work folder itself' })
      enterParents(raw, parts)
      const path = parts.join('/')
      if (kinds.has(path)) throw new BundleConflictError({ path: raw, reason: 'is there twice' })
      kinds.set(path, kind)
      return path
    },
    hardLinkTarget(path, raw) {
      const target = pathParts(raw).join('/')
      if (kinds.get(target) !== 'file' || target === path)
        throw new BundleLinkError({
          path,
          target: raw,
          reason: 'does not name an earlier file of the bundle',
        })
      return target
    },
    symlinkTarget(path, target) {
      if (target === '' || target.includes('\0'))
        throw new BundleLinkError({ path, target, reason: 'has no usable target' })
      if (target.startsWith('/')) throw new BundleLinkError({ path, target, reason: 'is absolute' })
      targets.set(path, target)
    },
    checkedSymlinks() {
      for (const [path, target] of targets) checkLink(targets, path, target)
      return [...targets]
    },
  }
}

/** Split a path of the archive. Throws `BundlePathError` unless every part is a plain name. */
function pathParts(raw: string): string[] {
  if (raw.startsWith('/')) throw new BundlePathError({ path: raw, reason: 'is absolute' })
  if (raw.includes('\0')) throw new BundlePathError({ path: raw, reason: 'holds a zero byte' })
  // What is not UTF-8 was decoded to U+FFFD, and two different names could become one.
  if (raw.includes('\ufffd')) throw new BundlePathError({ path: raw, reason: 'is not UTF-8' })
  if (Buffer.byteLength(raw) > MAX_PATH_BYTES)
    throw new BundlePathError({ path: raw, reason: `is longer than ${MAX_PATH_BYTES} bytes` })
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.')
  for (const part of parts) {
    if (part === '..') throw new BundlePathError({ path: raw, reason: 'leaves the work folder' })
    if (Buffer.byteLength(part) > MAX_NAME_BYTES)
      throw new BundlePathError({ path: raw, reason: `has a name longer than ${MAX_NAME_BYTES} bytes` })
  }
  return parts
}

/**
 * Walk a link as the kernel would. Reading the target as text is not enough: `a/b/up/../x` is inside by its letters and
 * outside if `up` is itself a link to the top.
 */
function checkLink(targets: ReadonlyMap<string, string>, path: string, target: string): void {
  const outside = () => new BundleLinkError({ path, target, reason: 'points outside the work folder' })
  let position = path.split('/').slice(0, -1)
  let pending = target.split('/')
  let followed = 0
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (position.length === 0) throw outside()
      position = position.slice(0, -1)
      continue
    }
    const next = [...position, part]
    const nextTarget = targets.get(next.join('/'))
    if (nextTarget === undefined) {
      position = next
      continue
    }
    // A circle opens nothing: the kernel gives up as well.
    if (++followed > MAX_LINKS) return
    pending = [...nextTarget.split('/'), ...pending]
  }
}
