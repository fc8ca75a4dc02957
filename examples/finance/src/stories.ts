import {
  drawLoan,
  getFacility,
  getLoan,
  getLot,
  harvestLoan,
  pokeLoan,
  setDebt,
  signLoanRelease,
  takeLot,
  transferAsset,
} from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { createAudit, type Step } from './audit.ts'
import { openBooks } from './books.ts'
import { type Built, build, dollars } from './build.ts'
import { StoryBrokenError } from './errors.ts'
import { askToLeave, leaveAll, must, type Party, requestOf, serve } from './leave.ts'
import { type Deed, type Hiring, play } from './play.ts'
import { type Chain, day, startChain } from './startChain.ts'

/** How a story went. */
export interface Story {
  readonly name: string
  readonly lines: readonly Step[]
  readonly parties: readonly Party[]
  readonly revenue: bigint
  /** Steps that were audited, and numbers that were compared in them. */
  readonly audited: { readonly steps: number; readonly checks: number }
  readonly symbol: string
  readonly decimals: number
}

/** How a story is told while it goes on. */
export interface Telling {
  readonly onLine?: (line: Step) => void | Promise<void>
}

/** Everything that the two stories share. */
interface Stage {
  readonly chain: Chain
  readonly built: Built
  readonly lines: Step[]
  readonly finish: () => Promise<readonly Party[]>
  readonly tell: (hirings: readonly Hiring[], deeds: readonly Deed[], days: number) => Promise<bigint>
  readonly counts: () => { readonly steps: number; readonly checks: number }
  /** One more step after the play. */
  readonly step: (name: string, revenue: bigint) => Promise<void>
}

const first = [0, 1, 2, 3, 4]
const others = [5, 6, 7]
const hired: readonly Hiring[] = [
  { day: 14, customer: 'anchor customer', machines: first, price: 340 },
  { day: 42, customer: 'spot customers', machines: others, price: 340 },
]

/** Investment, ramp, good months, a customer leaves, sweep, recovery, repaid; everyone leaves with more than they put in. */
export function tellRepaid(telling: Telling = {}): Promise<Story> {
  return tell('repaid', telling, async (stage) => {
    const { chain, built, lines, step } = stage
    const { contracts, loan, terms } = built
    const hirings: readonly Hiring[] = [
      ...hired,
      { day: 364, customer: 'anchor customer', machines: first, price: 0 },
      { day: 434, customer: 'spot customers', machines: first, price: 310 },
    ]
    const deeds: readonly Deed[] = [
      ...investment(chain, built),
      {
        day: 182,
        name: 'a saver asks to leave',
        act: async () => {
          await askToLeave(chain, 'other saver', contracts.senior)
          await serve(chain, contracts.senior)
          const { pending, claimable } = await requestOf(chain, 'other saver', contracts.senior)
          must('A saver is paid in parts', `${pending > 0n} ${claimable > 0n}`, 'true true')
        },
      },
      ...[210, 238, 266, 294].map((at) => ({
        day: at,
        name: 'the queue is served',
        act: () => serve(chain, contracts.senior),
      })),
    ]
    const revenue = await stage.tell(hirings, deeds, 1_092)

    must(
      'It was swept',
      lines.some(({ isSwept }) => isSwept),
      true,
    )
    const swept = lines.findLastIndex(({ isSwept }) => isSwept)
    must(
      'The sweep ended',
      lines.slice(swept + 1).some(({ state }) => state === 'live'),
      true,
    )
    must(
      'It is repaid',
      (await getLoan(chain.client, { facility: contracts.facility, loan })).state,
      'closed',
    )
    await chain.act('operator', (operator) => harvestLoan(operator, { desk: contracts.desk, terms }))
    for (const asset of built.machines)
      await chain.act('operator', (operator) =>
        setDebt(operator, { deployment: chain.deployment, asset, debt: zeroAddress }),
      )
    // Nothing holds the machines any more.
    const [asset = 0n] = built.machines
    await chain.act('operator', (operator) =>
      transferAsset(operator, { deployment: chain.deployment, asset, to: chain.addressOf('vendor') }),
    )
    await step('repaid, machines free', revenue)
    const parties = await stage.finish()
    await step('all lenders left', revenue)
    for (const { who, put, got } of parties) if (who !== 'operator') must(`${who} gains`, got > put, true)
    return { revenue, parties }
  })
}

