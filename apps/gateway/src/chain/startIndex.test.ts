import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dumpIndex } from '../../test/chain/dumpIndex.ts'
import { createRandom } from '../../test/chain/random.ts'
import { SyntheticChain } from '../../test/chain/SyntheticChain.ts'
import { type Fault, serveChain } from '../../test/chain/serveChain.ts'
import { worldContracts, worldCurrency } from '../../test/chain/World.ts'
import { startPostgres, type TestPostgres } from '../../test/startPostgres.ts'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import { type IndexOptions, startIndex } from './startIndex.ts'

const deployment = { chainId: 31_337, ...worldContracts }
const quick = { pollMs: 5, behindMs: 30, timeoutMs: 600, longestPauseMs: 40, finality: 40 } as const
const shape = { seed: 1, actions: 6, people: 12, assets: 5 } as const

let server: TestPostgres

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

function options(database: Database, rpcUrl: string): IndexOptions {
  return { database, rpcUrl, deployment, ...quick }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The tables as an index makes them that starts from nothing and meets no trouble. */
async function rebuilt(chain: SyntheticChain): Promise<Record<string, string[]>> {
  const served = await serveChain(chain)
  const database = await openDatabase({ memory: true })
  const index = startIndex(options(database, served.url))
  await index.reached(chain.head.number)
  const dump = await dumpIndex(database)
  await index.close()
  await served.close()
  await database.close()
  return dump
}

describe.each(['pglite', 'postgres'] as const)('%s', (engine) => {
  let database: Database

  beforeAll(async () => {
    database = await openDatabase(
      engine === 'pglite' ? { memory: true } : { url: await server.createDatabase() },
    )
  })
  afterAll(() => database.close())

  test('default', async () => {
    const chain = new SyntheticChain(shape)
    chain.mine(150)
    const served = await serveChain(chain)
    const index = startIndex(options(database, served.url))
    try {
      await index.reached(150)
      chain.mine(3)
      await index.reached(153)
      await until(() => index.status().state === 'following')
      expect(index.status()).toMatchObject({ head: 153, indexed: 153, lag: 0, lastError: undefined })
      const { balances, assets } = chain.head.world
      const accounts = await database.query<{ account: string; balance: string }>(
        'select account, balance::text from chain.accounts where balance > 0',
      )
      const held = [...balances].filter(([, amount]) => amount > 0n)
      expect(new Map(accounts.map(({ account, balance }) => [account, BigInt(balance)]))).toEqual(
        new Map(held),
      )
      const tills = await database.query<{ bucket: string; royalties_due: string }>(
        'select bucket::text, royalties_due::text from chain.tills order by asset',
      )
      expect(tills).toEqual(
        assets.map(({ bucket, royalties }) => ({
          bucket: bucket.toString(),
          royalties_due: royalties.toString(),
        })),
      )
    } finally {
      await index.close()
      await served.close()
    }
  })

  const seeds =
    process.env.MILLRACE_SEED === undefined
      ? [engine === 'pglite' ? 7 : 11]
      : [Number(process.env.MILLRACE_SEED)]
  test.each(seeds)(
    'behavior: chaos of reorgs, faults and restarts ends in the rebuilt tables (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const chain = new SyntheticChain({ ...shape, seed })
      const faults: readonly Fault[] = [
        'error',
        'cut',
        'stall',
        'shuffled',
        'late-logs',
        'outside',
        'garbage',
      ]
      let calm = false
      const served = await serveChain(chain, {
        maxLogs: 300,
        fault: () => (!calm && random.oneIn(4) ? random.pick(faults) : 'none'),
      })
      chain.mine(120)
      let index = startIndex(options(database, served.url))
      let undone = 0
      for (let round = 0; round < 25; round++) {
        const dice = random.below(10)
        if (dice < 4) chain.mine(1 + random.below(4))
        else if (dice < 7) chain.reorg(1 + random.below(30))
        else if (dice < 8) chain.drop(1 + random.below(6))
        else if (dice < 9) chain.mine(90)
        else {
          await index.close()
          index = startIndex(options(database, served.url))
          index.on('undone', () => undone++)
        }
        await new Promise((resolve) => setTimeout(resolve, random.below(40)))
      }
      calm = true
      chain.reorg(3)
      await until(
        async () =>
          (await database.query('select 1 from chain.head where hash = $1', [chain.head.hash])).length === 1,
      )
      const dump = await dumpIndex(database)
      await index.close()
      await served.close()
      expect(dump).toEqual(await rebuilt(chain))
    },
  )

  test('behavior: money in the tables is money in the till', async () => {
    const [row] = await database.query<{ inside: string; outside: string }>(
      `select
         (select sum(balance) from chain.accounts where currency = $1)
           + (select sum(bucket + debt_held + royalties_due) from chain.tills) as inside,
         (select deposited - withdrawn from chain.currencies where currency = $1) as outside`,
      [worldCurrency],
    )
    expect(row?.inside).toBe(row?.outside)
  })
})
