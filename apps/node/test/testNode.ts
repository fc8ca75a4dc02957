import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Gateway, startGateway } from '@millrace/gateway'
import { type GatewayClient, gatewayClient, hashOffer, type PublishedOffer } from '@millrace/sdk'
import type { NodeConfigInput } from '../src/config/nodeConfig.ts'
import {
  createLog,
  initNode,
  loadConfig,
  nodePaths,
  type RunningNode,
  type StartNodeOptions,
  startNode,
} from '../src/index.ts'
import { createSandboxRunner } from '../src/runners/sandbox/sandboxRunner.ts'
import { eventually } from './buyer.ts'
import { chainId, type TestNetwork } from './testNetwork.ts'

/** Settings that make a node small and quick: a quarter of a core, polls in a blink. */
export function testConfig(network: TestNetwork, gateways: readonly string[]): NodeConfigInput {
  const { deployment } = network
  return {
    network: {
      chainId,
      rpc: network.rpc,
      rpcTimeout: 2,
      poll: 0.1,
      gateways: [...gateways],
      contracts: {
        assets: deployment.assets,
        till: deployment.till,
        market: deployment.market,
        currencies: deployment.currencies.map((currency) => currency.address),
      },
    },
    offer: { startWindow: 120, minDuration: 1, maxDuration: 3600 },
    machine: { cpus: 1, memoryMib: 256, diskMib: 128, reserveMemoryMib: 0, reserveDiskMib: 16 },
    limits: { bundleMib: 64, outputMib: 16, logMib: 4, inodes: 4096, processes: 64 },
    money: { stopGrace: 1 },
    log: { level: process.env.TEST_LOG === undefined ? 'silent' : 'debug' },
  }
}

export interface TestHome {
  readonly home: string
  readonly operator: `0x${string}`
  start(options?: Omit<StartNodeOptions, 'home'>): Promise<RunningNode>
  /** The node as a process of its own, ready. */
  spawn(env?: Record<string, string>): Promise<ChildProcess>
  /** Ends every job and deletes everything. */
  remove(): Promise<void>
}

/** A home with an initialised node and an operator with coins. */
export async function makeHome(network: TestNetwork, config: NodeConfigInput): Promise<TestHome> {
  const home = await mkdtemp(join(tmpdir(), 'node-'))
  const { key, wallet } = await network.account()
  await initNode({ home, config, operatorKey: key, scryptCost: 2 ** 10 })
  return {
    home,
    operator: wallet.account.address,
    async start(options = {}) {
      const loaded = await loadConfig(nodePaths(home).config)
      return startNode({ home, log: createLog(loaded.log.level), ...options })
    },
    async spawn(env = {}) {
      const child = spawn(
        process.execPath,
        [
          '--conditions=source',
          '--import',
          'tsx',
          fileURLToPath(new URL('../src/main.ts', import.meta.url)),
          '--home',
          home,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
      )
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve())
        child.once('exit', (code) => reject(new RangeError(`the node ended with ${code}`)))
      })
      return child
    },
    async remove() {
      await createSandboxRunner({ directory: nodePaths(home).runner }).sweep(new Set())
      await rm(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
    },
  }
}

export interface TestGateway extends Gateway {
  readonly client: GatewayClient
}

/** A real gateway with its database in memory. */
export async function makeGateway(network: TestNetwork, port = 0): Promise<TestGateway> {
  const gateway = await startGateway({
    deployment: network.deployment,
    rpcUrl: network.rpc,
    database: { memory: true },
    port,
    chainPollMs: 50,
  })
  return { ...gateway, client: gatewayClient(gateway.url) }
}

/** Waits for a live offer of `asset` that was not seen before. */
export function freshOffer(
  gateway: TestGateway,
  asset: bigint,
  not: readonly string[] = [],
): Promise<PublishedOffer> {
  return eventually(async () => {
    const { offers } = await gateway.client.searchOffers({ query: `asset=${asset}` })
    return offers
      .map((listing) => listing.published)
      .find((offer) => !not.includes(hashOffer(offer.offer, offer)))
  })
}
