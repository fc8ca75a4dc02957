import { type Address, type Hash, zeroHash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { facilityAbi } from '../generated/facility.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { getLoan, type LoanState } from './getLoan.ts'
import type { Rank } from './setRanks.ts'

/** A facility's place on an asset, and its loan there. Amounts in base units of the asset's currency. */
export interface RankState extends Rank {
  /** The caps before it. */
  readonly ahead: bigint
  /** Last loan of the facility that the asset secures; `null` for none. */
  readonly loan: Hash | null
  readonly state: LoanState
  /** Whether something is outstanding on the asset: the place, the cap and what stands before it stay. */
  readonly isOutstanding: boolean
  readonly principal: bigint
  readonly interest: bigint
  /** Collected for the facility, of this asset and of others, and not forwarded yet. */
  readonly held: bigint
}

/**
 * Reads which facilities stand on an asset, first to last, and what each is owed. They are paid while the ranks fill the debt slot of
 * its till (`getTill`).
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and asset; `blockNumber` for a block other than the latest.
 * @returns The facilities in their order; none where nobody was ranked.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const ranks = await getRanks(client, { deployment, asset: 1n })
 * const owed = ranks.reduce((sum, { principal, interest }) => sum + principal + interest, 0n)
 */
export async function getRanks(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly asset: bigint; readonly blockNumber?: bigint },
): Promise<readonly RankState[]> {
  const { deployment, asset, blockNumber } = parameters
  const at = blockNumber === undefined ? {} : { blockNumber }
  const of = { address: creditOf(deployment).ranks, abi: ranksAbi, ...at } as const
  const ranks = await read(client, { ...of, functionName: 'ranksOf', args: [asset] })
  let before = 0n
  const placed = ranks.map((rank) => {
    const ahead = before
    before += rank.cap
    return { ...rank, ahead }
  })
  return Promise.all(
    placed.map(async (rank): Promise<RankState> => {
      const [loan, held] = await Promise.all([
        loanOn(client, { facility: rank.facility, asset, at }),
        read(client, { ...of, functionName: 'heldFor', args: [rank.facility] }),
      ])
      return { ...rank, ...loan, held }
    }),
  )
}

async function loanOn(
  client: ReadClient,
  of: {
    readonly facility: Address
    readonly asset: bigint
    readonly at: { readonly blockNumber?: bigint }
  },
): Promise<Omit<RankState, keyof Rank | 'ahead' | 'held'>> {
  const { facility, asset, at } = of
  const book = { address: facility, abi: facilityAbi, args: [asset], ...at } as const
  const [loan, isOutstanding] = await Promise.all([
    read(client, { ...book, functionName: 'loanOf' }),
    read(client, { ...book, functionName: 'outstanding' }),
  ])
  if (loan === zeroHash) return { loan: null, state: 'none', isOutstanding, principal: 0n, interest: 0n }
  const { state, principal, interest } = await getLoan(client, { facility, loan, ...at })
  return { loan, state, isOutstanding, principal, interest }
}
