import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import vectors from '../../../vectors/offers.json' with { type: 'json' }

const resolveDir = fileURLToPath(new URL('.', import.meta.url))
const systemChromium = '/usr/bin/chromium'

/** Bundles source for browsers; fails if anything of Node is needed. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'millrace',
    target: 'es2022',
    conditions: ['source'],
    logLevel: 'silent',
  })
  // HPKE asks for Node's crypto inside a `try`, where there is no web crypto; a browser never gets there.
  const needed = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ path }) => path !== 'crypto')
  expect(needed).toEqual([])
  expect(warnings.filter(({ text }) => !text.includes('"crypto"'))).toEqual([])
  const [file] = outputFiles
  if (file === undefined) throw new RangeError('esbuild wrote nothing')
  return file.text
}

const offer = vectors.offers[0]?.offer
const call = `(() => {
  const json = ${JSON.stringify(offer)}
  const offer = { ...json, asset: BigInt(json.asset), pricePerHour: BigInt(json.pricePerHour), bond: BigInt(json.bond), nonce: BigInt(json.nonce) }
  return millrace.scenario(offer, { num_gpus: 2 })
})()`
const expected = { id: vectors.offers[0]?.id, found: true, chainId: 31337, bytes: [1, 2, 3], node: false }

describe('a bundle for browsers', () => {
  test('default: names an offer and opens a session in a thread that has only web globals', async () => {
    const code = await bundle(`export * from './browserScenario.ts'`)
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) delete globalThis[name]
       ;(0, eval)(workerData + '; globalThis.millrace = millrace')
       ;(0, eval)(${JSON.stringify(call)}).then(
         (result) => parentPort.postMessage(result),
         (error) => parentPort.postMessage({ error: String(error && error.stack) }),
       )`,
      { eval: true, workerData: code, env: {} },
    )
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    await worker.terminate()
    expect(answer).toEqual(expected)
  })

  test.runIf(existsSync(systemChromium))("behavior: the same in the system's Chromium", async () => {
    const code = await bundle(`export * from './browserScenario.ts'`)
    const browser = await chromium.launch({ executablePath: systemChromium, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      // Web crypto exists only on pages that came over a safe way; a page on this machine does.
      await page.route('http://localhost/', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<title>Millrace</title>' }),
      )
      await page.goto('http://localhost/')
      await page.addScriptTag({ content: code })
      expect(await page.evaluate(call)).toEqual(expected)
    } finally {
      await browser.close()
    }
  })
})

describe('sizes after minify and gzip', () => {
  // Measured, rounded up to the next 2 KiB. Raise one only in a change that means to.
  const ceilings: [string, string, number][] = [
    ['name and search offers', 'export { hashOffer, matches, parseQuery }', 12],
    ['read the chain', 'export { getLease, getTill, listAssets }', 46],
    [
      'a page that hires a machine',
      'export { confirm, gatewayClient, hashOffer, openLease, openSession, parse, publishedOfferSchema, webSocketTransport }',
      120,
    ],
    // Without the creation code of any contract, which is some 80 KiB of it.
    [
      'a page that rules a wallet of agents',
      'export { agentAccountAddress, createAgentAccount, getAgentBudget, getExposure, pauseAgent, payAsAgent }',
      94,
    ],
  ]
  test.each(ceilings)('%s', async (_, exports, kibibytes) => {
    const code = await bundle(`${exports} from '../src/index.ts'`)
    expect(gzipSync(code, { level: 9 }).length / 1024).toBeLessThanOrEqual(kibibytes)
  })
})
