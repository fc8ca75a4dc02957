import { pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { Keystore } from 'ox'
import type { Hex } from 'viem'
import { z } from 'zod'

const hexText = z.string().regex(/^([0-9a-fA-F]{2})+$/)

/** Web3 Secret Storage, version 3: what geth, Foundry and browser wallets read and write. */
export const keystoreSchema = z.looseObject({
  version: z.literal(3),
  id: z.string(),
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
          .min(2)
          .max(2 ** 22),
        r: z.number().int().min(1).max(64),
        p: z.number().int().min(1).max(64),
        dklen: z.literal(32),
        salt: hexText,
      }),
      z.object({
        c: z.number().int().min(1).max(10_000_000),
        prf: z.literal('hmac-sha256'),
        dklen: z.literal(32),
        salt: hexText,
      }),
    ]),
  }),
})
export type KeystoreFile = z.infer<typeof keystoreSchema>

/** Cost of the key derivation: 128 MiB and about a third of a second. */
const cost = { N: 2 ** 17, r: 8, p: 1 }

/** The system's own scrypt is several times faster than one in JavaScript. */
function derive(passphrase: string, salt: Uint8Array, { N, r, p }: typeof cost): Hex {
  return `0x${scryptSync(passphrase, salt, 32, { N, r, p, maxmem: 256 * N * r }).toString('hex')}`
}

/** Encrypts a private key. */
export function encryptKey(privateKey: Hex, passphrase: string): KeystoreFile {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  return keystoreSchema.parse(
    Keystore.encrypt(privateKey, derive(passphrase, salt, cost), {
      iv,
      kdf: 'scrypt',
      kdfparams: { n: cost.N, r: cost.r, p: cost.p, dklen: 32, salt: salt.toString('hex') },
    }),
  )
}

/** Decrypts a keystore; `null` if the passphrase is wrong. */
export function decryptKey(file: KeystoreFile, passphrase: string): Hex | null {
  const { kdfparams } = file.crypto
  const salt = Buffer.from(kdfparams.salt, 'hex')
  const key: Hex =
    'c' in kdfparams
      ? `0x${pbkdf2Sync(passphrase, salt, kdfparams.c, 32, 'sha256').toString('hex')}`
      : derive(passphrase, salt, { N: kdfparams.n, r: kdfparams.r, p: kdfparams.p })
  try {
    // The checksum over the ciphertext says whether the key is right.
    return Keystore.decrypt(file as Keystore.Keystore, key)
  } catch {
    return null
  }
}