/** All customers leave after a year; the machines are sold below what is owed: first loss, then junior pays, senior is whole. */
export function tellDefaulted(telling: Telling = {}): Promise<Story> {
  return tell('defaulted', telling, async (stage) => {
    const { chain, built, step } = stage
    const { contracts, loan } = built
    const { facility } = contracts
    const hirings: readonly Hiring[] = [
      ...hired,
      { day: 364, customer: 'anchor customer', machines: [...first, ...others], price: 0 },
    ]
    const deeds: readonly Deed[] = [
      ...investment(chain, built),
      ...['late', 'impaired', 'defaulted'].map((state, index) => ({
        day: 371 + 14 * index,
        name: `poked: ${state}`,
        act: async () => {
          await chain.act('buyer of machines', (anyone) =>
            pokeLoan(anyone, { desk: contracts.desk, terms: built.terms }),
          )
          must('It goes one step on', (await getLoan(chain.client, { facility, loan })).state, state)
        },
      })),
    ]
    const revenue = await stage.tell(hirings, deeds, 399)
    await step('before the sale', revenue)
    await sell(chain, built)
    must('It is written off', (await getLoan(chain.client, { facility, loan })).state, 'writtenOff')
    await step('machines sold', revenue)
    const { value, lines } = await getFacility(chain.client, { facility })
    must('Senior is whole', lines.senior.conservative, value.seniorClaim)
    const parties = await stage.finish()
    await step('all lenders left', revenue)
    for (const { who, as, put, got } of parties) {
      if (as.startsWith('senior')) must(`${who} is paid in full`, got > put, true)
      if (as.startsWith('junior')) must(`${who} loses a part`, got < put && got > 0n, true)
      if (as.startsWith('first loss')) must(`${who} loses a part`, got < put, true)
    }
    return { revenue, parties }
  })
}

async function tell(
  name: string,
  { onLine }: Telling,
  go: (stage: Stage) => Promise<{ readonly revenue: bigint; readonly parties: readonly Party[] }>,
): Promise<Story> {
  const chain = await startChain()
  try {
    for (const customer of ['anchor customer', 'spot customers', 'buyer of machines'] as const)
      await chain.endow(customer, dollars(700_000))
    const built = await build(chain)
    const { terms, seniorRate, worthAt, startedAt, contracts, loan, machines } = built
    const books = openBooks({ terms, seniorRate, worthAt })
    const audit = createAudit({ chain, contracts, loan, machines, books, startedAt })
    const lines: Step[] = []
    const onStep = async (line: Step) => {
      lines.push(line)
      await onLine?.(line)
    }
    const { revenue, parties } = await go({
      ...{ chain, built, lines, counts: audit.counts },
      tell: (hirings, deeds, days) => play({ chain, built, audit, hirings, deeds, days, onStep }),
      step: async (step, sum) => onStep((await audit.step(step, sum)).line),
      finish: () => leaveAll(chain, built),
    })
    const { symbol, decimals } = chain.currency
    return { name, lines, parties, revenue, audited: audit.counts(), symbol, decimals }
  } finally {
    await chain.stop()
  }
}

/** The rest of the machines, released by the underwriter, and their setting-up on the strength of the first revenue. */
function investment(chain: Chain, { contracts, terms, loan }: Built): readonly Deed[] {
  const { desk } = contracts
  const draw = async (amount: bigint, total: bigint) => {
    const deadline = (await chain.now()) + day
    const domain = { chainId: chain.deployment.chainId, desk }
    const release = await signLoanRelease(chain.signerOf('underwriter'), { loan, total, deadline }, domain)
    await chain.act('operator', (operator) => drawLoan(operator, { desk, terms, amount, release }))
  }
  return [
    { day: 28, name: 'second draw', act: () => draw(dollars(40_000), dollars(120_000)) },
    { day: 84, name: 'draw on revenue', act: () => draw(dollars(15_000), dollars(135_000)) },
  ]
}

/** A buyer waits until the price has come down to what machines bring after a new generation, and takes them one by one. */
async function sell(chain: Chain, { contracts, machines }: Built): Promise<void> {
  const { client, deployment } = chain
  const seller = contracts.facility
  const most = dollars(7_500)
  const [firstLot = 0n] = machines
  await chain.allow('buyer of machines', deployment.credit?.auction ?? zeroAddress)
  for (;;) {
    const lot = await getLot(client, { deployment, seller, asset: firstLot })
    if (lot === null) throw new StoryBrokenError({ what: 'The machines are for sale', seen: firstLot })
    if (lot.price <= most) break
    await chain.passUntil((await chain.now()) + day / 4)
  }
  for (const asset of machines)
    await chain.act('buyer of machines', (buyer) =>
      takeLot(buyer, { deployment, seller, asset, maxPrice: most }),
    )
}
