import { RunnerError } from '../../errors.ts'

/** Base of every reason to refuse a bundle. The buyer made it, so trying again does not help. */
export class BundleError extends RunnerError {}

function quoted(path: string): string {
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path
  return JSON.stringify(shown)
}

const remedy = 'Pack the work folder again with `millrace run`, which makes only bundles that are accepted.'

/** The bundle does not exist or cannot be read. */
export class BundleUnreadableError extends BundleError {
  constructor(options: { path: string; cause: unknown }) {
    super({
      code: 'BUNDLE_UNREADABLE',
      message: `The bundle ${quoted(options.path)} cannot be read.`,
      remedy: 'Upload the bundle again.',
      cause: options.cause,
    })
  }
}

/** The bundle is not a complete gzip stream. */
export class BundleCompressionError extends BundleError {
  constructor(options: { cause: unknown }) {
    super({
      code: 'BUNDLE_COMPRESSION',
      message: 'The bundle is not a complete gzip stream.',
      remedy,
      cause: options.cause,
    })
  }
}

/** The bundle is not a well-formed tar. */
export class BundleFormatError extends BundleError {
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: 'BUNDLE_FORMAT',
      message: `The bundle is not a well-formed tar: ${options.reason}.`,
      remedy,
      cause: options.cause,
    })
  }
}

/** An entry's path is absolute, leaves the work folder or cannot be a file name. */
export class BundlePathError extends BundleError {
  constructor(options: { path: string; reason: string }) {
    super({
      code: 'BUNDLE_PATH',
      message: `The bundle's entry ${quoted(options.path)} ${options.reason}.`,
      remedy: 'Use only paths inside the work folder.',
    })
  }
}

/** A link in the bundle points outside the work folder. */
export class BundleLinkError extends BundleError {
  constructor(options: { path: string; target: string; reason: string }) {
    super({
      code: 'BUNDLE_LINK',
      message: `The bundle's link ${quoted(options.path)} to ${quoted(options.target)} ${options.reason}.`,
      remedy: 'Use relative links that stay inside the work folder.',
    })
  }
}

/** The bundle holds something that is neither a file, a folder nor a link. */
export class BundleEntryTypeError extends BundleError {
  constructor(options: { path: string; type: string }) {
    super({
      code: 'BUNDLE_ENTRY_TYPE',
      message: `The bundle's entry ${quoted(options.path)} is a "${options.type}"; allowed: file, directory, link.`,
      remedy: 'Leave devices, pipes and sockets out of the work folder.',
    })
  }
}

/** Two entries of the bundle claim the same path, or one lies below something that is not a folder. */
export class BundleConflictError extends BundleError {
  constructor(options: { path: string; reason: string }) {
    super({
      code: 'BUNDLE_CONFLICT',
      message: `The bundle's entry ${quoted(options.path)} ${options.reason}.`,
      remedy,
    })
  }
}

/** The bundle unpacks to more than the lease's disk. */
export class BundleSizeError extends BundleError {
  constructor(options: { allowed: number }) {
    super({
      code: 'BUNDLE_SIZE',
      message: `The bundle unpacks to more than the ${options.allowed} bytes of disk that are leased.`,
      remedy: 'Lease more disk (`resources.disk`) or leave files out of the work folder.',
    })
  }
}

/** The bundle has more files than the lease's disk can hold. */
export class BundleEntriesError extends BundleError {
  constructor(options: { allowed: number }) {
    super({
      code: 'BUNDLE_ENTRIES',
      message: `The bundle has more than ${options.allowed} files and folders.`,
      remedy: 'Lease more disk or pack many small files into one.',
    })
  }
}
