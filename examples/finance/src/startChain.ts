import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import {
  approveCurrency,
  approveModule,
  type Currency,
  confirm,
  type Deployment,
  deployLocal,
  depositToTill,
  mintTestDollars,
  type Signer,
  type WriteClient,
} from '@millrace/sdk'
import { type Address, createTestClient, createWalletClient, type Hash, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { ChainFailedError, StoryBrokenError } from './errors.ts'

const require = createRequire(import.meta.url)
const mnemonic = 'test test test test test test test test test test test junk'

/** Everyone in the story, by the place of its account. */
export const people = [
  'admin',
  'operator',
  'vendor',
  'underwriter',
  'saver',
  'other saver',
  'bold lender',
  'anchor customer',
  'spot customers',
  'buyer of machines',
  'first appraiser',
  'second appraiser',
] as const
export type Person = (typeof people)[number]

/** Seconds of a day, which is the till's epoch here. */
export const day = 86_400

/** A local chain with Millrace on it, people with accounts, and a clock that can be moved. */
export type Chain = Awaited<ReturnType<typeof startChain>>

/**
 * Starts Anvil on a free port and deploys Millrace to it.
 *
 * @throws ChainFailedError
 */
export async function startChain() {
  const { url, stop } = await startAnvil()
  try {
    const options = {
      chain: foundry,
      transport: http(url, { batch: true }),
      pollingInterval: 5,
      cacheTime: 0,
    } as const
    const client = createTestClient({ ...options, mode: 'anvil' }).extend(publicActions)
    const accountOf = (person: Person) =>
      mnemonicToAccount(mnemonic, { addressIndex: people.indexOf(person) })
    const wallets = new Map<Person, WriteClient>(
      people.map((person) => [person, createWalletClient({ ...options, account: accountOf(person) })]),
    )
    const walletOf = (person: Person): WriteClient => {
      const wallet = wallets.get(person)
      if (wallet === undefined) throw new StoryBrokenError({ what: 'Nobody has this name', seen: person })
      return wallet
    }
    const deployment = await deployLocal(walletOf('admin'), { epochLength: day })
    const [currency] = deployment.currencies
    if (currency === undefined) throw new StoryBrokenError({ what: 'There is a currency', seen: 'none' })
    return {
      ...{ client, deployment, currency, walletOf, stop },
      /** Who signs for a person. */
      signerOf: (person: Person): Signer => accountOf(person),
      addressOf: (person: Person): Address => walletOf(person).account.address,
      /** The chain's clock, in Unix seconds. */
      now: async () => Number((await client.getBlock()).timestamp),
      /** Lets time pass until a second of the chain's clock. */
      async passUntil(time: number) {
        await client.setNextBlockTimestamp({ timestamp: BigInt(time) })
        await client.mine({ blocks: 1 })
      },
      /** Sends what a person does, and waits for it. */
      async act(person: Person, send: (wallet: WriteClient) => Promise<Hash>) {
        const wallet = walletOf(person)
        return confirm(wallet, await send(wallet))
      },
      /** Gives a person test dollars, in its account of the till. */
      async endow(person: Person, amount: bigint) {
        await endow({ deployment, currency, wallet: walletOf(person), admin: walletOf('admin') }, amount)
      },
      /** Lets a contract move money of a person's account in the till. */
      async allow(person: Person, module: Address) {
        const wallet = walletOf(person)
        await confirm(wallet, await approveModule(wallet, { deployment, module, approved: true }))
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function endow(
  of: {
    readonly deployment: Deployment
    readonly currency: Currency
    readonly wallet: WriteClient
    readonly admin: WriteClient
  },
  amount: bigint,
): Promise<void> {
  const { deployment, currency, wallet, admin } = of
  const token = { currency: currency.address, amount }
  await confirm(admin, await mintTestDollars(admin, { ...token, to: wallet.account.address }))
  await confirm(wallet, await approveCurrency(wallet, { ...token, deployment }))
  await confirm(wallet, await depositToTill(wallet, { ...token, deployment }))
}

async function startAnvil() {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const binary = require.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`)
  const child = spawn(binary, ['--port', '0', '--host', '127.0.0.1', '--accounts', String(people.length)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new ChainFailedError({ code })))
    child.once('error', reject)
    createInterface(child.stdout).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  const stop = () =>
    new Promise<void>((done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done()
      child.once('exit', () => done())
      child.kill('SIGKILL')
    })
  return { url, stop }
}
