import { type Account, type Chain, type Client, type Hex, type Transport, toHex } from 'viem'
import { call, getCode } from 'viem/actions'
import { batchSettlementBytecode } from '../generated/batchSettlement.ts'
import { erc3009DepositCollectorBytecode } from '../generated/erc3009DepositCollector.ts'
import { multicall3Bytecode } from '../generated/multicall3.ts'
import { permit2Bytecode } from '../generated/permit2.ts'
import { uptoPermit2ProxyBytecode } from '../generated/uptoPermit2Proxy.ts'
import { x402Contracts } from './contracts.ts'

const creationCode: Readonly<Record<keyof typeof x402Contracts, Hex>> = {
  permit2: permit2Bytecode,
  uptoPermit2Proxy: uptoPermit2ProxyBytecode,
  batchSettlement: batchSettlementBytecode,
  erc3009DepositCollector: erc3009DepositCollectorBytecode,
  multicall3: multicall3Bytecode,
}

/**
 * Puts stand-ins for the contracts of x402 to their addresses on a local chain, which has none of them: what stock clients
 * pay by schemes other than `exact` can be tried there. What is there already is left alone.
 *
 * @param client A viem client of Anvil.
 * @example
 * await placeX402Contracts(createPublicClient({ transport: http('http://127.0.0.1:8545') }))
 */
export async function placeX402Contracts(
  client: Client<Transport, Chain | undefined, Account | undefined>,
): Promise<void> {
  for (const [name, code] of Object.entries(creationCode)) {
    const address = x402Contracts[name as keyof typeof x402Contracts]
    const there = await getCode(client, { address })
    if (there !== undefined && there !== '0x') continue
    // What a creation returns is the code; none of them keeps its address or a constructor's argument.
    const { data } = await call(client, { data: code })
    await client.request<AnvilSetCode>({ method: 'anvil_setCode', params: [address, data ?? toHex('')] })
  }
}

interface AnvilSetCode {
  readonly Method: 'anvil_setCode'
  readonly Parameters: readonly [address: Hex, code: Hex]
  readonly ReturnType: null
}
