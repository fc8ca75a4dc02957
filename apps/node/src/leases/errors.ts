import { NodeError } from '../errors/NodeError.ts'

/** The lease was not opened on an offer of this node, or the chain does not know it. */
export class LeaseUnknownError extends NodeError {
  constructor(options: { lease: string; reason: string }) {
    super({
      code: 'LEASE_UNKNOWN',
      message: `Lease "${options.lease}" is not served here: ${options.reason}.`,
      remedy: 'Check the lease and the device. A lease that is not mined yet can be tried again in a moment.',
      retryable: true,
      details: options,
    })
  }
}

/** The machine that was offered is taken by a lease that came first. */
export class SlotTakenError extends NodeError {
  constructor(options: { lease: string; slot: number }) {
    super({
      code: 'SLOT_TAKEN',
      message: `Lease "${options.lease}" came second: the machine it was offered is hired already.`,
      remedy: 'Stop the lease: the whole deposit comes back. Then take another offer.',
      details: options,
    })
  }
}

/** The lease already has another job. */
export class JobExistsError extends NodeError {
  constructor(options: { lease: string; hash: string }) {
    super({
      code: 'JOB_EXISTS',
      message: `Lease "${options.lease}" has the job ${options.hash} already; a lease runs one job.`,
      remedy: 'Open another lease for another job.',
      details: options,
    })
  }
}

/** The job asks for more than the lease gives. */
export class JobTooLargeError extends NodeError {
  constructor(options: { what: string; asked: number | string; allowed: number | string }) {
    super({
      code: 'JOB_TOO_LARGE',
      message: `The job asks for ${options.asked} ${options.what}; the lease has ${options.allowed}.`,
      remedy: 'Ask for less, or take a larger offer.',
      details: options,
    })
  }
}

/** The job or its parameters do not have the form of the protocol. */
export class RequestInvalidError extends NodeError {
  constructor(options: { method: string; issues: readonly string[] }) {
    super({
      code: 'REQUEST_INVALID',
      message: `"${options.method}" cannot be understood: ${options.issues.join('; ')}.`,
      details: options,
    })
  }
}

/** A piece of the bundle does not follow the one before. */
export class BundleOffsetError extends NodeError {
  constructor(options: { offset: number; received: number }) {
    super({
      code: 'BUNDLE_OFFSET',
      message: `A piece at byte ${options.offset} came, ${options.received} bytes are here.`,
      remedy: 'Ask `bundle.status` and go on from there.',
      retryable: true,
      details: options,
    })
  }
}

/** The bundle is larger than allowed. */
export class BundleTooLargeError extends NodeError {
  constructor(options: { size: number; allowed: number }) {
    super({
      code: 'BUNDLE_TOO_LARGE',
      message: `The bundle has ${options.size} bytes; at most ${options.allowed} are allowed.`,
      remedy: 'Leave files out of the work folder, or take an offer with a larger disk.',
      details: options,
    })
  }
}

/** The bundle that came is not the one that was announced. It was thrown away. */
export class BundleHashError extends NodeError {
  constructor(options: { expected: string; actual: string }) {
    super({
      code: 'BUNDLE_HASH',
      message: `The bundle's SHA-256 is ${options.actual}, announced was ${options.expected}.`,
      remedy: 'Send it again from the start.',
      retryable: true,
      details: options,
    })
  }
}

/** The job was started before all of its bundle was there. */
export class BundleMissingError extends NodeError {
  constructor(options: { hash: string; received: number; size: number }) {
    super({
      code: 'BUNDLE_MISSING',
      message: `The bundle ${options.hash} is not here: ${options.received} of ${options.size} bytes came.`,
      remedy: 'Send it with `bundle.write` first.',
      retryable: true,
      details: options,
    })
  }
}

/** The log and the outputs of a lease were deleted: they are kept for a time, and only while there is room. */
export class FilesGoneError extends NodeError {
  constructor(options: { lease: string; what: string }) {
    super({
      code: 'FILES_GONE',
      message: `The ${options.what} of lease "${options.lease}" is not kept any more.`,
      remedy: 'Fetch it when the job ends: a machine deletes the oldest files when it needs the room.',
      details: options,
    })
  }
}

/** A session reads as many logs as it may already. */
export class LogStreamsError extends NodeError {
  constructor(options: { streams: number; allowed: number }) {
    super({
      code: 'LOG_STREAMS',
      message: `This session reads ${options.streams} logs already; at most ${options.allowed} are allowed.`,
      remedy: 'Wait for `log.end` of one, or open another session.',
      retryable: true,
      details: options,
    })
  }
}

/** There is nothing to read yet. */
export class NotReadyError extends NodeError {
  constructor(options: { what: string; state: string }) {
    super({
      code: 'NOT_READY',
      message: `There is no ${options.what} yet: the job is "${options.state}".`,
      retryable: true,
      details: options,
    })
  }
}

/** The lease is over, or the node takes no new work, so no job can be given to it any more. */
export class JobRefusedError extends NodeError {
  constructor(options: { lease: string; reason: string; retryable?: boolean }) {
    super({
      code: 'JOB_REFUSED',
      message: `Lease "${options.lease}" cannot take a job: ${options.reason}.`,
      retryable: options.retryable ?? false,
      details: { lease: options.lease },
    })
  }
}

/** A signature is not the buyer's. */
export class BuyerSignatureError extends NodeError {
  constructor(options: { what: string; buyer: string }) {
    super({
      code: 'BUYER_SIGNATURE',
      message: `The signature of the ${options.what} is not that of the lease's buyer, ${options.buyer}.`,
      details: options,
    })
  }
}

/** The machine's disk is full. */
export class DiskFullError extends NodeError {
  constructor(options: { cause: unknown }) {
    super({
      code: 'DISK_FULL',
      message: 'The disk of the machine is full.',
      remedy: 'Stop the lease: what was not started costs nothing. Then take another offer.',
      retryable: true,
      cause: options.cause,
    })
  }
}
