import { type Hex, parseEventLogs, zeroAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  borrow,
  cancelLoan,
  depositFromTill,
  dropRank,
  type FacilityContracts,
  forwardFromRanks,
  getBalance,
  getFacility,
  getLoan,
  getRanks,
  hashLoanTerms,
  type LoanTerms,
  payAsset,
  RevertError,
  readFacilityEvents,
  refinanceLoan,
  setRanks,
  settleTill,
  signLoanTerms,
  stakeFirstLoss,
  takeOverLoan,
  tillAbi,
} from '../src/index.ts'
import { day, dollars, roles, startCreditNetwork } from './creditNetwork.ts'
import { accountAt } from './localChain.ts'

let network: Awaited<ReturnType<typeof startCreditNetwork>>
let ranks: Hex
let first: FacilityContracts
let second: FacilityContracts
const caps = { first: dollars(30_000), second: dollars(15_000) }

const refused = async (name: string, hash: Promise<Hex>) => {
  const error = await hash.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RevertError)
  expect(error).toMatchObject({ revert: { name } })
}

beforeAll(async () => {
  network = await startCreditNetwork()
  const { deployment, contracts, makeFacility, rules, fund, allow, wallet, done } = network
  ranks = deployment.credit?.ranks ?? zeroAddress
  first = contracts
  second = await makeFacility(rules)
  for (const { facility, junior } of [first, second]) {
    await fund(roles.bold, dollars(500_000))
    await allow(roles.bold, junior)
    await done(roles.bold, depositFromTill(wallet(roles.bold), { vault: junior, amount: dollars(500_000) }))
    await fund(roles.underwriter, dollars(50_000))
    await allow(roles.underwriter, facility)
    const stake = { facility, amount: dollars(50_000) }
    await done(roles.underwriter, stakeFirstLoss(wallet(roles.underwriter), stake))
  }
  await fund(roles.buyer, dollars(100_000))
}, 120_000)
afterAll(() => network?.chain.stop())

const domainOf = ({ desk }: FacilityContracts) => ({ chainId: network.deployment.chainId, desk })
const signed = (of: FacilityContracts, terms: LoanTerms) =>
  signLoanTerms(accountAt(roles.underwriter), terms, domainOf(of))

/** Terms of a facility on an asset, up to a cap, behind others. */
async function termsOf(
  asset: bigint,
  { limit, ahead, nonce }: { readonly limit: bigint; readonly ahead: bigint; readonly nonce: bigint },
): Promise<LoanTerms> {
  return { ...(await network.termsOf(asset)), limit, firstDraws: limit, ahead, nonce }
}

async function open(of: FacilityContracts, terms: LoanTerms, amount: bigint): Promise<Hex> {
  const { wallet, done } = network
  const signature = await signed(of, terms)
  await done(roles.borrower, borrow(wallet(roles.borrower), { desk: of.desk, terms, signature, amount }))
  return hashLoanTerms(terms, domainOf(of))
}

/** A machine with the ranks in its debt slot and facilities in them. */
async function ranked(order: Parameters<typeof setRanks>[1]['ranks']): Promise<bigint> {
  const { deployment, wallet, done, pledge } = network
  const asset = await pledge(dollars(100_000), ranks)
  await done(roles.borrower, setRanks(wallet(roles.borrower), { deployment, asset, ranks: order }))
  return asset
}

/** What ranks and till say of the settlements of an asset, from a block on. */
async function paidSince(asset: bigint, fromBlock: bigint) {
  const { chain, deployment } = network
  const logs = await chain.client.getLogs({ address: deployment.till, fromBlock })
  const splits = parseEventLogs({ abi: tillAbi, eventName: 'Settled', logs, args: { asset } })
  const toBlock = await chain.client.getBlockNumber()
  const of = async (facility: FacilityContracts) => {
    const range = { deployment, facility, fromBlock, toBlock }
    const events = await readFacilityEvents(chain.client, range)
    const collected = events.flatMap((event) =>
      event.type === 'collected' && event.asset === asset ? [event.amount] : [],
    )
    const repaid = events.flatMap((event) =>
      event.type === 'repaid' && event.from === asset ? [event.interest + event.principal] : [],
    )
    expect(collected).toEqual(repaid)
    return collected.reduce((sum, amount) => sum + amount, 0n)
  }
  const debt = splits.reduce((sum, { args }) => sum + args.debt, 0n)
  return { debt, first: await of(first), second: await of(second) }
}

