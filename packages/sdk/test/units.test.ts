import { zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  aboveOf,
  addUnits,
  approveUnits,
  borrow,
  collectUnits,
  confirm,
  createdFacility,
  createdPanel,
  createFacility,
  createPanel,
  depositFromTill,
  getAppraisal,
  getFacility,
  getLoan,
  getLookThrough,
  getTill,
  getUnits,
  hashLoanTerms,
  type LoanTerms,
  listDebt,
  RevertError,
  redeemUnits,
  serveQueue,
  setDebt,
  settleTill,
  signLoanTerms,
  unwrapUnits,
  wrappedUnits,
  wrapUnits,
} from '../src/index.ts'
import { day, dollars, roles, startCreditNetwork } from './creditNetwork.ts'
import { accountAt } from './localChain.ts'

let network: Awaited<ReturnType<typeof startCreditNetwork>>

beforeAll(async () => {
  network = await startCreditNetwork()
})
afterAll(async () => {
  await network?.chain.stop()
})

test('default: what is lent to one facility is wrapped, lent on by another, paid back and unwrapped', async () => {
  const { chain, deployment, wallet, done, fund, allow, contracts, rules } = network
  const { client } = chain
  const saver = wallet(roles.saver)
  const owner = saver.account.address
  const put = async (index: number, vault: `0x${string}`, amount: bigint) => {
    await fund(index, amount)
    await allow(index, vault)
    await done(index, depositFromTill(wallet(index), { vault, amount }))
  }
  await put(roles.bold, contracts.junior, dollars(50_000))
  await put(roles.saver, contracts.senior, dollars(100_000))

  // An asset of all but a little of the shares; what is left is added later.
  const vault = contracts.senior
  const { lines } = await getFacility(client, { facility: contracts.facility })
  const all = lines.senior.shares
  const little = all / 100n
  await done(roles.saver, approveUnits(saver, { deployment, vault, shares: all }))
  const hash = await wrapUnits(saver, { deployment, vault, shares: all - little })
  const asset = wrappedUnits(await confirm(saver, hash)) ?? -1n
  await done(roles.saver, addUnits(saver, { deployment, asset, shares: little }))
  const made = await getUnits(client, { deployment, asset })
  expect(made).toMatchObject({
    ...{
      facility: contracts.facility,
      vault,
      isListed: true,
      held: all,
      waiting: 0n,
      claimable: 0n,
      paid: 0n,
    },
  })
  expect(Number(made?.value) / 1e6).toBeCloseTo(100_000, 2)
  // Only a panel that takes the facility's books for it lends on it.
  const appraised = async (panel: bigint) => {
    const { value, ...said } = (await getAppraisal(client, { deployment, panel, asset })) ?? {}
    // Senior's claim grows by the second, and one may have passed.
    expect(Number(value) / 1e6).toBeCloseTo(100_000, 2)
    return said
  }
  expect(await appraised(network.panel)).toMatchObject({ isFresh: false, asOf: 0 })
  const founded = await done(
    roles.admin,
    createPanel(wallet(roles.admin), { deployment, appraisers: [contracts.facility], quorum: 1 }),
  )
  const panel = createdPanel(founded) ?? -1n
  expect(await appraised(panel)).toMatchObject({ isFresh: true, asOf: 0 })

  // A second facility lends on it.
  const admin = wallet(roles.admin)
  const underwriters = [accountAt(roles.underwriter).address]
  const loose = { ...rules.desk, maxObligorBps: 10_000, minObligorBets: 0, minClusterBets: 0 }
  const receipt = await done(
    roles.admin,
    createFacility(admin, {
      ...{ deployment, curator: admin.account.address, underwriters },
      rules: { book: { ...rules.book, panel: Number(panel) }, desk: loose },
    }),
  )
  const upper = createdFacility(receipt) ?? zeroAddress
  await done(roles.admin, listDebt(admin, { deployment, debt: upper, listed: true }))
  const above = await getFacility(client, { facility: upper })
  await put(roles.bold, above.junior, dollars(100_000))
  await done(roles.saver, setDebt(saver, { deployment, asset, debt: upper }))
  const now = await network.now()
  const { terms: till } = await getTill(client, { deployment, asset })
  const terms: LoanTerms = {
    collateral: [{ asset, above: aboveOf(till) }],
    clusters: [zeroHash, zeroHash, zeroHash],
    borrower: owner,
    underwriter: accountAt(roles.underwriter).address,
    vendor: zeroAddress,
    limit: dollars(60_000),
    firstDraws: dollars(60_000),
    ahead: 0n,
    rate: 100_000,
    premiumBps: 1_000,
    rampEnd: now + 30 * day,
    maturity: now + 30 * day,
    revenueBps: 10_000,
    dscrBps: 0,
    ltvBps: 7_000,
    multipleBps: 0,
    coverBps: 1_000,
    obligor: `0x${'01'.repeat(32)}`,
    expiry: now + 10 * day,
    nonce: 1n,
  }
  const domain = { chainId: deployment.chainId, desk: above.desk }
  const signature = await signLoanTerms(accountAt(roles.underwriter), terms, domain)
  const amount = dollars(60_000)
  await done(roles.saver, borrow(saver, { desk: above.desk, terms, signature, amount }))
  expect(await getLookThrough(client, { facility: upper })).toEqual({
    behind: [{ facility: contracts.facility, drawn: amount }],
    // Nothing is lent below.
    through: [0n, 0n, 0n, 0n],
    isCut: false,
  })
  const refused = await unwrapUnits(saver, { deployment, asset, shares: 1n }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(RevertError)
  expect(refused).toMatchObject({ revert: { name: 'DebtOutstanding' } })

  // What the queue pays pays the loan off.
  await done(roles.saver, redeemUnits(saver, { deployment, asset, shares: (all * 3n) / 4n }))
  await done(roles.admin, serveQueue(admin, { vault }))
  await done(roles.admin, collectUnits(admin, { deployment, asset }))
  await network.pass(day)
  await done(roles.admin, settleTill(admin, { deployment, asset }))
  const loan = hashLoanTerms(terms, domain)
  expect(await getLoan(client, { facility: upper, loan })).toMatchObject({ state: 'closed' })
  const held = (await getUnits(client, { deployment, asset }))?.held ?? 0n
  await done(roles.saver, unwrapUnits(saver, { deployment, asset, shares: held }))
  expect(await getUnits(client, { deployment, asset })).toMatchObject({ held: 0n, value: 0n })
})

test('default: an asset that is not made of units is none', async () => {
  const { chain, deployment } = network
  expect(await getUnits(chain.client, { deployment, asset: 1_000n })).toBeNull()
})
