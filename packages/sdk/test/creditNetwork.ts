import { type Hex, keccak256, toHex, zeroAddress, zeroHash } from 'viem'
import {
  aboveOf,
  appraiseAsset,
  approveCurrency,
  approveModule,
  confirm,
  createdFacility,
  createdPanel,
  createFacility,
  createPanel,
  depositToTill,
  type FacilityContracts,
  type FacilityRules,
  getFacility,
  getTill,
  type LoanTerms,
  listDebt,
  mintTestDollars,
  publishCurve,
  publishedCurve,
  registerAsset,
  registeredAsset,
  setDebt,
  signAppraisal,
  type WriteClient,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

export const day = 86_400
export const year = 365 * day
export const dollars = (amount: number) => BigInt(Math.round(amount * 1e6))

/** Accounts of the local chain, by what they do. */
export const roles = { admin: 0, borrower: 1, underwriter: 2, saver: 3, bold: 4, buyer: 7 } as const
const appraisers = [5, 6] as const

/** A local chain with a facility on it that is listed, and with a curve, a panel and money for everyone. */
export async function startCreditNetwork() {
  const chain = await startLocalChain({ epochLength: day })
  const { deployment, currency } = chain
  if (deployment.credit === undefined) throw new RangeError('a local deployment has contracts of credit')
  const { appraisals } = deployment.credit
  const wallet = (index: number): WriteClient => chain.walletOf(index)
  const done = async (index: number, hash: Promise<Hex>) => confirm(wallet(index), await hash)
  const admin = wallet(roles.admin)

  const made = await done(
    roles.admin,
    publishCurve(admin, { deployment, curve: { halfLife: 2 * year, haircutBps: 2_500 } }),
  )
  const curve = publishedCurve(made) ?? -1
  const named = appraisers.map((index) => accountAt(index).address)
  const panelMade = await done(roles.admin, createPanel(admin, { deployment, appraisers: named, quorum: 2 }))
  const panel = createdPanel(panelMade) ?? -1n
  const rules: FacilityRules = {
    book: {
      currency: currency.address,
      seniorRate: 80_000,
      minJuniorBps: 2_000,
      grace: 10 * day,
      panel: Number(panel),
      auctionBps: 12_000,
      auctionHalfLife: 2 * day,
      bounty: dollars(5),
    },
    desk: {
      maxLtvBps: 8_000,
      maxMultipleBps: 60_000,
      minCoverBps: 1_000,
      maxObligorBps: 5_000,
      maxClusterBps: 8_000,
      minObligorBets: 300,
      minClusterBets: 150,
      maxRamp: year,
      maxTerm: 5 * year,
      evidencePanel: null,
    },
  }
  const underwriters = [accountAt(roles.underwriter).address]
  const curator = accountAt(roles.admin).address
  /** A facility that the till lists. */
  const makeFacility = async (of: FacilityRules): Promise<FacilityContracts> => {
    const receipt = await done(
      roles.admin,
      createFacility(admin, { deployment, curator, underwriters, rules: of }),
    )
    const facility = createdFacility(receipt) ?? zeroAddress
    await done(roles.admin, listDebt(admin, { deployment, debt: facility, listed: true }))
    const { desk, senior, junior } = await getFacility(chain.client, { facility })
    return { facility, desk, senior, junior }
  }
  const contracts = await makeFacility(rules)
  await done(roles.admin, listDebt(admin, { deployment, debt: deployment.credit.ranks, listed: true }))

  const network = {
    ...{ chain, deployment, currency, wallet, done, curve, panel, rules },
    ...{ contracts, makeFacility },
    domain: { chainId: deployment.chainId, desk: contracts.desk },
    now: async () => Number((await chain.client.getBlock()).timestamp),
    async pass(seconds: number) {
      await chain.client.increaseTime({ seconds })
      await chain.client.mine({ blocks: 1 })
    },
    /** Puts test dollars into an account of the till. */
    async fund(index: number, amount: bigint) {
      const to = accountAt(index).address
      await done(roles.admin, mintTestDollars(admin, { currency: currency.address, to, amount }))
      await done(index, approveCurrency(wallet(index), { deployment, currency: currency.address, amount }))
      await done(index, depositToTill(wallet(index), { deployment, currency: currency.address, amount }))
    },
    /** Lets a contract move money of an account of the till. */
    allow: (index: number, module: Hex) =>
      done(index, approveModule(wallet(index), { deployment, module, approved: true })),
    /** A machine of the borrower, appraised and with the facility or another module in its debt slot. */
    async pledge(value: bigint, debt = contracts.facility): Promise<bigint> {
      const owner = accountAt(roles.borrower).address
      const registered = await done(
        roles.borrower,
        registerAsset(wallet(roles.borrower), {
          deployment,
          owner,
          operator: owner,
          kind: 'machine',
          device: zeroAddress,
          currency: currency.address,
          spec: zeroHash,
          uri: '',
        }),
      )
      const asset = registeredAsset(registered) ?? -1n
      await network.appraise(asset, value)
      await done(roles.borrower, setDebt(wallet(roles.borrower), { deployment, asset, debt }))
      return asset
    },
    async appraise(asset: bigint, value: bigint) {
      const asOf = await network.now()
      const signed = await Promise.all(
        appraisers.map((index) =>
          signAppraisal(
            accountAt(index),
            { panel, asset, value, asOf, expiry: asOf + 180 * day, curve },
            { chainId: deployment.chainId, appraisals },
          ),
        ),
      )
      await done(roles.admin, appraiseAsset(admin, { deployment, signed }))
      return signed
    },
    /** A hardware-backed loan: three months' ramp, then two years. */
    async termsOf(asset: bigint): Promise<LoanTerms> {
      const { terms } = await getTill(chain.client, { deployment, asset })
      const now = await network.now()
      return {
        collateral: [{ asset, above: aboveOf(terms) }],
        clusters: [keccak256(toHex('H100')), zeroHash, zeroHash],
        borrower: accountAt(roles.borrower).address,
        underwriter: accountAt(roles.underwriter).address,
        vendor: zeroAddress,
        limit: dollars(100_000),
        firstDraws: dollars(60_000),
        ahead: 0n,
        rate: 140_000,
        premiumBps: 1_000,
        rampEnd: now + 90 * day,
        maturity: now + 90 * day + 2 * year,
        revenueBps: 0,
        dscrBps: 12_500,
        ltvBps: 7_000,
        multipleBps: 20_000,
        coverBps: 2_000,
        obligor: keccak256(toHex('borrower')),
        expiry: now + day,
        nonce: asset,
      }
    },
  }
  return network
}