describe('two facilities on one asset', () => {
  let asset: bigint
  let one: LoanTerms
  let two: LoanTerms

  test('default: the owner writes the order down, and who may not is refused', async () => {
    const { chain, deployment, wallet, contracts } = network
    const order = [
      { facility: first.facility, cap: caps.first },
      { facility: second.facility, cap: caps.second },
    ]
    asset = await ranked(order)
    const none = { loan: null, state: 'none', isOutstanding: false, principal: 0n, interest: 0n, held: 0n }
    expect(await getRanks(chain.client, { deployment, asset })).toEqual([
      { ...order[0], ...none, ahead: 0n },
      { ...order[1], ...none, ahead: caps.first },
    ])
    expect(await getRanks(chain.client, { deployment, asset: asset + 100n })).toEqual([])
    const owner = wallet(roles.borrower)
    await refused('NotOwner', setRanks(wallet(roles.buyer), { deployment, asset, ranks: order }))
    await refused('RanksTooMany', setRanks(owner, { deployment, asset, ranks: [...order, ...order] }))
    const cap = 1n
    await refused('RankInvalid', setRanks(owner, { deployment, asset, ranks: [{ facility: ranks, cap }] }))
    await refused('NotRanked', dropRank(owner, { deployment, asset, facility: contracts.desk }))
  })

  test('each lends within its cap and behind the caps before it; what was lent on stays', async () => {
    const { chain, deployment, wallet } = network
    const borrower = wallet(roles.borrower)
    one = await termsOf(asset, { limit: caps.first, ahead: 0n, nonce: 1n })
    two = await termsOf(asset, { limit: caps.second, ahead: caps.first, nonce: 2n })
    const asked = async (terms: LoanTerms) =>
      borrow(borrower, { desk: second.desk, terms, signature: await signed(second, terms), amount: 0n })
    await refused('AheadChanged', asked({ ...two, ahead: 0n }))
    await refused('BeyondCap', asked({ ...two, limit: caps.second + 1n }))
    const loans = [await open(first, one, dollars(28_000)), await open(second, two, caps.second)]
    const standing = await getRanks(chain.client, { deployment, asset })
    expect(
      standing.map(({ loan, state, principal, isOutstanding }) => [loan, state, principal, isOutstanding]),
    ).toEqual([
      [loans[0], 'live', dollars(28_000), true],
      [loans[1], 'live', caps.second, true],
    ])
    const facility = first.facility
    await refused('RankBound', dropRank(borrower, { deployment, asset, facility }))
    const raised = [
      { facility, cap: caps.first + 1n },
      { facility: second.facility, cap: caps.second },
    ]
    await refused('RankBound', setRanks(borrower, { deployment, asset, ranks: raised }))
  })

  test('what the asset earns pays the first, then the second, and is theirs to the unit', async () => {
    const { chain, deployment, currency, wallet, done, pass } = network
    const buyer = wallet(roles.buyer)
    const earn = async (amount: bigint) => {
      const from = await chain.client.getBlockNumber()
      await pass(30 * day)
      await done(roles.buyer, payAsset(buyer, { deployment, asset, amount }))
      await pass(day)
      await done(roles.buyer, settleTill(buyer, { deployment, asset }))
      return paidSince(asset, from + 1n)
    }
    // Less than the first is owed in a month.
    const little = await earn(dollars(300))
    expect(little).toEqual({ debt: dollars(297), first: dollars(297), second: 0n })
    const much = await earn(dollars(2_000))
    expect(much.second).toBeGreaterThan(0n)
    expect(much.first + much.second).toBe(much.debt)
    const [held] = [(await getRanks(chain.client, { deployment, asset })).map((rank) => rank.held)]
    expect(held).toEqual([little.first + much.first, much.second])
    const account = { deployment, account: ranks, currency: currency.address }
    expect((await getBalance(chain.client, account)).till).toBe(little.debt + much.debt)

    // Theirs from the settlement on, in their account when anyone asks.
    const book = async () => (await getFacility(chain.client, { facility: second.facility })).value.idle
    const before = await book()
    const ours = { deployment, account: second.facility, currency: currency.address }
    const { till } = await getBalance(chain.client, ours)
    await done(roles.buyer, forwardFromRanks(buyer, { deployment, facility: second.facility }))
    expect((await getBalance(chain.client, ours)).till).toBe(till + much.second)
    expect(await book()).toBe(before)
    expect((await getRanks(chain.client, { deployment, asset })).map((rank) => rank.held)).toEqual([
      held?.[0],
      0n,
    ])
  })

  test('a loan is paid off with a new one of the same facility, without money in between', async () => {
    const { chain, deployment, wallet, done } = network
    const borrower = wallet(roles.borrower)
    const terms = { ...(await termsOf(asset, { limit: caps.first, ahead: 0n, nonce: 3n })), rate: 90_000 }
    const old = hashLoanTerms(one, domainOf(first))
    const signature = await signed(first, terms)
    const change = { desk: first.desk, old: one, terms, signature }
    await refused('NotBorrower', refinanceLoan(wallet(roles.buyer), change))
    const { idle } = (await getFacility(chain.client, { facility: first.facility })).value
    await done(roles.borrower, refinanceLoan(borrower, change))
    const paid = await getLoan(chain.client, { facility: first.facility, loan: old })
    expect(paid).toMatchObject({ state: 'closed', principal: 0n, interest: 0n })
    const [now] = await getRanks(chain.client, { deployment, asset })
    expect(now).toMatchObject({ loan: hashLoanTerms(terms, domainOf(first)), state: 'live' })
    // The interest that was owed is principal now; the premium on it, and only that, went to a stake.
    expect(now?.principal).toBeGreaterThan(dollars(28_000) - dollars(1))
    const after = (await getFacility(chain.client, { facility: first.facility })).value
    expect(after.idle).toBeLessThanOrEqual(idle)
    await refused('LoanNotIn', refinanceLoan(borrower, change))
    one = terms
  })
})

