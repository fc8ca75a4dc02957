import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../test/ask.ts'
import { type LocalChain, startLocalChain } from '../test/localChain.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
let folder: string
let chain: LocalChain

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-gateway-'))
  chain = await startLocalChain()
  await writeFile(join(folder, 'deployment.json'), JSON.stringify(chain.deployment))
})
afterAll(async () => {
  await chain?.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

function run(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += String(chunk)
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const said = (event: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const look = () => {
        const line = lines.find((one) => one.includes(`"event":"${event}"`))
        if (line === undefined) return
        waiting.delete(look)
        resolve(JSON.parse(line))
      }
      waiting.add(look)
      ended.then((code) => reject(new RangeError(`ended with ${code}: ${errors} ${lines.join('\n')}`)))
      look()
    })
  return { child, ended, said, output: () => lines.join('\n'), errors: () => errors }
}

describe('main', () => {
  test('default: starts, answers, keeps what it was told through a kill, and ends on a signal', async () => {
    const args = [
      ...['--rpc', chain.url, '--deployment', join(folder, 'deployment.json')],
      ...['--data-dir', join(folder, 'data'), '--port', '0', '--poll-ms', '50'],
    ]
    const first = run(...args)
    const { url } = await first.said('gateway.started')
    const offer = await chain.newOffer(await chain.newAsset())
    const published = await ask(String(url), '/v1/offers', { offers: [offer.json] })
    expect(published.body).toMatchObject({ accepted: [offer.id] })
    first.child.kill('SIGKILL')
    await first.ended

    const key = `0x${'5a'.repeat(32)}` as const
    await writeFile(join(folder, 'relayer.key'), `${key}\n`)
    const second = run(
      ...[...args, '--x402-relayer', join(folder, 'relayer.key')],
      // It does not answer, and holds up nothing.
      ...['--x402-chain', `8453 http://127.0.0.1:9 ${chain.currency}`],
    )
    const again = await second.said('gateway.started')
    const listing = await ask(String(again.url), `/v1/offers/${offer.id}`)
    expect(listing.body).toMatchObject({ id: offer.id, state: 'live' })
    const supported = await ask(String(again.url), '/x402/supported')
    expect(supported.body.signers).toEqual({ 'eip155:*': [privateKeyToAccount(key).address] })
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(second.output()).toContain('gateway.closed')
    expect(second.output()).not.toContain(offer.published.signature)
    expect(second.output()).not.toContain(key.slice(2))
  })

  test('error: UsageWrong', async () => {
    const whole = [
      ...['--rpc', chain.url, '--deployment', join(folder, 'deployment.json')],
      ...['--data-dir', join(folder, 'other')],
    ]
    await writeFile(join(folder, 'settling.key'), `0x${'5b'.repeat(32)}`)
    const settling = [...whole, '--x402-relayer', join(folder, 'settling.key')]
    const cases: [string[], string][] = [
      [[], '--rpc is missing'],
      [['--colour', 'red'], 'colour'],
      [['--rpc', 'http://127.0.0.1:1', '--deployment', join(folder, 'nowhere.json')], 'nowhere.json'],
      [['--rpc', 'ftp://x', '--deployment', 'x'], 'rpc'],
      [[...whole, '--x402-relayer', join(folder, 'nowhere.key')], 'nowhere.key'],
      [[...whole, '--x402-relayer', join(folder, 'deployment.json')], 'holds no private key'],
      [[...whole, '--x402-chain', `1 ${chain.url} ${chain.currency}`], '--x402-relayer, which pays the gas'],
      [[...settling, '--x402-chain', '1'], 'x402-chain'],
      [[...settling, '--x402-chain', `1 ${chain.url}`], 'x402-chain'],
      [[...settling, '--x402-chain', `one ${chain.url} ${chain.currency}`], 'x402-chain'],
    ]
    await Promise.all(
      cases.map(async ([args, message]) => {
        const process = run(...args)
        expect(await process.ended).toBe(2)
        expect(process.errors()).toContain(message)
      }),
    )
  })

  test('behavior: --help names every option', async () => {
    const process = run('--help')
    expect(await process.ended).toBe(0)
    expect(process.output()).toContain('--database-url')
  })
})
