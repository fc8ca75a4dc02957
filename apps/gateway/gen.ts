// Writes docs/specs/openapi.json from the gateway's routes; with --check says whether it is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { documentApi } from './src/http/documentApi.ts'

const path = fileURLToPath(new URL('../../docs/specs/openapi.json', import.meta.url))
const document = documentApi()
if (!process.argv.includes('--check')) {
  writeFileSync(path, document)
} else {
  let found = ''
  try {
    found = readFileSync(path, 'utf8')
  } catch {
    // Not there: out of date.
  }
  if (found !== document) {
    process.stderr.write('docs/specs/openapi.json is out of date: run npm run gen\n')
    process.exitCode = 1
  }
}
