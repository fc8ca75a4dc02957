import { randomBytes } from 'node:crypto'
import type { Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { PassphraseMissingError } from './errors.ts'
import { decryptKey, encryptKey } from './keystore.ts'
import { readSecret, writeSecret } from './secretFile.ts'

/** Finds the passphrase of a keystore; `null` if there is none to be had. */
export type PassphraseSource = () => Promise<string | null>

export interface OperatorKeyPaths {
  /** The keystore. */
  readonly operatorKey: string
  /** A file with its passphrase, written only for local networks. */
  readonly passphrase: string
}

export interface CreateOperatorKeyOptions {
  readonly paths: OperatorKeyPaths
  /** An existing key to take over; a new one if absent. */
  readonly privateKey?: Hex
  /** Absent only on a local network: then one is drawn and kept beside the keystore. */
  readonly passphrase?: string
  /** Cost of scrypt, a power of two. */
  readonly cost?: number
}

/** Writes the operator's keystore. The key signs offers and pays for transactions; it may own the asset. */
export async function createOperatorKey(options: CreateOperatorKeyOptions): Promise<PrivateKeyAccount> {
  const { paths, privateKey = generatePrivateKey() } = options
  const passphrase = options.passphrase ?? randomBytes(24).toString('base64url')
  if (options.passphrase === undefined) await writeSecret(paths.passphrase, `${passphrase}\n`)
  const text = encryptKey({
    privateKey,
    passphrase,
    ...(options.cost === undefined ? {} : { cost: options.cost }),
  })
  await writeSecret(paths.operatorKey, text)
  return privateKeyToAccount(privateKey)
}

/**
 * Opens the operator's keystore: with the passphrase beside it (local networks), else with what `source` finds. `null` if
 * there is no keystore. Throws `PassphraseMissingError`, `PassphraseWrongError`, `KeyFileInvalidError`.
 */
export async function loadOperatorKey(
  paths: OperatorKeyPaths,
  source: PassphraseSource,
): Promise<PrivateKeyAccount | null> {
  const text = await readSecret(paths.operatorKey)
  if (text === null) return null
  // It fits, for it was drawn with the key; one in the environment may be meant for a wallet.
  const beside = (await readSecret(paths.passphrase))?.replace(/\r?\n$/, '')
  const passphrase = beside ?? (await source())
  if (passphrase === null) throw new PassphraseMissingError({ path: paths.operatorKey })
  return privateKeyToAccount(decryptKey({ text, passphrase, path: paths.operatorKey }))
}
