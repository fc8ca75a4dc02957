// A million offers: the gateway's search in process and over HTTP, beside the same questions in SQL, seeded.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseOrder, parseQuery } from '@millrace/sdk'
import type { Database } from '../../apps/gateway/src/database/Database.ts'
import { openDatabase } from '../../apps/gateway/src/database/openDatabase.ts'
import { SearchIndex } from '../../apps/gateway/src/search/SearchIndex.ts'
import { startPostgres } from '../../apps/gateway/test/startPostgres.ts'
import { round, type Times, timesOf } from './_search/measure.ts'
import { queryKinds } from './_search/queryKinds.ts'
import { createRandom } from './_search/random.ts'
import { documentOf, LIFE, type SyntheticOffer, syntheticOffers } from './_search/syntheticOffers.ts'
import { toSql } from './_search/toSql.ts'

const OFFERS = Number(process.env.OFFERS ?? 1_000_000)
const SEED = 2026
const LIMIT = 20
/** Queries of each kind; SQL is asked less, for it takes longer. */
const EACH = 300
const EACH_HTTP = 200
const EACH_SQL = 20
const BATCH = 5_000
/** Others at work on the machine make every time longer; this says how many. */
const load = round(loadavg()[0] ?? 0)

const say = (text: string) => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-search-'))
try {
  const now = Math.floor(Date.now() / 1000)
  say(`${OFFERS.toLocaleString('en')} offers, seed ${SEED}`)
  const inProcess = searchInProcess(now)
  const dataDir = join(folder, 'database')
  const stored = await fillOffers(dataDir, now + LIFE)
  say(`stored with documents in PGlite in ${stored} s`)
  const http = await searchOverHttp(dataDir)
  const pglite = await searchInSql(await openDatabase({ dataDir: join(folder, 'sql') }))
  const server = await startPostgres()
  const postgres = await searchInSql(await openDatabase({ url: await server.createDatabase() }))
  await server.stop()

  const kinds = Object.fromEntries(
    Object.keys({ ...queryKinds, 'a page deep inside': 0 }).map((kind) => [
      kind,
      {
        inProcess: inProcess.kinds[kind],
        http: http.kinds[kind],
        pglite: pglite.kinds[kind],
        postgres: postgres.kinds[kind],
      },
    ]),
  )
  table(kinds)
  const result = {
    offers: OFFERS,
    seed: SEED,
    limit: LIMIT,
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      loadAtStart: load,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
    index: {
      buildSeconds: inProcess.buildSeconds,
      memoryMiB: inProcess.memoryMiB,
      allKinds: inProcess.all,
      allKindsProcessorTime: inProcess.cpu,
    },
    gateway: {
      what: 'a gateway process on PGlite with every offer and its document, one connection, documents included in the answer; and with 4 requests in flight',
      startToSearchableSeconds: http.loadSeconds,
      memoryMiB: http.memoryMiB,
      peakMemoryMiB: http.peakMemoryMiB,
      allKinds: http.all,
      allKindsFourInFlight: http.four,
    },
    sql: {
      what: 'one table of the same columns with a B-tree on (price, id), (gpu_name, price, id), (num_gpus, price, id), (region, price, id), (operator), analysed; ids only',
      pglite: { buildSeconds: pglite.buildSeconds, allKinds: pglite.all },
      postgres: { version: postgres.version, buildSeconds: postgres.buildSeconds, allKinds: postgres.all },
    },
    kinds,
  }
  writeFileSync(
    fileURLToPath(new URL('../results/search.json', import.meta.url)),
    `${JSON.stringify(result, null, 2)}\n`,
  )
  say(
    `in process ${text(inProcess.all)} (processor time ${text(inProcess.cpu)}); over HTTP ${text(http.all)}; four in flight ${text(http.four)}`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

interface Measured {
  readonly kinds: Record<string, Times>
  readonly all: Times
}

/** Asks every kind in turn, so that none finds the caches warm from its like. */
async function ask(each: number, query: (q: string, order: string) => unknown): Promise<Measured> {
  const random = createRandom(SEED)
  const samples: Record<string, number[]> = {}
  for (let round = -3; round < each; round++) {
    for (const [kind, make] of Object.entries(queryKinds)) {
      const { q, order } = make(random)
      const begun = performance.now()
      await query(q, order)
      const own = samples[kind] ?? []
      samples[kind] = own
      if (round >= 0) own.push(performance.now() - begun)
    }
  }
  return measured(samples)
}

function measured(samples: Record<string, number[]>): Measured {
  return {
    kinds: Object.fromEntries(Object.entries(samples).map(([kind, times]) => [kind, timesOf(times)])),
    all: timesOf(Object.values(samples).flat()),
  }
}

function searchInProcess(now: number) {
  const collect = globalThis.gc ?? (() => {})
  collect()
  const before = process.memoryUsage()
  const begun = performance.now()
  const index = new SearchIndex(SEED)
  for (const { row, asset } of syntheticOffers(OFFERS, SEED))
    index.put({ row: { ...row, asset: asset.toString() }, buyer: null, expiry: now + LIFE })
  const buildSeconds = round((performance.now() - begun) / 1000)
  collect()
  const after = process.memoryUsage()
  const memoryMiB = Math.round(
    (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 2 ** 20,
  )
  say(`index built in ${buildSeconds} s, ${memoryMiB} MiB`)
  const random = createRandom(SEED)
  const samples: Record<string, number[]> = { 'a page deep inside': [] }
  const cpu: number[] = []
  const time = (kind: string, work: () => unknown, count: boolean) => {
    const used = process.cpuUsage()
    const start = performance.now()
    work()
    const elapsed = performance.now() - start
    const { user, system } = process.cpuUsage(used)
    const own = samples[kind] ?? []
    samples[kind] = own
    if (!count) return
    own.push(elapsed)
    cpu.push((user + system) / 1000)
  }
  for (let turn = -3; turn < EACH; turn++) {
    for (const [kind, make] of Object.entries(queryKinds)) {
      const { q, order } = make(random)
      time(
        kind,
        () => index.search({ query: parseQuery(q), order: parseOrder(order), limit: LIMIT, now }),
        turn >= 0,
      )
    }
    const after = { values: [500 + 10 * random.below(300)], id: random.hex(32) }
    const deep = { query: parseQuery('num_gpus>=0'), order: parseOrder('disk'), limit: LIMIT, now, after }
    time('a page deep inside', () => index.search(deep), turn >= 0)
  }
  return { ...measured(samples), cpu: timesOf(cpu), buildSeconds, memoryMiB }
}

/** Fills a gateway's own table, documents and all, past the checks: a million signatures would take an hour. */
async function fillOffers(dataDir: string, expiry: number): Promise<number> {
  const begun = performance.now()
  const database = await openDatabase({ dataDir })
  let seq = 0
  await inBatches(async (batch) => {
    const documents = batch.map((offer) => JSON.stringify(documentOf(offer, expiry)))
    await database.query(
      `insert into offers (id, seq, state, asset, operator, nonce, expiry, facets, document, published_at)
       select t.id, $1::bigint + t.place, 'live', t.asset, t.operator, t.nonce, $2, t.facets, t.document, 0
       from unnest($3::text[], $4::numeric[], $5::text[], $6::numeric[], $7::text[], $8::text[])
         with ordinality as t(id, asset, operator, nonce, facets, document, place)`,
      [
        seq,
        expiry,
        batch.map(({ row }) => row.id),
        batch.map(({ asset }) => asset),
        batch.map(({ operator }) => operator),
        batch.map(({ nonce }) => nonce),
        batch.map(facetsOf),
        documents,
      ],
    )
    seq += batch.length
  })
  await database.query('update offer_sequence set seq = $1', [seq])
  await database.close()
  return round((performance.now() - begun) / 1000)
}

function facetsOf({ row }: SyntheticOffer): string {
  return JSON.stringify([
    row.gpu_name,
    row.num_gpus,
    row.gpu_ram,
    row.cpu_cores,
    row.cpu_ram,
    row.disk,
    row.price,
    row.region,
    row.network,
    row.runner,
    row.arch,
    row.duration,
    null,
  ])
}

async function inBatches(write: (batch: readonly SyntheticOffer[]) => Promise<void>): Promise<void> {
  let batch: SyntheticOffer[] = []
  for (const offer of syntheticOffers(OFFERS, SEED)) {
    batch.push(offer)
    if (batch.length < BATCH) continue
    await write(batch)
    batch = []
  }
  if (batch.length > 0) await write(batch)
}

async function searchOverHttp(dataDir: string) {
  const deployment = join(folder, 'deployment.json')
  const address = (digit: string) => `0x${digit.repeat(40)}`
  writeFileSync(
    deployment,
    JSON.stringify({
      chainId: 31337,
      assets: address('1'),
      till: address('2'),
      market: address('3'),
      channels: address('5'),
      currencies: [{ address: address('4'), symbol: 'USD', decimals: 6, name: 'Test Dollar', version: '1' }],
      epochLength: 86_400,
    }),
  )
  const main = fileURLToPath(new URL('../../apps/gateway/src/main.ts', import.meta.url))
  const begun = performance.now()
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=source', '--import', 'tsx', main, '--port', '0', '--rate-per-second', '1000000'],
      // No chain answers: search does not need one.
      ...['--rpc', 'http://127.0.0.1:9', '--deployment', deployment, '--data-dir', join(dataDir, '..')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`the gateway ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const started = /"event":"gateway.started","url":"([^"]+)"/.exec(line)?.[1]
      if (started !== undefined) resolve(started)
    })
  })
  const health = async () => (await (await fetch(`${url}/v1/health`)).json()) as HealthAnswer
  while (!(await health()).offers.loaded) await new Promise((resolve) => setTimeout(resolve, 250))
  const loadSeconds = round((performance.now() - begun) / 1000)
  const { live } = (await health()).offers
  if (live !== OFFERS) throw new RangeError(`${live} of ${OFFERS} offers were loaded`)
  say(`gateway searchable after ${loadSeconds} s`)
  const search = async (q: string, order: string) => {
    const response = await fetch(
      `${url}/v1/offers?limit=${LIMIT}&q=${encodeURIComponent(q)}&order=${encodeURIComponent(order)}`,
    )
    const body = await response.text()
    if (!response.ok) throw new RangeError(`"${q}": ${body}`)
  }
  const one = await ask(EACH_HTTP, search)
  const many = await Promise.all([1, 2, 3, 4].map(() => ask(Math.ceil(EACH_HTTP / 4), search)))
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const mib = (field: string) =>
    Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
  const memory = { memoryMiB: mib('VmRSS'), peakMemoryMiB: mib('VmHWM') }
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
  // The four ran at once; the worst of their percentiles stands for all.
  const worst = (pick: (times: Times) => number) => Math.max(...many.map(({ all }) => pick(all)))
  const four: Times = {
    queries: many.reduce((sum, { all }) => sum + all.queries, 0),
    p50: worst(({ p50 }) => p50),
    p95: worst(({ p95 }) => p95),
    p99: worst(({ p99 }) => p99),
    max: worst(({ max }) => max),
  }
  return { ...one, four, loadSeconds, ...memory }
}

interface HealthAnswer {
  readonly offers: { readonly live: number; readonly loaded: boolean }
}

async function searchInSql(database: Database) {
  const begun = performance.now()
  await database.exec(`create table facets (
    id text primary key, gpu_name text, num_gpus float8, gpu_ram float8, cpu_cores float8, cpu_ram float8, disk float8,
    price float8, region text, network text, runner text, arch text, reliability float8, duration float8,
    verified bool, asset numeric, operator text)`)
  const numbers = [
    'num_gpus',
    'gpu_ram',
    'cpu_cores',
    'cpu_ram',
    'disk',
    'price',
    'reliability',
    'duration',
  ] as const
  const words = ['id', 'gpu_name', 'region', 'network', 'runner', 'arch', 'operator'] as const
  const all = [...numbers, ...words, 'verified', 'asset'] as const
  await inBatches(async (batch) => {
    await database.query(
      `insert into facets (${all.join(', ')}) select * from unnest(${[
        ...numbers.map((_, at) => `$${at + 1}::float8[]`),
        ...words.map((_, at) => `$${numbers.length + at + 1}::text[]`),
        `$${all.length - 1}::bool[]`,
        `$${all.length}::numeric[]`,
      ].join(', ')})`,
      [
        ...numbers.map((name) => batch.map(({ row }) => row[name])),
        ...words.map((name) => batch.map(({ row }) => row[name]?.toLowerCase() ?? null)),
        batch.map(({ row }) => row.verified),
        batch.map(({ asset }) => asset),
      ],
    )
  })
  await database.exec(`
    create index on facets (price, id);
    create index on facets (gpu_name, price, id);
    create index on facets (num_gpus, price, id);
    create index on facets (region, price, id);
    create index on facets (operator);
    analyze facets;`)
  const buildSeconds = round((performance.now() - begun) / 1000)
  const [row] = await database.query<{ version: string }>(
    "select current_setting('server_version') as version",
  )
  say(`${database.engine} ${row?.version}: table and indexes in ${buildSeconds} s`)
  const measured = await ask(EACH_SQL, (q, order) => database.query(toSql({ q, order }, LIMIT)))
  await database.close()
  return { ...measured, buildSeconds, version: row?.version }
}

function table(kinds: Record<string, Record<string, Times | undefined>>): void {
  const columns = ['inProcess', 'http', 'pglite', 'postgres']
  say(`${'p50 / p99 in milliseconds'.padEnd(38)}${columns.map((name) => name.padStart(18)).join('')}`)
  for (const [kind, of] of Object.entries(kinds))
    say(`${kind.padEnd(38)}${columns.map((name) => text(of[name]).padStart(18)).join('')}`)
}

function text(times: Times | undefined): string {
  return times === undefined ? '–' : `${times.p50} / ${times.p99}`
}
