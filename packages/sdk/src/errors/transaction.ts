import type { Hash } from 'viem'
import { MillraceError } from './MillraceError.ts'

/**
 * A contract refused a transaction. `code` is the contract's own error in capitals (`LEASE_OVER` for `LeaseOver`), and
 * `revert` holds its values.
 */
export class RevertError extends MillraceError {
  override readonly name = 'RevertError'
  /** The contract's error and its values by name. */
  readonly revert: { readonly name: string; readonly args: Readonly<Record<string, unknown>> }
  constructor(options: {
    name: string
    args: Readonly<Record<string, unknown>>
    message: string
    remedy: string | undefined
    cause: unknown
  }) {
    super({
      code: options.name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase(),
      message: options.message,
      remedy: options.remedy,
      details: options.args,
      cause: options.cause,
    })
    this.revert = { name: options.name, args: options.args }
  }
}

/** A transaction was mined and failed, and the chain does not say why. */
export class TransactionRevertedError extends MillraceError {
  override readonly name = 'TransactionRevertedError'
  static readonly code = 'TRANSACTION_REVERTED'
  constructor(options: { hash: Hash; cause?: unknown }) {
    super({
      code: TransactionRevertedError.code,
      message: `Transaction '${options.hash}' was mined and failed; the chain does not say why.`,
      remedy: 'Look at the state again: something changed between sending and mining, or the gas ran out.',
      details: { hash: options.hash },
      cause: options.cause,
    })
  }
}

/** A transaction was not confirmed in time. It may still be. */
export class TransactionTimeoutError extends MillraceError {
  override readonly name = 'TransactionTimeoutError'
  static readonly code = 'TRANSACTION_TIMEOUT'
  constructor(options: { hash: Hash; confirmations: number; timeout: number; cause?: unknown }) {
    super({
      code: TransactionTimeoutError.code,
      message: `Transaction '${options.hash}' did not get ${options.confirmations} confirmations within ${options.timeout} ms; it may still.`,
      remedy: 'Wait and confirm the same hash again; do not send it a second time.',
      retryable: true,
      details: { hash: options.hash, confirmations: options.confirmations, timeout: options.timeout },
      cause: options.cause,
    })
  }
}

/** The chain cannot be reached, or did not answer as a chain does. */
export class ChainUnreachableError extends MillraceError {
  override readonly name = 'ChainUnreachableError'
  static readonly code = 'CHAIN_UNREACHABLE'
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: ChainUnreachableError.code,
      message: `The chain did not answer: ${options.reason}.`,
      remedy: 'Check the RPC address and that the node behind it runs.',
      retryable: true,
      details: { reason: options.reason },
      cause: options.cause,
    })
  }
}

/** The account cannot pay for a transaction. */
export class GasMoneyError extends MillraceError {
  override readonly name = 'GasMoneyError'
  static readonly code = 'GAS_MONEY'
  constructor(options: { account: string; cause?: unknown }) {
    super({
      code: GasMoneyError.code,
      message: `Account '${options.account}' has not enough of the chain's own currency to pay for the transaction.`,
      remedy: 'Send it some; on a local network use the faucet.',
      details: { account: options.account },
      cause: options.cause,
    })
  }
}
