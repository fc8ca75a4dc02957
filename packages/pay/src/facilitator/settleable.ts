import type { ReadClient } from '@millrace/sdk'
import type { Address, Hash, Hex, TransactionReceipt } from 'viem'
import type { BatchReason } from '../batch/reasons.ts'
import type { ExactReason } from '../exact/reasons.ts'
import type { UptoReason } from '../upto/reasons.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'

/** Why a payment is refused, in the names that the x402 packages use. */
export type RefusalReason = ExactReason | UptoReason | BatchReason

/** A payment that is not taken: the exact reason, and a sentence with the values seen and wanted. */
export interface Refusal {
  readonly type: 'refused'
  readonly reason: RefusalReason
  readonly message: string
  readonly payer: string | null
}

/** What names an authorization, whatever is wrong with it otherwise. */
export interface PaymentIdentity {
  /** The chain remembers that it is spent for ever, so this names it for ever. */
  readonly key: string
  /** Everything that was signed, the signature, and what is asked for: only the very same payment has the same answer. */
  readonly print: string
  /** In lower case. */
  readonly payer: Address
  /** Unix seconds after which it cannot be settled; 0 where doing it again changes nothing. */
  readonly until: bigint
  /** Asked for again once it is done, it is to be done anew: what it moves is not in its name. */
  readonly repeats?: true
}

/** A payment that is right as far as can be told without a chain, and how a chain is asked about it. */
export interface SettleablePayment {
  readonly type: 'right'
  readonly payer: Address
  /** Base units that are moved. */
  readonly amount: bigint
  /** The EIP-712 digest that was signed. */
  readonly digest: Hash
  /** The call that moves the money. */
  readonly call: { readonly to: Address; readonly data: Hex }
  /** The only account that may send it; null if anyone may. */
  readonly sender: Address | null
  /** Asks the chain whether it can be settled now; null if it can. Throws ChainUnreachableError. */
  check(client: ReadClient): Promise<Refusal | null>
  /** Why the chain does not take it. */
  diagnose(client: ReadClient): Promise<Refusal>
  /** The transaction of anyone that spent the authorization; null while it is not spent, or where that cannot be told. */
  findSpender(client: ReadClient, fromBlock: bigint): Promise<TransactionReceipt | null>
  /** Whether a transaction moved the money as signed. */
  isPaid(receipt: TransactionReceipt): boolean
  /** Set where the chain takes calls that are not to be sent: it is checked before. */
  readonly checksFirst?: true
  /** In place of the scheme's. */
  readonly reasons?: SettlementReasons
  /** Most gas that it may take; as the chain says where it is left out. */
  readonly maxGas?: bigint
  /** `extra` of the answer to `/verify`. */
  describe?(client: ReadClient): Promise<Readonly<Record<string, unknown>>>
  /** What the answer to `/settle` says besides, of the transaction that did it. */
  report?(
    client: ReadClient,
    hash: Hash,
  ): Promise<{ readonly amount?: string; readonly extra?: Record<string, unknown> }>
}

/** The reasons that the facilitator itself has, in a scheme's names. */
export interface SettlementReasons {
  readonly nonceUsed: RefusalReason
  readonly simulation: RefusalReason
  readonly transaction: RefusalReason
  readonly transferEvent: RefusalReason
}

/** How payments of one scheme are settled. */
export interface SettlementScheme {
  readonly reasons: SettlementReasons
  /**
   * Everything about a payment that needs no chain. `verify` asks about what the payer signed, `settle` about what is to
   * be moved, which may be less.
   */
  inspect(
    payment: PaymentPayload,
    options: {
      readonly requirements: PaymentRequirements
      /** Unix seconds. */
      readonly now: number
      readonly purpose: 'verify' | 'settle'
    },
  ): SettleablePayment | Refusal
  /** A payment that was inspected before, from what was written down of it. */
  restore(written: {
    readonly payload: Readonly<Record<string, unknown>>
    readonly requirements: PaymentRequirements
    readonly digest: Hash
  }): SettleablePayment
}

/** The schemes by their names. */
export type SettlementSchemes = ReadonlyMap<string, SettlementScheme>
