import { createLedger } from '@millrace/risk/fraud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SyntheticChain } from '../../test/chain/SyntheticChain.ts'
import { serveChain } from '../../test/chain/serveChain.ts'
import { worldContracts, worldCurrency } from '../../test/chain/World.ts'
import { eventually } from '../../test/eventually.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import { startIndex } from '../chain/startIndex.ts'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import { type Ledgers, openLedgers } from './openLedgers.ts'

const shape = { seed: 3, actions: 6, people: 12, assets: 5 } as const
const options = { held: [worldContracts.market, worldContracts.channels], decimalsOf: () => 6 }

let server: TestPostgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

/** What is opened here, closed at the end. */
const opened: Ledgers[] = []
const open = (database: Database) => {
  const ledgers = openLedgers(database, options)
  opened.push(ledgers)
  return ledgers
}
afterAll(() => Promise.all(opened.map((ledgers) => ledgers.close())))

describe.each(['pglite', 'postgres'] as const)('%s', (engine) => {
  let database: Database
  beforeAll(async () => {
    database = await openDatabase(
      engine === 'pglite' ? { memory: true } : { url: await server.createDatabase() },
    )
  })
  afterAll(() => database.close())

  test('behavior: through blocks and reorganisations a ledger is what one would be that is read anew', async () => {
    const chain = new SyntheticChain(shape)
    chain.mine(120)
    const served = await serveChain(chain)
    const deployment = { chainId: 31_337, ...worldContracts }
    const index = startIndex({
      database,
      rpcUrl: served.url,
      deployment,
      pollMs: 5,
      behindMs: 30,
      finality: 40,
    })
    const ledgers = open(database)
    index.on('reset', ledgers.forget)
    const caughtUp = () =>
      eventually(async () => {
        const found = await database.query('select 1 from chain.head where hash = $1', [chain.head.hash])
        expect(found).toHaveLength(1)
      })
    try {
      let sizes = 0
      for (const act of [
        () => chain.mine(2),
        () => chain.reorg(8),
        () => chain.mine(60),
        () => chain.reorg(30),
        () => chain.drop(5),
        () => chain.mine(9),
      ]) {
        act()
        await caughtUp()
        const kept = await ledgers.of(worldCurrency)
        const anew = await open(database).of(worldCurrency)
        const transfers = await kept.dump()
        expect(transfers).toEqual(await anew.dump())
        expect(kept.time).toBe(chain.head.time)
        sizes += transfers.length
      }
      expect(sizes).toBeGreaterThan(1000)
    } finally {
      await index.close()
      await served.close()
    }
  })

  test('behavior: what the ledger says an asset was paid is what its till collected', async () => {
    const { dump } = await open(database).of(worldCurrency)
    const ledger = createLedger(1n)
    ledger.add(await dump())
    const tills = await database.query<{ asset: bigint; collected: string }>(
      'select asset, (revenue - royalties_pulled)::text as collected from chain.tills',
    )
    let compared = 0
    for (const { asset, collected } of tills) {
      const paid = ledger.into(ledger.account(`asset ${asset}`)).reduce((sum, at) => {
        const fromAsset = ledger.nameOf(ledger.fromOf(at)).startsWith('asset')
        return fromAsset ? sum : sum + BigInt(ledger.unitsDown(at))
      }, 0n)
      expect(paid).toBe(BigInt(collected))
      if (paid > 0n) compared++
    }
    expect(compared).toBeGreaterThan(2)
    const held = options.held.map((contract) => ledger.knows(contract))
    expect(held).toEqual([false, false])
  })

  test('behavior: a currency that nobody used has an empty ledger', async () => {
    const { dump } = await open(database).of(`0x${'99'.repeat(20)}`)
    expect(await dump()).toEqual([])
  })
})
