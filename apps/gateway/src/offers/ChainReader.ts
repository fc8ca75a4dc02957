import { assetsAbi, marketAbi, recoverSigner } from '@millrace/sdk'
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
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
   * Whether `signer` signed `hash`: by its key, or as a contract by ERC-1271.
   * @throws viem's errors when the RPC does not answer in time
   */
  isSignedBy(signer: Address, hash: Hash, signature: Hex): Promise<boolean>
}

const ERC1271_MAGIC = '0x1626ba7e'
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
      const magic = await client
        .readContract({
          address: signer,
          abi: erc1271Abi,
          functionName: 'isValidSignature',
          args: [hash, signature],
        })
        .catch((error: unknown) => {
          // A contract that reverts, or answers something else, does not vouch.
          if (isAnswer(error)) return null
          throw error
        })
      return magic === ERC1271_MAGIC
    },
  }
}

function nullIfReverted(error: unknown): null {
  if (error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError))
    return null
  throw error
}

/** Whether the RPC did answer, if only with a revert or with bytes that are no answer. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false
  const transport = ['HttpRequestError', 'TimeoutError', 'RpcRequestError', 'WebSocketRequestError']
  return (
    error.walk((cause) => cause instanceof Error && transport.includes(cause.name)) === null ||
    error.walk((cause) => cause instanceof ContractFunctionRevertedError) !== null
  )
}
