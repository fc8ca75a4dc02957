import { NodeError } from '../errors/NodeError.ts'

/** This machine does not haggle about what was called for. */
export class HaggleRefusedError extends NodeError {
  constructor(options: { reason: string; retryable?: boolean }) {
    super({
      code: 'HAGGLE_REFUSED',
      message: `This machine does not haggle: ${options.reason}.`,
      remedy: 'Open a lease on one of its offers at the list price, or call for something else.',
      retryable: options.retryable ?? false,
      details: { reason: options.reason },
    })
  }
}

/** More haggling than the operator allows. */
export class HaggleBusyError extends NodeError {
  constructor(options: { what: string; seen: number; allowed: number }) {
    super({
      code: 'HAGGLE_BUSY',
      message: `This machine haggles too much already: ${options.seen} ${options.what}, ${options.allowed} allowed.`,
      remedy: 'Try again in a minute, or open a lease on one of its offers at the list price.',
      retryable: true,
      details: options,
    })
  }
}
