import {
  encodeAbiParameters,
  encodeEventTopics,
  type Hex,
  keccak256,
  toHex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { type EventBody, eventAbis, type Noun } from '../../src/chain/events.ts'
import { createRandom } from './random.ts'

/** A log before it has a place in a block. */
export interface WorldLog {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
}

/** Addresses of the contracts in a synthetic chain. */
export const worldContracts = {
  assets: `0x${'a5'.repeat(20)}`,
  till: `0x${'71'.repeat(20)}`,
  market: `0x${'3a'.repeat(20)}`,
  channels: `0x${'c4'.repeat(20)}`,
} as const

export const worldCurrency: Hex = `0x${'c0'.repeat(20)}`

interface WorldAsset {
  owner: Hex
  operator: Hex
  bucket: bigint
  epoch: number
  royalties: bigint
  upstream: bigint | undefined
}

interface WorldLease {
  readonly id: Hex
  readonly asset: bigint
  readonly buyer: Hex
  readonly operator: Hex
  readonly deposit: bigint
  readonly startBy: number
  state: 'open' | 'running' | 'stopped'
  endsAt: number
  earned: bigint
}

interface WorldChannel {
  readonly id: Hex
  readonly payer: Hex
  readonly payee: Hex
  readonly asset: bigint
  epoch: bigint
  deposit: bigint
  claimed: bigint
  closing: boolean
}

/** Everything the model of the contracts knows; plain data, so that a fork can start from a copy. */
export interface WorldState {
  readonly assets: WorldAsset[]
  readonly balances: Map<Hex, bigint>
  readonly leases: Map<Hex, WorldLease>
  readonly channels: Map<Hex, WorldChannel>
  leaseCount: number
  nonces: number
  series: number
}

/** Seconds of an epoch in the model. */
const EPOCH = 60
const HOUR_PRICE = 3_600_000n

export function emptyWorld(): WorldState {
  return {
    assets: [],
    balances: new Map(),
    leases: new Map(),
    channels: new Map(),
    leaseCount: 0,
    nonces: 0,
    series: 0,
  }
}

export function person(index: number): Hex {
  return `0x${(index + 1).toString(16).padStart(40, '0')}`
}

/** What happens in a block. */
export interface BlockPlan {
  readonly seed: number
  readonly time: number
  readonly actions: number
  readonly people: number
  readonly assets: number
}

/**
 * Plays random but lawful actions of people on a small model of the contracts and answers the logs they
 * would emit, in the contracts' order. The model shares no code with the index.
 */
export function playBlock(world: WorldState, plan: BlockPlan): WorldLog[] {
  const random = createRandom(plan.seed)
  const logs: WorldLog[] = []
  const { time } = plan
  const emit = (event: EventBody) => logs.push(encodeEvent(event))
  const balanceOf = (who: Hex) => world.balances.get(who) ?? 0n
  const someone = () => person(random.below(plan.people))

  const move = (sender: Hex, receiver: Hex, amount: bigint) => {
    if (sender !== zeroAddress) world.balances.set(sender, balanceOf(sender) - amount)
    if (receiver !== zeroAddress) world.balances.set(receiver, balanceOf(receiver) + amount)
    const id = BigInt(worldCurrency)
    emit({ type: 'till.Transfer', args: { caller: worldContracts.market, sender, receiver, id, amount } })
  }
  const deposit = (to: Hex, amount: bigint) => {
    move(zeroAddress, to, amount)
    emit({ type: 'till.Deposited', args: { token: worldCurrency, from: to, to, amount } })
  }
  const settleTill = (asset: bigint, boundary: number) => {
    const till = assetOf(world, asset)
    const revenue = till.bucket
    if (revenue === 0n) return
    till.bucket = 0n
    const fee = revenue / 100n
    if (fee > 0n) move(zeroAddress, person(0), fee)
    const upstream = till.upstream === undefined ? 0n : (revenue - fee) / 10n
    if (till.upstream !== undefined && upstream > 0n) {
      const theirs = assetOf(world, till.upstream)
      theirs.royalties += upstream
      const total = theirs.royalties
      emit({
        type: 'till.RoyaltyAccrued',
        args: { asset, upstream: till.upstream, amount: upstream, total },
      })
    }
    const owner = revenue - fee - upstream
    move(zeroAddress, till.owner, owner)
    const split = { fee, upstream, costs: 0n, debt: 0n, shares: 0n, owner }
    emit({ type: 'till.Settled', args: { asset, epoch: till.epoch, boundary, ...split } })
  }
  const collect = (asset: bigint, amount: bigint) => {
    const till = assetOf(world, asset)
    const epoch = Math.floor(time / EPOCH)
    if (till.epoch !== epoch) settleTill(asset, (till.epoch + 1) * EPOCH)
    till.epoch = epoch
    till.bucket += amount
    return { epoch, total: till.bucket }
  }
  const pay = (payer: Hex, asset: bigint, amount: bigint) => {
    move(payer, zeroAddress, amount)
    const { epoch, total } = collect(asset, amount)
    emit({ type: 'till.Paid', args: { asset, payer, epoch, amount, total } })
  }
  const pull = (asset: bigint) => {
    const till = assetOf(world, asset)
    const amount = till.royalties
    if (amount === 0n) return
    till.royalties = 0n
    const { epoch, total } = collect(asset, amount)
    emit({ type: 'till.RoyaltyPulled', args: { asset, epoch, amount, total } })
  }
  const register = () => {
    const owner = someone()
    const operator = random.oneIn(3) ? owner : someone()
    world.assets.push({ owner, operator, bucket: 0n, epoch: 0, royalties: 0n, upstream: undefined })
    const asset = BigInt(world.assets.length)
    const device = someone()
    const spec = keccak256(toHex(asset))
    const uri = random.oneIn(4) ? 'ipfs://\u0000"\\{,}null' : `https://example.org/${asset}`
    const described = { kind: random.below(5), device, currency: worldCurrency, spec, uri }
    emit({ type: 'assets.AssetRegistered', args: { asset, owner, operator, ...described } })
    emit({ type: 'assets.Transfer', args: { from: zeroAddress, to: owner, tokenId: asset } })
  }
  const open = () => {
    const buyer = someone()
    const asset = BigInt(1 + random.below(world.assets.length))
    const duration = 30 + random.below(300)
    const price = (HOUR_PRICE * BigInt(duration) + 3599n) / 3600n
    if (balanceOf(buyer) < price) deposit(buyer, price * 10n)
    move(buyer, worldContracts.market, price)
    const { operator } = assetOf(world, asset)
    const id = keccak256(toHex(++world.leaseCount, { size: 32 }))
    const startBy = time + 20
    const lease = { id, asset, buyer, operator, deposit: price, startBy }
    world.leases.set(id, { ...lease, state: 'open', endsAt: 0, earned: 0n })
    const terms = { pricePerHour: HOUR_PRICE, deposit: price, bond: 0n, startBy, duration }
    const hashes = { spec: keccak256(toHex(asset)), terms: zeroHash }
    emit({ type: 'market.LeaseOpened', args: { lease: id, asset, buyer, operator, ...terms, ...hashes } })
  }
  const advance = (lease: WorldLease) => {
    const { id, buyer, operator } = lease
    if (lease.state === 'open' && time <= lease.startBy && !random.oneIn(10)) {
      lease.state = 'running'
      lease.endsAt = time + 200
      emit({ type: 'market.LeaseStarted', args: { lease: id, startedAt: time, endsAt: lease.endsAt } })
      return
    }
    if (lease.state === 'stopped' || (lease.state === 'open' && time > lease.startBy)) {
      world.leases.delete(id)
      const refunded = lease.deposit - lease.earned
      if (lease.earned > 0n) pay(worldContracts.market, lease.asset, lease.earned)
      if (refunded > 0n) move(worldContracts.market, buyer, refunded)
      emit({
        type: 'market.LeaseSettled',
        args: { lease: id, earned: lease.earned, refunded, bondToBuyer: 0n },
      })
      return
    }
    if (lease.state === 'running') lease.earned = BigInt(random.below(Number(lease.deposit)))
    lease.state = 'stopped'
    const by = random.oneIn(4) ? operator : buyer
    emit({ type: 'market.LeaseStopped', args: { lease: id, by, stoppedAt: time } })
  }
  /** One step in the life of a channel: it opens, grows, pays, is about to close, closes, and opens again. */
  const useChannel = () => {
    const payer = someone()
    const asset = random.oneIn(2) ? BigInt(1 + random.below(world.assets.length)) : 0n
    const payee = asset === 0n ? person(0) : zeroAddress
    const id = keccak256(toHex(`${payer} ${payee} ${asset}`))
    const channel = world.channels.get(id) ?? {
      ...{ id, payer, payee, asset, epoch: 0n, deposit: 0n, claimed: 0n, closing: false },
    }
    world.channels.set(id, channel)
    const amount = BigInt(1 + random.below(1_000_000))
    const fund = () => {
      if (balanceOf(payer) < amount) deposit(payer, amount * 3n)
      move(payer, worldContracts.channels, amount)
      channel.deposit += amount
    }
    if (channel.deposit === 0n) {
      const terms = { payer, signer: person(1), payee, asset, currency: worldCurrency, closeDelay: 900 }
      const { epoch } = channel
      fund()
      const args = { id, ...terms, salt: zeroHash, epoch, deposit: amount }
      emit({ type: 'channels.ChannelOpened', args })
      return
    }
    switch (random.below(4)) {
      case 0: {
        fund()
        if (random.oneIn(2)) channel.closing = false
        const closesAt = channel.closing ? time + 900 : 0
        emit({ type: 'channels.ChannelToppedUp', args: { id, amount, deposit: channel.deposit, closesAt } })
        return
      }
      case 1: {
        const left = channel.deposit - channel.claimed
        if (left === 0n) return
        const due = left / 3n + 1n
        channel.claimed += due
        emit({ type: 'channels.ChannelClaimed', args: { id, amount: due, claimed: channel.claimed } })
        if (asset === 0n) move(worldContracts.channels, payee, due)
        else pay(worldContracts.channels, asset, due)
        return
      }
      case 2:
        channel.closing = true
        emit({ type: 'channels.CloseRequested', args: { id, closesAt: time + 900 } })
        return
      default: {
        const { epoch, claimed } = channel
        const refunded = channel.deposit - claimed
        emit({ type: 'channels.ChannelClosed', args: { id, epoch, claimed, refunded } })
        if (refunded > 0n) move(worldContracts.channels, payer, refunded)
        Object.assign(channel, { epoch: epoch + 1n, deposit: 0n, claimed: 0n, closing: false })
      }
    }
  }
  const rearrange = () => {
    const asset = BigInt(1 + random.below(world.assets.length))
    const known = assetOf(world, asset)
    pull(asset)
    settleTill(asset, time)
    switch (random.below(5)) {
      case 0: {
        const to = someone()
        emit({ type: 'assets.Transfer', args: { from: known.owner, to, tokenId: asset } })
        known.owner = to
        return
      }
      case 1:
        known.operator = someone()
        emit({ type: 'assets.OperatorChanged', args: { asset, operator: known.operator } })
        return
      case 2:
        known.upstream = asset > 1n ? asset - 1n : undefined
        emit({
          type: 'till.UpstreamChanged',
          args: {
            asset,
            upstream: known.upstream === undefined ? [] : [{ asset: known.upstream, bps: 1000 }],
          },
        })
        return
      case 3:
        emit({
          type: 'market.NonceCancelled',
          args: { operator: known.operator, nonce: BigInt(world.nonces++ % 20) },
        })
        return
      default:
        emit({
          type: 'market.SeriesCancelled',
          args: { operator: known.operator, series: BigInt(++world.series) },
        })
    }
  }

  for (let action = 0; action < plan.actions; action++) {
    if (world.assets.length < plan.assets) register()
    const dice = random.below(100)
    const leases = [...world.leases.values()]
    if (dice < 3) rearrange()
    else if (dice < 20) useChannel()
    else if (dice < 25) pull(BigInt(1 + random.below(world.assets.length)))
    else if (dice < 32) {
      const who = someone()
      const amount = balanceOf(who) / 3n
      if (amount === 0n) continue
      move(who, zeroAddress, amount)
      emit({ type: 'till.Withdrawn', args: { token: worldCurrency, from: who, to: who, amount } })
    } else if (dice < 52) {
      const who = someone()
      const amount = BigInt(1 + random.below(1_000_000))
      if (balanceOf(who) < amount) deposit(who, amount * 5n)
      pay(who, BigInt(1 + random.below(world.assets.length)), amount)
    } else if (dice < 65 || leases.length === 0) open()
    else advance(random.pick(leases))
  }
  return logs
}

function assetOf(world: WorldState, asset: bigint): WorldAsset {
  const found = world.assets[Number(asset) - 1]
  if (found === undefined) throw new RangeError(`asset ${asset}`)
  return found
}

/** Encodes an event the way a contract would, through viem and not through the index's own decoder. */
export function encodeEvent(event: EventBody): WorldLog {
  const [noun, eventName] = event.type.split('.') as [Noun, string]
  const abi = eventAbis[noun]
  const item = abi.find((entry) => entry.type === 'event' && entry.name === eventName)
  if (item?.type !== 'event') throw new RangeError(event.type)
  const args = event.args as Readonly<Record<string, unknown>>
  const topics = encodeEventTopics({ abi: [item], eventName, args } as Parameters<
    typeof encodeEventTopics
  >[0])
  const body = item.inputs.filter((input) => !('indexed' in input && input.indexed))
  const data = encodeAbiParameters(
    body as Parameters<typeof encodeAbiParameters>[0],
    body.map((input) => args[input.name ?? '']) as never,
  )
  return { address: worldContracts[noun], topics: topics as Hex[], data }
}
