import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** There is no wallet of this name. */
export class WalletMissingError extends CliError {
  override readonly name = 'WalletMissingError'
  static readonly code = 'WALLET_MISSING'
  constructor(options: { wallet: string; known: readonly string[] }) {
    const known =
      options.known.length === 0 ? 'there are none yet' : `there are '${options.known.join("', '")}'`
    super({
      code: WalletMissingError.code,
      message: `There is no wallet '${options.wallet}'; ${known}.`,
      remedy: 'Make one with `millrace wallet new <name>`, or choose one with `--wallet <name>`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** A wallet of this name exists. */
export class WalletExistsError extends CliError {
  override readonly name = 'WalletExistsError'
  static readonly code = 'WALLET_EXISTS'
  constructor(options: { wallet: string; path: string }) {
    super({
      code: WalletExistsError.code,
      message: `There is a wallet '${options.wallet}' already: '${options.path}'.`,
      remedy: 'Choose another name. Wallets are never overwritten.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A wallet's file cannot be used. */
export class WalletFileError extends CliError {
  override readonly name = 'WalletFileError'
  static readonly code = 'WALLET_FILE'
  constructor(options: { path: string; reason: string; cause?: unknown }) {
    super({
      code: WalletFileError.code,
      message: `The wallet file '${options.path}' cannot be used: ${options.reason}.`,
      remedy: 'Restore it from a backup. Do not delete it: the key in it may own money.',
      exitCode: exitCodes.files,
      details: { path: options.path, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** The passphrase does not open the wallet. */
export class PassphraseWrongError extends CliError {
  override readonly name = 'PassphraseWrongError'
  static readonly code = 'WALLET_PASSPHRASE_WRONG'
  constructor(options: { wallet: string }) {
    super({
      code: PassphraseWrongError.code,
      message: `The passphrase does not open wallet '${options.wallet}'.`,
      remedy: 'Type it again, or check MILLRACE_PASSPHRASE or the file given with `--passphrase-file`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A passphrase is needed and nobody is there to type it. */
export class PassphraseMissingError extends CliError {
  override readonly name = 'PassphraseMissingError'
  static readonly code = 'WALLET_PASSPHRASE_MISSING'
  constructor(options: { wallet: string }) {
    super({
      code: PassphraseMissingError.code,
      message: `Wallet '${options.wallet}' is encrypted and there is no terminal to ask for its passphrase.`,
      remedy: 'Give it by MILLRACE_PASSPHRASE or `--passphrase-file <file>`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A wallet made for one local network was about to sign for another chain. */
export class WalletLocalOnlyError extends CliError {
  override readonly name = 'WalletLocalOnlyError'
  static readonly code = 'WALLET_LOCAL_ONLY'
  constructor(options: { wallet: string; chainId: number; madeFor: number }) {
    super({
      code: WalletLocalOnlyError.code,
      message: `Wallet '${options.wallet}' lies unencrypted on this disk for the local chain ${options.madeFor}; it never signs for ${options.chainId === options.madeFor ? 'a chain that is not the local network' : `chain ${options.chainId}`}.`,
      remedy: 'Use an encrypted wallet there: `millrace wallet new <name>`, then `--wallet <name>`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** What was given is no private key. */
export class PrivateKeyInvalidError extends CliError {
  override readonly name = 'PrivateKeyInvalidError'
  static readonly code = 'PRIVATE_KEY_INVALID'
  constructor() {
    super({
      code: PrivateKeyInvalidError.code,
      message: 'What was given is not a private key: 0x and 64 hex digits.',
      remedy: 'Paste the key alone, or give a version 3 keystore file with `--keystore <file>`.',
      exitCode: exitCodes.data,
    })
  }
}
