import { day, dollars, exchange, operator, owner, periodStart, type World } from './world.ts'

/** How false revenue is made. The last three leave no trail that a payment graph can follow. */
export const schemes = [
  'self-trade',
  'ring of two',
  'ring of three',
  'long ring',
  'mixing hops',
  'delayed',
  'fan-out',
  'fan-in',
  'partial',
  'reimbursed',
  'through another asset',
  'before the look-back',
  'through an exchange',
  'off chain',
] as const
export type Scheme = (typeof schemes)[number]

/** Sends money along accounts, keeping a little at each step and minutes to hours between them; returns what arrives and when. */
function along(
  world: World,
  names: readonly string[],
  options: { readonly time: number; readonly amount: number },
) {
  let { time, amount } = options
  for (const [at, name] of names.entries()) {
    const next = names[at + 1]
    if (next === undefined) break
    world.move(time, name, next, dollars(amount))
    amount *= world.between(0.97, 1)
    time += world.between(60, 4 * 3600)
  }
  return { time, amount }
}

/** Pays `amount` in false revenue by one scheme, as one arrangement that begins about `time`. `tag` names its accounts. */
export function washOnce(
  world: World,
  scheme: Scheme,
  { time, amount, tag }: { readonly time: number; readonly amount: number; readonly tag: string },
): void {
  const { between, wash, move, uniform } = world
  const payAll = (payer: string, when: number, sum: number) => wash(when, payer, dollars(sum), dollars(sum))
  const ring = (length: number) => {
    const names = [owner, ...Array.from({ length }, (_, at) => `${tag} hop ${at}`)]
    const { time: arrived, amount: left } = along(world, names, { time, amount })
    payAll(names.at(-1) ?? owner, arrived, left)
  }
  switch (scheme) {
    case 'self-trade':
      payAll(uniform() < 0.5 ? owner : operator, time, amount)
      break
    case 'ring of two':
      ring(1)
      break
    case 'ring of three':
      ring(2)
      break
    case 'long ring':
      ring(4)
      break
    case 'mixing hops': {
      // Split over three accounts, crossed over three others, with other people's small change among it, joined at the payer.
      const layer = (depth: number) => [0, 1, 2].map((at) => `${tag} mix ${depth} ${at}`)
      const payer = `${tag} payer`
      let sums = layer(0).map((name) => ({ name, sum: amount / 3 }))
      for (const { name, sum } of sums) move(time + between(0, 600), owner, name, dollars(sum))
      for (const depth of [1, 2]) {
        const next = layer(depth).map((name) => ({ name, sum: 0 }))
        for (const { name, sum } of sums)
          for (const to of next) {
            const part = (sum / 3) * between(0.9, 1)
            move(time + depth * 3 * 3600 + between(0, 3600), name, to.name, dollars(part))
            to.sum += part
          }
        for (const { name } of next)
          move(
            time + depth * 3 * 3600 + 3700,
            `person ${Math.floor(uniform() * 220)}`,
            name,
            dollars(between(1, 20)),
          )
        sums = next
      }
      for (const { name, sum } of sums)
        move(time + 10 * 3600 + between(0, 600), name, payer, dollars(sum * 0.99))
      payAll(
        payer,
        time + 12 * 3600,
        sums.reduce((total, { sum }) => total + sum * 0.99, 0),
      )
      break
    }
    case 'delayed': {
      const { amount: left } = along(world, [owner, `${tag} a`, `${tag} b`], {
        time: time - between(10, 24) * day,
        amount,
      })
      payAll(`${tag} b`, time, left)
      break
    }
    case 'fan-out': {
      const { time: arrived, amount: left } = along(world, [owner, `${tag} distributor`], { time, amount })
      for (let at = 0; at < 24; at++) {
        const part = (left / 24) * between(0.8, 1)
        move(arrived + at * 300, `${tag} distributor`, `${tag} shill ${at}`, dollars(part))
        payAll(`${tag} shill ${at}`, arrived + at * 300 + between(1, 30) * 3600, part)
      }
      break
    }
    case 'fan-in': {
      let collected = 0
      for (let at = 0; at < 24; at++) {
        const part = (amount / 24) * between(0.8, 1)
        move(time + at * 300, owner, `${tag} mule ${at}`, dollars(part))
        move(time + at * 300 + 7200, `${tag} mule ${at}`, `${tag} collector`, dollars(part * 0.99))
        collected += part * 0.99
      }
      payAll(`${tag} collector`, time + 6 * 3600, collected)
      break
    }
    case 'partial': {
      const payer = `${tag} payer`
      move(time - day, exchange, payer, dollars(amount))
      move(time, owner, payer, dollars(amount / 2))
      wash(time + 7200, payer, dollars(amount), dollars(amount / 2))
      break
    }
    case 'reimbursed': {
      const payer = `${tag} payer`
      move(time - 2 * day, exchange, payer, dollars(amount))
      payAll(payer, time, amount)
      along(world, [owner, `${tag} hop`, payer], {
        time: time + between(0.5, 3) * day,
        amount: amount * 1.03,
      })
      break
    }
    case 'through another asset': {
      // A machine of a friend takes the money in and pays it out to the false customer.
      move(time, owner, `${tag} asset`, dollars(amount))
      move(time + 2 * 3600, `${tag} asset`, `${tag} friend`, dollars(amount * 0.98))
      move(time + 5 * 3600, `${tag} friend`, `${tag} payer`, dollars(amount * 0.97))
      payAll(`${tag} payer`, time + 8 * 3600, amount * 0.97)
      break
    }
    case 'before the look-back': {
      const early = periodStart - between(35, 55) * day
      along(world, [owner, `${tag} payer`], { time: early, amount })
      payAll(`${tag} payer`, time, amount * 0.97)
      break
    }
    case 'through an exchange':
      move(time, owner, exchange, dollars(amount))
      move(time + between(1, 6) * 3600, exchange, `${tag} payer`, dollars(amount * 0.99))
      payAll(`${tag} payer`, time + 7 * 3600, amount * 0.99)
      break
    case 'off chain':
      // Cash out by bank, cash in by bank: only the exchange sees both.
      move(time, exchange, `${tag} payer`, dollars(amount))
      payAll(`${tag} payer`, time + 3600, amount)
      break
    default:
      scheme satisfies never
  }
}
