import type { Address, Hex } from 'viem'
import { NodeError } from '../errors/NodeError.ts'

/** The RPC endpoint does not answer in time, or not with JSON-RPC. */
export class RpcUnavailableError extends NodeError {
  constructor(options: { rpc: string; cause: unknown }) {
    super({
      code: 'RPC_UNAVAILABLE',
      message: `The chain does not answer at "${options.rpc}".`,
      remedy:
        'Check network.rpc in the configuration and that the endpoint is up. The node tries again by itself.',
      retryable: true,
      cause: options.cause,
    })
  }
}

/** The RPC endpoint serves another chain than the configuration names. */
export class ChainMismatchError extends NodeError {
  constructor(options: { rpc: string; expected: number; actual: number }) {
    super({
      code: 'CHAIN_MISMATCH',
      message: `"${options.rpc}" serves chain ${options.actual}, the configuration names chain ${options.expected}.`,
      remedy: 'Correct network.chain_id or network.rpc in the configuration.',
      details: options,
    })
  }
}

/** There is no contract where one should be. */
export class ContractMissingError extends NodeError {
  constructor(options: { name: string; address: Address; chainId: number }) {
    super({
      code: 'CONTRACT_MISSING',
      message: `There is no ${options.name} contract at ${options.address} on chain ${options.chainId}.`,
      remedy: 'Check network.contracts in the configuration; on a local network run `millrace up` first.',
      details: options,
    })
  }
}

/** The operator's account cannot pay for transactions. */
export class GasTooLowError extends NodeError {
  constructor(options: { operator: Address; balance: string; needed: string }) {
    super({
      code: 'GAS_TOO_LOW',
      message: `The operator ${options.operator} has ${options.balance} native coins for transactions; at least ${options.needed} are needed.`,
      remedy: 'Send native coins to this address. The node goes on by itself once they are there.',
      retryable: true,
      details: options,
    })
  }
}

/** A transaction was mined but undone by the contract. */
export class TransactionRevertedError extends NodeError {
  constructor(options: { what: string; hash: Hex }) {
    super({
      code: 'TRANSACTION_REVERTED',
      message: `The transaction to ${options.what} was reverted: ${options.hash}.`,
      retryable: true,
      details: options,
    })
  }
}

/** A transaction was sent and not mined in time. */
export class TransactionPendingError extends NodeError {
  constructor(options: { what: string; hash: Hex; seconds: number }) {
    super({
      code: 'TRANSACTION_PENDING',
      message: `The transaction to ${options.what} was not mined within ${options.seconds} seconds: ${options.hash}.`,
      remedy: 'The node goes on trying, with a higher fee.',
      retryable: true,
      details: options,
    })
  }
}

/** Another transaction of the account took a transaction's nonce: this one was not mined and never will be. */
export class TransactionReplacedError extends NodeError {
  constructor(options: { what: string; hash: Hex; nonce: number }) {
    super({
      code: 'TRANSACTION_REPLACED',
      message: `The transaction to ${options.what} was not mined: another took its nonce, ${options.nonce}: ${options.hash}.`,
      remedy: 'The node looks at the chain and sends it again if it is still needed.',
      retryable: true,
      details: options,
    })
  }
}
