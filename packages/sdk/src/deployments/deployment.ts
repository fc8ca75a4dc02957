import type { Address } from 'viem'
import * as z from 'zod'
import { addressSchema } from '../border/primitives.ts'

/** An ERC-20 in which assets are paid. `name` and `version` are of its EIP-712 domain. */
export const currencySchema = z.object({
  address: addressSchema,
  symbol: z.string().min(1).max(32),
  decimals: z.int().min(0).max(36),
  name: z.string().max(128),
  version: z.string().max(16),
})

/** Contracts of credit that know no ranks or units are of a version that this one cannot speak to. */
function ofThisVersion(credit: unknown): unknown {
  return typeof credit === 'object' && credit !== null && !('ranks' in credit && 'units' in credit)
    ? undefined
    : credit
}

/** Where Millrace is on a chain, as in `deployments/<chainId>.json`. */
export const deploymentSchema = z.object({
  chainId: z.int().positive(),
  assets: addressSchema,
  till: addressSchema,
  market: addressSchema,
  channels: addressSchema,
  /** Left out by what was deployed before there were wallets of agents. */
  agents: z
    .object({
      policies: addressSchema,
      factory: addressSchema,
      module: addressSchema,
      delegate: addressSchema,
    })
    .optional(),
  /** Left out by what was deployed before there was credit, or without ranks or units: those contracts answer otherwise. */
  credit: z
    .preprocess(
      ofThisVersion,
      z
        .object({
          units: addressSchema,
          appraisals: addressSchema,
          auction: addressSchema,
          ranks: addressSchema,
          desks: addressSchema,
          vaults: addressSchema,
        })
        .optional(),
    )
    .optional(),
  currencies: z.array(currencySchema).max(64),
  /** Length of the till's epoch in seconds. */
  epochLength: z.int().positive(),
})

/** An ERC-20 in which assets are paid. */
export interface Currency {
  readonly address: Address
  readonly symbol: string
  readonly decimals: number
  /** Name in its EIP-712 domain, for permits. */
  readonly name: string
  /** Version in its EIP-712 domain, for permits. */
  readonly version: string
}

/** Where the contracts of agents' wallets are. */
export interface AgentContracts {
  /** The side of owner and guardian, a part of the other three. */
  readonly policies: Address
  /** Makes accounts of their own. */
  readonly factory: Address
  /** Executor module of ERC-7579 accounts. */
  readonly module: Address
  /** Code of EIP-7702 accounts. */
  readonly delegate: Address
}

/** Where the contracts are that all facilities share. */
export interface CreditContracts {
  /** Makes assets of what is lent to a facility. */
  readonly units: Address
  /** What assets are worth. */
  readonly appraisals: Address
  /** Where assets of loans in default are sold. */
  readonly auction: Address
  /** Fills the debt slot of assets on which several facilities stand one behind the other. */
  readonly ranks: Address
  /** Makes the desk of a new facility. */
  readonly desks: Address
  /** Makes its two vaults. */
  readonly vaults: Address
}

/** Where Millrace is on a chain. */
export interface Deployment {
  readonly chainId: number
  readonly assets: Address
  readonly till: Address
  readonly market: Address
  readonly channels: Address
  /** None where it was deployed before there were wallets of agents. */
  readonly agents?: AgentContracts | undefined
  /** None where it was deployed before there was credit. */
  readonly credit?: CreditContracts | undefined
  readonly currencies: readonly Currency[]
  /** Seconds. */
  readonly epochLength: number
}
