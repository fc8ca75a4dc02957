// Writes docs/errors.md from the error classes in the sources: their code, their doc comment, their remedy. With
// --check says whether the page is out of date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs', 'errors.md')

interface Entry {
  readonly code: string
  readonly name: string
  readonly meaning: string
  readonly remedy: string | undefined
}

const parts = [
  { title: 'SDK', folder: 'packages/sdk/src' },
  { title: 'Journal', folder: 'packages/journal/src' },
  { title: 'Paid calls', folder: 'packages/pay/src' },
  { title: 'Risk', folder: 'packages/risk/src' },
  { title: 'Gateway', folder: 'apps/gateway/src' },
  { title: 'Node', folder: 'apps/node/src' },
  { title: 'Command', folder: 'apps/cli/src' },
]

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return sources(path)
      return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : []
    })
}

const declaration =
  /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:abstract )?class (\w+) extends (\w*(?:Error|Fault))\b/g
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()

/** A string or template literal as people read it: `${options.name}` becomes ‹name›. */
const readable = (literal: string) => oneLine(literal.replace(/\$\{[^}]*?(\w+)[^\w}]*\}/g, '‹$1›'))

function entriesOf(file: string): Entry[] {
  const text = readFileSync(file, 'utf8')
  const found = [...text.matchAll(declaration)]
  return found.flatMap((match, index) => {
    const body = text.slice(match.index + match[0].length, found[index + 1]?.index)
    const code = /(?:code(?:: string)? ?[=:]|super\()\s*(?:\{\s*code:\s*)?'([A-Z][A-Z0-9_]+)'/.exec(body)?.[1]
    if (code === undefined) return []
    const remedy = /remedy:\s*(?:'([^']*)'|`([^`]*)`|"([^"]*)")/.exec(body)
    const literal = remedy?.[1] ?? remedy?.[2] ?? remedy?.[3]
    const meaning = oneLine((match[1] ?? '').replace(/^\s*\*/gm, ''))
    return [
      { code, name: match[2] ?? '', meaning, remedy: literal === undefined ? undefined : readable(literal) },
    ]
  })
}

const sections = parts.map(({ title, folder }) => {
  const entries = sources(join(root, folder))
    .flatMap(entriesOf)
    .sort((a, b) => a.code.localeCompare(b.code))
  const text = entries.map(
    ({ code, name, meaning, remedy }) =>
      `### ${code}\n\n\`${name}\`. ${meaning}${remedy === undefined ? '' : `\n\nWhat to do: ${remedy}`}\n`,
  )
  return `## ${title}\n\n${text.join('\n')}`
})

const wanted = `# Errors

Every failure has a code that never changes. Programs branch on the code; people read the sentence and what to do.
This page is written by \`npm run gen\` from the sources.

${sections.join('\n')}`

if (process.argv.includes('--check')) {
  let present = ''
  try {
    present = readFileSync(page, 'utf8')
  } catch {
    // A missing page is out of date like any other.
  }
  if (present !== wanted) {
    process.stderr.write('docs/errors.md is out of date: run npm run gen\n')
    process.exit(1)
  }
} else writeFileSync(page, wanted)
