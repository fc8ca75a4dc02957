import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dumpIndex } from '../../test/chain/dumpIndex.ts'
import { SyntheticChain } from '../../test/chain/SyntheticChain.ts'
import { type Fault, type ServedChain, serveChain } from '../../test/chain/serveChain.ts'
import { worldContracts } from '../../test/chain/World.ts'
import { eventually } from '../../test/eventually.ts'
import type { Database } from '../database/Database.ts'
import { openDatabase } from '../database/openDatabase.ts'
import { type ChainIndex, type IndexOptions, startIndex } from './startIndex.ts'

const deployment = { chainId: 31_337, ...worldContracts }
const quick = { pollMs: 5, behindMs: 30, timeoutMs: 2_000, longestPauseMs: 40, finality: 20 } as const
const shape = { actions: 4, people: 8, assets: 3 } as const

let database: Database
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  database = await openDatabase({ memory: true })
})
afterAll(() => database.close())

async function run(
  work: (tools: {
    serve: (chain: SyntheticChain, options?: Parameters<typeof serveChain>[1]) => Promise<ServedChain>
    start: (url: string, options?: Partial<IndexOptions>) => ChainIndex
  }) => Promise<void>,
): Promise<void> {
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one)
    return one
  }
  try {
    await work({
      serve: async (chain, options) => keep(await serveChain(chain, options)),
      start: (rpcUrl, options = {}) =>
        keep(startIndex({ database, rpcUrl, deployment, ...quick, ...options })),
    })
  } finally {
    for (const one of open.splice(0).reverse()) await one.close()
  }
}

async function sameAs(chain: SyntheticChain): Promise<void> {
  await eventually(async () => {
    const [head] = await database.query<{ hash: string }>('select hash from chain.head')
    expect(head?.hash).toBe(chain.head.hash)
  })
  const balances = [...chain.head.world.balances].filter(([, amount]) => amount > 0n)
  const rows = await database.query<{ account: string; balance: string }>(
    'select account, balance::text from chain.accounts where balance > 0',
  )
  expect(new Map(rows.map(({ account, balance }) => [account, BigInt(balance)]))).toEqual(new Map(balances))
}

describe('behavior: the RPC', () => {
  test('stalls: the status says so and what was known stays readable; then it goes on', async () => {
    await run(async ({ serve, start }) => {
      const chain = new SyntheticChain({ ...shape, seed: 31 })
      chain.mine(30)
      let fault: Fault = 'none'
      const served = await serve(chain, { fault: () => fault })
      const index = start(served.url, { timeoutMs: 500 })
      await index.reached(30)
      fault = 'stall'
      chain.mine(2)
      await eventually(() =>
        expect(index.status()).toMatchObject({
          state: 'stalled',
          indexed: 30,
          lastError: { code: 'RPC_TIMEOUT' },
        }),
      )
      fault = 'none'
      await index.reached(32)
      await eventually(() =>
        expect(index.status()).toMatchObject({ state: 'following', lastError: undefined }),
      )
    })
  })

  test('is another chain: nothing is indexed and the reason is named', async () => {
    await run(async ({ serve, start }) => {
      const chain = new SyntheticChain({ ...shape, seed: 32 })
      const served = await serve(chain, { chainId: 1 })
      const index = start(served.url)
      await eventually(() => expect(index.status().lastError?.code).toBe('WRONG_CHAIN'))
    })
  })

  test('leaves logs out: the totals in later events show it, and the tables are made again', async () => {
    await run(async ({ serve, start }) => {
      const chain = new SyntheticChain({ ...shape, seed: 33, actions: 12 })
      chain.mine(150)
      let lying = true
      const served = await serve(chain, { fault: () => (lying ? 'truncated' : 'none') })
      const index = start(served.url)
      await eventually(() => expect(index.status().lastError?.code).toBe('EVENT_OUT_OF_PLACE'))
      lying = false
      await sameAs(chain)
    })
  })

  test('starts again from an older state, even one older than the journal', async () => {
    await run(async ({ serve, start }) => {
      const chain = new SyntheticChain({ ...shape, seed: 34 })
      chain.mine(200)
      const served = await serve(chain)
      const index = start(served.url, { behindMs: 10 })
      await index.reached(200)
      chain.drop(5)
      await sameAs(chain)
      chain.drop(100)
      chain.mine(3)
      await sameAs(chain)
      expect(index.status().indexed).toBe(chain.head.number)
    })
  })
})

test('behavior: two gateways on one database apply every block once', async () => {
  await run(async ({ serve, start }) => {
    const chain = new SyntheticChain({ ...shape, seed: 35 })
    chain.mine(60)
    const served = await serve(chain)
    const heard: number[] = []
    const indexes = [start(served.url), start(served.url)]
    for (const index of indexes) index.on('applied', (_, head) => heard.push(head.number))
    for (let block = 0; block < 20; block++) {
      chain.mine(1)
      if (block === 10) chain.reorg(4)
      await Promise.all(indexes.map((index) => index.reached(chain.head.number)))
    }
    await sameAs(chain)
  })
})

test('behavior: what others change within the transaction is undone with it', async () => {
  await database.exec('create table seen (lease text primary key, block bigint not null)')
  await run(async ({ serve, start }) => {
    const chain = new SyntheticChain({ ...shape, seed: 36 })
    chain.mine(80)
    const served = await serve(chain)
    const leases = async () =>
      (await database.query<{ lease: string }>('select lease from seen order by lease')).map(
        ({ lease }) => lease,
      )
    const indexed = async () =>
      (await database.query<{ lease: string }>('select lease from chain.leases order by lease')).map(
        ({ lease }) => lease,
      )
    let failing = true
    const index = start(served.url, {
      within: {
        applied: async (session, events) => {
          for (const event of events) {
            if (event.type !== 'market.LeaseOpened') continue
            await session.query('insert into seen values ($1, $2)', [event.args.lease, event.block])
          }
          // Half of the work is done when the disk is full.
          if (failing) throw new RangeError('no space left')
        },
        undone: async (session, ancestor) => {
          await session.query('delete from seen where block > $1', [ancestor.number])
        },
        reset: (session) => session.exec('truncate seen'),
      },
    })
    await eventually(() => expect(index.status().lastError?.code).toBe('INDEX_FAILED'))
    expect(await leases()).toEqual([])
    failing = false
    await index.reached(80)
    expect(await leases()).toEqual(await indexed())
    chain.reorg(10)
    await sameAs(chain)
    expect(await leases()).toEqual(await indexed())
    expect((await leases()).length).toBeGreaterThan(0)
  })
})

test('behavior: other contracts on the same database make another index', async () => {
  await run(async ({ serve, start }) => {
    const chain = new SyntheticChain({ ...shape, seed: 37 })
    chain.mine(10)
    const served = await serve(chain)
    const index = start(served.url, {
      deployment: { ...deployment, market: '0x00000000000000000000000000000000000000ff' },
    })
    await index.reached(10)
    const dump = await dumpIndex(database)
    expect(dump.leases).toEqual([])
    expect(dump.assets?.length).toBeGreaterThan(0)
  })
})
