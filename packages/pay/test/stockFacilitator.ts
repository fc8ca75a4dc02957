import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { x402Facilitator } from '@x402/core/facilitator'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/facilitator'
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator'
import { UptoEvmScheme } from '@x402/evm/upto/facilitator'
import { nodeListener } from '../src/adapters/node.ts'
import { facilitatorHandler } from '../src/facilitator/facilitatorHandler.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { accountAt, type LocalChain } from './localChain.ts'

/** A server on a free port of this machine. */
export async function listen(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** The facilitator of the x402 packages over HTTP: schemes `exact` of v2 and v1, `upto` and `batch-settlement`. Account `relayer` pays the gas. */
export async function startStockFacilitator(chain: LocalChain, relayer: number) {
  const network = `eip155:${chain.chain.id}` as const
  const wallet = chain.walletOf(relayer)
  const { client } = chain
  const signer = toFacilitatorEvmSigner({
    address: accountAt(relayer).address,
    // As a wallet's own client reads: from its account, for `upto` is tried as the facilitator itself.
    readContract: (call) => client.readContract({ ...call, account: wallet.account } as never),
    verifyTypedData: (data) => client.verifyTypedData(data as never),
    writeContract: (call) => wallet.writeContract(call as never),
    sendTransaction: (transaction) => wallet.sendTransaction(transaction as never),
    waitForTransactionReceipt: (wait) => client.waitForTransactionReceipt(wait),
    getCode: (of) => client.getCode(of),
  })
  const facilitator = registerExactEvmScheme(new x402Facilitator(), { signer, networks: network })
  facilitator.register(network, new UptoEvmScheme(signer))
  // Without a key of its own for receivers: servers sign their claims themselves.
  facilitator.register(network, new BatchSettlementEvmScheme(signer))
  const server = await listen(
    nodeListener(async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/supported') return Response.json(facilitator.getSupported())
      const { paymentPayload, paymentRequirements } = (await request.json()) as {
        readonly paymentPayload: Parameters<typeof facilitator.verify>[0]
        readonly paymentRequirements: Parameters<typeof facilitator.verify>[1]
      }
      return Response.json(
        pathname === '/verify'
          ? await facilitator.verify(paymentPayload, paymentRequirements)
          : await facilitator.settle(paymentPayload, paymentRequirements),
      )
    }),
  )
  return server
}

/** Ours over HTTP. Account `relayer` pays the gas. */
export async function startOwnFacilitator(chain: LocalChain, relayer: number) {
  const facilitator = await openFacilitator({
    chains: [{ network: `eip155:${chain.chain.id}`, client: chain.client, relayer: accountAt(relayer) }],
    journal: memoryJournal(),
  })
  const server = await listen(nodeListener(facilitatorHandler({ facilitator })))
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      await facilitator.close()
    },
  }
}
