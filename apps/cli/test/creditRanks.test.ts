import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  confirm,
  gatewayClient,
  getBalance,
  getLoan,
  getLoanCapacity,
  getLot,
  getTill,
  takeLot,
} from '@millrace/sdk'
import { facilityAbi } from '@millrace/sdk/abi'
import { type Address, parseEventLogs, zeroAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'
import { allowModule } from '../src/credit/findPool.ts'
import { readLoanFile } from '../src/credit/loanFile.ts'
import { depositShortfall } from '../src/jobs/fundLease.ts'
import { startCreditHome } from './creditHome.ts'

type Row = Record<string, string>
type Line = { readonly what: string; readonly moved: Row }

let network: Awaited<ReturnType<typeof startCreditHome>>
let connection: Connection
let first = ''
let second = ''
const named = (command: string) => command.replaceAll('FIRST', first).replaceAll('SECOND', second)
const run = (command: string, mode?: readonly string[]) => network.run(named(command), mode)
const json = (command: string) => network.json(named(command))

const makePool = async (more = '') => {
  const of = `--panel 0 --underwriter uma --max-obligor 100 --max-cluster 100 --min-obligors 1 --min-clusters 1`
  const made = await json(`pool create ${of}${more}`)
  return String(made.pool)
}
/** Signs what an asset is worth, or what the last command printed, and records it. */
const record = async (signed: string) => {
  writeFileSync(join(network.work, 'signed.json'), signed)
  await run('appraise record signed.json')
}
const machine = async (value: number): Promise<string> => {
  const { asset } = await json('asset register --kind machine --spec machine.json')
  await record(await run(`appraise sign ${asset} ${value} --panel 0 --curve 0 --wallet vic`))
  return String(asset)
}
/** Applies for a loan and has it signed. */
const agree = async (pool: string, file: string, more: string) => {
  const applied = await json(`loan apply ${pool} ${file} --underwriter uma --obligor demo --share 50 ${more}`)
  await run(`loan sign ${file} --wallet uma`)
  return applied as { readonly loan: string; readonly terms: Row }
}
const earn = async (asset: string, amount: number) => {
  await run(`till pay ${asset} ${amount} --wallet cid`)
  await network.pass(10)
  await run(`till settle ${asset}`)
}
const owedOn = async (pool: string, file: string) => {
  const { loan } = readLoanFile(connection, join(network.work, file))
  const { principal, interest } = await getLoan(connection.client, { facility: pool as Address, loan })
  return principal + interest
}
const linesOf = (statement: Record<string, unknown>) => statement.lines as readonly Line[]
const sum = (lines: readonly Line[], ...columns: readonly string[]) =>
  lines.reduce(
    (total, { moved }) => columns.reduce((all, column) => all + BigInt(moved[column] ?? 0), total),
    0n,
  )

beforeAll(async () => {
  network = await startCreditHome()
  connection = await connect({}, network.home)
  writeFileSync(join(network.work, 'machine.json'), '{"gpu": "H100"}')
  for (const name of ['ben', 'uma', 'vic', 'cid']) {
    await run(`wallet new ${name}`)
    await run(`wallet faucet 5000 --wallet ${name}`)
  }
  await run('wallet faucet 5000')
  await run('appraise curve 730d 25')
  await run('appraise panel vic')
  first = await makePool()
  second = await makePool()
  for (const pool of [first, second]) await run(`lend ${pool} 2000 --line junior --wallet ben`)
}, 300_000)
afterAll(() => network?.stop(), 120_000)

describe('two pools on one machine', () => {
  let asset = ''

  test('default: the second stands behind the first; who looks sees what is paid before it', async () => {
    asset = await machine(1000)
    expect(await run(`loan ranks ${asset}`, [])).toContain('Nobody stands on asset')
    const on = `--asset ${asset} --cap`
    const one = await agree('FIRST', 'one.json', `${on} 300 --limit 300`)
    await run('loan draw one.json 200')
    const two = await agree('SECOND', 'two.json', `${on} 100 --limit 100`)
    expect([one.terms.ahead, two.terms.ahead]).toEqual(['0', '300000000'])
    await run('loan draw two.json 80')
    const standing = await json(`loan ranks ${asset}`)
    expect(standing).toMatchObject({
      isRanked: true,
      places: [
        {
          facility: first,
          cap: '300000000',
          ahead: '0',
          loan: one.loan,
          principal: '200000000',
          state: 'live',
        },
        { facility: second, cap: '100000000', ahead: '300000000', loan: two.loan, principal: '80000000' },
      ],
    })
    expect(await run(`loan ranks ${asset}`, [])).toMatch(/1 +0x\w+ +300\.00 .*live\n2 +0x\w+ +100\.00 .*live/)
    const ahead = [{ asset, facility: first, cap: '300000000', owed: expect.stringMatching(/^2000/) }]
    expect((await json('loan status two.json')).ahead).toMatchObject(ahead)
    expect((await json('loan status one.json')).ahead).toEqual([])
    expect((await json('underwrite two.json')).ahead).toMatchObject(ahead)
    expect(await run('loan status two.json', [])).toContain(`Ahead      pool ${first} on asset ${asset}`)
    expect(await run('underwrite two.json', [])).toContain('300.00 TUSD are paid before it')
    // 70 % of three quarters of a thousand, less the cap of the first.
    const { capacity } = (await json('loan status two.json')).capacity as Row
    expect(BigInt(capacity ?? 0)).toBeLessThanOrEqual(225_000_000n)
    expect(BigInt(capacity ?? 0)).toBeGreaterThan(224_000_000n)
  }, 120_000)

  test('statements: what went to debt is what both were repaid, to the unit, and the index agrees with the chain', async () => {
    await earn(asset, 40)
    await earn(asset, 7)
    // Paying out has the first fetch what was collected for it.
    await run('loan draw one.json 10')
    await earn(asset, 3)
    const whole = await json(`statement asset ${asset}`)
    const splits = linesOf(whole).filter(({ what }) => what.includes('split'))
    expect(splits).toHaveLength(3)
    for (const { what } of splits)
      expect(what).toMatch(new RegExp(`split, [\\d.]+ to ${first}, [\\d.]+ to ${second}$`))
    const repaid: bigint[] = []
    for (const file of ['one.json', 'two.json']) {
      const statement = await json(`statement loan ${file}`)
      const lines = linesOf(statement).filter(({ what }) => what === `repaid by asset ${asset}`)
      expect(lines).toHaveLength(3)
      repaid.push(sum(lines, 'interest paid', 'principal paid'))
    }
    const [one = 0n, two = 0n] = repaid
    expect(one).toBeGreaterThan(two)
    expect(sum(splits, 'debt')).toBe(one + two)
    const told = (pool: string) =>
      splits.reduce(
        (total, { what }) => total + Number(new RegExp(`([\\d.]+) to ${pool}`).exec(what)?.[1]),
        0,
      )
    expect([told(first), told(second)]).toEqual([Number(one) / 1e6, Number(two) / 1e6])
    for (const pool of [first, second]) {
      await run(`statement borrower ${pool} demo`)
      const lender = await json(`statement lender ${pool} ben`)
      // Part of the interest is the underwriter's, and a share's price is rounded down.
      expect(BigInt((lender.value as Row).gain ?? 0)).toBeGreaterThanOrEqual(-1n)
    }

    const { client, deployment, currency, gateways } = connection
    const gateway = gatewayClient(gateways[0] ?? '')
    const accounts = [deployment.credit?.ranks ?? '', first, second] as Address[]
    const onChain = await Promise.all(
      accounts.map(async (account) => {
        const { till } = await getBalance(client, { deployment, account, currency: currency.address })
        return till
      }),
    )
    // The ranks hold what the second did not fetch, and what the first was collected since.
    expect(onChain[0]).toBeGreaterThan(two)
    const indexed = () =>
      Promise.all(accounts.map(async (account) => (await gateway.getAccount(account)).balances[0]?.balance))
    await expect.poll(indexed, { timeout: 30_000 }).toEqual(onChain)
    const till = await gateway.getTill(BigInt(asset))
    expect(till?.paid.debt).toBe(one + two)
  }, 120_000)

  test('a loan is refinanced in its pool, then taken over by the pool behind it', async () => {
    await agree('FIRST', 'better.json', `--asset ${asset} --limit 300 --rate 9`)
    const before = await json('loan status one.json')
    const change = await json('loan refinance one.json better.json')
    expect(change).toMatchObject({ isTakenOver: false, oldState: 'closed', state: 'live', oldPool: first })
    expect(BigInt(change.paidOff as string)).toBeGreaterThanOrEqual(BigInt(before.principal as string))
    expect(change.principal).toBe(change.paidOff)
    const whats = linesOf(await json('statement loan better.json')).map(({ what }) => what)
    expect(whats).toContain('drawn to pay another loan off')

    await run('loan repay two.json 200')
    const { terms } = await agree(
      'SECOND',
      'over.json',
      `--asset ${asset} --cap 280 --replaces better.json --limit 280`,
    )
    expect(terms.ahead).toBe('0')
    expect(await json('loan refinance better.json over.json')).toMatchObject({
      isTakenOver: true,
      oldState: 'closed',
    })
    expect((await json(`loan ranks ${asset}`)).places).toMatchObject([
      { facility: second, cap: '280000000', state: 'live' },
    ])
    // Every statement of both pools still adds up.
    for (const of of [
      `asset ${asset}`,
      'borrower FIRST demo',
      'borrower SECOND demo',
      'lender FIRST ben',
      'lender SECOND ben',
    ])
      await run(`statement ${of}`)
  }, 120_000)

  test('a loan behind another is called off: its pool leaves, the other stays; the last one empties the slot', async () => {
    const machine2 = await machine(1000)
    const on = `--asset ${machine2} --cap 100 --limit 100`
    await agree('FIRST', 'stays.json', on)
    await run('loan draw stays.json 50')
    await agree('SECOND', 'goes.json', on)
    await run('loan draw goes.json 0')
    expect((await json('loan cancel goes.json')).freed).toEqual([])
    expect((await json(`loan ranks ${machine2}`)).places).toMatchObject([{ facility: first }])
    await run('loan repay stays.json 60')
    const emptied = await json(`loan ranks ${machine2} --drop ${first}`)
    expect(emptied).toMatchObject({ places: [], isRanked: false, slot: expect.stringMatching(/^0x0+$/) })
  }, 120_000)

  test('error: what is wrong is said by its code, and leaves no file behind', async () => {
    const third = await makePool()
    const free = await machine(1000)
    await run(`loan apply FIRST alone.json --underwriter uma --obligor demo --limit 10 --asset ${free}`)
    const apply = (pool: string, more: string) =>
      `loan apply ${pool} wrong.json --underwriter uma --obligor demo --limit 10 ${more}`
    const wrong: [string, string][] = [
      [apply('FIRST', `--asset ${asset}`), 'CAP_MISSING'],
      [apply('SECOND', `--asset ${free}`), 'ASSET_PLEDGED'],
      [apply('SECOND', `--asset ${free} --cap 10`), 'ASSET_PLEDGED'],
      [apply('FIRST', `--asset ${asset} --cap 9`), 'LIMIT_ABOVE_CAP'],
      [apply('SECOND', `--asset ${asset} --cap 280 --replaces over.json`), 'NOT_AHEAD'],
      [apply('SECOND', `--asset ${asset} --cap 281`), 'RANK_BOUND'],
      [apply('FIRST', `--asset ${asset} --cap 10 --replaces none.json`), 'LOAN_FILE'],
      [`loan ranks ${asset} --drop ${second}`, 'RANK_BOUND'],
      ['loan ranks 999', 'ASSET_MISSING'],
      ['loan refinance one.json alone.json', 'LOAN_UNSIGNED'],
      ['loan refinance one.json none.json', 'LOAN_FILE'],
      ['loan refinance better.json over.json', 'LOAN_EXISTS'],
    ]
    for (const [command, code] of wrong) {
      await expect(run(command), command).rejects.toMatchObject({ code })
      expect(existsSync(join(network.work, 'wrong.json')), command).toBe(false)
    }
    await agree('FIRST', 'behind.json', `--asset ${asset} --cap 10 --limit 10`)
    await expect(run(apply(third, `--asset ${asset} --cap 10`))).rejects.toMatchObject({
      code: 'RANKS_TOO_MANY',
    })
    // Who stands there by itself with nothing outstanding can go into the ranks.
    await run(
      `loan apply FIRST ranked.json --underwriter uma --obligor demo --limit 10 --asset ${free} --cap 10`,
    )
    expect(await json(`loan ranks ${free}`)).toMatchObject({ isRanked: true, places: [{ facility: first }] })
  }, 120_000)
})

describe('an evidence panel', () => {
  test('default: it signs the part of trailing revenue that came from outside, and nothing is lent on more', async () => {
    const asset = await machine(1000)
    const careful = await makePool(' --evidence-panel 1')
    await run('appraise curve 3650d 0')
    await run('appraise panel vic')
    await run(`till pay ${asset} 25 --wallet cid`)
    await run(`till pay ${asset} 15`)
    await network.pass(10)
    await run(`till settle ${asset}`)
    const asked = () => json(`appraise evidence 1 ${asset}`)
    const indexed = async () => ((await asked()).evidence as Row).revenue
    await expect.poll(indexed, { timeout: 30_000 }).toBe('40000000')
    const shown = await asked()
    expect(shown).toMatchObject({ asset, panel: 1, evidence: { adjusted: '25000000', payments: 2 } })
    const trailing = BigInt(shown.trailingRevenue as string)
    expect(trailing).toBeGreaterThan(0n)
    expect(BigInt(shown.amount as string)).toBe((trailing * 25n) / 40n)
    expect(await run(`appraise evidence 1 ${asset}`, [])).toContain('62.5 % of that cannot have come from')
    // Whoever the examiners know to belong to the operator counts as it.
    const { amount } = await json(`appraise evidence 1 ${asset} --related cid`)
    expect(amount).toBe('0')

    await agree(careful, 'vouched.json', `--asset ${asset} --limit 100 --ltv 0 --multiple 200`)
    await expect(run('loan draw vouched.json 1')).rejects.toMatchObject({ code: 'EVIDENCE_EXPIRED' })
    const signed = await run(`appraise evidence 1 ${asset} --sign --curve 1 --wallet vic`)
    await record(signed)
    const recorded = await json(`appraise show ${asset} --panel 1`)
    expect(recorded).toMatchObject({ appraised: JSON.parse(signed).appraisal.value, isFresh: true })
    const { client, deployment } = connection
    const { desk, terms } = readLoanFile(connection, join(network.work, 'vouched.json'))
    const { capacity } = await getLoanCapacity(client, { desk, terms })
    expect(capacity).toBeGreaterThan(0n)
    expect(capacity).toBeLessThanOrEqual(2n * BigInt(recorded.appraised as string))
    const till = await getTill(client, { deployment, asset: BigInt(asset) })
    expect(capacity).toBeLessThan(2n * till.trailingRevenue)
  }, 120_000)

  test('error: USAGE, ASSET_MISSING', async () => {
    const wrong: [string, string][] = [
      ['appraise evidence 1 999', 'ASSET_MISSING'],
      ['appraise evidence here 1', 'USAGE'],
      ['appraise evidence 1 1 --sign', 'USAGE'],
      ['appraise evidence 1 1 --since 400d', 'PERIOD_INVALID'],
    ]
    for (const [command, code] of wrong) await expect(run(command), command).rejects.toMatchObject({ code })
  })
})

describe('a machine on which both have lent', () => {
  test('sold by the first for less than both are owed: it is paid, the second loses the rest, and every statement says so', async () => {
    const sold = await machine(1000)
    await agree('FIRST', 'sells.json', `--asset ${sold} --cap 300 --limit 300 --ramp 1d`)
    await run('loan draw sells.json 200')
    await agree('SECOND', 'loses.json', `--asset ${sold} --cap 200 --limit 200`)
    await run('loan draw loses.json 150')
    await network.pass(60 * 86_400)
    for (const state of ['late', 'impaired', 'defaulted']) {
      await network.pass(11 * 86_400)
      expect(await json('loan poke sells.json')).toMatchObject({ state })
    }
    const { client, deployment, currency } = connection
    const lot = { deployment, seller: first as Address, asset: BigInt(sold) }
    await network.pass(2.8 * 86_400)
    vi.stubEnv('MILLRACE_PASSPHRASE', network.passphrase)
    const taker = await openAccount(connection, { wallet: 'cid' })
    vi.unstubAllEnvs()
    await depositShortfall(connection, { buyer: taker, currency, needed: 1_000_000_000n })
    await allowModule(connection, taker, deployment.credit?.auction ?? zeroAddress)
    const owed = await Promise.all([owedOn(first, 'sells.json'), owedOn(second, 'loses.json')])
    const { price = 0n } = (await getLot(client, lot)) ?? {}
    // Between what the first is owed and what both are.
    expect(price).toBeGreaterThan(owed[0])
    expect(price).toBeLessThan(owed[0] + owed[1])
    const { logs } = await confirm(taker.client, await takeLot(taker.client, { ...lot, maxPrice: price }))
    expect((await json('loan status sells.json')).state).toBe('closed')
    expect((await json('loan status loses.json')).state).toBe('writtenOff')
    expect((await json(`loan ranks ${sold}`)).places).toEqual([])

    const one = await json('statement loan sells.json')
    const two = await json('statement loan loses.json')
    const lost = BigInt((two.closing as Row).lost ?? 0)
    expect(lost).toBeGreaterThan(0n)
    expect(sum(linesOf(one), 'principal paid')).toBe(200_000_000n)
    // What its stake had earned in premiums bears a part.
    const [writtenOff] = parseEventLogs({ abi: facilityAbi, eventName: 'WrittenOff', logs })
    expect(writtenOff?.args.loss).toBe(lost)
    expect(sum(linesOf(two), 'principal paid') + lost + (writtenOff?.args.cover ?? 0n)).toBe(150_000_000n)
    expect(linesOf(two).map(({ what }) => what)).toEqual(expect.arrayContaining(['repaid', 'written off']))
    for (const of of [`asset ${sold}`, 'borrower FIRST demo', 'borrower SECOND demo', 'lender FIRST ben'])
      await run(`statement ${of}`)
    const { value } = (await json('statement lender SECOND ben')) as { value: Row }
    expect(BigInt(value.gain ?? 0)).toBeLessThan(0n)
  }, 120_000)
})
