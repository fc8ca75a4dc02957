// Bundles each app and package into its dist/, so that a command starts in a fraction of a second.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { bootstrap, fail, root } from './bootstrap.mjs'

bootstrap()
const { build } = await import('esbuild')
const quiet = process.argv.includes('--quiet')

/** Entries of an app: its process, its public API, and files marked as entries of processes or threads of their own. */
function entriesOf(folder) {
  const walk = (path) =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? walk(join(path, entry.name)) : [join(path, entry.name)],
    )
  return walk(join(folder, 'src')).filter(
    (file) =>
      [join(folder, 'src', 'main.ts'), join(folder, 'src', 'index.ts')].includes(file) ||
      /\.(process|worker)\.ts$/.test(file) ||
      file.endsWith(join('sandbox', 'supervisor.ts')),
  )
}

/** Entries of a package: the sources that its package.json exports. */
const exportsOf = (folder) =>
  Object.values(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).exports).map(({ source }) =>
    join(folder, source),
  )

// These bring files of their own (wasm, binaries, worker scripts) and must be loaded from where they are installed. Bundled, a native
// binding is not found, and what stands in for it is several times slower, without a word: `requireNoBindings` ends the build then.
const external = [
  'secp256k1',
  'secp256k1/*',
  'bufferutil',
  'utf-8-validate',
  'keccak',
  '@electric-sql/pglite',
  '@electric-sql/pglite/*',
  '@foundry-rs/*',
  'pino',
  '@tensorflow/*',
  'esbuild',
]
// CommonJS dependencies inside an ES module bundle still ask for `require`.
const banner = `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`

/** Ends the build where a package with a native binding went into a bundle. */
function requireNoBindings({ inputs }) {
  const found = Object.keys(inputs).filter((path) =>
    /node_modules\/(node-gyp-build|bindings)\/|\.node$/.test(path),
  )
  if (found.length > 0) fail(`a native binding is bundled and would not be found: ${found.join(', ')}`)
}

const started = performance.now()
for (const kind of ['packages', 'apps']) {
  for (const { name } of readdirSync(join(root, kind), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )) {
    const folder = join(root, kind, name)
    if (!existsSync(join(folder, 'src', 'index.ts'))) continue
    const outdir = join(folder, 'dist')
    const entryPoints = kind === 'packages' ? exportsOf(folder) : entriesOf(folder)
    rmSync(outdir, { recursive: true, force: true })
    const { metafile } = await build({
      metafile: true,
      entryPoints,
      outdir,
      outbase: join(folder, 'src'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: kind === 'packages' ? 'neutral' : 'node',
      target: kind === 'packages' ? 'es2022' : 'node20',
      conditions: ['source'],
      ...(kind === 'packages' ? { packages: 'external' } : { external, banner: { js: banner } }),
      sourcemap: true,
      logLevel: 'warning',
    })
    requireNoBindings(metafile)
    if (!quiet) process.stdout.write(`built ${relative(root, outdir)}\n`)
  }
}
if (!quiet) process.stdout.write(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
