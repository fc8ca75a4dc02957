import { type Hex, keccak256, toHex } from 'viem'
import { bloomBits } from '../../src/chain/bloom.ts'
import { emptyWorld, playBlock, type WorldLog, type WorldState } from './World.ts'

/** A block of the synthetic chain, with the state of the world after it. */
export interface SyntheticBlock {
  readonly number: number
  readonly hash: Hex
  readonly parent: Hex
  readonly time: number
  readonly bloom: Hex
  readonly logs: readonly Readonly<Record<string, unknown>>[]
  readonly world: WorldState
}

/** How a synthetic chain grows. */
export interface SyntheticOptions {
  readonly seed: number
  readonly actions: number
  readonly people: number
  readonly assets: number
  /** Without its past worlds a chain cannot fork, but can be long. */
  readonly forks?: false
}

const GENESIS_TIME = 1_790_000_000

/** A chain in memory that mines random blocks and forks at will; the same seed gives the same chain. */
export class SyntheticChain {
  readonly blocks: SyntheticBlock[] = []
  readonly #options: SyntheticOptions
  #mined = 0

  constructor(options: SyntheticOptions) {
    this.#options = options
    this.mine(1, 0)
  }

  get head(): SyntheticBlock {
    const head = this.blocks.at(-1)
    if (head === undefined) throw new RangeError('the chain has no block')
    return head
  }

  /** Adds blocks; with `actions` other than the chain's own. */
  mine(count: number, actions = this.#options.actions): void {
    for (let added = 0; added < count; added++) {
      const parent = this.blocks.at(-1)
      const number = (parent?.number ?? -1) + 1
      const seed = this.#options.seed * 1_000_003 + ++this.#mined
      const time = (parent?.time ?? GENESIS_TIME) + 1 + (seed % 12)
      const world =
        parent === undefined
          ? emptyWorld()
          : this.#options.forks === false
            ? parent.world
            : structuredClone(parent.world)
      const logs = playBlock(world, { ...this.#options, actions, seed, time })
      // `seed` is new for every block ever mined, so a fork never has the hash of what it replaced.
      const hash = keccak256(toHex(`${seed}/${number}`))
      this.blocks.push({
        number,
        hash,
        parent: parent?.hash ?? `0x${'0'.repeat(64)}`,
        time,
        bloom: bloomOf(logs),
        logs: logs.map((log, index) => ({
          ...log,
          blockNumber: toHex(number),
          blockHash: hash,
          blockTimestamp: toHex(time),
          transactionHash: keccak256(toHex(`${seed}/${index >> 2}`)),
          transactionIndex: toHex(index >> 2),
          logIndex: toHex(index),
          removed: false,
        })),
        world,
      })
    }
  }

  /** Forgets the newest blocks, as a chain resumed from an older state has. */
  drop(depth: number): void {
    this.blocks.length = Math.max(1, this.blocks.length - depth)
  }

  /** Replaces the newest blocks by others, one more than there were. */
  reorg(depth: number): void {
    const length = this.blocks.length
    this.drop(depth)
    this.mine(length + 1 - this.blocks.length)
  }
}

function bloomOf(logs: readonly WorldLog[]): Hex {
  const bytes = new Uint8Array(256)
  for (const log of logs) {
    for (const value of [log.address, ...log.topics]) {
      for (const bit of bloomBits(value)) {
        const byte = 255 - (bit >> 3)
        bytes[byte] = (bytes[byte] ?? 0) | (1 << (bit & 7))
      }
    }
  }
  return toHex(bytes)
}
