import { assetsAbi, marketAbi, tillAbi } from '@millrace/sdk'
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  defineChain,
  encodeFunctionData,
  type Hex,
  http,
  type PublicClient,
  parseAbi,
  parseEventLogs,
  type TransactionReceipt,
} from 'viem'
import type { Call } from './sender.ts'

export interface Contracts {
  readonly assets: Address
  readonly till: Address
  readonly market: Address
}

/** The till's epoch may end between the estimate of a settlement and its block: room for turning it. */
const EPOCH_GAS = 600_000n

/** In the contract's order, without `None`: for that the market reverts. */
const leaseStates = ['open', 'running', 'stopped', 'settled'] as const

/** A lease as the market returns it. Money in base units, times in Unix seconds. */
export interface MarketLease {
  readonly state: (typeof leaseStates)[number]
  readonly asset: bigint
  readonly buyer: Address
  readonly pricePerHour: bigint
  readonly deposit: bigint
  readonly bond: bigint
  readonly startBy: number
  readonly startedAt: number
  readonly stoppedAt: number
  readonly endsAt: number
}

export interface ChainOptions {
  readonly rpc: string
  readonly chainId: number
  readonly contracts: Contracts
  /** Seconds until a call is given up. */
  readonly timeout: number
}

const tokenAbi = parseAbi([
  'function decimals() view returns (uint8)',
  'function symbol() view returns (string)',
])

