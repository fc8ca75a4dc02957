// The direction of imports: packages know no app, no app knows another, sources know no tests, and a package
// is entered by its name only.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { root } from './bootstrap.mjs'

const statement =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
const multiline = /(?:^|\n)(?:import|export)\s*(?:type\s*)?\{[^}]*\}\s*from\s*['"]([^'"]+)['"]/g

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', 'generated'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.(ts|tsx|mts)$/.test(entry.name) ? [path] : []
  })
}

/** Lists the imports that go the wrong way, as lines `file: reason`. */
export function wrongImports() {
  const wrong = []
  const workspaces = ['packages', 'apps', 'examples'].flatMap((kind) =>
    readdirSync(join(root, kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => ({ kind, folder: join(root, kind, entry.name), name: entry.name })),
  )
  const appNames = new Set(
    workspaces.filter(({ kind }) => kind === 'apps').map(({ name }) => `@millrace/${name}`),
  )
  for (const { kind, folder, name } of workspaces) {
    for (const file of sources(folder)) {
      const text = readFileSync(file, 'utf8')
      const isTest = /\.test\.ts$|[/\\]test[/\\]/.test(file)
      const specifiers = [...text.matchAll(statement), ...text.matchAll(multiline)].map(
        (match) => match[1] ?? match[2],
      )
      for (const specifier of new Set(specifiers)) {
        const say = (reason) => wrong.push(`${relative(root, file)}: '${specifier}' ${reason}`)
        if (specifier.startsWith('.')) {
          const target = resolve(dirname(file), specifier)
          // Golden files belong to no workspace; tests of every one read them.
          if (isTest && target.startsWith(join(root, 'vectors') + sep)) continue
          if (!target.startsWith(folder + sep))
            say('leaves its workspace by a path; import the package by name')
          if (!isTest && /[/\\]test[/\\]|\.test\.ts$/.test(target)) say('is a test, imported by a source')
          continue
        }
        const owner = specifier.split('/').slice(0, 2).join('/')
        if (!appNames.has(owner) || owner === `@millrace/${name}`) continue
        if (kind === 'packages') say('is an app, imported by a package')
        else if (!isTest) say('is another app; start it as a process instead')
      }
    }
  }
  return wrong
}
