import { confirm, payAsset, type WriteClient } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Audit, Step } from './audit.ts'
import type { TimedEvent } from './books.ts'
import { type Built, dollars } from './build.ts'
import { StoryBrokenError } from './errors.ts'
import { type Chain, day, type Person } from './startChain.ts'

/** What is hired from a day on, until another line says otherwise: dollars a week for each machine. */
export interface Hiring {
  readonly day: number
  readonly customer: Person
  /** Places of the machines. */
  readonly machines: readonly number[]
  readonly price: number
}

/** Something that someone does on a day, which ends in a step of its own. */
export interface Deed {
  readonly day: number
  readonly name: string
  readonly act: () => Promise<unknown>
}

/** How a story goes. */
export interface Plan {
  readonly chain: Chain
  readonly built: Built
  readonly audit: Audit
  readonly hirings: readonly Hiring[]
  readonly deeds: readonly Deed[]
  /** Days from the first draw to the end. */
  readonly days: number
  readonly onStep: (line: Step, events: readonly TimedEvent[]) => void | Promise<void>
}

const week = 7
const month = 28

/**
 * Lets time pass week by week: customers pay for the week that begins, deeds are done on their days, and each four weeks, and after
 * each deed, everything is audited.
 *
 * @returns What the machines earned, in base units.
 */
export async function play(plan: Plan): Promise<bigint> {
  const { chain, built, audit, deeds, days, onStep } = plan
  let revenue = 0n
  const step = async (name: string) => {
    const { line, events } = await audit.step(name, revenue)
    await onStep(line, events)
  }
  await step('first draw')
  for (let today = week; today <= days; today += week) {
    await chain.passUntil(built.startedAt + today * day)
    for (const deed of deeds) {
      if (deed.day > today || deed.day <= today - week) continue
      await deed.act()
      await step(deed.name)
    }
    revenue += await payWeek(plan, today)
    if (today % month === 0) await step(`month ${today / month}`)
  }
  return revenue
}

/** Each machine's customer pays for the week; the first payment of an epoch settles the one before. */
async function payWeek({ chain, built, hirings }: Plan, today: number): Promise<bigint> {
  const due = new Map<number, Hiring>()
  for (const hiring of hirings)
    if (hiring.day <= today) for (const place of hiring.machines) due.set(place, hiring)
  const payments = [...due].filter(([, { price }]) => price > 0)
  let paid = 0n
  for (const person of new Set(payments.map(([, { customer }]) => customer))) {
    const bills = payments
      .filter(([, { customer }]) => customer === person)
      .map(([place, { price }]) => ({ asset: built.machines[place] ?? 0n, amount: dollars(price) }))
    await payAll(chain, chain.walletOf(person), bills)
    paid += bills.reduce((sum, { amount }) => sum + amount, 0n)
  }
  return paid
}

/** Sends payments one after another and waits for the last: on a chain that mines at once the others are mined before it. */
async function payAll(
  { client, deployment }: Chain,
  wallet: WriteClient,
  bills: readonly { readonly asset: bigint; readonly amount: bigint }[],
): Promise<void> {
  let nonce = await client.getTransactionCount({ address: wallet.account.address })
  const hashes: Hash[] = []
  for (const bill of bills) {
    // Gas for a settlement with a debt module in it, so that nothing need be estimated.
    const overrides = { nonce: nonce++, gas: 900_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n }
    hashes.push(await payAsset(wallet, { deployment, ...bill, overrides }))
  }
  const last = hashes.at(-1)
  if (last !== undefined) await confirm(wallet, last)
  for (const hash of hashes) {
    const { status } = await client.getTransactionReceipt({ hash })
    if (status !== 'success') throw new StoryBrokenError({ what: 'A payment goes through', seen: hash })
  }
}
