import { createRandom } from '../../maths/random.ts'
import type { Transfer } from '../ledger.ts'

export const day = 86_400
/** The world begins here; the examined period is its last 30 of 90 days. */
export const worldStart = 1_764_547_200
export const worldDays = 90
export const periodStart = worldStart + 60 * day
export const worldEnd = worldStart + worldDays * day

export const asset = 'asset 1'
export const owner = 'owner'
export const operator = 'operator'
export const exchange = 'exchange'

/** A transfer that has no id yet. `washed` is how much of a payment is the operator's own money. */
export interface Move {
  readonly time: number
  readonly from: string
  readonly to: string
  readonly amount: bigint
  readonly washed?: bigint
}

/** Chance and the moves made so far. */
export interface World {
  readonly moves: Move[]
  readonly uniform: () => number
  readonly normal: () => number
  /** A number of [low, high). */
  readonly between: (low: number, high: number) => number
  readonly move: (time: number, from: string, to: string, amount: bigint) => void
  /** Notes a payment into the asset of which `washed` is the operator's own money. */
  readonly wash: (time: number, from: string, amount: bigint, washed: bigint) => void
}

/** Millions of a dollar, as stablecoins of six decimals count. */
export const dollars = (amount: number): bigint => BigInt(Math.max(1, Math.round(amount * 1e6)))

export function createWorld(seed: number): World {
  const random = createRandom(seed, 77)
  const moves: Move[] = []
  return {
    moves,
    uniform: random.uniform,
    normal: random.normal,
    between: (low, high) => low + (high - low) * random.uniform(),
    move: (time, from, to, amount) => moves.push({ time: Math.floor(time), from, to, amount }),
    wash: (time, from, amount, washed) =>
      moves.push({ time: Math.floor(time), from, to: asset, amount, washed }),
  }
}

/**
 * An honest economy: customers that buy from the exchange and pay by the second, other machines and their operators, people who send each
 * other money, an owner that cashes out. It holds what makes honest revenue look bad: refunds, staff and suppliers of the operator that are customers too.
 */
export function liveHonestly(world: World): void {
  const { between, uniform, normal, move } = world
  const customers = Array.from({ length: 60 }, (_, at) => ({
    name: `customer ${at}`,
    // Spending is log-normal: a few pay most.
    monthly: 400 * Math.exp(0.9 * normal()),
    favourite: uniform() < 0.75 ? asset : `asset ${2 + Math.floor(uniform() * 4)}`,
    // Every tenth is new in the examined period.
    since: at % 10 === 9 ? 60 : 0,
  }))
  for (const { name, monthly, favourite, since } of customers) {
    for (
      let time = worldStart + (since + between(0, 20)) * day;
      time < worldEnd;
      time += between(5, 25) * day
    )
      move(time, exchange, name, dollars(monthly * between(0.3, 0.9)))
    const perDay = between(0.2, 2)
    for (
      let time = worldStart + (since + between(1, 25)) * day;
      time < worldEnd;
      time += (-Math.log(1 - uniform()) / perDay) * day
    ) {
      const to = uniform() < 0.85 ? favourite : `asset ${2 + Math.floor(uniform() * 4)}`
      const amount = dollars((monthly / 30 / perDay) * Math.exp(0.6 * normal() - 0.18))
      move(time, name, to, amount)
      // One payment in sixty goes wrong, and the operator gives half of it back.
      if (to === asset && uniform() < 1 / 60) move(time + between(0.1, 2) * day, operator, name, amount / 2n)
    }
  }
  const people = Array.from({ length: 220 }, (_, at) => `person ${at}`)
  const anyone = () => people[Math.floor(uniform() * people.length)] ?? 'person 0'
  for (const name of people) {
    for (let time = worldStart + between(0, 40) * day; time < worldEnd; time += between(15, 45) * day)
      move(
        time,
        uniform() < 0.6 ? exchange : name,
        uniform() < 0.6 ? name : exchange,
        dollars(between(50, 900)),
      )
    for (let time = worldStart + between(0, 20) * day; time < worldEnd; time += between(8, 40) * day)
      move(time, name, anyone(), dollars(between(5, 150)))
  }
  // The exchange's other business: an economy of which the asset's owner is a small part.
  for (let at = 0; at < 3000; at++) {
    const name = `depositor ${Math.floor(uniform() * 1500)}`
    const time = worldStart + between(0, worldDays) * day
    const [from, to] = uniform() < 0.5 ? [name, exchange] : [exchange, name]
    move(time, from, to, dollars(between(100, 2000)))
  }
  // Staff and suppliers are paid monthly; three of the eight are customers in a small way.
  for (let at = 0; at < 8; at++)
    for (let month = 0; month < 3; month++) {
      const paid = worldStart + (30 * month + 25) * day + at * 600
      move(paid, operator, `staff ${at}`, dollars(1200 + 200 * at))
      move(paid + between(1, 4) * day, `staff ${at}`, exchange, dollars(600))
      if (at < 3) move(paid + between(0.5, 4) * day, `staff ${at}`, asset, dollars(between(10, 40)))
    }
}

/** Pays each week's revenue out of the till, the operator its costs, and the exchange what the owner cashes out; puts all in order. */
export function settle(world: World): {
  readonly transfers: readonly Transfer[]
  readonly washed: ReadonlyMap<string, bigint>
} {
  for (let week = 0; week * 7 < worldDays; week++) {
    const [from, to] = [worldStart + 7 * week * day, worldStart + 7 * (week + 1) * day]
    for (const machine of [1, 2, 3, 4, 5]) {
      const name = `asset ${machine}`
      const revenue = world.moves.reduce(
        (sum, one) => (one.to === name && one.time >= from && one.time < to ? sum + one.amount : sum),
        0n,
      )
      const [toOwner, toOperator] = machine === 1 ? [owner, operator] : [`${name} owner`, `${name} operator`]
      world.move(to + 3600, name, toOperator, (revenue * 20n) / 100n)
      world.move(to + 3600, name, toOwner, (revenue * 79n) / 100n)
      world.move(to + 9000, toOwner, exchange, (revenue * 50n) / 100n)
    }
  }
  const washed = new Map<string, bigint>()
  const transfers = world.moves
    .filter(({ time, amount }) => time < worldEnd && amount > 0n)
    .map((one, at) => ({ one, at }))
    .sort((a, b) => a.one.time - b.one.time || a.at - b.at)
    .map(({ one }, at) => {
      const id = `0x${at.toString(16).padStart(8, '0')}`
      if (one.washed !== undefined) washed.set(id, one.washed)
      return { id, time: one.time, from: one.from, to: one.to, amount: one.amount }
    })
  return { transfers, washed }
}
