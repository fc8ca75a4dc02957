import { createPublicClient, custom, type Hex, parseEventLogs, zeroAddress } from 'viem'
import { readContract } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appraisalsAbi } from '../src/generated/appraisals.ts'
import { deskAbi } from '../src/generated/desk.ts'
import { facilityAbi } from '../src/generated/facility.ts'
import {
  aboveOf,
  appraiseAsset,
  approveCurrency,
  borrow,
  CreditContractsUnknownError,
  cancelLoan,
  completeDeployment,
  creditContracts,
  type Deployment,
  depositFromTill,
  depositToVault,
  depreciatedValue,
  drawLoan,
  type FacilityEvent,
  type FacilityPeriod,
  findLots,
  firstBlockAt,
  getAppraisal,
  getAssetStatement,
  getBalance,
  getBorrowerStatements,
  getCurve,
  getFacility,
  getFacilityRules,
  getFreeStake,
  getLenderStatement,
  getLoan,
  getLoanCapacity,
  getLoanStatement,
  getLot,
  getRedeemRequest,
  getTill,
  getUnderwriterStatement,
  harvestLoan,
  hashAppraisal,
  hashLoanRelease,
  hashLoanTerms,
  type LoanTerms,
  loanInterest,
  loanPlan,
  loanTermsSchema,
  loanTermsToJson,
  lotEnd,
  lotPrice,
  mintTestDollars,
  parse,
  payAsset,
  pokeLoan,
  RevertError,
  readFacilityEvents,
  readLogs,
  redeemShares,
  redeemToTill,
  redoLot,
  registerAsset,
  registeredAsset,
  repayLoan,
  requestRedeem,
  restoreLoan,
  type Statement,
  StatementUnbalancedError,
  serveQueue,
  setAppraiser,
  setRunningCosts,
  settleTill,
  setUnderwriter,
  setUpstream,
  signAppraisal,
  signedAppraisalSchema,
  signedAppraisalToJson,
  signLoanRelease,
  signLoanTerms,
  stakeFirstLoss,
  statementToCsv,
  takeLot,
  takenLot,
  tillAbi,
  timesOf,
  unstakeFirstLoss,
  voidAppraisal,
  watchFacility,
  whenLotCosts,
} from '../src/index.ts'
import { day, dollars, roles, startCreditNetwork, year } from './creditNetwork.ts'
import { accountAt } from './localChain.ts'

let network: Awaited<ReturnType<typeof startCreditNetwork>>
let events: FacilityEvent[]
let stop: () => void
const refused = async (name: string, hash: Promise<Hex>) => {
  const error = await hash.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RevertError)
  expect(error).toMatchObject({ revert: { name } })
}

beforeAll(async () => {
  network = await startCreditNetwork()
  events = []
  const { chain, deployment, contracts } = network
  stop = watchFacility(chain.client, {
    deployment,
    facility: contracts,
    fromBlock: 0n,
    interval: 50,
    onEvents: (seen) => {
      events.push(...seen)
    },
  })
})
afterAll(async () => {
  stop?.()
  await network?.chain.stop()
})

/** Opens a loan as the borrower. */
async function open(terms: LoanTerms, amount: bigint): Promise<Hex> {
  const { wallet, done, contracts, domain } = network
  const signature = await signLoanTerms(accountAt(roles.underwriter), terms, domain)
  await done(
    roles.borrower,
    borrow(wallet(roles.borrower), { desk: contracts.desk, terms, signature, amount }),
  )
  return hashLoanTerms(terms, domain)
}