/** What the node reads from the chain, and the calls that it sends. Reading throws viem's errors. */
export function createChain(options: ChainOptions) {
  const { rpc, chainId, contracts, timeout } = options
  const client: PublicClient = createPublicClient({
    chain: defineChain({
      id: chainId,
      name: `chain ${chainId}`,
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [rpc] } },
    }),
    transport: http(rpc, { timeout: timeout * 1000, retryCount: 1, retryDelay: 100 }),
    cacheTime: 0,
  })
  const market = { address: contracts.market, abi: marketAbi } as const
  const assets = { address: contracts.assets, abi: assetsAbi } as const
  const till = { address: contracts.till, abi: tillAbi } as const

  return {
    client,
    contracts,
    chainId,
    rpc,

    /** The lease as of now, or as it was at a block; `null` if it is not known there. */
    async lease(id: Hex, blockNumber?: bigint): Promise<MarketLease | null> {
      try {
        const lease = await client.readContract({
          ...market,
          functionName: 'get',
          args: [id],
          ...(blockNumber === undefined ? {} : { blockNumber }),
        })
        return { ...lease, state: leaseStates[lease.state - 1] ?? 'settled' }
      } catch (error) {
        if (isRevert(error, 'LeaseUnknown')) return null
        throw error
      }
    },

    /** Leases opened on `asset` in these blocks: their ids. */
    async opened(asset: bigint, fromBlock: bigint, toBlock: bigint): Promise<readonly Hex[]> {
      const logs = await client.getContractEvents({
        ...market,
        eventName: 'LeaseOpened',
        args: { asset },
        fromBlock,
        toBlock,
        strict: true,
      })
      return logs.map((log) => log.args.lease)
    },

    async head(): Promise<{ number: bigint; timestamp: number; hash: Hex }> {
      const block = await client.getBlock({ blockTag: 'latest' })
      return { number: block.number, timestamp: Number(block.timestamp), hash: block.hash }
    },

    asset: (id: bigint) => client.readContract({ ...assets, functionName: 'get', args: [id] }),
    assetOwner: (id: bigint) => client.readContract({ ...assets, functionName: 'ownerOf', args: [id] }),
    /** Assets that `operator` registered or that were registered for it, oldest first. */
    async registeredBy(operator: Address): Promise<readonly { id: bigint; device: Address }[]> {
      const logs = await client.getContractEvents({
        ...assets,
        eventName: 'AssetRegistered',
        args: { operator },
        fromBlock: 0n,
        strict: true,
      })
      return logs.map((log) => ({ id: log.args.asset, device: log.args.device }))
    },

    seriesOf: (operator: Address) =>
      client.readContract({ ...market, functionName: 'seriesOf', args: [operator] }),
    isCancelled: (operator: Address, nonce: bigint) =>
      client.readContract({ ...market, functionName: 'isCancelled', args: [operator, nonce] }),
    balance: (address: Address) => client.getBalance({ address }),
    tillBalance: (account: Address, token: Address) =>
      client.readContract({ ...till, functionName: 'balanceOf', args: [account, BigInt(token)] }),
    isTillOperator: (account: Address, module: Address) =>
      client.readContract({ ...till, functionName: 'isOperator', args: [account, module] }),
    epochLength: () => client.readContract({ ...till, functionName: 'epochLength' }),
    currentEpoch: () => client.readContract({ ...till, functionName: 'currentEpoch' }),
    bucketOf: (asset: bigint) => client.readContract({ ...till, functionName: 'bucketOf', args: [asset] }),
    decimals: (token: Address) =>
      client.readContract({ address: token, abi: tokenAbi, functionName: 'decimals' }),

    calls: {
      register(
        owner: Address,
        operator: Address,
        device: Address,
        currency: Address,
        spec: Hex,
        uri: string,
      ): Call {
        return {
          what: 'register this machine',
          to: contracts.assets,
          data: encodeFunctionData({
            abi: assetsAbi,
            functionName: 'register',
            args: [owner, { operator, kind: 0, device, currency, spec }, uri],
          }),
        }
      },
      setDevice: (asset: bigint, device: Address): Call => ({
        what: `name the device of asset ${asset}`,
        to: contracts.assets,
        data: encodeFunctionData({ abi: assetsAbi, functionName: 'setDevice', args: [asset, device] }),
      }),
      startFor: (lease: Hex, signature: Hex): Call => ({
        what: `start lease ${lease}`,
        to: contracts.market,
        data: encodeFunctionData({ abi: marketAbi, functionName: 'startFor', args: [lease, signature] }),
      }),
      stop: (lease: Hex): Call => ({
        what: `stop lease ${lease}`,
        to: contracts.market,
        data: encodeFunctionData({ abi: marketAbi, functionName: 'stop', args: [lease] }),
      }),
      settle: (lease: Hex): Call => ({
        what: `settle lease ${lease}`,
        to: contracts.market,
        data: encodeFunctionData({ abi: marketAbi, functionName: 'settle', args: [lease] }),
        extraGas: EPOCH_GAS,
      }),
      cancel: (nonce: bigint): Call => ({
        what: `cancel the offers with nonce ${nonce}`,
        to: contracts.market,
        data: encodeFunctionData({ abi: marketAbi, functionName: 'cancel', args: [nonce] }),
      }),
      approveMarket: (): Call => ({
        what: 'let the market lock bonds',
        to: contracts.till,
        data: encodeFunctionData({
          abi: tillAbi,
          functionName: 'setOperator',
          args: [contracts.market, true],
        }),
      }),
      settleTill: (asset: bigint): Call => ({
        what: `settle the till of asset ${asset}`,
        to: contracts.till,
        data: encodeFunctionData({ abi: tillAbi, functionName: 'settle', args: [asset] }),
        extraGas: EPOCH_GAS,
      }),
    },

    /** The id that a registration's receipt names, or `null` if it holds none. */
    registeredIn(receipt: TransactionReceipt): bigint | null {
      const [log] = parseEventLogs({
        abi: assetsAbi,
        eventName: 'AssetRegistered',
        logs: receipt.logs.filter((item) => item.address.toLowerCase() === contracts.assets.toLowerCase()),
      })
      return log?.args.asset ?? null
    },
  }
}

export type NodeChain = ReturnType<typeof createChain>

function isRevert(error: unknown, name: string): boolean {
  if (!(error instanceof BaseError)) return false
  const revert = error.walk((item) => item instanceof ContractFunctionRevertedError)
  return revert instanceof ContractFunctionRevertedError && revert.data?.errorName === name
}

/** The EIP-712 message with which a device lets anyone start its lease. */
export function startTypedData(chain: Pick<NodeChain, 'chainId' | 'contracts'>, lease: Hex) {
  return {
    domain: {
      name: 'Millrace Market',
      version: '1',
      chainId: chain.chainId,
      verifyingContract: chain.contracts.market,
    },
    types: { Start: [{ name: 'lease', type: 'bytes32' }] },
    primaryType: 'Start',
    message: { lease },
  } as const
}
