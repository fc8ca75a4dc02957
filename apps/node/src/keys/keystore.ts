import { decryptKeystore, encryptKeystore, type Keystore, keystoreSchema } from '@millrace/sdk/keystore'
import type { Hex } from 'viem'
import { KeyFileInvalidError, PassphraseWrongError } from './errors.ts'

export interface EncryptKeyOptions {
  readonly privateKey: Hex
  readonly passphrase: string
  /** Cost of scrypt: a power of two. 2^17 takes about a third of a second and 128 MiB. */
  readonly cost?: number
}

/** Encrypts a private key as a version 3 keystore; returns its JSON text. */
export const encryptKey = (options: EncryptKeyOptions): string =>
  `${JSON.stringify(encryptKeystore(options), null, 2)}\n`

/** Opens a version 3 keystore. Throws `KeyFileInvalidError` or `PassphraseWrongError`, naming `path`. */
export function decryptKey(options: { text: string; passphrase: string; path: string }): Hex {
  const { text, passphrase, path } = options
  let store: Keystore
  try {
    store = keystoreSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new KeyFileInvalidError({ path, expected: 'a version 3 keystore', cause })
  }
  const key = decryptKeystore(store, passphrase)
  if (key === null) throw new PassphraseWrongError({ path })
  return key
}