describe('default: a loan from its lenders to its end', () => {
  let asset: bigint
  let terms: LoanTerms
  let loan: Hex

  test('lenders lend, senior as far as junior stands under it; an underwriter stakes', async () => {
    const { chain, deployment, currency, wallet, done, fund, allow, contracts } = network
    const { facility, senior, junior } = contracts
    await fund(roles.bold, dollars(300_000))
    await allow(roles.bold, junior)
    await done(roles.bold, depositFromTill(wallet(roles.bold), { vault: junior, amount: dollars(300_000) }))
    // From its wallet, as any ERC-4626 vault.
    const saver = wallet(roles.saver)
    const token = currency.address
    await done(
      roles.admin,
      mintTestDollars(wallet(roles.admin), {
        currency: token,
        to: saver.account.address,
        amount: dollars(700_000),
      }),
    )
    await done(
      roles.saver,
      approveCurrency(saver, {
        deployment: { ...deployment, till: senior },
        currency: token,
        amount: dollars(700_000),
      }),
    )
    await done(roles.saver, depositToVault(saver, { vault: senior, amount: dollars(700_000) }))
    await fund(roles.underwriter, dollars(50_000))
    await allow(roles.underwriter, facility)
    const underwriter = wallet(roles.underwriter)
    await done(roles.underwriter, stakeFirstLoss(underwriter, { facility, amount: dollars(50_000) }))
    await done(roles.underwriter, unstakeFirstLoss(underwriter, { facility, amount: dollars(1_000) }))
    await refused('StakeTooLow', unstakeFirstLoss(underwriter, { facility, amount: dollars(49_001) }))
    expect(await getFreeStake(chain.client, { facility, underwriter: underwriter.account.address })).toBe(
      dollars(49_000),
    )

    const state = await getFacility(chain.client, { facility })
    expect(state).toMatchObject({ ...contracts, currency: token, deskRules: network.rules.desk })
    expect(state.value).toEqual({
      idle: dollars(1_000_000),
      principal: 0n,
      interest: 0n,
      doubtful: 0n,
      seniorClaim: expect.any(BigInt),
    })
    expect(state.bets).toEqual([null, null, null, null])
    const { decimals, depositPrice, redeemPrice, optimistic, shares, waiting } = state.lines.junior
    expect([decimals, waiting]).toEqual([12, 0n])
    // What senior claims by the second is junior's until interest comes in.
    expect(depositPrice).toBe(((optimistic + 1n) * 10n ** 12n) / (shares + 1_000_000n))
    expect(depositPrice).toBeLessThanOrEqual(1_000_000n)
    expect(redeemPrice).toBeLessThanOrEqual(depositPrice)
    // Junior may be a fifth: a million and a half in all.
    expect(state.lines.senior.room).toBeLessThanOrEqual(dollars(500_000))
    const held = await getBalance(chain.client, { deployment, account: facility, currency: token })
    expect(held.till).toBe(dollars(1_049_000))
  })

  test('rules are read from the creation', async () => {
    const { chain, contracts, rules } = network
    const creation = await getFacilityRules(chain.client, { facility: contracts.facility })
    expect(creation).toMatchObject({
      rules,
      curator: accountAt(roles.admin).address,
      underwriters: [accountAt(roles.underwriter).address],
    })
    expect(await getFacilityRules(chain.client, { facility: contracts.senior })).toBeNull()
    expect(await getFacilityRules(chain.client, { facility: zeroAddress })).toBeNull()
  })

  test('appraisals: what is signed is what the chain hashes, their median is the value', async () => {
    const { chain, deployment, pledge, panel, curve, pass, wallet, done } = network
    asset = await pledge(dollars(100_000))
    const before = await getAppraisal(chain.client, { deployment, panel, asset })
    expect(before).toMatchObject({ appraised: dollars(100_000), isFresh: true, curve })
    expect(await getCurve(chain.client, { deployment, curve })).toEqual({
      halfLife: 2 * year,
      haircutBps: 2_500,
    })
    await pass(30 * day)
    const { value, asOf } = await getAppraisal(chain.client, { deployment, panel, asset })
    const age = (await network.now()) - asOf
    expect(value).toBe(depreciatedValue(dollars(100_000), age, { halfLife: 2 * year, haircutBps: 2_500 }))

    const appraisals = deployment.credit?.appraisals ?? zeroAddress
    const at = { chainId: deployment.chainId, appraisals }
    const now = await network.now()
    const one = { panel, asset, value: 5n, asOf: now, expiry: now + day, curve }
    expect(
      await readContract(chain.client, {
        address: appraisals,
        abi: appraisalsAbi,
        functionName: 'hashAppraisal',
        args: [one],
      }),
    ).toBe(hashAppraisal(one, at))
    const signed = await signAppraisal(accountAt(5), one, at)
    expect(parse(signedAppraisalSchema, signedAppraisalToJson(signed), 'appraisal')).toEqual(signed)
    const admin = wallet(roles.admin)
    await refused('AppraisalCount', appraiseAsset(admin, { deployment, signed: [signed] }))
    const stranger = await signAppraisal(accountAt(8), one, at)
    await refused('AppraiserUnlisted', appraiseAsset(admin, { deployment, signed: [signed, stranger] }))
    await done(
      roles.admin,
      setAppraiser(admin, { deployment, panel, appraiser: accountAt(8).address, listed: true }),
    )
    // Not before seven days have passed.
    await refused('AppraiserUnlisted', appraiseAsset(admin, { deployment, signed: [signed, stranger] }))
    await done(roles.admin, voidAppraisal(admin, { deployment, panel, asset }))
    expect(await getAppraisal(chain.client, { deployment, panel, asset })).toMatchObject({
      value: 0n,
      isFresh: false,
    })
    await pass(1)
    await network.appraise(asset, dollars(100_000))
  })

  test('terms: their hash is the id, what stands above debt is hashed as the till does', async () => {
    const { chain, deployment, contracts, domain, termsOf, wallet, done, currency } = network
    terms = await termsOf(asset)
    loan = hashLoanTerms(terms, domain)
    const desk = { address: contracts.desk, abi: deskAbi } as const
    expect(await readContract(chain.client, { ...desk, functionName: 'hashTerms', args: [terms] })).toBe(loan)
    const release = { loan, total: 7n, deadline: 9 }
    expect(
      await readContract(chain.client, { ...desk, functionName: 'hashRelease', args: [loan, 7n, 9] }),
    ).toBe(hashLoanRelease(release, domain))
    expect(parse(loanTermsSchema, JSON.parse(JSON.stringify(loanTermsToJson(terms))), 'terms')).toEqual(terms)

    // Costs and four upstream assets: two words.
    const owner = accountAt(roles.borrower).address
    const client = wallet(roles.borrower)
    const ids: bigint[] = []
    for (let index = 0; index < 5; index++) {
      const registered = await done(
        roles.borrower,
        registerAsset(client, {
          ...{ deployment, owner, operator: owner, kind: 'model', device: zeroAddress, uri: '' },
          currency: currency.address,
          spec: `0x${'00'.repeat(32)}`,
        }),
      )
      ids.push(registeredAsset(registered) ?? 0n)
    }
    const [built = 0n, ...others] = [...ids].reverse()
    const upstream = others.reverse().map((id, index) => ({ asset: id, bps: 100 * (index + 1) }))
    const consents = upstream.map(() => ({ deadline: 0, nonce: 0n, signature: '0x' as const }))
    await done(roles.borrower, setUpstream(client, { deployment, asset: built, upstream, consents }))
    await done(roles.borrower, setRunningCosts(client, { deployment, asset: built, perDay: 5n, cap: 50n }))
    for (const id of [asset, built]) {
      const till = await getTill(chain.client, { deployment, asset: id })
      const [, , above] = await readContract(chain.client, {
        ...{ address: deployment.till, abi: tillAbi, functionName: 'lienOf', args: [id] },
      } as const)
      expect(aboveOf(till.terms)).toBe(above)
    }
  })

  test('the borrower opens and draws; more needs a release; the chain says why not', async () => {
    const { chain, deployment, wallet, done, contracts, domain } = network
    const { desk, facility } = contracts
    const borrower = wallet(roles.borrower)
    const underwriter = accountAt(roles.underwriter)
    const signature = await signLoanTerms(underwriter, terms, domain)
    const { capacity, worth } = await getLoanCapacity(chain.client, { desk, terms })
    expect(capacity).toBe(worth)
    await refused('NotBorrower', borrow(wallet(roles.buyer), { desk, terms, signature, amount: 0n }))
    await refused(
      'TermsSignatureInvalid',
      borrow(borrower, { desk, terms: { ...terms, rate: 1 }, signature, amount: 0n }),
    )
    await refused('BeyondReleased', borrow(borrower, { desk, terms, signature, amount: dollars(60_001) }))
    await done(roles.borrower, borrow(borrower, { desk, terms, signature, amount: dollars(40_000) }))
    await refused('LoanExists', borrow(borrower, { desk, terms, signature, amount: 0n }))
    await done(roles.borrower, drawLoan(borrower, { desk, terms, amount: dollars(10_000) }))
    await refused('BeyondCapacity', drawLoan(borrower, { desk, terms, amount: dollars(10_000) }))
    const deadline = (await network.now()) + day
    const release = await signLoanRelease(underwriter, { loan, total: dollars(70_000), deadline }, domain)
    await refused('BeyondCapacity', drawLoan(borrower, { desk, terms, amount: dollars(15_000), release }))
    const late = await signLoanRelease(underwriter, { loan, total: dollars(70_000), deadline: 1 }, domain)
    await refused(
      'ReleaseExpired',
      drawLoan(borrower, { desk, terms, amount: dollars(15_000), release: late }),
    )
    expect(await getLoan(chain.client, { facility, loan })).toMatchObject({
      state: 'live',
      principal: dollars(50_000),
      drawn: dollars(50_000),
      isSwept: false,
      assetsLeft: 1,
    })
    const { till } = await getBalance(chain.client, {
      deployment,
      account: borrower.account.address,
      currency: network.currency.address,
    })
    expect(till).toBe(dollars(50_000))
    const { value, bets } = await getFacility(chain.client, { facility })
    expect([value.idle, value.principal]).toEqual([dollars(950_000), dollars(50_000)])
    expect(bets[0]).toBe(40_000n)
  })

  test('the till repays: interest in the ramp, then by the plan', async () => {
    const { chain, deployment, wallet, done, contracts, fund, pass } = network
    const { facility } = contracts
    await fund(roles.buyer, dollars(500_000))
    const buyer = wallet(roles.buyer)
    for (let month = 0; month < 6; month++) {
      await done(roles.buyer, payAsset(buyer, { deployment, asset, amount: dollars(6_000) }))
      await pass(30 * day)
      await done(roles.buyer, settleTill(buyer, { deployment, asset }))
    }
    const { principal, drawn, due } = await getLoan(chain.client, { facility, loan })
    expect(drawn).toBe(dollars(50_000))
    expect(principal).toBeLessThan(dollars(50_000))
    const [last] = parseEventLogs({
      abi: facilityAbi,
      eventName: 'Repaid',
      logs: await chain.client.getLogs({ address: facility, fromBlock: 0n }),
    }).slice(-1)
    expect(last?.args.from).toBe(asset)
    // At the boundary of the last epoch with revenue the plan was met to the unit.
    expect(principal).toBe(loanPlan({ ...terms, drawn }, last?.args.since ?? 0))
    const owed = loanInterest(
      {
        ...terms,
        ...{ principal, drawn, accrues: true, sweeps: false },
        offset: principal * BigInt(terms.rate) * BigInt(last?.args.since ?? 0),
      },
      await network.now(),
    )
    expect(due).toBe(owed + principal - loanPlan({ ...terms, drawn }, await network.now()))
  })

  test('lenders leave by a queue, in parts; who asked claims', async () => {
    const { chain, deployment, wallet, done, contracts } = network
    const { facility, senior, junior } = contracts
    const saver = wallet(roles.saver)
    const { lines } = await getFacility(chain.client, { facility })
    await done(roles.saver, requestRedeem(saver, { vault: senior, shares: lines.senior.shares }))
    const controller = saver.account.address
    expect(await getRedeemRequest(chain.client, { vault: senior, controller })).toEqual({
      pending: lines.senior.shares,
      claimable: 0n,
      assets: 0n,
    })
    await done(roles.admin, serveQueue(wallet(roles.admin), { vault: senior }))
    const served = await getRedeemRequest(chain.client, { vault: senior, controller })
    expect(served.pending).toBe(0n)
    expect(served.claimable).toBe(lines.senior.shares)
    // Conservative is without interest that is owed, and never above the claim.
    expect(served.assets).toBeGreaterThanOrEqual(dollars(700_000))
    await refused('ClaimTooHigh', redeemShares(saver, { vault: senior, shares: served.claimable + 1n }))
    const half = served.claimable / 2n
    await done(roles.saver, redeemShares(saver, { vault: senior, shares: half }))
    await done(roles.saver, redeemToTill(saver, { vault: senior, shares: served.claimable - half }))
    const { till, wallet: pocket } = await getBalance(chain.client, {
      deployment,
      account: controller,
      currency: network.currency.address,
    })
    // A part of a payment that divides a unit leaves it behind.
    expect(served.assets + dollars(1_000) - till - pocket).toBeLessThanOrEqual(1n)
    expect(till + pocket).toBeLessThanOrEqual(served.assets + dollars(1_000))
    // Its own request, of which nothing was paid.
    await refused('ClaimTooHigh', redeemShares(wallet(roles.bold), { vault: junior, shares: 1n }))
  })

  test('anyone repays; stake is harvested; the asset is free', async () => {
    const { chain, wallet, done, contracts, allow } = network
    const { facility, desk } = contracts
    const buyer = wallet(roles.buyer)
    await allow(roles.buyer, facility)
    const early = await restoreLoan(buyer, { facility, loan }).catch((error: unknown) => error)
    expect(early).toMatchObject({
      revert: { name: 'LoanNotIn' },
      message: expect.stringContaining('is live'),
    })
    await done(roles.buyer, repayLoan(buyer, { facility, loan, amount: dollars(60_000) }))
    const closed = await getLoan(chain.client, { facility, loan })
    expect(closed).toMatchObject({ state: 'closed', principal: 0n, interest: 0n })
    expect(closed.stake).toBeGreaterThan(0n)
    const underwriter = accountAt(roles.underwriter).address
    const before = await getFreeStake(chain.client, { facility, underwriter })
    await done(roles.buyer, harvestLoan(buyer, { desk, terms }))
    expect(await getFreeStake(chain.client, { facility, underwriter })).toBe(before + closed.stake)
    await refused('LoanNotIn', repayLoan(buyer, { facility, loan, amount: 1n }))
  })

  test('one that is not repaid is poked, auctioned and taken', async () => {
    const { chain, deployment, wallet, done, contracts, allow, pass } = network
    const { facility, desk } = contracts
    const lot = { deployment, seller: facility, asset }
    await network.appraise(asset, dollars(60_000))
    const next = { ...(await network.termsOf(asset)), nonce: 99n }
    const second = await open(next, dollars(30_000))
    await pass(90 * day)
    const buyer = wallet(roles.buyer)
    for (const state of ['late', 'impaired', 'defaulted']) {
      await pass(11 * day)
      await done(roles.buyer, pokeLoan(buyer, { desk, terms: next }))
      expect((await getLoan(chain.client, { facility, loan: second })).state).toBe(state)
    }
    await refused('NothingToDo', pokeLoan(buyer, { desk, terms: next }))
    await refused('RunNotOver', redoLot(buyer, lot))
    const sellers = [facility]
    expect(await findLots(chain.client, { deployment, sellers })).toMatchObject([
      { seller: facility, asset, runs: 1 },
    ])
    // What another sells is not looked for.
    expect(await findLots(chain.client, { deployment, sellers: [contracts.senior] })).toEqual([])
    await pass(16 * day)
    await refused('RunOver', takeLot(buyer, { ...lot, maxPrice: dollars(100_000) }))
    await done(roles.buyer, redoLot(buyer, lot))
    await pass(3 * day)
    const seen = await getLot(chain.client, lot)
    const [found] = await findLots(chain.client, { deployment, sellers })
    if (found === undefined || seen === null) throw new RangeError('the lot is open')
    expect(found).toEqual({ seller: facility, asset, ...seen })
    expect(found.runs).toBe(2)
    expect(found.price).toBe(lotPrice(found, await network.now()))
    expect(whenLotCosts(found, found.price)).toBeLessThanOrEqual(await network.now())
    expect(lotEnd(found)).toBeGreaterThan(await network.now())
    await allow(roles.buyer, deployment.credit?.auction ?? zeroAddress)
    await refused('PriceAbove', takeLot(buyer, { ...lot, maxPrice: 1n }))
    const taken = takenLot(await done(roles.buyer, takeLot(buyer, { ...lot, maxPrice: seen.price })))
    const { address } = buyer.account
    expect(taken).toMatchObject({ seller: facility, asset, to: address, taker: address })
    expect(taken?.price).toBeLessThanOrEqual(seen.price)
    expect(await getLot(chain.client, lot)).toBeNull()
    expect(await findLots(chain.client, { deployment, sellers })).toEqual([])
    const { state, principal, assetsLeft } = await getLoan(chain.client, { facility, loan: second })
    expect([state, assetsLeft]).toEqual(['writtenOff', 0])
    // What the borrower still pays is a recovery of lenders.
    await done(roles.buyer, repayLoan(buyer, { facility, loan: second, amount: dollars(100) }))
    const after = await getLoan(chain.client, { facility, loan: second })
    expect(after.principal).toBe(principal - dollars(100))
  })

  test('an impaired loan of which nothing is due any more is restored', async () => {
    const { chain, wallet, done, contracts, pass, fund, pledge, termsOf } = network
    const { facility, desk } = contracts
    const other = await pledge(dollars(50_000))
    const third = await termsOf(other)
    const id = await open(third, dollars(10_000))
    const buyer = wallet(roles.buyer)
    await pass(90 * day)
    for (const state of ['late', 'impaired']) {
      await pass(11 * day)
      await done(roles.buyer, pokeLoan(buyer, { desk, terms: third }))
      expect((await getLoan(chain.client, { facility, loan: id })).state).toBe(state)
    }
    await refused('NothingToDo', restoreLoan(buyer, { facility, loan: id }))
    await fund(roles.buyer, dollars(20_000))
    await done(roles.buyer, repayLoan(buyer, { facility, loan: id, amount: dollars(2_000) }))
    await done(roles.buyer, restoreLoan(buyer, { facility, loan: id }))
    // It has to show two good epochs first.
    expect(await getLoan(chain.client, { facility, loan: id })).toMatchObject({
      state: 'live',
      isSwept: true,
    })
  })

  test('the curator lists underwriters, who wait', async () => {
    const { wallet, done, contracts } = network
    const of = { desk: contracts.desk, underwriter: accountAt(9).address, listed: true }
    await refused('NotCurator', setUnderwriter(wallet(roles.buyer), of))
    await done(roles.admin, setUnderwriter(wallet(roles.admin), of))
  })

  test('all of it was told, in order, to who watches and to who reads', async () => {
    const { chain, deployment, contracts } = network
    const toBlock = await chain.client.getBlockNumber()
    const read = await readFacilityEvents(chain.client, {
      deployment,
      facility: contracts,
      fromBlock: 0n,
      toBlock,
    })
    const types = new Set(read.map(({ type }) => type))
    for (const type of [
      'loanOpened',
      'drawn',
      'repaid',
      'loanStateChanged',
      'sold',
      'writtenOff',
      'recovered',
    ] as const)
      expect(types).toContain(type)
    for (const type of [
      'stakeChanged',
      'deposited',
      'redeemRequested',
      'queuePaid',
      'claimed',
      'auctionStarted',
      'auctionTaken',
      'underwriterChanged',
      'curatorChanged',
    ] as const)
      expect(types).toContain(type)
    const opened = read.find((event) => event.type === 'loanOpened')
    expect(opened).toMatchObject({ loan, terms })
    await expect.poll(() => events.length).toBe(read.length)
    expect(events).toEqual(read)
    const logs = await readLogs(chain.client, { address: [contracts.desk], fromBlock: 0n, toBlock })
    expect(parseEventLogs({ abi: deskAbi, eventName: 'LoanOpened', logs: [...logs] })).toHaveLength(3)
  })
})

