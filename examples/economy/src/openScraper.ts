import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPaywall, type Ledger, priceRoute, startClaimer } from '@millrace/pay'
import { type Agent, registerOwn } from './createAgent.ts'
import { openTillLedger } from './sell.ts'
import { serve } from './serve.ts'

const docs = fileURLToPath(new URL('../../../docs', import.meta.url))
const pagePrice = 2_000n

/** One who collects pages and sells them, one at a time, into the till of a dataset. */
export interface Scraper {
  readonly agent: Agent
  readonly asset: bigint
  readonly url: string
  readonly ledger: Ledger
  readonly sold: () => number
  /** Claims what is promised, and closes the shop. */
  close(): Promise<void>
}

/**
 * Opens the shop: `/pages` tells for free how many there are, `/pages/3` costs.
 *
 * @param agent Whose it is.
 */
export async function openScraper(agent: Agent): Promise<Scraper> {
  const pages = await collect(docs)
  const asset = await registerOwn(agent, 'dataset')
  const { ledger, scheme } = await openTillLedger(agent, asset)
  const { deployment } = agent.network
  const client = agent.network.walletOf(agent.account)
  let sold = 0
  const pageOf = (request: Request) =>
    pages[Number(/^\/pages\/(\d+)$/.exec(new URL(request.url).pathname)?.[1])]
  const handle = priceRoute(
    createPaywall({ schemes: [scheme] }),
    { price: (request) => ({ amount: pageOf(request) === undefined ? 0n : pagePrice }) },
    (request) => {
      if (new URL(request.url).pathname === '/pages') return Response.json({ pages: pages.length })
      const page = pageOf(request)
      if (page === undefined) return new Response('There is no such page.', { status: 404 })
      sold++
      return new Response(page, { headers: { 'content-type': 'text/markdown' } })
    },
  )
  const served = await serve(handle)
  const claimer = startClaimer({ ledger, client, deployment, everyMs: 10_000 })
  return {
    ...{ agent, asset, ledger, url: served.url, sold: () => sold },
    async close() {
      await claimer.stop()
      await served.close()
      await ledger.close()
    },
  }
}

/** Every Markdown file below a folder, in the order of the names. */
async function collect(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.md')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.filter((text) => text.length > 500)
}
