import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import {
  approveCurrency,
  approveModule,
  confirm,
  type Deployment,
  deployLocal,
  depositToTill,
  hashOffer,
  hashSpec,
  mintTestDollars,
  type Offer,
  offerNonce,
  openLease,
  type PublishedOffer,
  type PublishedOfferJson,
  publishedOfferToJson,
  registerAsset,
  registeredAsset,
  type Spec,
  signOffer,
} from '@millrace/sdk'
import {
  createTestClient,
  createWalletClient,
  type Hash,
  type Hex,
  http,
  publicActions,
  zeroAddress,
  zeroHash,
} from 'viem'
import { mnemonicToAccount, nonceManager } from 'viem/accounts'
import { foundry } from 'viem/chains'

const require = createRequire(import.meta.url)
const mnemonic = 'test test test test test test test test test test test junk'

/** A funded account of Anvil: 1 operator, 2 device, 3 buyer, 4 stranger. */
export const accountAt = (addressIndex: number) => mnemonicToAccount(mnemonic, { addressIndex, nonceManager })

/** A small machine. */
export const spec: Spec = {
  version: 1,
  runner: 'sandbox',
  region: 'eu-west',
  network: 'none',
  device: '0x00000000000000000000000000000000000000d1',
  sessionKey: `0x${'22'.repeat(32)}`,
  os: 'linux',
  arch: 'x64',
  cpus: 2,
  cpuModel: 'AMD EPYC',
  memoryMiB: 4096,
  diskMiB: 8192,
  gpus: [{ name: 'H100', memoryMiB: 81_559, uuid: 'GPU-1', driver: '580.1' }],
}

/** A local chain with Millrace on it, and the few things a gateway's tests do there. */
export type LocalChain = Awaited<ReturnType<typeof startLocalChain>>

/** Starts Anvil on a free port and deploys. */
export async function startLocalChain(chainId = foundry.id as number) {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const binary = require.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`)
  const child = spawn(binary, ['--port', '0', '--host', '127.0.0.1', '--chain-id', `${chainId}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`anvil ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  const options = {
    chain: { ...foundry, id: chainId },
    transport: http(url, { retryCount: 0 }),
    pollingInterval: 20,
    cacheTime: 0,
  } as const
  const walletOf = (index: number) => createWalletClient({ ...options, account: accountAt(index) })
  const done = async (index: number, hash: Promise<Hex>) => confirm(walletOf(index), await hash)
  const client = createTestClient({ ...options, mode: 'anvil' }).extend(publicActions)
  const deployment: Deployment = await deployLocal(walletOf(0))
  const currency = deployment.currencies[0]?.address ?? zeroAddress
  let nonces = 0n

  async function now(): Promise<number> {
    return Number((await client.getBlock()).timestamp)
  }

  async function newAsset(operator = 1): Promise<bigint> {
    const registration = registerAsset(walletOf(1), {
      deployment,
      owner: accountAt(1).address,
      operator: accountAt(operator).address,
      kind: 'machine',
      device: accountAt(2).address,
      currency,
      spec: zeroHash,
      uri: 'ipfs://machine',
    })
    return registeredAsset(await done(1, registration)) ?? 0n
  }

  async function newOffer(
    asset: bigint,
    options: {
      readonly terms?: Partial<Offer>
      readonly spec?: Partial<Spec>
      readonly signer?: number
    } = {},
  ): Promise<{ readonly id: Hash; readonly published: PublishedOffer; readonly json: PublishedOfferJson }> {
    const ownSpec: Spec = { ...spec, ...options.spec }
    const signer = accountAt(options.signer ?? 1)
    const offer: Offer = {
      asset,
      buyer: zeroAddress,
      pricePerHour: 360_000n,
      bond: 0n,
      minDuration: 60,
      maxDuration: 86_400,
      startWindow: 60,
      expiry: Math.floor(Date.now() / 1000) + 3600,
      spec: hashSpec(ownSpec),
      terms: zeroHash,
      nonce: offerNonce(0n, nonces++),
      ...options.terms,
    }
    const published: PublishedOffer = {
      chainId: deployment.chainId,
      market: deployment.market,
      currency,
      operator: signer.address,
      offer,
      signature: await signOffer(signer, offer, deployment),
      spec: ownSpec,
      gateways: [],
    }
    return { id: hashOffer(offer, deployment), published, json: publishedOfferToJson(published) }
  }

  /** Gives a buyer money in the till and lets the market and the channels take it. */
  async function fund(index: number, amount = 100_000_000n): Promise<void> {
    const wallet = walletOf(index)
    await done(0, mintTestDollars(walletOf(0), { currency, to: accountAt(index).address, amount }))
    await done(index, approveCurrency(wallet, { deployment, currency, amount }))
    await done(index, depositToTill(wallet, { deployment, currency, amount }))
    for (const module of [deployment.market, deployment.channels])
      await done(index, approveModule(wallet, { deployment, module, approved: true }))
  }

  async function open(published: PublishedOffer, buyer = 3): Promise<void> {
    const { offer, signature } = published
    await done(buyer, openLease(walletOf(buyer), { deployment, offer, signature, duration: 600 }))
  }

  /** Undoes every block since `snapshot` and mines others, one more. */
  async function reorganise(snapshot: Hex, depth: number): Promise<void> {
    await client.revert({ id: snapshot })
    await client.mine({ blocks: depth + 1, interval: 1 })
    for (let index = 0; index < 5; index++)
      nonceManager.reset({ address: accountAt(index).address, chainId: foundry.id })
  }

  return {
    reorganise,
    url,
    child,
    client,
    deployment,
    currency,
    walletOf,
    done,
    now,
    newAsset,
    newOffer,
    fund,
    open,
    stop: () =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}
