import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCreditHome } from './creditHome.ts'

/** The guide, as a reader follows it: its commands one after another, on a network of its own. */
const guide = readFileSync(new URL('../../../docs/guides/lend.md', import.meta.url), 'utf8')
const day = 86_400
/** The guide's line, without what only a shell that stays open needs. */
const makePool = (name: string) => `node -p "require('./${name}.json').pool" > ${name}`
let network: Awaited<ReturnType<typeof startCreditHome>>
let work = ''
let pool = ''

const named = (command: string) => command.replaceAll('POOL', pool).replaceAll('./', `${work}/`)
const run = (command: string, mode?: readonly string[]) => network.run(named(command), mode)
const json = (command: string) => network.json(named(command))
const pass = (seconds: number) => network.pass(seconds)
/** What the guide kept in a file. */
const kept = (name: string) => readFileSync(join(work, name), 'utf8').trim()

beforeAll(async () => {
  network = await startCreditHome()
  work = network.work
}, 300_000)
afterAll(() => network?.stop(), 120_000)

describe('the guide', () => {
  const lines = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = '']) => block.trim().split('\n'))
    .filter((line) => !line.startsWith('millrace up '))

  test('default: every command does what the guide says', async () => {
    expect(lines.length).toBeGreaterThan(75)
    for (const line of lines) {
      const [command = '', refusal] = line.split(' # refused: ')
      if (!command.startsWith('millrace ')) {
        const { code, err } = await network.shell(
          command.replace(/^[A-Z]+=.* > (\w+)$/, (_, name: string) => makePool(name)),
        )
        expect({ line, code, err }).toEqual({ line, code: 0, err: '' })
        continue
      }
      // As the shell would: what a file holds, and where the output goes.
      const [said = '', file] = command.replace('millrace ', '').split(' > ')
      const words = said.replace(/"\$\(cat (\w+)\)"/g, (_, name: string) => kept(name)).replace('--json ', '')
      const asked = run(words, said.startsWith('--json') ? ['--json'] : [])
      if (refusal !== undefined) {
        await expect(asked, line).rejects.toMatchObject({ code: refusal })
        continue
      }
      const out = await asked.catch((error: unknown) => {
        throw new RangeError(`'${line}' failed`, { cause: error })
      })
      if (file !== undefined) writeFileSync(join(work, file), out)
    }
    pool = kept('pool')
    // And once as a program of its own.
    const { code, out } = await network.shell('millrace --json loan status loan.json')
    expect({ code, state: JSON.parse(out).state }).toEqual({ code: 0, state: 'live' })
  }, 600_000)
})

