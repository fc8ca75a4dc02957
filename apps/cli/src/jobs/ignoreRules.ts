/** One line of an ignore file. */
export interface IgnoreRule {
  readonly pattern: RegExp
  readonly foldersOnly: boolean
  /** The line began with `!`: it takes back what an earlier line named. */
  readonly negated: boolean
}

/** Reads the lines of a `.gitignore`: `*`, `**`, `?`, `[…]`, `!`, leading and trailing `/`. */
export function parseIgnore(text: string): readonly IgnoreRule[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?<!\\)\s+$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const negated = line.startsWith('!')
      const body = (negated ? line.slice(1) : line).replace(/^\\(?=[!#])/, '')
      const foldersOnly = body.endsWith('/')
      const path = foldersOnly ? body.slice(0, -1) : body
      // A slash anywhere but at the end ties the pattern to the top.
      const isAnchored = path.includes('/')
      const source = toRegExp(path.replace(/^\//, ''))
      return { pattern: new RegExp(`^${isAnchored ? '' : '(?:.*/)?'}${source}$`), foldersOnly, negated }
    })
}

/** Whether a path, relative and with `/`, is named by the rules. What lies in an ignored folder is never asked about. */
export function isIgnored(rules: readonly IgnoreRule[], path: string, isFolder: boolean): boolean {
  let ignored = false
  for (const { pattern, foldersOnly, negated } of rules)
    if ((!foldersOnly || isFolder) && pattern.test(path)) ignored = !negated
  return ignored
}

function toRegExp(glob: string): string {
  return glob
    .split('/')
    .map((part, index, parts) => {
      if (part === '**') return index === parts.length - 1 ? '.*' : '(?:[^/]+/)*'
      const text = part.replace(/\\(.)|\[!?[^\]]+\]|[.+^${}()|\\*?[\]]/g, (match, escaped?: string) => {
        if (escaped !== undefined) return escaped.replace(/[.+^${}()|\\*?[\]]/g, '\\$&')
        if (match === '*') return '[^/]*'
        if (match === '?') return '[^/]'
        if (match.startsWith('[') && match.endsWith(']') && match.length > 2)
          return match.replace(/^\[!/, '[^').replace(/\\/g, '\\\\')
        return `\\${match}`
      })
      return index === parts.length - 1 ? text : `${text}/`
    })
    .join('')
}
