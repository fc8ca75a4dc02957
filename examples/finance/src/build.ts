import {
  aboveOf,
  appraiseAsset,
  borrow,
  createdFacility,
  createdPanel,
  createFacility,
  createPanel,
  depositFromTill,
  depreciatedValue,
  type FacilityContracts,
  getFacility,
  getTill,
  hashLoanTerms,
  type LoanTerms,
  listDebt,
  publishCurve,
  publishedCurve,
  registerAsset,
  registeredAsset,
  setDebt,
  setRunningCosts,
  signAppraisal,
  signLoanTerms,
  stakeFirstLoss,
} from '@millrace/sdk'
import { type Address, type Hash, keccak256, toHex, zeroAddress, zeroHash } from 'viem'
import { StoryBrokenError } from './errors.ts'
import { type Chain, day } from './startChain.ts'

/** Whole dollars in base units. */
export const dollars = (amount: number) => BigInt(Math.round(amount * 1_000_000))
const year = 365 * day
const curve = { halfLife: 2 * year, haircutBps: 2_500 } as const
/** What a machine costs. */
const price = dollars(30_000)
/** Machines, and days for which an appraisal is fresh. */
const count = 8
const freshDays = 180
const seniorRate = 80_000

/** A facility with its lenders, eight machines of an operator, and the loan on them, opened with its first draw. */
export interface Built {
  readonly contracts: FacilityContracts
  readonly machines: readonly bigint[]
  readonly terms: LoanTerms
  readonly loan: Hash
  readonly seniorRate: number
  readonly startedAt: number
  readonly worthAt: (time: number) => bigint
}

const must = <Value>(value: Value | null, what: string): Value => {
  if (value === null) throw new StoryBrokenError({ what, seen: 'nothing' })
  return value
}

/** Everything until the first machines are ordered. */
export async function build(chain: Chain): Promise<Built> {
  const { deployment, client, addressOf, act } = chain
  const appraisers = ['first appraiser', 'second appraiser'] as const
  const curveId = must(
    publishedCurve(await act('admin', (admin) => publishCurve(admin, { deployment, curve }))),
    'A curve is published',
  )
  const panel = must(
    createdPanel(
      await act('admin', (admin) =>
        createPanel(admin, { deployment, appraisers: appraisers.map(addressOf), quorum: 2 }),
      ),
    ),
    'A panel is made',
  )
  const contracts = await makeFacility(chain, panel)
  await lend(chain, contracts)
  const machines = await buyMachines(chain, contracts.facility)
  const asOf = await chain.now()
  const { appraisals = zeroAddress } = deployment.credit ?? {}
  for (const asset of machines) {
    const appraisal = { panel, asset, value: price, asOf, expiry: asOf + freshDays * day, curve: curveId }
    const signed = await Promise.all(
      appraisers.map((person) =>
        signAppraisal(chain.signerOf(person), appraisal, { chainId: deployment.chainId, appraisals }),
      ),
    )
    await act('admin', (admin) => appraiseAsset(admin, { deployment, signed }))
  }
  const terms = await agree(chain, machines)
  const domain = { chainId: deployment.chainId, desk: contracts.desk }
  const signature = await signLoanTerms(chain.signerOf('underwriter'), terms, domain)
  await act('operator', (operator) =>
    borrow(operator, { desk: contracts.desk, terms, signature, amount: terms.firstDraws }),
  )
  return {
    ...{ contracts, machines, terms, seniorRate },
    loan: hashLoanTerms(terms, domain),
    startedAt: Number((await client.getBlock()).timestamp),
    worthAt: (time) => BigInt(count) * depreciatedValue(price, time - asOf, curve),
  }
}

