import { x402Facilitator } from '@x402/core/facilitator'
import type { SchemeNetworkFacilitator } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { verifyTypedData as verifyOffline } from 'viem'
import { verifyTypedData } from 'viem/actions'
import type { LocalChain } from '../../../packages/pay/test/localChain.ts'

type Signer = Parameters<typeof toFacilitatorEvmSigner>[0]

/** The stock facilitator of the x402 packages on a chain. */
export function stockFacilitator(chain: LocalChain, relayer: number): x402Facilitator {
  const wallet = chain.walletOf(relayer)
  const signer = toFacilitatorEvmSigner({
    address: wallet.account.address,
    readContract: (args) => chain.client.readContract(args as never),
    verifyTypedData: (args) => verifyTypedData(chain.client, args as never),
    writeContract: (args) => wallet.writeContract(args as never),
    sendTransaction: (args) => wallet.sendTransaction(args as never),
    waitForTransactionReceipt: (args) => chain.client.waitForTransactionReceipt(args),
    getCode: (args) => chain.client.getCode(args),
  })
  return new x402Facilitator().register(
    chain.requirements.network as `eip155:${number}`,
    new ExactEvmScheme(signer) as SchemeNetworkFacilitator,
  )
}

/** Its scheme with everything that a chain would say said at once: what is left is its own work. */
export function stockOffline(asset: string): ExactEvmScheme {
  const none = () => Promise.reject(new RangeError('nothing is sent here'))
  const signer: Signer = {
    address: '0x0000000000000000000000000000000000000001',
    readContract: () => Promise.resolve(undefined),
    verifyTypedData: (args) => verifyOffline(args as never),
    writeContract: none,
    sendTransaction: none,
    waitForTransactionReceipt: none,
    getCode: ({ address }) => Promise.resolve(address.toLowerCase() === asset.toLowerCase() ? '0x01' : '0x'),
  }
  return new ExactEvmScheme(toFacilitatorEvmSigner(signer))
}
