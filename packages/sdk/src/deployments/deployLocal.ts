import { type Address, concat, type Hex, keccak256 } from 'viem'
import { getBalance, getChainId, getCode, sendRawTransaction, sendTransaction } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { DeploymentFailedError } from '../errors/deployments.ts'
import { awaitReceipt } from '../transactions/awaitReceipt.ts'
import type { WriteClient } from '../transactions/write.ts'
import {
  type Creation,
  contractAddresses,
  create2Proxy,
  creations,
  type DeployOptions,
  localDefaults,
} from './contractAddresses.ts'
import type { Deployment } from './deployment.ts'

/** The transaction that creates the proxy on any chain: signed by nobody, paid from an address that is funded first. */
const proxyCreation = {
  from: '0x3fab184622dc19b6109349b94811493bf2a45362',
  cost: 10_000_000_000_000_000n,
  signed:
    '0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222',
} as const

/** Milliseconds for one transaction of a deployment. */
const receiptTimeout = 60_000
/** The same for one that somebody else may have sent. */
const othersTimeout = 5_000

/** As `DeployOptions`; the admin may be left out and is then the sender. */
export type DeployLocalOptions = Omit<DeployOptions, 'admin'> & Partial<Pick<DeployOptions, 'admin'>>

/**
 * Deploys Millrace and a test dollar to a local chain, always to the same addresses for the same options. What is
 * there already is left alone, so it can be called at every start.
 *
 * @param client A viem client whose account has gas money.
 * @param options Admin (default: the sender), fee in basis points, epoch in seconds, salt.
 * @returns The deployment, with the test dollar as its currency.
 * @throws DeploymentFailedError, GasMoneyError, ChainUnreachableError.
 * @example
 * const deployment = await deployLocal(client, { epochLength: 5 })
 */
export async function deployLocal(
  client: WriteClient,
  options: DeployLocalOptions = {},
): Promise<Deployment> {
  const settled: DeployOptions = { admin: client.account.address, ...options }
  try {
    await deployProxy(client)
    for (const creation of creations(settled)) await create(client, creation, settled.salt)
    const { assets, till, market, channels, agents, credit, testDollar } = contractAddresses(settled)
    return {
      chainId: await getChainId(client),
      assets,
      till,
      market,
      channels,
      agents,
      credit,
      currencies: [{ address: testDollar, symbol: 'TUSD', decimals: 6, name: 'Test Dollar', version: '1' }],
      epochLength: settled.epochLength ?? localDefaults.epochLength,
    }
  } catch (error) {
    throw decodeRevert(error, client.account.address)
  }
}

/** Creates a contract if it is not there. */
export async function create(
  client: WriteClient,
  { name, address, initCode }: Creation,
  salt: Hex = localDefaults.salt,
): Promise<void> {
  if (await exists(client, address)) return
  let cause: unknown
  try {
    const hash = await send(client, { to: create2Proxy, data: concat([salt, initCode]) })
    await awaitReceipt(client, { hash, timeout: receiptTimeout })
  } catch (error) {
    cause = error
  }
  await mustExist(client, name, address, cause)
}

/** Creates the CREATE2 proxy if it is not there. */
export async function deployProxy(client: WriteClient): Promise<void> {
  if (await exists(client, create2Proxy)) return
  const { from, cost, signed } = proxyCreation
  let cause: unknown
  try {
    const balance = await getBalance(client, { address: from })
    if (balance < cost) {
      const hash = await send(client, { to: from, value: cost - balance })
      await awaitReceipt(client, { hash, timeout: receiptTimeout })
    }
    const hash = await sendRawTransaction(client, { serializedTransaction: signed })
    await awaitReceipt(client, { hash, timeout: receiptTimeout })
  } catch (error) {
    cause = error
    // Whoever else is at it sends the very same transaction, which is then refused to us and not mined yet.
    await awaitReceipt(client, { hash: keccak256(signed), timeout: othersTimeout }).catch(() => undefined)
  }
  await mustExist(client, 'CREATE2 proxy', create2Proxy, cause)
}

/** Somebody may have deployed the same at the same time: what counts is that it is there. */
async function mustExist(
  client: WriteClient,
  contract: string,
  address: Address,
  cause: unknown,
): Promise<void> {
  if (await exists(client, address)) return
  const decoded = decodeRevert(cause, client.account.address)
  throw decoded === cause ? new DeploymentFailedError({ contract, address, cause }) : decoded
}

const send = (client: WriteClient, request: { to: Hex; data?: Hex; value?: bigint }) =>
  sendTransaction(client, { ...request, account: client.account, chain: client.chain ?? null } as Parameters<
    typeof sendTransaction
  >[1])

/** Whether there is code at an address. */
export async function exists(client: WriteClient, address: Hex): Promise<boolean> {
  const code = await getCode(client, { address })
  return code !== undefined && code !== '0x'
}
