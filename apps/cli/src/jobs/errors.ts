import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** No lease of ours begins like this. */
export class LeaseNotOursError extends CliError {
  override readonly name = 'LeaseNotOursError'
  static readonly code = 'LEASE_NOT_OURS'
  constructor(options: { prefix: string }) {
    super({
      code: LeaseNotOursError.code,
      message: `No lease ordered from this home begins with '${options.prefix}'.`,
      remedy: '`millrace ps --all` lists them.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** Several leases begin like this. */
export class LeaseAmbiguousError extends CliError {
  override readonly name = 'LeaseAmbiguousError'
  static readonly code = 'LEASE_AMBIGUOUS'
  constructor(options: { prefix: string; found: readonly string[] }) {
    super({
      code: LeaseAmbiguousError.code,
      message: `${options.found.length} leases begin with '${options.prefix}': ${options.found.map((lease) => lease.slice(0, 14)).join(', ')}.`,
      remedy: 'Give more digits.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** A reorganisation dropped a lease that was open. */
export class LeaseVanishedError extends CliError {
  override readonly name = 'LeaseVanishedError'
  static readonly code = 'LEASE_VANISHED'
  constructor(options: { lease: string }) {
    super({
      code: LeaseVanishedError.code,
      message: `The chain does not know lease '${options.lease}' any more: a reorganisation dropped it.`,
      remedy:
        'The deposit is in your till account again. Go on with `millrace run --resume <lease>`, which opens it anew, or run the job again.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: options,
    })
  }
}

/** An order's journal is damaged. */
export class OrderDamagedError extends CliError {
  override readonly name = 'OrderDamagedError'
  static readonly code = 'ORDER_DAMAGED'
  constructor(options: { path: string; line: number; reason: string }) {
    super({
      code: OrderDamagedError.code,
      message: `The order's journal '${options.path}' is damaged at line ${options.line}: ${options.reason}.`,
      remedy:
        'Its lease is on chain whatever the file says: stop it with a wallet, or wait for its end; the rest comes back.',
      exitCode: exitCodes.files,
      details: options,
    })
  }
}

/** An order's journal cannot be written; no money was moved after that. */
export class OrderWriteError extends CliError {
  override readonly name = 'OrderWriteError'
  static readonly code = 'ORDER_WRITE'
  constructor(options: { path: string; cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause)
    super({
      code: OrderWriteError.code,
      message: `The order's journal '${options.path}' cannot be written: ${reason}.`,
      remedy: 'Free some disk space, then go on with `millrace run --resume <lease>`.',
      exitCode: exitCodes.files,
      retryable: true,
      details: { path: options.path, reason },
      cause: options.cause,
    })
  }
}

/** Another job of this home ordered the same offer. */
export class OrderExistsError extends CliError {
  override readonly name = 'OrderExistsError'
  static readonly code = 'ORDER_EXISTS'
  constructor(options: { lease: string; cause?: unknown }) {
    super({
      code: OrderExistsError.code,
      message: `Another job of this home ordered offer '${options.lease.slice(0, 10)}' before.`,
      remedy: 'Run the job again for another offer, or go on with that one: `millrace run --resume <lease>`.',
      exitCode: exitCodes.later,
      retryable: true,
      details: { lease: options.lease },
      cause: options.cause,
    })
  }
}

/** No live offer fits. */
export class NoOfferError extends CliError {
  override readonly name = 'NoOfferError'
  static readonly code = 'NO_OFFER'
  constructor(options: { query: string; reason?: string }) {
    super({
      code: NoOfferError.code,
      message: `No live offer fits '${options.query}'${options.reason === undefined ? '' : `: ${options.reason}`}.`,
      remedy: 'Ask for less, allow a higher price, or see what there is with `millrace offers`.',
      exitCode: exitCodes.missing,
      retryable: true,
      details: options,
    })
  }
}

/** What was agreed on with a machine is not what the job asks for. */
export class AgreementUnfitError extends CliError {
  override readonly name = 'AgreementUnfitError'
  static readonly code = 'AGREEMENT_UNFIT'
  constructor(options: { lease: string; reason: string }) {
    super({
      code: AgreementUnfitError.code,
      message: `Agreement '${options.lease}' does not fit the job: ${options.reason}.`,
      remedy: 'Nothing was paid. Haggle again for this job, or hire without the agreement.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** None of the machines that fit took the job. */
export class NoMachineError extends CliError {
  override readonly name = 'NoMachineError'
  static readonly code = 'NO_MACHINE'
  constructor(options: { tried: readonly { readonly lease: string; readonly reason: string }[] }) {
    super({
      code: NoMachineError.code,
      message: `No machine started the job; everything was given back. Tried: ${options.tried.map(({ lease, reason }) => `${lease.slice(0, 10)} (${reason})`).join('; ')}.`,
      remedy: 'Try again later, or ask for other machines.',
      exitCode: exitCodes.later,
      retryable: true,
      details: options,
    })
  }
}

/** Too little money. */
export class NotEnoughMoneyError extends CliError {
  override readonly name = 'NotEnoughMoneyError'
  static readonly code = 'NOT_ENOUGH_MONEY'
  constructor(options: { account: string; needed: string; has: string; isLocal: boolean }) {
    super({
      code: NotEnoughMoneyError.code,
      message: `Account '${options.account}' has ${options.has} in till and wallet together, and ${options.needed} is needed.`,
      remedy: options.isLocal
        ? 'Get test money with `millrace wallet faucet`, or ask for less time with `--duration`.'
        : 'Send money to the wallet, or ask for less time with `--duration`.',
      exitCode: exitCodes.money,
      details: options,
    })
  }
}

/** The machine cannot be reached through any gateway. */
export class MachineUnreachableError extends CliError {
  override readonly name = 'MachineUnreachableError'
  static readonly code = 'MACHINE_UNREACHABLE'
  constructor(options: { device: string; reason: string; cause?: unknown }) {
    super({
      code: MachineUnreachableError.code,
      message: `Machine '${options.device}' cannot be reached: ${options.reason}.`,
      remedy: 'Try again; if the lease runs, `millrace stop <lease>` ends it without the machine.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { device: options.device, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** The machine took the lease's money seriously but not the job. */
export class JobNotStartedError extends CliError {
  override readonly name = 'JobNotStartedError'
  static readonly code = 'JOB_NOT_STARTED'
  constructor(options: { lease: string; reason: string; cause?: unknown }) {
    super({
      code: JobNotStartedError.code,
      message: `The machine of lease '${options.lease.slice(0, 10)}' did not start the job: ${options.reason}.`,
      remedy: 'The lease is given back; run the job again.',
      exitCode: exitCodes.later,
      retryable: true,
      details: { lease: options.lease, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** What came back is not what the machine said it would be. */
export class OutputsDamagedError extends CliError {
  override readonly name = 'OutputsDamagedError'
  static readonly code = 'OUTPUTS_DAMAGED'
  constructor(options: { lease: string; reason: string }) {
    super({
      code: OutputsDamagedError.code,
      message: `The outputs of lease '${options.lease.slice(0, 10)}' are not as announced: ${options.reason}.`,
      remedy: 'Try again with `millrace get <lease>`; do not acknowledge the receipt if it stays so.',
      exitCode: exitCodes.data,
      details: options,
    })
  }
}

/** The lease is in a state in which this cannot be done. */
export class LeaseStateError extends CliError {
  override readonly name = 'LeaseStateError'
  static readonly code = 'LEASE_STATE'
  constructor(options: { lease: string; state: string; action: string }) {
    super({
      code: LeaseStateError.code,
      message: `Lease '${options.lease.slice(0, 10)}' cannot be ${options.action}: it is ${options.state}.`,
      remedy: '`millrace ps --all` shows where it stands.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** The receipt does not hold. */
export class ReceiptInvalidError extends CliError {
  override readonly name = 'ReceiptInvalidError'
  static readonly code = 'RECEIPT_INVALID'
  constructor(options: { lease: string; reasons: readonly string[] }) {
    super({
      code: ReceiptInvalidError.code,
      message: `The receipt of lease '${options.lease.slice(0, 10)}' does not hold: ${options.reasons.join(' ')}`,
      remedy: 'It was not acknowledged. What the chain paid out stands in `millrace ps --all`.',
      exitCode: exitCodes.data,
      details: options,
    })
  }
}

/** The person pressed Ctrl-C. */
export class InterruptedError extends CliError {
  override readonly name = 'InterruptedError'
  static readonly code = 'INTERRUPTED'
  constructor(options: { message: string; remedy?: string }) {
    super({ code: InterruptedError.code, ...options, exitCode: exitCodes.interrupted })
  }
}
