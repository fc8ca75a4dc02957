import {
  createCipheriv,
  createDecipheriv,
  pbkdf2Sync,
  randomBytes,
  randomUUID,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto'
import { scrypt } from '@noble/hashes/scrypt.js'
import { bytesToHex, concat, type Hex, hexToBytes, keccak256 } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { KeyFileInvalidError, PassphraseWrongError } from './errors.ts'

const hexText = z.string().regex(/^(0x)?([0-9a-fA-F]{2})*$/)

/** Web3 Secret Storage, version 3: what geth, Foundry and wallets read and write. */
const keystoreSchema = z.object({
  version: z.literal(3),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    ciphertext: hexText,
    cipherparams: z.object({ iv: hexText }),
    mac: hexText,
    kdf: z.enum(['scrypt', 'pbkdf2']),
    kdfparams: z.union([
      z.object({
        n: z
          .number()
          .int()
          .max(2 ** 22),
        r: z.number().int().max(64),
        p: z.number().int().max(64),
        dklen: z.number().int().min(32).max(64),
        salt: hexText,
      }),
      z.object({
        c: z.number().int().min(1).max(10_000_000),
        prf: z.literal('hmac-sha256'),
        dklen: z.number().int().min(32).max(64),
        salt: hexText,
      }),
    ]),
  }),
})

export interface EncryptKeyOptions {
  readonly privateKey: Hex
  readonly passphrase: string
  /** Cost of scrypt: a power of two. 2^17 takes about a third of a second and 128 MiB. */
  readonly cost?: number
}

const bytes = (hex: string) => hexToBytes(hex.startsWith('0x') ? (hex as Hex) : `0x${hex}`)
const bare = (value: Uint8Array) => bytesToHex(value).slice(2)

/** Encrypts a private key as a version 3 keystore; returns its JSON text. */
export function encryptKey(options: EncryptKeyOptions): string {
  const { privateKey, passphrase, cost = 2 ** 17 } = options
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived = scryptSync(passphrase, salt, 32, { N: cost, r: 8, p: 1, maxmem: 256 * cost * 8 })
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(hexToBytes(privateKey)), cipher.final()])
  return `${JSON.stringify(
    {
      version: 3,
      id: randomUUID(),
      address: privateKeyToAddress(privateKey).slice(2).toLowerCase(),
      crypto: {
        cipher: 'aes-128-ctr',
        ciphertext: bare(ciphertext),
        cipherparams: { iv: bare(iv) },
        kdf: 'scrypt',
        kdfparams: { dklen: 32, n: cost, r: 8, p: 1, salt: bare(salt) },
        mac: keccak256(concat([derived.subarray(16, 32), ciphertext])).slice(2),
      },
    },
    null,
    2,
  )}\n`
}

/** Opens a version 3 keystore. Throws `KeyFileInvalidError` or `PassphraseWrongError`, naming `path`. */
export function decryptKey(options: { text: string; passphrase: string; path: string }): Hex {
  const { text, passphrase, path } = options
  let store: z.infer<typeof keystoreSchema>
  try {
    store = keystoreSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new KeyFileInvalidError({ path, expected: 'a version 3 keystore', cause })
  }
  const { kdfparams } = store.crypto
  const salt = bytes(kdfparams.salt)
  const derived =
    'c' in kdfparams
      ? pbkdf2Sync(passphrase, salt, kdfparams.c, kdfparams.dklen, 'sha256')
      : deriveByScrypt(passphrase, salt, kdfparams)
  const ciphertext = bytes(store.crypto.ciphertext)
  const mac = hexToBytes(keccak256(concat([derived.subarray(16, 32), ciphertext])))
  const expected = bytes(store.crypto.mac)
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected))
    throw new PassphraseWrongError({ path })
  const decipher = createDecipheriv(
    'aes-128-ctr',
    derived.subarray(0, 16),
    bytes(store.crypto.cipherparams.iv),
  )
  const key = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  if (key.length !== 32) throw new KeyFileInvalidError({ path, expected: 'a 32-byte private key' })
  return bytesToHex(key)
}

/** OpenSSL refuses a cost of 2^16 and more at a block size of 1, which other programs write; slower code then does it. */
function deriveByScrypt(
  passphrase: string,
  salt: Uint8Array,
  { n, r, p, dklen }: { n: number; r: number; p: number; dklen: number },
): Uint8Array {
  if (16 * r < 64 && n >= 2 ** (16 * r)) return scrypt(passphrase, salt, { N: n, r, p, dkLen: dklen })
  return scryptSync(passphrase, salt, dklen, { N: n, r, p, maxmem: 256 * (n + p) * r })
}
