import { NodeError } from '../errors/NodeError.ts'

/** A slot would be too small to run anything. */
export class MachineTooSmallError extends NodeError {
  constructor(options: { what: string; share: number; least: number; slots: number }) {
    super({
      code: 'MACHINE_TOO_SMALL',
      message: `Each of ${options.slots} slots would get ${options.share} of ${options.what}; at least ${options.least} are needed.`,
      remedy: 'Lower offer.slots or machine.reserve_* in the configuration, or free disk space.',
      details: options,
    })
  }
}

/** There is no slot of that number. */
export class SlotUnknownError extends NodeError {
  constructor(options: { slot: number; slots: number }) {
    super({
      code: 'SLOT_UNKNOWN',
      message: `There is no slot ${options.slot}; this machine offers ${options.slots}.`,
      remedy: 'Try again when the machine has made its offers.',
      retryable: true,
      details: options,
    })
  }
}
