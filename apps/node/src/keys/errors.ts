import { NodeError } from '../errors/NodeError.ts'

/** A key file exists but does not hold a key. */
export class KeyFileInvalidError extends NodeError {
  constructor(options: { path: string; expected: string; cause?: unknown }) {
    super({
      code: 'KEY_FILE_INVALID',
      message: `"${options.path}" does not hold ${options.expected}.`,
      remedy:
        'Restore the file from a backup. Do not delete it: the key in it may own money or a registered machine.',
      cause: options.cause,
    })
  }
}

/** Others on this machine could read a key. */
export class KeyFileExposedError extends NodeError {
  constructor(options: { path: string; mode: number }) {
    super({
      code: 'KEY_FILE_EXPOSED',
      message: `"${options.path}" can be read by others (mode ${options.mode.toString(8).padStart(3, '0')}).`,
      remedy: `Run: chmod 600 "${options.path}". If others use this machine, make a new key.`,
    })
  }
}

/** The passphrase does not open the keystore. */
export class PassphraseWrongError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'PASSPHRASE_WRONG',
      message: `The passphrase does not open "${options.path}".`,
      remedy: 'Give the right one by MILLRACE_PASSPHRASE, --passphrase-file or at the prompt.',
    })
  }
}

/** No passphrase was given and there is nobody to ask. */
export class PassphraseMissingError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'PASSPHRASE_MISSING',
      message: `"${options.path}" is encrypted and no passphrase was given.`,
      remedy: 'Give it by MILLRACE_PASSPHRASE or --passphrase-file, or start the node in a terminal.',
    })
  }
}

/** There is no operator key in this home. */
export class OperatorKeyMissingError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'OPERATOR_KEY_MISSING',
      message: `There is no operator key at "${options.path}".`,
      remedy: 'Run `millrace node init`, or restore the file from a backup.',
    })
  }
}
