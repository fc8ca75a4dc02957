import type { Address } from 'viem'
import { deskAbi } from '../generated/desk.ts'
import { facilityAbi } from '../generated/facility.ts'
import { vaultAbi } from '../generated/vault.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import {
  type BookRules,
  type DeskRules,
  deskRulesFromChain,
  type FacilityContracts,
  virtualShares,
} from './facility.ts'

/** One line of a facility. Amounts in base units of the currency, shares in base units of the vault. */
export interface FacilityLineState {
  readonly vault: Address
  /** Shares that lenders have, those that wait in the queue included. */
  readonly shares: bigint
  /** Decimals of a share: those of the currency and six more. */
  readonly decimals: number
  /** What the line is worth with interest that is owed and all principal: the price at which one comes. */
  readonly optimistic: bigint
  /** Without interest and without doubtful principal: the price at which one leaves. */
  readonly conservative: bigint
  /** What a whole share costs, in base units, rounded down. */
  readonly depositPrice: bigint
  /** What a whole share brings, in base units, rounded down. */
  readonly redeemPrice: bigint
  /** Shares that wait to be paid. */
  readonly waiting: bigint
  /** Most that the line takes in now. */
  readonly room: bigint
}

/** A facility as the chain sees it. Amounts in base units of its currency. */
export interface Facility extends FacilityContracts {
  readonly currency: Address
  /** Lists underwriters. */
  readonly curator: Address
  readonly bookRules: BookRules
  /** What its desk may agree to. */
  readonly deskRules: DeskRules
  readonly value: {
    /** Money that is not lent. */
    readonly idle: bigint
    /** Owed by loans that are not written off. */
    readonly principal: bigint
    /** Owed to lenders by them, rounded down. */
    readonly interest: bigint
    /** Part of the principal that no sale is expected to bring. */
    readonly doubtful: bigint
    /** What senior may claim at most. */
    readonly seniorClaim: bigint
  }
  readonly lines: { readonly senior: FacilityLineState; readonly junior: FacilityLineState }
  /** Effective number of obligors and of the three kinds of clusters, × 100; `null` where nothing is drawn. */
  readonly bets: readonly (bigint | null)[]
}

/**
 * Reads a facility from the chain: its contracts, its value, its two lines with both prices, and how many wait.
 *
 * @param client A viem client of the chain.
 * @param parameters Address of the facility; `blockNumber` for a block other than the latest.
 * @returns The facility; amounts in base units.
 * @throws ChainUnreachableError, or viem's error if there is no facility at the address.
 * @example
 * const { value, lines } = await getFacility(client, { facility })
 */
export async function getFacility(
  client: ReadClient,
  parameters: { readonly facility: Address; readonly blockNumber?: bigint },
): Promise<Facility> {
  const { facility } = parameters
  const at = parameters.blockNumber === undefined ? {} : { blockNumber: parameters.blockNumber }
  const of = { address: facility, abi: facilityAbi, ...at } as const
  const [desk, senior, junior, bookRules, value] = await Promise.all([
    read(client, { ...of, functionName: 'desk' }),
    read(client, { ...of, functionName: 'senior' }),
    read(client, { ...of, functionName: 'junior' }),
    read(client, { ...of, functionName: 'rules' }),
    read(client, { ...of, functionName: 'value' }),
  ])
  const deskOf = { address: desk, abi: deskAbi, ...at } as const
  const lineOf = async (isSenior: boolean): Promise<FacilityLineState> => {
    const vault = isSenior ? senior : junior
    const vaultOf = { address: vault, abi: vaultAbi, ...at } as const
    const [shares, decimals, [requested, paid], [optimistic, conservative], room] = await Promise.all([
      read(client, { ...vaultOf, functionName: 'totalSupply' }),
      read(client, { ...vaultOf, functionName: 'decimals' }),
      read(client, { ...vaultOf, functionName: 'queue' }),
      read(client, { ...of, functionName: 'assetsOf', args: [isSenior] }),
      read(client, { ...of, functionName: 'roomFor', args: [isSenior] }),
    ])
    const price = (assets: bigint) => ((assets + 1n) * 10n ** BigInt(decimals)) / (shares + virtualShares)
    return {
      ...{ vault, shares, decimals, optimistic, conservative, room },
      depositPrice: price(optimistic),
      redeemPrice: price(conservative),
      waiting: requested - paid,
    }
  }
  const [seniorLine, juniorLine, deskRules, curator, bets] = await Promise.all([
    lineOf(true),
    lineOf(false),
    read(client, { ...deskOf, functionName: 'rules' }),
    read(client, { ...deskOf, functionName: 'curator' }),
    Promise.all(
      [0n, 1n, 2n, 3n].map((kind) => read(client, { ...deskOf, functionName: 'betsOf', args: [kind] })),
    ),
  ])
  return {
    ...{ facility, desk, senior, junior, currency: bookRules.currency, curator, bookRules, value },
    deskRules: deskRulesFromChain(deskRules),
    lines: { senior: seniorLine, junior: juniorLine },
    bets: bets.map(([count, squares]) => (squares === 0n ? null : count)),
  }
}
