import type { Address } from 'viem'

/** An account that agents spend from, in any of its three forms. */
export interface AgentWallet {
  /** Whose money it is. */
  readonly account: Address
  /** What is called: the account itself, unless it uses the module. Default the account. */
  readonly hub?: Address
}

/** What is called for an account. */
export const hubOf = ({ account, hub }: AgentWallet): Address => hub ?? account