describe('on the network of the guide', () => {
  test('default: what stands there is what was done', async () => {
    const loan = await json('loan status ./loan.json')
    expect(loan).toMatchObject({ state: 'live', drawn: '450000000', isSigned: true, isSwept: false })
    const shown = await json('pool show POOL')
    expect(shown).toMatchObject({
      facility: pool,
      rules: { book: { seniorRate: 80_000, minJuniorBps: 2_000 } },
    })
    const risk = await json('pool risk POOL')
    const results = risk.results as {
      scenario: string
      seniorLoss: number
      juniorLoss: number
      loss: number
    }[]
    expect(results).toHaveLength(16)
    expect(results[0]).toMatchObject({ scenario: 'as it is' })
    const { principal } = await json('loan status ./loan.json')
    expect(risk.facility).toMatchObject({
      seniorRate: 0.08,
      loans: [
        { id: loan.loan, principal: Number(principal) / 1e6, haircut: 0.25, revenue: [{ monthly: 25 }] },
      ],
    })
    // A currency a tenth below par costs both lines a tenth.
    const depeg = results.find(({ scenario }) => scenario === 'stablecoin depeg')
    expect(depeg?.juniorLoss).toBeGreaterThan(50)
    expect(risk.year).toMatchObject({ pd: 0.08, expected: expect.any(Number) })
    expect(await run('pool risk POOL --scenario obsolescence', [])).toContain(
      'obsolescence: A new generation',
    )
    expect(await json('risk revenue 1 --months 2')).toMatchObject({
      assets: ['1'],
      months: [{ amounts: ['0'] }, { amounts: ['25000000'] }],
    })
    const pools = [pool, kept('second'), JSON.parse(kept('careful.json')).pool, kept('quick'), kept('upper')]
    expect((await json('pool list')).pools).toMatchObject(pools.map((facility) => ({ facility })))
    const upper = kept('upper')
    const { lookThrough } = await json(`pool show ${upper}`)
    expect(lookThrough).toMatchObject({ behind: [{ facility: pool, drawn: '600000000' }], isCut: false })
    // One debtor below, whom the upper pool has a part of.
    const { leverage, through } = lookThrough as {
      leverage: { exposures: readonly unknown[]; effectiveNames: number }
      through: readonly string[]
    }
    expect(leverage.exposures).toHaveLength(1)
    expect(BigInt(through[0] ?? 0)).toBeGreaterThan(0n)
    expect(BigInt(through[0] ?? 0)).toBeLessThanOrEqual(600_000_000n)
    expect(shown.lookThrough).toBeNull()
    const seen = await json('underwrite ./loan.json')
    expect(seen).toMatchObject({ freeStake: expect.any(String), signature: expect.stringMatching(/^0x/) })
    const [asset] = seen.assets as readonly Record<string, unknown>[]
    expect(asset).toMatchObject({ revenue: '25000000', adjusted: '25000000' })
    expect(asset?.payers).toMatchObject([{ amount: '25000000', payments: 1, isRelated: false }])
    expect(asset?.appraisal).toMatchObject({ appraised: '1000000000', isFresh: true })
  })

  test('default: who took the lot owns the machine, paid what it cost then, and the loan is paid off', async () => {
    const { wallets } = (await json('wallet list')) as { wallets: { name: string; address: string }[] }
    const cid = wallets.find(({ name }) => name === 'cid')?.address
    const { owner } = await json('asset show 4')
    expect(String(owner).toLowerCase()).toBe(cid)
    expect(await json('loan status ./lost.json')).toMatchObject({
      state: 'closed',
      principal: '0',
      interest: '0',
    })
    const lost = await json('statement loan ./lost.json')
    expect(lost.closing).toMatchObject({ drawn: '40000000', 'principal paid': '40000000', lost: '0' })
    const uma = await json(`statement underwriter ${kept('quick')} uma`)
    const stake = uma.closing as Record<string, string>
    expect(stake).toMatchObject({ 'put in': '20000000', lost: '0', 'locked stake': stake.premiums })
  })

  test('behavior: the borrower who pays itself is found out', async () => {
    await run('till pay 1 40')
    const seen = await json('underwrite ./loan.json')
    const [asset] = seen.assets as readonly Record<string, unknown>[]
    expect(asset).toMatchObject({ revenue: '65000000', adjusted: '25000000' })
    const payers = asset?.payers as readonly Record<string, unknown>[]
    expect(payers.map(({ amount, isRelated }) => [amount, isRelated])).toEqual([
      ['40000000', true],
      ['25000000', false],
    ])
    expect(JSON.stringify(asset?.findings)).toContain('paid by a related account')
    expect(await run('underwrite ./loan.json', [])).toContain('is the borrower or its operator')
  })

  test('default: statements add up, of all time and of parts of it', async () => {
    const whole = await json('statement asset 1')
    const sum = (statement: Record<string, unknown>, column: string) =>
      (statement.lines as { moved: Record<string, string> }[]).reduce(
        (total, { moved }) => total + BigInt(moved[column] ?? 0),
        0n,
      )
    expect(sum(whole, 'revenue')).toBe(65_000_000n)
    const split = ['fee', 'upstream', 'costs', 'debt', 'shares', 'owner'].reduce(
      (all, layer) => all + sum(whole, layer),
      0n,
    )
    const { unsplit } = whole.closing as { unsplit: string }
    expect(split + BigInt(unsplit)).toBe(65_000_000n)

    const loan = await json('statement loan ./loan.json')
    expect(loan.closing).toMatchObject({ drawn: '450000000', lost: '0' })
    expect(sum(loan, 'drawn') - sum(loan, 'principal paid')).toBe(sum(loan, 'principal'))
    expect(sum(loan, 'interest borne') - sum(loan, 'interest paid')).toBe(sum(loan, 'interest'))

    const borrower = await json('statement borrower POOL')
    const [only] = borrower.loans as Record<string, unknown>[]
    expect(only).toMatchObject({ loan: loan.loan, opening: loan.opening })
    expect(BigInt((borrower.totals as Record<string, string>).principal ?? 0)).toBe(sum(loan, 'principal'))
    expect(await run('statement borrower POOL demo --csv', [])).toMatch(/^of,time,.*\r\nloan 0x/)
    expect(await run('statement borrower POOL', [])).toContain('Owed at the end')

    const uma = await json('statement underwriter POOL uma')
    const stake = uma.closing as Record<string, string>
    expect(stake).toMatchObject({ 'put in': '200000000', 'taken out': '0', bounties: '0', lost: '0' })
    expect(BigInt(stake['free stake'] ?? 0) + BigInt(stake['locked stake'] ?? 0)).toBe(
      200_000_000n + BigInt(stake.premiums ?? 0),
    )
    expect(await run('statement underwriter POOL uma', [])).toContain('At the end')

    const ann = await json('statement lender POOL ann')
    expect(ann.closing).toMatchObject({
      'paid in': '2000000000',
      'senior shares': '0',
      'senior in queue': '0',
    })
    expect(BigInt((ann.closing as Record<string, string>)['taken out'] ?? 0)).toBeGreaterThanOrEqual(
      1_999_999_999n,
    )

    // A day apart: what one period closes with the next one opens with.
    await pass(day)
    const noon = new Date(Date.now() + (day / 2) * 1000).toISOString()
    await run('till pay 1 10 --wallet ben')
    await run('loan repay ./loan.json 20')
    for (const of of ['asset 1', 'loan ./loan.json', 'lender POOL ben', 'underwriter POOL uma']) {
      const before = await json(`statement ${of} --to ${noon}`)
      const after = await json(`statement ${of} --from ${noon}`)
      const kept = ['unsplit', 'principal', 'interest', 'junior shares', 'free stake', 'locked stake']
      for (const column of kept.filter((name) => name in (before.closing as object)))
        expect((after.opening as Record<string, string>)[column]).toBe(
          (before.closing as Record<string, string>)[column],
        )
    }
    const csv = (await run('statement loan ./loan.json --csv', [])).trim().split('\r\n')
    expect(csv[0]).toBe(
      'time,block,transaction,what,drawn,interest borne,interest paid,principal paid,principal,interest,lost',
    )
    const cents = (row: string | undefined) =>
      (row ?? '')
        .split(',')
        .slice(4)
        .map((cell) => Math.round(Number(cell) * 1e6))
    const added = csv
      .slice(1, -1)
      .reduce((total, row) => cents(row).map((cell, at) => cell + (total[at] ?? 0)), [0, 0, 0, 0, 0, 0, 0])
    expect(added).toEqual(cents(csv.at(-1)))
  })

  test('default: a loan that is not repaid goes step by step into the auction, and its statement tells it', async () => {
    await pass(120 * day)
    for (const state of ['late', 'impaired', 'defaulted']) {
      await pass(11 * day)
      expect(await json('loan poke ./loan.json')).toMatchObject({ state })
    }
    await expect(run('loan poke ./loan.json')).rejects.toMatchObject({ code: 'NOTHING_TO_DO' })
    const { lots } = (await json('auction list')) as { lots: Record<string, string>[] }
    expect(lots).toMatchObject([{ asset: '1', seller: pool, runs: 1, isOver: false }])
    const { startPrice = '', price = '' } = lots[0] ?? {}
    expect(BigInt(price)).toBeLessThanOrEqual(BigInt(startPrice))
    await pass(day)
    const shown = (await json('auction show 1')) as { prices: { price: string; time: number }[] }
    const prices = shown.prices.map((one) => BigInt(one.price))
    expect(prices.length).toBeGreaterThan(8)
    expect([...prices].sort((a, b) => Number(b - a))).toEqual(prices)
    expect(prices[0]).toBeLessThanOrEqual((BigInt(startPrice) * 3n) / 4n)
    expect(await run('auction show 1', [])).toContain('millrace auction take 1')
    await expect(run('auction take 1 --max 100 --wallet ben')).rejects.toMatchObject({
      code: 'LOT_TOO_DEAR',
      details: { reachedAt: expect.stringMatching(/^20/) },
    })
    await expect(run('auction take 1 --max 999999 --wallet vic')).rejects.toMatchObject({
      code: 'NOT_ENOUGH_MONEY',
    })
    await expect(run('auction restart 1')).rejects.toMatchObject({ code: 'RUN_NOT_OVER' })
    await pass(15 * day)
    await expect(run('auction take 1 --max 999 --wallet ben')).rejects.toMatchObject({ code: 'LOT_OVER' })
    expect(await run('auction list', [])).toContain('over')
    expect(await run('auction show 1', [])).toContain('auction restart 1')
    expect(await json('auction restart 1')).toMatchObject({ lot: { runs: 2 } })
    const [second] = ((await json('auction list')) as { lots: Record<string, string>[] }).lots
    expect(BigInt(second?.startPrice ?? 0)).toBe(BigInt(startPrice) / 2n)
    expect(await json('loan status ./loan.json')).toMatchObject({ state: 'defaulted' })
    const whats = ((await json('statement loan ./loan.json')).lines as { what: string }[]).map(
      ({ what }) => what,
    )
    expect(whats).toEqual(expect.arrayContaining(['late', 'impaired', 'defaulted']))
    expect(await run('loan status ./loan.json', [])).toContain('defaulted')
  })

  test('error: what is wrong is said by its code', async () => {
    const file = join(work, 'loan.json')
    const whole = readFileSync(file, 'utf8')
    const nobody = '0x00000000000000000000000000000000000000fe'
    const apply = 'loan apply POOL ./other.json --asset 1 --underwriter uma --limit 10 --obligor demo'
    const wrong: [string, string][] = [
      [`pool show ${nobody}`, 'POOL_UNKNOWN'],
      ['pool show here', 'POOL_UNKNOWN'],
      ['pool risk here', 'POOL_UNKNOWN'],
      ['pool risk POOL --scenario doom', 'USAGE'],
      ['pool risk POOL --since never', 'DURATION_INVALID'],
      ['risk revenue 99', 'ASSET_MISSING'],
      ['risk revenue 1 --months 0', 'USAGE'],
      ['pool create --panel x --underwriter uma', 'USAGE'],
      ['pool create --panel 0 --underwriter uma --senior-rate much', 'USAGE'],
      ['pool create --panel 0 --underwriter uma --grace 1s', 'RULES_INVALID'],
      ['lend POOL 5 --line middle', 'USAGE'],
      ['lend POOL much', 'AMOUNT_INVALID'],
      ['lend POOL 999999 --wallet ben', 'NOT_ENOUGH_MONEY'],
      ['redeem claim POOL --wallet uma', 'NOTHING_TO_REDEEM'],
      ['redeem request POOL all --wallet uma', 'NOTHING_TO_REDEEM'],
      ['redeem request POOL some --line junior --wallet ben', 'USAGE'],
      ['loan status ./none.json', 'LOAN_FILE'],
      ['loan status ./pool', 'LOAN_FILE'],
      ['loan status ./appraisal.json', 'LOAN_FILE'],
      ['loan sign ./loan.json --wallet ben', 'NOT_THE_UNDERWRITER'],
      ['underwrite ./loan.json --sign', 'NOT_THE_UNDERWRITER'],
      ['loan draw ./loan.json 0', 'ZERO_AMOUNT'],
      ['loan draw ./loan.json 1', 'LOAN_UNRELEASED'],
      ['loan draw ./loan.json 0 --wallet ann', 'NOT_BORROWER'],
      [apply.replace('other', 'loan'), 'LOAN_FILE'],
      [apply.replace('--asset 1', '--asset none'), 'USAGE'],
      [`${apply} --cluster a b c d`, 'USAGE'],
      [`${apply} --rate 99.12345`, 'USAGE'],
      ['appraise sign 99 5 --panel 0 --curve 0', 'ASSET_MISSING'],
      ['appraise curve 730d 101', 'USAGE'],
      ['appraise panel vic --quorum 12', 'USAGE'],
      ['appraise record ./appraisal.json', 'APPRAISAL_STALE'],
      ['statement asset 1 --from yesterday', 'USAGE'],
      ['statement asset 1 --from 2026-02-01 --to 2026-01-01', 'USAGE'],
      ['statement lender POOL nobody', 'WALLET_MISSING'],
      ['statement borrower POOL ann', 'LOANS_MISSING'],
      ['auction take 99 --max 5', 'ASSET_MISSING'],
      ['auction take 2 --max 5', 'LOT_MISSING'],
      ['auction show 2', 'LOT_MISSING'],
      ['auction restart 2', 'LOT_MISSING'],
      ['auction take 1 --max much', 'AMOUNT_INVALID'],
      ['auction take 1 --max 999 --to nobody', 'WALLET_MISSING'],
      ['statement underwriter POOL nobody', 'WALLET_MISSING'],
    ]
    try {
      for (const [command, code] of wrong) await expect(run(command), command).rejects.toMatchObject({ code })
      writeFileSync(file, JSON.stringify({ ...JSON.parse(whole), chainId: 7 }))
      await expect(run('loan status ./loan.json')).rejects.toMatchObject({ code: 'LOAN_FILE' })
      writeFileSync(file, JSON.stringify({ ...JSON.parse(whole), pool: nobody }))
      await expect(run('loan status ./loan.json')).rejects.toMatchObject({ code: 'POOL_UNKNOWN' })
    } finally {
      writeFileSync(file, whole)
    }
  }, 300_000)
})
