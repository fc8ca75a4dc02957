// Builds dist/job: the training and sampling programs, each one file, with the backend's .wasm files and the text.
// Use: node build.mjs [--text DIR]; the text is this repository's own documentation by default.
import { copyFile, cp, mkdir, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../..')
const skipped = new Set(['node_modules', 'dist', 'out', 'cache', 'lib'])

/**
 * @param {{ text?: string, out?: string }} [options] `text`: folder of text; `out`: folder to write.
 * @returns {Promise<string>} the folder that was written: a job's work folder
 */
export async function buildJob(options = {}) {
  const out = resolve(options.out ?? join(here, 'dist/job'))
  await rm(out, { recursive: true, force: true })
  await mkdir(join(out, 'text'), { recursive: true })
  await build({
    entryPoints: { train: join(here, 'src/main.ts'), sample: join(here, 'src/sample.ts') },
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
    // The backend is written for CommonJS and looks for these names.
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; import { fileURLToPath as __fp } from 'node:url'; import { dirname as __dn } from 'node:path'; const require = __cr(import.meta.url); const __filename = __fp(import.meta.url); const __dirname = __dn(__filename);",
    },
  })
  const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
  // Every supported Node has SIMD; the backend uses threads only in browsers.
  await copyFile(join(wasm, 'tfjs-backend-wasm-simd.wasm'), join(out, 'tfjs-backend-wasm-simd.wasm'))
  if (options.text === undefined) await copyDocumentation(root, join(out, 'text'))
  else await cp(resolve(options.text), join(out, 'text'), { recursive: true })
  return out
}

/** Copies every Markdown file of the repository, paths kept. */
async function copyDocumentation(folder, to) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || skipped.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await copyDocumentation(path, to)
    else if (entry.isFile() && extname(entry.name) === '.md') {
      const target = join(to, relative(root, path))
      await mkdir(dirname(target), { recursive: true })
      await copyFile(path, target)
    }
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--text')
  console.log(await buildJob(at < 0 ? {} : { text: process.argv[at + 1] }))
}
