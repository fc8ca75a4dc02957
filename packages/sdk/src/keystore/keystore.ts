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
import * as z from 'zod'

const hexText = z.string().regex(/^(0x)?([0-9a-fA-F]{2})*$/)
const keyLength = z.int().min(32).max(64)

/** Web3 Secret Storage, version 3: what geth, Foundry and wallets read and write. */
export const keystoreSchema = z.looseObject({
  version: z.literal(3),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    /** A private key: 32 bytes. */
    ciphertext: z.string().regex(/^(0x)?[0-9a-fA-F]{64}$/),
    cipherparams: z.object({ iv: hexText }),
    mac: hexText,
    kdf: z.enum(['scrypt', 'pbkdf2']),
    kdfparams: z.union([
      z.object({
        n: z
          .int()
          .min(2)
          .max(2 ** 22),
        r: z.int().min(1).max(64),
        p: z.int().min(1).max(64),
        dklen: keyLength,
        salt: hexText,
      }),
      z.object({
        c: z.int().min(1).max(10_000_000),
        prf: z.literal('hmac-sha256'),
        dklen: keyLength,
        salt: hexText,
      }),
    ]),
  }),
})

/** An encrypted private key, as it stands in a file. */
export type Keystore = z.output<typeof keystoreSchema>

const bytes = (hex: string) => hexToBytes(hex.startsWith('0x') ? (hex as Hex) : `0x${hex}`)
const bare = (value: Uint8Array) => bytesToHex(value).slice(2)

/**
 * Encrypts a private key as a version 3 keystore.
 *
 * @param options The key, its passphrase, and the cost of scrypt, a power of two: 2^17, the default, takes about a third of a
 * second and 128 MiB.
 * @returns The keystore, to be written as JSON.
 * @see https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage
 * @example
 * const file = JSON.stringify(encryptKeystore({ privateKey, passphrase }))
 */
export function encryptKeystore(options: {
  readonly privateKey: Hex
  readonly passphrase: string
  readonly cost?: number | undefined
}): Keystore {
  const { privateKey, passphrase, cost = 2 ** 17 } = options
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived = scryptSync(passphrase, salt, 32, { N: cost, r: 8, p: 1, maxmem: 256 * cost * 8 })
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(hexToBytes(privateKey)), cipher.final()])
  return {
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
  }
}

/**
 * Opens a version 3 keystore, whichever program wrote it.
 *
 * @param keystore The keystore, checked by `keystoreSchema`.
 * @param passphrase Its passphrase.
 * @returns The private key, or `null` if the passphrase is wrong.
 * @example
 * const privateKey = decryptKeystore(parse(keystoreSchema, JSON.parse(text), 'keystore'), passphrase)
 */
export function decryptKeystore(keystore: Keystore, passphrase: string): Hex | null {
  const { kdfparams, cipherparams, ...crypto } = keystore.crypto
  const salt = bytes(kdfparams.salt)
  const derived =
    'c' in kdfparams
      ? pbkdf2Sync(passphrase, salt, kdfparams.c, kdfparams.dklen, 'sha256')
      : deriveByScrypt(passphrase, salt, kdfparams)
  const ciphertext = bytes(crypto.ciphertext)
  // The checksum over the ciphertext says whether the key is right.
  const mac = hexToBytes(keccak256(concat([derived.subarray(16, 32), ciphertext])))
  const expected = bytes(crypto.mac)
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return null
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytes(cipherparams.iv))
  return bytesToHex(Buffer.concat([decipher.update(ciphertext), decipher.final()]))
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