async function makeFacility(chain: Chain, panel: bigint): Promise<FacilityContracts> {
  const { deployment, client, addressOf, act, currency } = chain
  const receipt = await act('admin', (admin) =>
    createFacility(admin, {
      deployment,
      curator: addressOf('admin'),
      underwriters: [addressOf('underwriter')],
      rules: {
        book: {
          currency: currency.address,
          ...{ seniorRate, minJuniorBps: 1_500, grace: 10 * day, panel: Number(panel) },
          ...{ auctionBps: 12_000, auctionHalfLife: 2 * day, bounty: dollars(5) },
        },
        // A facility for one borrower: what concentration allows is all of it.
        desk: {
          ...{ maxLtvBps: 8_000, maxMultipleBps: 60_000, minCoverBps: 1_000 },
          ...{ maxObligorBps: 10_000, maxClusterBps: 10_000, minObligorBets: 100, minClusterBets: 100 },
          ...{ maxRamp: 365 * day, maxTerm: 5 * 365 * day, evidencePanel: null },
        },
      },
    }),
  )
  const facility = must(createdFacility(receipt), 'A facility is made')
  await act('admin', (admin) => listDebt(admin, { deployment, debt: facility, listed: true }))
  const { desk, senior, junior } = await getFacility(client, { facility })
  return { facility, desk, senior, junior }
}

async function lend(chain: Chain, { facility, senior, junior }: FacilityContracts): Promise<void> {
  const lenders = [
    { person: 'bold lender', vault: junior, amount: dollars(35_000) },
    { person: 'saver', vault: senior, amount: dollars(80_000) },
    { person: 'other saver', vault: senior, amount: dollars(50_000) },
  ] as const
  for (const { person, vault, amount } of lenders) {
    await chain.endow(person, amount)
    await chain.allow(person, vault)
    await chain.act(person, (lender) => depositFromTill(lender, { vault, amount }))
  }
  const amount = dollars(12_000)
  await chain.endow('underwriter', amount)
  await chain.allow('underwriter', facility)
  await chain.act('underwriter', (underwriter) => stakeFirstLoss(underwriter, { facility, amount }))
}

/** Eight machines with the facility in the debt slot of their tills, and running costs that come before it. */
async function buyMachines(chain: Chain, facility: Address): Promise<readonly bigint[]> {
  const { deployment, currency, act } = chain
  const owner = chain.addressOf('operator')
  const machines: bigint[] = []
  for (let index = 0; index < count; index++) {
    const receipt = await act('operator', (operator) =>
      registerAsset(operator, {
        ...{ deployment, owner, operator: owner, kind: 'machine', device: zeroAddress, uri: '' },
        ...{ currency: currency.address, spec: zeroHash },
      }),
    )
    const asset = must(registeredAsset(receipt), 'A machine is registered')
    machines.push(asset)
    const costs = { deployment, asset, perDay: dollars(6), cap: dollars(180) }
    await act('operator', (operator) => setRunningCosts(operator, costs))
    await act('operator', (operator) => setDebt(operator, { deployment, asset, debt: facility }))
  }
  return machines
}

async function agree(chain: Chain, machines: readonly bigint[]): Promise<LoanTerms> {
  const { client, deployment, addressOf } = chain
  const collateral = await Promise.all(
    machines.map(async (asset) => {
      const { terms } = await getTill(client, { deployment, asset })
      return { asset, above: aboveOf(terms) }
    }),
  )
  const now = await chain.now()
  return {
    collateral,
    clusters: [keccak256(toHex('H100')), keccak256(toHex('anchor customer')), zeroHash],
    borrower: addressOf('operator'),
    underwriter: addressOf('underwriter'),
    vendor: addressOf('vendor'),
    limit: dollars(135_000),
    firstDraws: dollars(80_000),
    ahead: 0n,
    rate: 140_000,
    premiumBps: 1_000,
    rampEnd: now + 90 * day,
    maturity: now + 1_000 * day,
    revenueBps: 0,
    dscrBps: 12_500,
    ltvBps: 7_000,
    multipleBps: 20_000,
    coverBps: 5_000,
    obligor: keccak256(toHex('operator')),
    expiry: now + day,
    nonce: 1n,
  }
}
