import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  agentContracts,
  channelsOf,
  creditContracts,
  deployLocal,
  deploymentSchema,
  parse,
} from '@millrace/sdk'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getBalance, getCode } from 'viem/actions'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HomePaths, homePaths } from '../home/homePaths.ts'
import { type Chain, openChain } from './chain/openChain.ts'
import { serveChain } from './chain/serveChain.ts'
import type { NetworkState } from './networkState.ts'
import { openFaucet, planDeployment, prepareNetwork } from './prepareNetwork.ts'

let home: string
let paths: HomePaths
let chain: Chain
let server: Awaited<ReturnType<typeof serveChain>>
let state: NetworkState
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-prepare-'))
  paths = homePaths(home)
  chain = await openChain({ folder: paths.network.chain, chainId: 31337 })
  server = await serveChain({ chain, host: '127.0.0.1', port: 0 })
  state = {
    chainId: 31337,
    chainPort: Number(new URL(server.url).port),
    gatewayPort: 1,
    phase: 'starting',
    services: ['chain'],
  }
})
afterEach(async () => {
  await server?.close()
  await chain?.close()
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const written = () =>
  parse(deploymentSchema, JSON.parse(readFileSync(paths.network.deployment, 'utf8')), 'deployment')
const writeDeployment = (value: unknown) => {
  mkdirSync(dirname(paths.network.deployment), { recursive: true })
  writeFileSync(paths.network.deployment, JSON.stringify(value))
}

describe('default', () => {
  test('what is planned is what is deployed, and a second run changes nothing', async () => {
    const planned = planDeployment(paths, state)
    expect(written()).toEqual(planned)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(planned)
    const { client } = openFaucet(paths, state)
    const agents = Object.values(planned.agents ?? {})
    const credit = Object.values(planned.credit ?? {})
    expect([agents.length, credit.length]).toEqual([4, 6])
    const nouns = [planned.assets, planned.till, planned.market, planned.channels]
    for (const address of [...nouns, ...agents, ...credit])
      expect(await getCode(client, { address })).toBeDefined()
    const relayer = privateKeyToAccount(readFileSync(paths.network.relayer, 'utf8').trim() as Hex)
    expect(await getBalance(client, { address: relayer.address })).toBeGreaterThan(0n)
    expect(planDeployment(paths, state)).toEqual(planned)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(planned)
  })

  test('behavior: a network of an earlier version keeps its contracts and gets channels, agents and credit beside them', async () => {
    const faucet = openFaucet(paths, state)
    await faucet.ensureCoins(faucet.address)
    // Another salt stands for another version: other addresses than this one would take.
    const made = await deployLocal(faucet.client, { salt: `0x${'42'.repeat(32)}` })
    const { channels: _, agents: __, credit: ___, ...earlier } = made
    writeDeployment(earlier)
    const channels = channelsOf(earlier.till)
    const agents = agentContracts({ ...earlier, channels })
    const credit = creditContracts(earlier.till)
    const expected = { ...earlier, channels, agents, credit }
    expect(planDeployment(paths, state)).toEqual(expected)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(expected)
    for (const address of [channels, ...Object.values(agents), ...Object.values(credit)])
      expect(await getCode(faucet.client, { address })).toBeDefined()
    expect(planDeployment(paths, state)).toEqual(expected)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(expected)
  })

  test('behavior: channels of an earlier version are kept, and with them what is in them', async () => {
    const planned = planDeployment(paths, state)
    await prepareNetwork(paths, state)
    // Any contract stands for the channels of another version.
    const earlier = { ...planned, channels: planned.market }
    writeDeployment(earlier)
    expect(planDeployment(paths, state)).toEqual(earlier)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(earlier)
  })

  test("behavior: a network with channels and no wallets of agents gets them; another version's are kept", async () => {
    const planned = planDeployment(paths, state)
    await prepareNetwork(paths, state)
    const { agents, ...earlier } = planned
    writeDeployment(earlier)
    expect(planDeployment(paths, state)).toEqual(planned)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(planned)
    if (agents === undefined) throw new RangeError('nothing was planned')
    // Any contract stands for the factory of another version.
    const other = { ...planned, agents: { ...agents, factory: planned.market } }
    writeDeployment(other)
    expect(planDeployment(paths, state)).toEqual(other)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(other)
  })

  test("behavior: a network without credit gets it; another version's is kept", async () => {
    const planned = planDeployment(paths, state)
    await prepareNetwork(paths, state)
    const { credit, ...earlier } = planned
    writeDeployment(earlier)
    expect(planDeployment(paths, state)).toEqual(planned)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(planned)
    if (credit === undefined) throw new RangeError('nothing was planned')
    // So does one whose credit knows no ranks.
    const { ranks: _, ...unranked } = credit
    writeDeployment({ ...planned, credit: { ...unranked, desks: planned.market } })
    expect(planDeployment(paths, state)).toEqual(planned)
    // Any contract stands for the maker of desks of another version.
    const other = { ...planned, credit: { ...credit, desks: planned.market } }
    writeDeployment(other)
    expect(planDeployment(paths, state)).toEqual(other)
    await prepareNetwork(paths, state)
    expect(written()).toEqual(other)
  })

  test('behavior: contracts that an earlier version planned and never deployed are not kept', async () => {
    const fresh = planDeployment(paths, state)
    const { channels: _, ...planned } = fresh
    writeDeployment({ ...planned, till: `0x${'12'.repeat(20)}` })
    await prepareNetwork(paths, state)
    expect(written()).toEqual(fresh)
  })

  test('behavior: a file that says nothing, or speaks of another chain, is written anew', async () => {
    const fresh = planDeployment(paths, state)
    for (const value of [{}, { ...fresh, chainId: 7 }, null]) {
      writeDeployment(value)
      expect(planDeployment(paths, state)).toEqual(fresh)
    }
  })
})
