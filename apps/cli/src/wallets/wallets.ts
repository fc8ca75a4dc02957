import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decryptKeystore, encryptKeystore, type Keystore, keystoreSchema } from '@millrace/sdk/keystore'
import { type Address, getAddress, type Hex, isHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import type { HomePaths } from '../home/homePaths.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import {
  PassphraseWrongError,
  PrivateKeyInvalidError,
  WalletExistsError,
  WalletFileError,
  WalletLocalOnlyError,
  WalletMissingError,
} from './errors.ts'

const addressSchema = z
  .string()
  .regex(/^(0x)?[0-9a-fA-F]{40}$/)
  .transform((text): Address => (text.startsWith('0x') ? (text as Address) : `0x${text}`))

const walletFileSchema = z.union([
  keystoreSchema.extend({ address: addressSchema }),
  z.strictObject({
    version: z.literal('local-only'),
    address: addressSchema,
    /** The only chain that it signs for. */
    chainId: z.number().int().positive(),
    privateKey: z.string().regex(/^0x[0-9a-f]{64}$/),
  }),
])
type WalletFile = z.infer<typeof walletFileSchema>

/** A wallet as it is listed. */
export interface WalletInfo {
  readonly name: string
  readonly address: Address
  readonly encrypted: boolean
  /** The local chain it is bound to, if it is not encrypted. */
  readonly localChain: number | null
  readonly path: string
}

/** What a key is asked to sign for. */
export interface SigningPlace {
  readonly chainId: number
  /** Whether the chain is the local network of this home. */
  readonly isLocal: boolean
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const walletPath = (paths: HomePaths, name: string) => join(paths.wallets, `${name}.json`)

function readWallet(paths: HomePaths, name: string): WalletFile {
  const path = walletPath(paths, name)
  if (!namePattern.test(name) || !existsSync(path))
    throw new WalletMissingError({ wallet: name, known: listWallets(paths).map((wallet) => wallet.name) })
  try {
    return walletFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new WalletFileError({ path, reason: 'it is not a wallet', cause })
  }
}

/** All wallets of this home, by name. Files that are no wallets are left out. */
export function listWallets(paths: HomePaths): readonly WalletInfo[] {
  if (!existsSync(paths.wallets)) return []
  return readdirSync(paths.wallets)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file): WalletInfo[] => {
      const path = join(paths.wallets, file)
      try {
        const wallet = walletFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
        const isLocal = wallet.version === 'local-only'
        return [
          {
            name: file.slice(0, -'.json'.length),
            address: privateAddress(wallet),
            encrypted: !isLocal,
            localChain: isLocal ? wallet.chainId : null,
            path,
          },
        ]
      } catch {
        return []
      }
    })
}

const privateAddress = (wallet: WalletFile): Address =>
  wallet.version === 'local-only' ? privateKeyToAccount(wallet.privateKey as Hex).address : wallet.address

export interface CreateWalletOptions {
  readonly name: string
  /** An existing key; a new one if absent. */
  readonly privateKey?: string
  /** Encrypts it; or binds an unencrypted one to a local chain. */
  readonly protection: { readonly passphrase: string } | { readonly localChain: number }
}

/**
 * Writes a wallet.
 *
 * @throws WalletExistsError, PrivateKeyInvalidError
 */
export function createWallet(paths: HomePaths, options: CreateWalletOptions): WalletInfo {
  const { name, privateKey = generatePrivateKey(), protection } = options
  const path = walletPath(paths, name)
  if (existsSync(path)) throw new WalletExistsError({ wallet: name, path })
  const key = privateKey.startsWith('0x') ? privateKey : `0x${privateKey}`
  if (!isHex(key) || key.length !== 66) throw new PrivateKeyInvalidError()
  let address: Address
  try {
    address = privateKeyToAccount(key).address
  } catch {
    // Zero and numbers beyond the curve's order are no keys.
    throw new PrivateKeyInvalidError()
  }
  const file =
    'passphrase' in protection
      ? encryptKeystore({ privateKey: key, passphrase: protection.passphrase })
      : { version: 'local-only', address, chainId: protection.localChain, privateKey: key.toLowerCase() }
  writeFileAtomic(path, `${JSON.stringify(file, null, 2)}\n`)
  return {
    name,
    address,
    encrypted: 'passphrase' in protection,
    localChain: 'localChain' in protection ? protection.localChain : null,
    path,
  }
}

/** Checks a name for a new wallet before anyone types a passphrase. Throws `WalletExistsError`. */
export function refuseTakenName(paths: HomePaths, name: string): void {
  const path = walletPath(paths, name)
  if (existsSync(path)) throw new WalletExistsError({ wallet: name, path })
}

export const isWalletName = (name: string): boolean => namePattern.test(name)

export interface OpenWalletOptions {
  readonly name: string
  readonly place: SigningPlace
  /** Called only for an encrypted wallet. */
  readonly askPassphrase: (wallet: string) => Promise<string>
}

/**
 * Opens a wallet for signing.
 *
 * @throws WalletMissingError, WalletFileError, WalletLocalOnlyError, PassphraseWrongError
 */
export async function openWallet(paths: HomePaths, options: OpenWalletOptions): Promise<PrivateKeyAccount> {
  return privateKeyToAccount(await readWalletKey(paths, options))
}

/** As `openWallet`, the key itself, to hand it to this machine's node. */
export async function readWalletKey(paths: HomePaths, options: OpenWalletOptions): Promise<Hex> {
  const { name, place } = options
  const wallet = readWallet(paths, name)
  if (wallet.version === 'local-only') {
    if (!place.isLocal || place.chainId !== wallet.chainId)
      throw new WalletLocalOnlyError({ wallet: name, chainId: place.chainId, madeFor: wallet.chainId })
    return wallet.privateKey as Hex
  }
  const passphrase = await options.askPassphrase(name)
  const key = readKeystoreFile(walletPath(paths, name), { wallet: name, passphrase })
  if (privateKeyToAccount(key).address.toLowerCase() !== wallet.address.toLowerCase())
    throw new WalletFileError({ path: walletPath(paths, name), reason: 'its address is not that of its key' })
  return key
}

/** The address that a keystore file names without being opened, or `null`. */
export function keystoreAddress(path: string): Address | null {
  try {
    return getAddress(
      z.object({ address: addressSchema }).parse(JSON.parse(readFileSync(path, 'utf8'))).address,
    )
  } catch {
    return null
  }
}

/**
 * Opens a version 3 keystore file.
 *
 * @throws WalletFileError, PassphraseWrongError naming `wallet`
 */
export function openKeystoreFile(
  path: string,
  { wallet, passphrase }: { readonly wallet: string; readonly passphrase: string },
): PrivateKeyAccount {
  return privateKeyToAccount(readKeystoreFile(path, { wallet, passphrase }))
}

/** As `openKeystoreFile`, the key itself, to encrypt it anew. */
export function readKeystoreFile(
  path: string,
  { wallet, passphrase }: { readonly wallet: string; readonly passphrase: string },
): Hex {
  let file: Keystore
  try {
    file = keystoreSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new WalletFileError({ path, reason: 'it is not a version 3 keystore', cause })
  }
  const key = decryptKeystore(file, passphrase)
  if (key === null) throw new PassphraseWrongError({ wallet })
  return key
}