describe('statements', () => {
  /** All statements of a period, by whose they are. */
  async function statementsOf(period: Omit<FacilityPeriod, 'deployment' | 'facility'>) {
    const { chain, deployment, contracts } = network
    const { client } = chain
    const facility = await getFacility(client, { facility: contracts.facility })
    const at = { deployment, facility, ...period }
    const lenders = [roles.saver, roles.bold].map((role) =>
      getLenderStatement(client, { ...at, account: accountAt(role).address }),
    )
    const loans = await getBorrowerStatements(client, { ...at, account: accountAt(roles.borrower).address })
    const [asset = 0n] = loans.flatMap(({ terms }) => terms.collateral.map((one) => one.asset))
    const statements: Statement<string>[] = [
      ...(await Promise.all(lenders)),
      await getUnderwriterStatement(client, { ...at, account: accountAt(roles.underwriter).address }),
      await getAssetStatement(client, { deployment, asset, decimals: 6, ...period }),
      ...loans,
    ]
    return { statements, loans, at }
  }

  test('a loan on revenue is lost at the cost of its stake, and comes back', async () => {
    const { chain, deployment, wallet, done, contracts, pass, fund, pledge, termsOf, allow } = network
    const { facility, desk } = contracts
    const buyer = wallet(roles.buyer)
    await fund(roles.buyer, dollars(100_000))
    const asset = await pledge(dollars(20_000))
    await done(roles.buyer, payAsset(buyer, { deployment, asset, amount: dollars(6_000) }))
    await pass(2 * day)
    await done(roles.buyer, settleTill(buyer, { deployment, asset }))
    const terms = { ...(await termsOf(asset)), ltvBps: 1_000 }
    const loan = await open(terms, dollars(10_000))
    const { stake } = await getLoan(chain.client, { facility, loan })
    expect(stake).toBeGreaterThan(dollars(1_600))
    await pass(90 * day)
    for (const _ of ['late', 'impaired', 'defaulted']) {
      await pass(11 * day)
      await done(roles.buyer, pokeLoan(buyer, { desk, terms }))
    }
    await pass(8 * day)
    await allow(roles.buyer, deployment.credit?.auction ?? zeroAddress)
    await done(roles.buyer, takeLot(buyer, { deployment, seller: facility, asset, maxPrice: dollars(9_000) }))
    expect(await getLoan(chain.client, { facility, loan })).toMatchObject({ state: 'writtenOff', stake: 0n })
    await done(roles.buyer, repayLoan(buyer, { facility, loan, amount: dollars(8_000) }))
    const { trailing, stake: back } = await getLoan(chain.client, { facility, loan })
    expect(back).toBeGreaterThan(dollars(100))
    await done(roles.buyer, harvestLoan(buyer, { desk, terms }))
    await done(roles.buyer, repayLoan(buyer, { facility, loan, amount: trailing - dollars(1) }))
  })

  test('a loan of which nothing was drawn is called off by its borrower', async () => {
    const { chain, wallet, done, contracts, pledge, termsOf } = network
    const { facility, desk } = contracts
    const terms = await termsOf(await pledge(dollars(20_000)))
    const loan = await open(terms, 0n)
    await refused('NotBorrower', cancelLoan(wallet(roles.buyer), { desk, terms }))
    await done(roles.borrower, cancelLoan(wallet(roles.borrower), { desk, terms }))
    expect(await getLoan(chain.client, { facility, loan })).toMatchObject({ state: 'closed', drawn: 0n })
  })

  test('behavior: cut anywhere, what one period closes with the next one opens with', async () => {
    const { chain, contracts } = network
    const last = await chain.client.getBlockNumber()
    const { block: createdIn = 0n } =
      (await getFacilityRules(chain.client, { facility: contracts.facility })) ?? {}
    const all = { createdIn, fromBlock: createdIn, toBlock: last }
    const { statements: whole, loans, at } = await statementsOf(all)
    expect(loans).toHaveLength(5)
    const [loan] = loans
    if (loan === undefined) throw new RangeError('no loan')
    expect(
      await getLoanStatement(chain.client, { ...at, ...all, loan: loan.loan, terms: loan.terms }),
    ).toEqual(expect.objectContaining({ lines: loan.lines, closing: loan.closing }))
    const flows = [
      'paid in',
      'taken out',
      'put in',
      'premiums',
      'bounties',
      'drawn',
      'principal paid',
      'revenue',
      'debt',
    ]
    for (const part of [1n, 2n, 3n, 4n, 5n, 6n]) {
      const cut = createdIn + ((last - createdIn) * part) / 7n
      const { statements: before } = await statementsOf({ ...all, toBlock: cut })
      const { statements: after } = await statementsOf({ ...all, fromBlock: cut + 1n })
      for (const { of, lines, closing } of whole) {
        const named = (statement: Statement<string>) => statement.of === of
        const [early, late] = [before.find(named), after.find(named)]
        if (early === undefined || late === undefined) {
          // Not opened yet: all of it is in the second part.
          expect(late?.lines).toEqual(lines)
          continue
        }
        for (const column of late.columns) {
          const sum = (early.closing[column] ?? 0n) + (late.closing[column] ?? 0n)
          if (flows.includes(column)) expect(sum, `${column} of ${of}`).toBe(closing[column])
          else if (late.opening[column] !== 0n)
            expect(late.opening[column], `${column} of ${of}`).toBe(early.closing[column])
        }
      }
    }
  }, 300_000)

  test('default: an underwriter sees every unit of its stake', async () => {
    const { chain, contracts } = network
    const { at } = await statementsOf({
      createdIn: 0n,
      fromBlock: 0n,
      toBlock: await chain.client.getBlockNumber(),
    })
    const account = accountAt(roles.underwriter).address
    const { closing, lines, totals, ...rest } = await getUnderwriterStatement(chain.client, {
      ...at,
      account,
    })
    expect(closing).toMatchObject({
      'put in': dollars(50_000),
      'taken out': dollars(1_000),
      bounties: dollars(15),
    })
    expect(closing.premiums).toBeGreaterThan(0n)
    expect(closing.lost).toBeGreaterThan(0n)
    // What went in and was earned is there, or went out and was lost.
    expect(closing['put in'] + closing.premiums).toBe(
      closing['taken out'] +
        closing.bounties +
        closing.lost +
        closing['free stake'] +
        closing['locked stake'],
    )
    expect(closing['free stake']).toBe(
      await getFreeStake(chain.client, { facility: contracts.facility, underwriter: account }),
    )
    expect(totals.gain).toBe(closing.premiums - closing.bounties - closing.lost)
    expect(totals.recovered).toBeGreaterThan(dollars(100))
    expect(totals.locked).toBeGreaterThan(0n)
    expect(totals.released).toBeGreaterThan(0n)
    const whats = lines.map(({ what }) => what.replace(/ ?(loan )?0x\w+,?/g, ''))
    for (const what of [
      'put in',
      'taken out',
      'locked under',
      'released from',
      'premium of',
      'bounty to for',
      'lost with',
      'recovered from',
    ])
      expect(whats).toContain(what)
    const csv = statementToCsv({ closing, lines, ...rest }).split('\r\n')
    expect(csv).toHaveLength(lines.length + 3)
    expect(csv[1]).toBe(',,,opening,0,0,0,0,0,0,0')
  })

  test('error: StatementUnbalancedError, whichever event an RPC hides that changed who holds what', async () => {
    const { chain } = network
    const { at } = await statementsOf({
      createdIn: 0n,
      fromBlock: 0n,
      toBlock: await chain.client.getBlockNumber(),
    })
    const account = accountAt(roles.underwriter).address
    const { lines } = await getUnderwriterStatement(chain.client, { ...at, account })
    const seen = await readFacilityEvents(chain.client, { ...at, fromBlock: 0n })
    const isPremium = (transaction: Hex) =>
      lines.some((line) => line.transaction === transaction && line.what.startsWith('premium'))
    const moving = seen.filter((event) => {
      if (event.type === 'repaid') return isPremium(event.transaction)
      if (event.type === 'writtenOff') return event.cover > 0n
      if (event.type === 'recovered') return event.toStake > 0n
      return event.type === 'stakeLocked' || event.type === 'bountyPaid'
    })
    expect(new Set(moving.map(({ type }) => type)).size).toBe(5)
    for (const { transaction, logIndex } of moving) {
      const forgetful = createPublicClient({
        transport: custom({
          request: async ({ method, params }: { method: string; params?: unknown }) => {
            const answer: unknown = await chain.client.request({ method, params } as never)
            if (method !== 'eth_getLogs' || !Array.isArray(answer)) return answer
            return answer.filter(
              (log) => log.transactionHash !== transaction || Number(log.logIndex) !== logIndex,
            )
          },
        }),
      })
      await expect(getUnderwriterStatement(forgetful, { ...at, account })).rejects.toBeInstanceOf(
        StatementUnbalancedError,
      )
    }
  }, 120_000)

  test('default: blocks and their times', async () => {
    const { client } = network.chain
    const last = await client.getBlockNumber()
    const times = await timesOf(client, [0n, last, last, last - 1n])
    expect(new Set(times.keys())).toEqual(new Set([0n, last, last - 1n]))
    expect(times.size).toBe(3)
    const time = times.get(last) ?? 0
    const first = await firstBlockAt(client, time)
    expect((await timesOf(client, [first, first - 1n])).get(first)).toBe(time)
    expect((await timesOf(client, [first - 1n])).get(first - 1n)).toBeLessThan(time)
    expect(await firstBlockAt(client, time + 1)).toBe(last + 1n)
    expect(await firstBlockAt(client, 0)).toBe(0n)
  })
})

describe('deployments', () => {
  test('behavior: a deployment without credit gets it; error: CreditContractsUnknownError until then', async () => {
    const { chain, deployment, wallet } = network
    const { credit, ...earlier } = deployment
    await expect(
      getAppraisal(chain.client, { deployment: earlier, panel: 0n, asset: 1n }),
    ).rejects.toBeInstanceOf(CreditContractsUnknownError)
    expect(credit).toEqual(creditContracts(deployment.till))
    expect(await completeDeployment(wallet(0), earlier)).toEqual(deployment)
    const kept: Deployment = {
      ...deployment,
      credit: { ...creditContracts(deployment.till), desks: deployment.market },
    }
    expect(await completeDeployment(wallet(0), kept)).toEqual(kept)
  })
})
