import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** The chain has no registries of ERC-8004. */
export class RegistriesMissingError extends CliError {
  override readonly name = 'RegistriesMissingError'
  static readonly code = 'REGISTRIES_MISSING'
  constructor(options: { network: string }) {
    super({
      code: RegistriesMissingError.code,
      message: `Network '${options.network}' has no registries of ERC-8004 at their addresses.`,
      remedy: 'Choose a network that has them; the local one does.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** No agent is registered under that id, or by that address. */
export class IdentityMissingError extends CliError {
  override readonly name = 'IdentityMissingError'
  static readonly code = 'IDENTITY_MISSING'
  constructor(options: { agent: string }) {
    super({
      code: IdentityMissingError.code,
      message: `No agent is registered as '${options.agent}'.`,
      remedy: 'Register one with `millrace reputation register <uri>`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** An address is that of several agents. */
export class IdentityAmbiguousError extends CliError {
  override readonly name = 'IdentityAmbiguousError'
  static readonly code = 'IDENTITY_AMBIGUOUS'
  constructor(options: { agent: string; found: readonly bigint[] }) {
    super({
      code: IdentityAmbiguousError.code,
      message: `'${options.agent}' is the address of ${options.found.length} agents: ${options.found.join(', ')}.`,
      remedy: 'Name one by its id.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** A receipt is not of a payment by this wallet to this agent. */
export class ReceiptForeignError extends CliError {
  override readonly name = 'ReceiptForeignError'
  static readonly code = 'RECEIPT_FOREIGN'
  constructor(options: { field: string; wanted: string; seen: string }) {
    super({
      code: ReceiptForeignError.code,
      message: `The receipt speaks for no feedback of this wallet on this agent: its ${options.field} is '${options.seen}', not '${options.wanted}'.`,
      remedy: 'Nothing was said. Give the receipt that the agent signed for what this wallet paid it.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** The chain does not show that what a receipt says was paid. */
export class ReceiptUnpaidError extends CliError {
  override readonly name = 'ReceiptUnpaidError'
  static readonly code = 'RECEIPT_UNPAID'
  constructor(options: { reference: string; amount: bigint; reason: string }) {
    super({
      code: ReceiptUnpaidError.code,
      message: `The chain does not show the receipt's payment of ${options.amount} base units: ${options.reason}.`,
      remedy: 'Nothing was said. What is paid on a channel shows once the seller has claimed it: try later.',
      exitCode: exitCodes.later,
      details: options,
    })
  }
}
