import { createPublicClient, hashMessage, http, keccak256, toHex } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ChainUnreachableError,
  confirm,
  contractAddresses,
  createInbox,
  DeploymentUnknownError,
  deploymentOf,
  depositWithPermit,
  GasMoneyError,
  getBalance,
  hexSchema,
  mintTestDollars,
  normaliseText,
  readCurrency,
  readDeployment,
  recoverSigner,
  registerDeployment,
  SignatureInvalidError,
  signPermit,
  signWithdraw,
  TransactionTimeoutError,
  uintSchema,
  verifySignature,
  walletSigner,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())

describe('verifySignature', () => {
  const signer = accountAt(1)
  const hash = keccak256('0x01')
  const sign = () => signer.sign({ hash })
  /** Code that answers every call with one word. */
  const answering = (word: string) => `0x7f${word.padEnd(64, '0')}60005260206000f3` as const
  const wallets = {
    agrees: ['0x00000000000000000000000000000000000c0de1', answering('1626ba7e')],
    disagrees: ['0x00000000000000000000000000000000000c0de2', answering('ffffffff')],
    reverts: ['0x00000000000000000000000000000000000c0de3', '0x60006000fd'],
    'answers nothing': ['0x00000000000000000000000000000000000c0de4', '0x00'],
  } as const

  test('default: an account by its key', async () => {
    const signature = await sign()
    expect(await recoverSigner(hash, signature)).toBe(signer.address)
    await verifySignature(chain.client, { what: 'test', signer: signer.address, hash, signature })
    const other = { what: 'test', signer: accountAt(2).address, hash, signature }
    await expect(verifySignature(chain.client, other)).rejects.toBeInstanceOf(SignatureInvalidError)
  })

  test('behavior: a contract by its own word (ERC-1271)', async () => {
    const signature = await sign()
    for (const [name, [address, bytecode]] of Object.entries(wallets)) {
      await chain.client.setCode({ address, bytecode })
      const verdict = verifySignature(chain.client, { what: 'test', signer: address, hash, signature })
      if (name === 'agrees') await verdict
      else await expect(verdict, name).rejects.toBeInstanceOf(SignatureInvalidError)
    }
  })

  test('error: ChainUnreachableError is no verdict', async () => {
    const dead = createPublicClient({
      chain: foundry,
      transport: http('http://127.0.0.1:1', { retryCount: 0 }),
    })
    const parameters = { what: 'test', signer: signer.address, hash, signature: await sign() }
    await expect(verifySignature(dead, parameters)).rejects.toBeInstanceOf(ChainUnreachableError)
  })

  test('walletSigner signs as the account does', async () => {
    const withdrawal = { offer: hash, at: 1 }
    const one = await signWithdraw(walletSigner(chain.walletOf(1)), withdrawal, chain.deployment)
    expect(one).toBe(await signWithdraw(signer, withdrawal, chain.deployment))
  })
})

describe('deployments', () => {
  test('addresses follow from the options alone', () => {
    const admin = accountAt(0).address
    const { testDollar, ...rest } = contractAddresses({ admin })
    expect(chain.deployment).toMatchObject(rest)
    expect(chain.currency.address).toBe(testDollar)
    const others = [
      contractAddresses({ admin: accountAt(1).address }),
      contractAddresses({ admin, feeBps: 0 }),
      contractAddresses({ admin, epochLength: 6 }),
      contractAddresses({ admin, salt: toHex(1, { size: 32 }) }),
    ]
    expect(new Set([rest.market, ...others.map(({ market }) => market)]).size).toBe(5)
  })

  test('a deployment is read from its market', async () => {
    const { market, agents, credit, ...rest } = chain.deployment
    const currencies = [chain.currency.address]
    // Nothing on chain names the contracts of agents' wallets and of credit.
    expect(await readDeployment(chain.client, { market, currencies })).toEqual({ market, ...rest })
    if (agents === undefined || credit === undefined)
      throw new RangeError('a local deployment has the contracts of agents’ wallets and of credit')
    expect(await readDeployment(chain.client, { market, agents, credit, currencies })).toEqual(
      chain.deployment,
    )
    expect(await readCurrency(chain.client, chain.currency.address)).toEqual(chain.currency)
  })

  test('error: DeploymentUnknownError until it is registered', () => {
    expect(() => deploymentOf(31337)).toThrow(DeploymentUnknownError)
    registerDeployment(chain.deployment)
    expect(deploymentOf(31337)).toBe(chain.deployment)
  })
})

describe('money', () => {
  test('a permit that was signed before can be sent by anyone', async () => {
    const { deployment, currency } = chain
    const amount = 3_000_000n
    const permit = await signPermit(accountAt(3), {
      deployment,
      currency,
      amount,
      deadline: 2n ** 40n,
      nonce: 0n,
    })
    await confirm(chain.client, await depositWithPermit(chain.walletOf(4), { deployment, permit }))
    const account = accountAt(3).address
    expect((await getBalance(chain.client, { deployment, account, currency: currency.address })).till).toBe(
      amount,
    )
  })

  test('error: GasMoneyError for an account without gas money', async () => {
    const { client, currency } = chain
    await client.setBalance({ address: accountAt(9).address, value: 0n })
    const minting = mintTestDollars(chain.walletOf(9), {
      currency: currency.address,
      to: currency.address,
      amount: 1n,
    })
    await expect(minting).rejects.toBeInstanceOf(GasMoneyError)
  })

  test('error: TransactionTimeoutError for a transaction nobody mines', async () => {
    const unknown = confirm(chain.client, hashMessage('none'), { timeout: 100 })
    await expect(unknown).rejects.toBeInstanceOf(TransactionTimeoutError)
  })
})

describe('small parts', () => {
  test('an inbox keeps what comes before anyone listens', () => {
    const inbox = createInbox()
    inbox.push(new Uint8Array([1]))
    inbox.end({ code: 4410 })
    inbox.push(new Uint8Array([2]))
    const seen: unknown[] = []
    inbox.onMessage((bytes) => seen.push(bytes[0]))
    inbox.onClose(({ code }) => seen.push(code))
    expect(seen).toEqual([1, 4410])
  })

  test('words and widths', () => {
    expect(normaliseText('RTX_4090')).toBe('rtx 4090')
    expect(hexSchema(2).safeParse('0xABCD').data).toBe('0xabcd')
    expect(hexSchema(2).safeParse('0xabcdef').success).toBe(false)
    expect(uintSchema(8).safeParse('255').data).toBe(255n)
    for (const wrong of ['256', '-1', '01', '1.0', '', ' 1', '1e3', 1])
      expect(uintSchema(8).safeParse(wrong).success).toBe(false)
  })
})
