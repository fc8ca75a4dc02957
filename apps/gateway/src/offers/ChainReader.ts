import { assetsAbi, marketAbi, recoverSigner } from '@millrace/sdk'
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  isAddressEqual,
  type PublicClient,
} from 'viem'
import type { OfferFacts, OfferKey } from './readFacts.ts'

/** Contracts the reader asks. */
export interface ReaderContracts {
  readonly assets: Address
  readonly market: Address
}

/** Asks the chain itself, for what the index cannot know: contracts' signatures, and what it has not come to yet. */
export interface ChainReader {
  /**
   * The facts of one offer as of the newest block.
   * @throws viem's errors when the RPC does not answer in time
   */
  facts(offer: OfferKey): Promise<OfferFacts>
  /**
   * Whether `signer` signed `hash`: by its key, or as a contract by ERC-1271. A contract whose check fails, in whatever
   * way, did not.
   * @throws viem's errors when the RPC does not answer in time
   */
  isSignedBy(signer: Address, hash: Hash, signature: Hex): Promise<boolean>
}

/** The answer of a contract that vouches, as a whole word. */
const ERC1271_MAGIC = `0x1626ba7e${'0'.repeat(56)}`
/** Gas for one check: enough for the dearest signature schemes, too little to occupy an endpoint. */
const CHECK_GAS = 5_000_000n
/** The precompile that returns its input: a call that always succeeds. */
const IDENTITY = '0x0000000000000000000000000000000000000004'
const erc1271Abi = [
  {
    type: 'function',
    name: 'isValidSignature',
    stateMutability: 'view',
    inputs: [
      { name: 'hash', type: 'bytes32' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [{ name: '', type: 'bytes4' }],
  },
] as const

/** A reader on the RPC at `url` that waits at most `timeoutMs` for an answer. */
export function createChainReader(url: string, contracts: ReaderContracts, timeoutMs: number): ChainReader {
  const client: PublicClient = createPublicClient({
    transport: http(url, { timeout: timeoutMs, retryCount: 0, batch: { batchSize: 100, wait: 0 } }),
  })
  // A stranger's contract may take its time; nothing else waits for it.
  const alone: PublicClient = createPublicClient({
    transport: http(url, { timeout: timeoutMs, retryCount: 0 }),
  })
  return {
    async facts({ id, asset, operator, nonce }) {
      const market = { address: contracts.market, abi: marketAbi } as const
      const [found, cancelled, lease] = await Promise.all([
        client
          .readContract({ address: contracts.assets, abi: assetsAbi, functionName: 'get', args: [asset] })
          .catch(nullIfReverted),
        client.readContract({ ...market, functionName: 'isCancelled', args: [operator as Address, nonce] }),
        client.readContract({ ...market, functionName: 'get', args: [id as Hash] }).catch(nullIfReverted),
      ])
      return {
        asset:
          found === null
            ? null
            : { operator: found.operator.toLowerCase(), currency: found.currency.toLowerCase() },
        cancelled,
        opened: lease !== null && lease.state !== 0,
      }
    },
    async isSignedBy(signer, hash, signature) {
      const recovered = await recoverSigner(hash, signature)
      if (recovered !== null && isAddressEqual(recovered, signer)) return true
      const code = await client.getCode({ address: signer })
      if (code === undefined || code === '0x') return false
      const data = encodeFunctionData({
        abi: erc1271Abi,
        functionName: 'isValidSignature',
        args: [hash, signature],
      })
      try {
        const answer = await alone.call({ to: signer, data, gas: CHECK_GAS })
        return answer.data?.slice(0, 66) === ERC1271_MAGIC
      } catch {
        // The contract is at fault, whatever endpoints call it, unless the chain does not answer other calls either.
        await client.call({ to: IDENTITY, data: '0x' })
        return false
      }
    },
  }
}

function nullIfReverted(error: unknown): null {
  if (error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError))
    return null
  throw error
}
