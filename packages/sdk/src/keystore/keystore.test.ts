import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { decryptKeystore, encryptKeystore, keystoreSchema } from './keystore.ts'

/** From the definition of Web3 Secret Storage: one key under both derivations, passphrase "testpassword". */
const pbkdf2 = {
  cipher: 'aes-128-ctr',
  cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
  ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
  kdf: 'pbkdf2',
  kdfparams: {
    c: 262144,
    dklen: 32,
    prf: 'hmac-sha256',
    salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
  },
  mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
}
const scrypt = {
  cipher: 'aes-128-ctr',
  cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
  ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
  kdf: 'scrypt',
  kdfparams: {
    dklen: 32,
    n: 262144,
    p: 8,
    r: 1,
    salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
  },
  mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
}
const storeOf = (crypto: unknown) => keystoreSchema.parse({ version: 3, crypto })

describe('keystore', () => {
  test.each([
    ['PBKDF2', pbkdf2],
    ['scrypt', scrypt],
  ])('default: opens what another program wrote with %s', (_, crypto) => {
    const key = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
    expect(decryptKeystore(storeOf(crypto), 'testpassword')).toBe(key)
    expect(decryptKeystore(storeOf(crypto), 'wrong')).toBeNull()
  })

  test('behavior: opens what it wrote; the file names the address, not the key', () => {
    const privateKey = generatePrivateKey()
    const store = encryptKeystore({ privateKey, passphrase: 'päss', cost: 1024 })
    const text = JSON.stringify(store)
    expect(decryptKeystore(keystoreSchema.parse(JSON.parse(text)), 'päss')).toBe(privateKey)
    expect(store.address).toBe(privateKeyToAddress(privateKey).slice(2).toLowerCase())
    expect(text).not.toContain(privateKey.slice(2))
  })

  test.each([
    ['another version', { version: 1, crypto: pbkdf2 }],
    ['no private key', { version: 3, crypto: { ...pbkdf2, ciphertext: '5318' } }],
    [
      'a cost beyond all memory',
      { version: 3, crypto: { ...scrypt, kdfparams: { ...scrypt.kdfparams, n: 2 ** 23 } } },
    ],
  ])('error: a file with %s is none', (_, file) => {
    expect(keystoreSchema.safeParse(file).success).toBe(false)
  })
})