describe('a facility takes a loan of another over', () => {
  test('default: it pays it off, takes its place, and the other is gone from the asset', async () => {
    const { chain, deployment, wallet, done, fund } = network
    const borrower = wallet(roles.borrower)
    const cap = dollars(40_000)
    const asset = await ranked([
      { facility: first.facility, cap: caps.first },
      { facility: second.facility, cap },
    ])
    const loan = await open(
      first,
      await termsOf(asset, { limit: caps.first, ahead: 0n, nonce: 4n }),
      dollars(20_000),
    )
    const terms = await termsOf(asset, { limit: cap, ahead: 0n, nonce: 5n })
    const change = { desk: second.desk, from: first.facility, loan, terms }
    const wrong = { ...terms, ahead: 1n }
    await refused(
      'AheadChanged',
      takeOverLoan(borrower, { ...change, terms: wrong, signature: await signed(second, wrong) }),
    )
    const signature = await signed(second, terms)
    await fund(roles.borrower, 1n)
    const fromBlock = await chain.client.getBlockNumber()
    await done(roles.borrower, takeOverLoan(borrower, { ...change, signature }))
    expect((await getLoan(chain.client, { facility: first.facility, loan })).state).toBe('closed')
    const [only, ...others] = await getRanks(chain.client, { deployment, asset })
    expect(others).toEqual([])
    const next = hashLoanTerms(terms, domainOf(second))
    expect(only).toMatchObject({ facility: second.facility, cap, ahead: 0n, loan: next, state: 'live' })
    // What was drawn here is what was repaid there, and both facilities tell it.
    const range = { deployment, fromBlock: fromBlock + 1n, toBlock: await chain.client.getBlockNumber() }
    const told = await readFacilityEvents(chain.client, { ...range, facility: second })
    expect(told.map(({ type }) => type)).toEqual(expect.arrayContaining(['loanOpened', 'drawn', 'ranked']))
    const drawn = told.find((event) => event.type === 'drawn')
    const there = await readFacilityEvents(chain.client, { ...range, facility: first })
    const repaid = there.find((event) => event.type === 'repaid')
    expect(drawn).toMatchObject({ loan: next, to: second.desk })
    expect(repaid).toMatchObject({
      loan,
      interest: (drawn?.type === 'drawn' ? drawn.amount : 0n) - dollars(20_000),
      principal: dollars(20_000),
    })
    expect(told.find((event) => event.type === 'ranked')).toMatchObject({
      ...{ asset, ranks: [{ facility: second.facility, cap }] },
    })
  })
})

describe('a loan of which nothing is drawn', () => {
  test('is called off, and its facility leaves the ranks', async () => {
    const { chain, deployment, wallet, done } = network
    const borrower = wallet(roles.borrower)
    const facility = first.facility
    const asset = await ranked([{ facility, cap: caps.first }])
    const terms = await termsOf(asset, { limit: caps.first, ahead: 0n, nonce: 6n })
    await open(first, terms, 0n)
    await refused('RankBound', dropRank(borrower, { deployment, asset, facility }))
    await done(roles.borrower, cancelLoan(borrower, { desk: first.desk, terms }))
    const [called] = await getRanks(chain.client, { deployment, asset })
    expect(called).toMatchObject({ state: 'closed', isOutstanding: false })
    await done(roles.borrower, dropRank(borrower, { deployment, asset, facility }))
    expect(await getRanks(chain.client, { deployment, asset })).toEqual([])
  })
})

test('the facilities tell of their ranks, each of its own', async () => {
  const { chain, deployment } = network
  const toBlock = await chain.client.getBlockNumber()
  const told = await readFacilityEvents(chain.client, {
    deployment,
    facility: second,
    fromBlock: 0n,
    toBlock,
  })
  expect(told.filter(({ type }) => type === 'forwarded')).toHaveLength(1)
  const orders = told.flatMap((event) => (event.type === 'ranked' ? [event.ranks] : []))
  // Asset by asset: both, both, the second alone; never one in which it does not stand.
  expect(orders.map((order) => order.length)).toEqual([2, 2, 1])
  for (const order of orders) expect(order.some(({ facility }) => facility === second.facility)).toBe(true)
})
