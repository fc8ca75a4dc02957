import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Hex, keccak256, toHex, zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identityRegistryAbi } from '../src/generated/identityRegistry.ts'
import { reputationRegistryAbi } from '../src/generated/reputationRegistry.ts'
import {
  agentRegistries,
  confirm,
  findAgentIdentities,
  findAgentRegistries,
  gatewayClient,
  getAgentFeedback,
  getAgentIdentity,
  giveAgentFeedback,
  placeAgentRegistries,
  RegistryRefusedError,
  readPaidVolumes,
  readRegisteredAgent,
  registerAgent,
  weighFeedback,
} from '../src/index.ts'
import { accountAt, startAnvil } from './localChain.ts'

/** Stand-ins for the registries of ERC-8004, put where the real ones stand. */
let chain: Awaited<ReturnType<typeof startAnvil>>
const registries = agentRegistries.mainnets
const [agent, client, stranger] = [1, 2, 3]
const address = (index: number) => accountAt(index).address
const at = (index: number) => chain.walletOf(index)
const send = async (index: number, hash: Promise<Hex>) => confirm(at(index), await hash)
const register = async (uri: string) =>
  readRegisteredAgent(await send(agent, registerAgent(at(agent), { registries, uri })), registries)

beforeAll(async () => {
  chain = await startAnvil()
})
afterAll(() => chain?.stop())

describe('registries', () => {
  test('default: a chain without them has none, one with both has them', async () => {
    expect(await findAgentRegistries(chain.client)).toBeNull()
    // One of both is none.
    await chain.client.setCode({ address: registries.identity, bytecode: '0x00' })
    expect(await findAgentRegistries(chain.client)).toBeNull()
    await chain.client.setCode({ address: registries.identity, bytecode: '0x' })
    await placeAgentRegistries(chain.client)
    await placeAgentRegistries(chain.client)
    expect(await findAgentRegistries(chain.client)).toEqual(registries)
  })

  test('default: an agent is found by its address, and after a transfer nobody is paid for it', async () => {
    expect(await register('https://agent.example/card.json')).toBe(0n)
    expect(await register('https://agent.example/other.json')).toBe(1n)
    const [first, second] = await findAgentIdentities(chain.client, { registries, account: address(agent) })
    expect(first).toEqual({
      ...{
        agentId: 0n,
        owner: address(agent),
        wallet: address(agent),
        uri: 'https://agent.example/card.json',
      },
    })
    expect(second?.agentId).toBe(1n)
    expect(await getAgentIdentity(chain.client, { registries, agentId: 9n })).toBeNull()
    await send(
      agent,
      at(agent).writeContract({
        ...{ address: registries.identity, abi: identityRegistryAbi, functionName: 'transferFrom' },
        args: [address(agent), address(stranger), 1n],
      }),
    )
    expect(await getAgentIdentity(chain.client, { registries, agentId: 1n })).toMatchObject({
      owner: address(stranger),
      wallet: null,
    })
    const of = async (index: number) =>
      (await findAgentIdentities(chain.client, { registries, account: address(index), fromBlock: 1n })).map(
        ({ agentId }) => agentId,
      )
    expect([await of(agent), await of(stranger), await of(client)]).toEqual([[0n], [1n], []])
  })

  test('default: feedback is given and read; the agent’s own is refused in the registry’s words', async () => {
    const give = (index: number, value: bigint, more: { tag?: string; decimals?: number } = {}) =>
      giveAgentFeedback(at(index), { registries, agentId: 0n, value, tag: 'starred', ...more })
    await expect(give(agent, 100n)).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      details: { reason: 'Self-feedback not allowed' },
    })
    await expect(give(client, 1n, { decimals: 19 })).rejects.toBeInstanceOf(RegistryRefusedError)
    const file = { uri: 'https://client.example/why.json', hash: keccak256(toHex('why')) }
    await send(
      client,
      giveAgentFeedback(at(client), {
        ...{ registries, agentId: 0n, value: 955n, decimals: 1, tag: 'starred', tag2: 'weather' },
        ...{ endpoint: 'https://agent.example/ask', file },
      }),
    )
    await send(client, give(client, -3n, { tag: 'uptime' }))
    await send(stranger, give(stranger, 0n))
    await send(
      client,
      at(client).writeContract({
        ...{ address: registries.reputation, abi: reputationRegistryAbi },
        ...{ functionName: 'revokeFeedback', args: [0n, 2n] },
      }),
    )
    const clients = [address(client), address(agent)]
    const feedback = await getAgentFeedback(chain.client, { registries, agentId: 0n, clients })
    expect(feedback).toEqual([
      {
        ...{ client: address(client), index: 1n, value: 955n, decimals: 1, tag: 'starred', tag2: 'weather' },
        isRevoked: false,
      },
      {
        ...{ client: address(client), index: 2n, value: -3n, decimals: 0, tag: 'uptime', tag2: '' },
        isRevoked: true,
      },
    ])
    const paid = [{ payer: address(client), signers: [], amount: 5n }]
    expect(weighFeedback({ feedback, paid, tag: 'starred', own: [address(agent)] })?.value).toBe(
      955n * 10n ** 17n,
    )
  })
})

describe('readPaidVolumes', () => {
  const usdc = address(9)
  const channel = (payer: number, claimedEver: string, more: object = {}) => ({
    ...{ id: zeroHash, payer: address(payer), signer: address(payer), payee: address(agent), asset: null },
    ...{ currency: usdc, closeDelay: 900, salt: zeroHash, epoch: 0, openedAt: 1, deposit: '0', claimed: '0' },
    ...{ claimedEver, closesAt: null, ...more },
  })
  /** A gateway as it is on the wire: each page of one entry. */
  async function serve(channels: readonly object[], endless = false) {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost')
      const place = Number(url.searchParams.get('cursor') ?? 0)
      const next = endless || place + 1 < channels.length ? String(place + 1) : null
      const one = channels[endless ? 0 : place]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ channels: one === undefined ? [] : [one], next }))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return {
      gateway: gatewayClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      stop: () => server.close(),
    }
  }

  test('default: all pages, one currency, a payer’s channels together, its keys named', async () => {
    const { gateway, stop } = await serve([
      channel(2, '30'),
      channel(3, '50', { signer: address(4) }),
      channel(2, '25'),
      channel(2, '1000', { currency: zeroAddress }),
      channel(5, '0'),
    ])
    expect(await readPaidVolumes(gateway, { currency: usdc, accounts: [address(agent)] })).toEqual({
      paid: [
        { payer: address(2), amount: 55n, signers: [] },
        { payer: address(3), amount: 50n, signers: [address(4)] },
      ],
      isPartial: false,
    })
    stop()
  })

  test('behavior: a gateway that never ends is left after fifty pages', async () => {
    const { gateway, stop } = await serve([channel(2, '1')], true)
    const { paid, isPartial } = await readPaidVolumes(gateway, { currency: usdc, accounts: [address(agent)] })
    expect({ amount: paid[0]?.amount, isPartial }).toEqual({ amount: 50n, isPartial: true })
    stop()
  })
})
