import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigExistsError, ConfigMissingError, ConfigSyntaxError } from './errors.ts'
import { initNode } from './initNode.ts'
import { loadConfig, parseConfig } from './loadConfig.ts'
import { confirmationTable } from './nodeConfig.ts'
import { nodePaths } from './nodePaths.ts'

const network = '[network]\nchain_id = 31337\nrpc = "http://127.0.0.1:8545"\n'
const parse = (text: string) => parseConfig(text, 'config.toml')

describe('parseConfig', () => {
  test('default: the least configuration is the chain; all else has a default', () => {
    const config = parse(network)
    expect(config.offer).toMatchObject({
      pricePerHour: '0.36',
      slots: 1,
      ttl: 300,
      bond: '0',
      network: 'none',
    })
    expect(config.money).toMatchObject({ settleTill: true, stopGrace: 30 })
    expect(confirmationTable(config)).toEqual([{ blocks: 0 }])
  })

  test('behavior: chains that are not local wait for confirmations by amount', () => {
    const config = parse('[network]\nchain_id = 8453\nrpc = "https://rpc.example"\n')
    expect(confirmationTable(config).map((row) => row.blocks)).toEqual([1, 3, 12])
  })

  test('error: ConfigInvalidError, an unknown setting with the one that was meant', () => {
    expect(() => parse(`${network}[offer]\nprice_per_hours = "1"\n`)).toThrow(
      'there is no setting "offer.price_per_hours", did you mean "price_per_hour"?',
    )
    expect(() => parse(`${network}[offers]\n`)).toThrow('there is no setting "offers", did you mean "offer"?')
    expect(() => parse(`${network}[zzz]\n`)).toThrow('there is no setting "zzz".')
  })

  test('error: ConfigInvalidError, values out of range or of the wrong form', () => {
    expect(() => parse('[network]\nrpc = "http://x"\n')).toThrow('network.chain_id:')
    expect(() => parse('[network]\nchain_id = 1\nrpc = "ftp://x"\n')).toThrow(
      'network.rpc: must be a URL starting with http:// or https://',
    )
    expect(() => parse(`${network}[offer]\nprice_per_hour = 0.36\n`)).toThrow('offer.price_per_hour:')
    expect(() => parse(`${network}[offer]\nmin_duration = 100\nmax_duration = 99\n`)).toThrow(
      'offer.min_duration is 100, above offer.max_duration, which is 99',
    )
  })

  test('error: ConfigInvalidError, a floor above the list price, and haggling with a bond', () => {
    expect(parse(network).haggle).toMatchObject({ enabled: false, strategy: 'time', openMost: 32 })
    expect(() => parse(`${network}[haggle]\nfloor_price = "0.37"\n`)).toThrow(
      'haggle.floor_price is "0.37", above offer.price_per_hour, which is "0.36"',
    )
    expect(() => parse(`${network}[offer]\nbond = "1"\n[haggle]\nenabled = true\n`)).toThrow(
      'haggle.enabled is true, which needs offer.bond = "0"; it is "1"',
    )
  })

  test('error: ConfigSyntaxError names line and column', () => {
    expect(() => parse('[network\n')).toThrow(ConfigSyntaxError)
    expect(() => parse('a = 1\nb = = 2\n')).toThrow('"config.toml" is not valid TOML at line 2')
  })

  test('error: ConfigMissingError', async () => {
    await expect(loadConfig('/nonexistent/config.toml')).rejects.toThrow(ConfigMissingError)
  })
})

describe('initNode', () => {
  test('default: writes a configuration that loads, and keys that only their owner reads', async () => {
    const home = await mkdtemp(join(tmpdir(), 'init-'))
    try {
      const config = {
        network: { chainId: 31337, rpc: 'http://127.0.0.1:1', gateways: ['http://127.0.0.1:2'] },
        offer: { pricePerHour: '1.5', slots: 2 },
        money: { confirmations: [{ upTo: '5', blocks: 1 }, { blocks: 2 }] },
      }
      const made = await initNode({ home, config, scryptCost: 1024 })
      const loaded = await loadConfig(made.config)
      expect(loaded.offer).toMatchObject({ pricePerHour: '1.5', slots: 2 })
      expect(loaded.money.confirmations).toEqual(config.money.confirmations)
      const paths = nodePaths(home)
      for (const file of [paths.deviceKey, paths.sessionKey, paths.operatorKey, paths.passphrase]) {
        expect((await stat(file)).mode & 0o777).toBe(0o600)
      }
      await expect(initNode({ home, config })).rejects.toThrow(ConfigExistsError)
    } finally {
      await rm(home, { recursive: true, maxRetries: 40, retryDelay: 50 })
    }
  })

  test('behavior: a home too deep for a Unix socket gets its socket in the temp folder', () => {
    const deep = `/${'d'.repeat(120)}`
    expect(nodePaths(deep).control.startsWith(tmpdir())).toBe(true)
    expect(nodePaths(deep).control).toBe(nodePaths(deep).control)
    expect(nodePaths('/h').control).toBe('/h/node/control.sock')
  })
})
