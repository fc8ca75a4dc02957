import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadDeviceKey } from './deviceKey.ts'
import {
  KeyFileExposedError,
  KeyFileInvalidError,
  PassphraseMissingError,
  PassphraseWrongError,
} from './errors.ts'
import { decryptKey, encryptKey } from './keystore.ts'
import { createOperatorKey, loadOperatorKey } from './operatorKey.ts'
import { loadSessionKey } from './sessionKey.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'))
})
afterEach(() => rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 }))

/** From the definition of Web3 Secret Storage: one key under both derivations, passphrase "testpassword". */
const vectors = [
  {
    crypto: {
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
    },
    id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
    version: 3,
  },
  {
    crypto: {
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
    },
    id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
    version: 3,
  },
]

describe('keystore', () => {
  test('default: opens what other programs wrote', () => {
    for (const vector of vectors) {
      expect(decryptKey({ text: JSON.stringify(vector), passphrase: 'testpassword', path: 'k' })).toBe(
        '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
      )
    }
  })

  test('behavior: opens what it wrote', () => {
    const privateKey = generatePrivateKey()
    const text = encryptKey({ privateKey, passphrase: 'päss', cost: 1024 })
    expect(decryptKey({ text, passphrase: 'päss', path: 'k' })).toBe(privateKey)
    expect(JSON.parse(text).address).toBe(privateKeyToAddress(privateKey).slice(2).toLowerCase())
  })

  test('error: PassphraseWrongError, KeyFileInvalidError', () => {
    const text = encryptKey({ privateKey: generatePrivateKey(), passphrase: 'a', cost: 1024 })
    expect(() => decryptKey({ text, passphrase: 'b', path: 'k' })).toThrow(PassphraseWrongError)
    expect(() => decryptKey({ text: '{}', passphrase: 'b', path: 'k' })).toThrow(KeyFileInvalidError)
    expect(() => decryptKey({ text: text.slice(9), passphrase: 'b', path: 'k' })).toThrow('"k" does not hold')
  })
})

describe('key files', () => {
  test('default: made once, the same ever after', async () => {
    const path = join(folder, 'device.key')
    const first = await loadDeviceKey(path)
    expect((await loadDeviceKey(path)).address).toBe(first.address)
    const session = await loadSessionKey(join(folder, 'session.key'))
    expect(await loadSessionKey(join(folder, 'session.key'))).toEqual(session)
  })

  test('error: KeyFileExposedError, KeyFileInvalidError; a broken key is never replaced', async () => {
    const path = join(folder, 'device.key')
    await loadDeviceKey(path)
    await chmod(path, 0o644)
    await expect(loadDeviceKey(path)).rejects.toThrow(KeyFileExposedError)
    await chmod(path, 0o600)
    await writeFile(path, 'rubbish')
    await expect(loadDeviceKey(path)).rejects.toThrow(KeyFileInvalidError)
    expect(await readFile(path, 'utf8')).toBe('rubbish')
  })

  test('behavior: the operator key opens with the passphrase beside it, else with the given one', async () => {
    const paths = { operatorKey: join(folder, 'operator.json'), passphrase: join(folder, 'passphrase') }
    expect(await loadOperatorKey(paths, async () => null)).toBeNull()
    const made = await createOperatorKey({ paths, cost: 1024 })
    expect((await loadOperatorKey(paths, async () => null))?.address).toBe(made.address)
    expect((await loadOperatorKey(paths, async () => 'of a wallet'))?.address).toBe(made.address)
    const passphrase = (await readFile(paths.passphrase, 'utf8')).trim()
    await rm(paths.passphrase)
    expect((await loadOperatorKey(paths, async () => passphrase))?.address).toBe(made.address)
    await expect(loadOperatorKey(paths, async () => 'wrong')).rejects.toThrow(PassphraseWrongError)
    await expect(loadOperatorKey(paths, async () => null)).rejects.toThrow(PassphraseMissingError)
  })
})
