import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HomePaths, homePaths } from '../home/homePaths.ts'
import { createWallet, listWallets, openWallet, readKeystoreFile } from './wallets.ts'

let paths: HomePaths
beforeEach(() => {
  paths = homePaths(mkdtempSync(join(tmpdir(), 'millrace-wallets-')))
})
afterEach(() => rmSync(paths.home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const elsewhere = { chainId: 8453, isLocal: false }
const local = { chainId: 31337, isLocal: true }
const ask = async () => 'correct horse'
const key = `0x${'7a'.repeat(32)}` as const

describe('wallets', () => {
  test('default: an encrypted wallet opens with its passphrase, on any chain', async () => {
    const wallet = createWallet(paths, { name: 'me', protection: { passphrase: 'correct horse' } })
    expect(statSync(wallet.path).mode & 0o777).toBe(0o600)
    const account = await openWallet(paths, { name: 'me', place: elsewhere, askPassphrase: ask })
    expect(account.address).toBe(wallet.address)
    expect(listWallets(paths)).toMatchObject([{ name: 'me', encrypted: true, localChain: null }])
    expect(readFileSync(wallet.path, 'utf8')).not.toContain(key.slice(2))
  })

  test('behavior: a keystore of another program opens, whatever its derivation', () => {
    // The test vector of the Web3 Secret Storage definition whose scrypt OpenSSL refuses.
    const path = join(paths.home, 'foreign.json')
    const crypto = {
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
    writeFileSync(path, JSON.stringify({ crypto, id: '3198bc9c-6672-5ab3-d995-4942343ae5b6', version: 3 }))
    expect(readKeystoreFile(path, { wallet: 'foreign', passphrase: 'testpassword' })).toBe(
      '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
    )
    expect(() => readKeystoreFile(path, { wallet: 'foreign', passphrase: 'wrong' })).toThrowError(
      expect.objectContaining({ code: 'WALLET_PASSPHRASE_WRONG' }),
    )
  })

  test('behavior: a local-only wallet signs for its chain without a passphrase', async () => {
    createWallet(paths, { name: 'demo', privateKey: key, protection: { localChain: 31337 } })
    const account = await openWallet(paths, { name: 'demo', place: local, askPassphrase: ask })
    expect(account.address).toBe(privateKeyToAccount(key).address)
  })

  test.each([
    ['another chain', elsewhere],
    ['another local chain', { chainId: 31338, isLocal: true }],
    ['the same chain id elsewhere', { chainId: 31337, isLocal: false }],
  ])('error: WalletLocalOnlyError for %s', async (_, place) => {
    createWallet(paths, { name: 'demo', protection: { localChain: 31337 } })
    await expect(openWallet(paths, { name: 'demo', place, askPassphrase: ask })).rejects.toMatchObject({
      code: 'WALLET_LOCAL_ONLY',
    })
  })

  test('error: PassphraseWrongError', async () => {
    createWallet(paths, { name: 'me', protection: { passphrase: 'a' } })
    await expect(
      openWallet(paths, { name: 'me', place: elsewhere, askPassphrase: ask }),
    ).rejects.toMatchObject({
      code: 'WALLET_PASSPHRASE_WRONG',
    })
  })

  test('error: WalletExistsError: nothing is ever overwritten', () => {
    createWallet(paths, { name: 'me', protection: { localChain: 1 } })
    expect(() => createWallet(paths, { name: 'me', protection: { localChain: 1 } })).toThrowError(
      expect.objectContaining({ code: 'WALLET_EXISTS' }),
    )
  })

  test.each(['0x12', '0x', 'nonsense', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`])(
    'error: PrivateKeyInvalidError for %s',
    (privateKey) => {
      expect(() =>
        createWallet(paths, { name: 'me', privateKey, protection: { localChain: 1 } }),
      ).toThrowError(expect.objectContaining({ code: 'PRIVATE_KEY_INVALID' }))
    },
  )

  test('error: WalletMissingError names those there are; no path is left through a name', async () => {
    createWallet(paths, { name: 'me', protection: { localChain: 1 } })
    for (const name of ['you', '../wallets/me', '']) {
      await expect(openWallet(paths, { name, place: local, askPassphrase: ask })).rejects.toMatchObject({
        code: 'WALLET_MISSING',
        details: { known: ['me'] },
      })
    }
  })

  test('error: WalletFileError', async () => {
    const { path } = createWallet(paths, { name: 'me', protection: { localChain: 1 } })
    writeFileSync(path, '{}')
    await expect(openWallet(paths, { name: 'me', place: local, askPassphrase: ask })).rejects.toMatchObject({
      code: 'WALLET_FILE',
    })
  })
})
