import { readFile, rm } from 'node:fs/promises'
import { assetsAbi, getAsset, hashCanonical, setDevice } from '@millrace/sdk'
import { encodeFunctionData, keccak256, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decryptKey, nodePaths } from '../src/index.ts'
import { openNodeJournal } from '../src/journal/openNodeJournal.ts'
import { startTestNetwork, type TestNetwork } from './testNetwork.ts'
import { makeHome, type TestHome, testConfig } from './testNode.ts'

let network: TestNetwork
let home: TestHome
beforeAll(async () => {
  network = await startTestNetwork()
})
afterAll(() => network?.close())
beforeEach(async () => {
  home = await makeHome(network, testConfig(network, []))
})
afterEach(() => home.remove())

const count = () =>
  network.client.readContract({ address: network.deployment.assets, abi: assetsAbi, functionName: 'count' })
const start = async (config: ReturnType<typeof testConfig>) => {
  await home.remove()
  home = await makeHome(network, config)
  return home.start()
}

describe('registration', () => {
  test('default: one machine is one asset, with its journal or without', async () => {
    const before = await count()
    const node = await home.start()
    await node.close()
    await (await home.start()).close()
    await rm(nodePaths(home.home).journal)
    const again = await home.start()
    expect(again.asset).toBe(node.asset)
    expect(await count()).toBe(before + 1n)
    await again.close()
  })

  test('behavior: killed before the transaction left, the same one is sent', async () => {
    const paths = nodePaths(home.home)
    const passphrase = (await readFile(paths.passphrase, 'utf8')).trim()
    const operator = privateKeyToAccount(
      decryptKey({ text: await readFile(paths.operatorKey, 'utf8'), passphrase, path: '' }),
    )
    const device = privateKeyToAddress((await readFile(paths.deviceKey, 'utf8')).trim() as `0x${string}`)
    const [currency] = network.deployment.currencies
    const raw = await operator.signTransaction({
      type: 'eip1559',
      chainId: network.deployment.chainId,
      nonce: 0,
      gas: 500_000n,
      maxFeePerGas: parseEther('0.0000001'),
      maxPriorityFeePerGas: 1n,
      to: network.deployment.assets,
      data: encodeFunctionData({
        abi: assetsAbi,
        functionName: 'register',
        args: [
          operator.address,
          {
            operator: operator.address,
            kind: 0,
            device,
            currency: currency?.address ?? operator.address,
            spec: hashCanonical({ noted: true }),
          },
          '',
        ],
      }),
    })
    const journal = await openNodeJournal(paths.journal)
    await journal.note({ type: 'asset.registering', hash: keccak256(raw), raw })
    await journal.close()
    const before = await count()
    const node = await home.start()
    expect(await count()).toBe(before + 1n)
    const asset = await getAsset(network.client, { deployment: network.deployment, asset: node.asset })
    expect(asset?.spec).toBe(hashCanonical({ noted: true }))
    await node.close()
  })

  test('behavior: a device key that was changed on chain is set again', async () => {
    const node = await home.start()
    await node.close()
    const paths = nodePaths(home.home)
    const passphrase = (await readFile(paths.passphrase, 'utf8')).trim()
    const key = decryptKey({ text: await readFile(paths.operatorKey, 'utf8'), passphrase, path: '' })
    const { deployment } = network
    await setDevice({ ...network.admin, account: privateKeyToAccount(key) } as never, {
      deployment,
      asset: node.asset,
      device: privateKeyToAddress(generatePrivateKey()),
    })
    const again = await home.start()
    expect((await getAsset(network.client, { deployment, asset: node.asset }))?.device).toBe(again.device)
    await again.close()
  })
})

describe('what stops a start, and says what to do', () => {
  test('error: GasTooLowError', async () => {
    await network.client.setBalance({ address: home.operator, value: 5n })
    await expect(home.start()).rejects.toThrow(
      `The operator ${home.operator} has 0.000000000000000005 native coins for transactions; at least 0.001 are needed.`,
    )
  })

  test('error: ChainMismatchError, ContractMissingError, RpcUnavailableError', async () => {
    const config = testConfig(network, [])
    const { contracts } = config.network
    await expect(start({ ...config, network: { ...config.network, chainId: 5 } })).rejects.toMatchObject({
      code: 'CHAIN_MISMATCH',
    })
    if (contracts === undefined) throw new RangeError('no contracts')
    const market = privateKeyToAddress(generatePrivateKey())
    await expect(
      start({ ...config, network: { ...config.network, contracts: { ...contracts, market } } }),
    ).rejects.toThrow(`There is no market contract at ${market} on chain 31337.`)
    await expect(
      start({ ...config, network: { ...config.network, rpc: 'http://127.0.0.1:9', rpcTimeout: 0.3 } }),
    ).rejects.toMatchObject({ code: 'RPC_UNAVAILABLE', retryable: true })
  })

  test('error: BondTooLowError, MachineTooSmallError', async () => {
    const config = testConfig(network, [])
    await expect(start({ ...config, offer: { ...config.offer, bond: '5' } })).rejects.toThrow(
      'The operator’s till account holds 0 base units; the bonds need 5000000.',
    )
    await expect(start({ ...config, offer: { ...config.offer, slots: 200 } })).rejects.toMatchObject({
      code: 'MACHINE_TOO_SMALL',
    })
  })
})
