import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readPidFile } from '../../processes/pidFile.ts'
import { type Chain, openChain } from './openChain.ts'
import { serveChain } from './serveChain.ts'

const account = privateKeyToAccount(`0x${'42'.repeat(32)}`)
const sink = `0x${'11'.repeat(20)}` as const
const chosen = process.env.MILLRACE_DEEP === undefined ? 20_261_121 : Math.floor(Math.random() * 2 ** 31)
const seed = Number(process.env.MILLRACE_SEED ?? chosen)

/** Mulberry32: small, seeded, good enough to choose moments. */
function random(state: number): () => number {
  let a = state
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const transfer = (nonce: number) =>
  account.signTransaction({
    chainId: 31337,
    type: 'eip1559',
    nonce,
    to: sink,
    value: 1n,
    gas: 21_000n,
    maxFeePerGas: 10n ** 11n,
    maxPriorityFeePerGas: 0n,
  })

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-chain-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const open = (options: Partial<Parameters<typeof openChain>[0]> = {}) =>
  openChain({ folder, chainId: 31337, ...options })
const fund = (chain: Chain) =>
  chain.write('anvil_setBalance', [account.address, `0x${(10n ** 20n).toString(16)}`])
async function read(chain: Chain, method: string, ...params: unknown[]) {
  const body = await chain.read(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  return JSON.parse(body.toString()).result
}
const blocks = async (chain: Chain, upTo: number) =>
  Promise.all(
    Array.from({ length: upTo + 1 }, (_, number) =>
      read(chain, 'eth_getBlockByNumber', `0x${number.toString(16)}`, false).then((block) => block.hash),
    ),
  )

describe('openChain', () => {
  test('default: a chain opened again has the same blocks, from the journal alone', async () => {
    const first = await open()
    await fund(first)
    for (let nonce = 0; nonce < 5; nonce++)
      expect(await first.write('eth_sendRawTransaction', [await transfer(nonce)])).toHaveProperty('result')
    const height = Number(await read(first, 'eth_blockNumber'))
    const before = await blocks(first, height)
    // Ends without a snapshot, as a crash would.
    process.kill(first.anvilPid, 'SIGKILL')
    expect(await blocks(first, height)).toEqual(before)
    await first.close()
    const second = await open()
    expect(await blocks(second, height)).toEqual(before)
    expect(await read(second, 'eth_getBalance', sink, 'latest')).toBe('0x5')
    await second.close()
  })

  test('behavior: a snapshot and the journal after it give the same blocks as the journal alone', async () => {
    const chain = await open({ compactAfter: 4 })
    await fund(chain)
    for (let nonce = 0; nonce < 10; nonce++)
      await chain.write('eth_sendRawTransaction', [await transfer(nonce)])
    const height = Number(await read(chain, 'eth_blockNumber'))
    const before = await blocks(chain, height)
    expect(readFileSync(join(folder, 'state.snapshot')).length).toBeGreaterThan(100)
    process.kill(chain.anvilPid, 'SIGKILL')
    expect(await blocks(chain, height)).toEqual(before)
    const receipt = await chain.write('eth_sendRawTransactionSync', [await transfer(10)])
    expect(receipt.result).toMatchObject({ status: '0x1' })
    await chain.close()
  })

  test('behavior: the clock moved ahead stays ahead after a restart', async () => {
    const first = await open()
    await first.write('evm_increaseTime', [86_400])
    const ahead = first.headTime
    await first.close()
    const second = await open()
    expect(second.now()).toBeGreaterThanOrEqual(ahead)
    expect(Number((await read(second, 'eth_getBlockByNumber', 'latest', false)).timestamp)).toBe(ahead)
    await second.close()
  })

  test('behavior: empty blocks follow the wall clock when nothing happens', async () => {
    const chain = await open()
    const start = Number(await read(chain, 'eth_blockNumber'))
    await expect.poll(() => read(chain, 'eth_blockNumber').then(Number)).toBeGreaterThan(start)
    await chain.close()
  })

  test('behavior: a torn last line is forgotten, the rest is there', async () => {
    const first = await open()
    await fund(first)
    await first.write('eth_sendRawTransaction', [await transfer(0)])
    process.kill(first.anvilPid, 'SIGKILL')
    const journal = readFileSync(join(folder, 'journal.log'))
    await first.close()
    rmSync(join(folder, 'state.snapshot'), { force: true })
    writeFileSync(join(folder, 'journal.log'), journal)
    appendFileSync(join(folder, 'journal.log'), journal.subarray(0, 40))
    const second = await open()
    expect(await read(second, 'eth_getBalance', sink, 'latest')).toBe('0x1')
    await second.close()
  })

  test('error: ChainJournalCorruptError', async () => {
    const first = await open()
    await fund(first)
    await first.write('eth_sendRawTransaction', [await transfer(0)])
    const path = join(folder, 'journal.log')
    const text = readFileSync(path, 'latin1')
    await first.close()
    writeFileSync(path, text.replace('anvil_setBalance', 'anvil_setBalancE'))
    await expect(open()).rejects.toMatchObject({ code: 'CHAIN_JOURNAL_CORRUPT', details: { line: 1 } })
  })

  test('error: ChainSnapshotCorruptError', async () => {
    const first = await open()
    await fund(first)
    await first.close()
    const path = join(folder, 'state.snapshot')
    truncateSync(path, readFileSync(path).length - 1)
    await expect(open()).rejects.toMatchObject({ code: 'CHAIN_SNAPSHOT_CORRUPT' })
  })

  test('error: ChainReplayDivergedError', async () => {
    const first = await open()
    await fund(first)
    for (let nonce = 0; nonce < 3; nonce++)
      await first.write('eth_sendRawTransaction', [await transfer(nonce)])
    const journal = readFileSync(join(folder, 'journal.log'))
    await first.close()
    rmSync(join(folder, 'state.snapshot'))
    writeFileSync(join(folder, 'journal.log'), journal)
    writeFileSync(join(folder, 'genesis.json'), JSON.stringify({ chainId: 31337, time: 1 }))
    await expect(open()).rejects.toMatchObject({ code: 'CHAIN_REPLAY_DIVERGED' })
  })

  test('error: ChainIdMismatchError', async () => {
    await (await open()).close()
    await expect(open({ chainId: 5 })).rejects.toMatchObject({ code: 'CHAIN_ID_MISMATCH' })
  })
})

describe('serveChain', () => {
  async function served() {
    const chain = await open()
    const server = await serveChain({ chain, host: '127.0.0.1', port: 0 })
    const post = (body: unknown) =>
      fetch(server.url, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }).then((response) => response.json())
    return { chain, post, url: server.url, close: () => server.close().then(() => chain.close()) }
  }
  const call = (id: number, method: string, ...params: unknown[]) => ({ jsonrpc: '2.0', id, method, params })

  test('default: single calls and batches', async () => {
    const { chain, post, close } = await served()
    await fund(chain)
    expect(await post(call(7, 'eth_chainId'))).toEqual({ jsonrpc: '2.0', id: 7, result: '0x7a69' })
    const answers = await post([
      call(1, 'eth_sendRawTransaction', await transfer(0)),
      call(2, 'eth_sendRawTransaction', await transfer(1)),
      call(3, 'eth_chainId'),
    ])
    expect(answers).toMatchObject(
      [{ id: 1, result: /^0x/ }, { id: 2 }, { id: 3, result: '0x7a69' }].map(({ id }) => ({ id })),
    )
    expect(await read(chain, 'eth_getBalance', sink, 'latest')).toBe('0x2')
    await close()
  })

  test('behavior: a call at the latest block sees the time of now', async () => {
    const { chain, post, close } = await served()
    // A contract that returns the block's time.
    const { result } = await post(call(1, 'eth_call', { data: '0x4260005260206000f3' }, 'latest'))
    expect(Number(result)).toBeGreaterThanOrEqual(chain.headTime)
    expect(Math.abs(Number(result) - Date.now() / 1000)).toBeLessThan(30)
    await close()
  })

  test.each([
    ['eth_sendTransaction', [{}]],
    ['anvil_impersonateAccount', [sink]],
    ['evm_revert', ['0x1']],
    ['hardhat_reset', []],
    ['miner_start', []],
  ])('error: %s is refused', async (method, params) => {
    const { post, close } = await served()
    expect(await post(call(1, method, ...params))).toMatchObject({ id: 1, error: { code: -32601 } })
    await close()
  })

  test('error: bad bodies', async () => {
    const { post, url, close } = await served()
    expect(await post('{')).toMatchObject({ error: { code: -32700 } })
    expect(await post([])).toMatchObject({ error: { code: -32600 } })
    expect(await post({ method: 1 })).toMatchObject({ error: { code: -32600 } })
    expect(await post(Array.from({ length: 1001 }, (_, id) => call(id, 'eth_chainId')))).toMatchObject({
      error: { code: -32600 },
    })
    const large = await fetch(url, { method: 'POST', body: 'x'.repeat(9 * 1024 * 1024) })
    expect(large.status).toBe(413)
    await close()
  })

  test('error: a transaction that Anvil refuses is answered with its reason', async () => {
    const { post, close } = await served()
    expect(await post(call(1, 'eth_sendRawTransaction', '0x00'))).toMatchObject({ id: 1, error: {} })
    await close()
  })
})

describe('crashes', () => {
  interface Front {
    readonly child: ChildProcess
    readonly url: string
  }
  const script = fileURLToPath(new URL('./chain.process.ts', import.meta.url))

  function start(): Promise<Front> {
    const child = spawn(
      process.execPath,
      ['--conditions=source', '--import', 'tsx', script, '--folder', folder, '--chain-id', '31337'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    return new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error('the chain ended before it was ready')))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const event = JSON.parse(line)
        if (event.event === 'ready') resolve({ child, url: event.url })
      })
    })
  }

  async function rpc(url: string, method: string, params: unknown[]) {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(60_000),
    })
    const { result, error } = (await response.json()) as { result?: unknown; error?: unknown }
    if (error !== undefined) throw Object.assign(new Error('refused'), { answer: error })
    return result
  }

  test(`every acknowledged transaction survives kill -9 of the front and of Anvil (seed ${seed})`, async () => {
    const next = random(seed)
    const acknowledged = new Map<string, string>()
    let nonce = 0
    for (let round = 0; round < 4; round++) {
      const front = await start()
      if (round === 0)
        await rpc(front.url, 'anvil_setBalance', [account.address, `0x${(10n ** 20n).toString(16)}`])
      // What was not acknowledged is there wholly or not at all: the nonce says which, the balance agrees.
      nonce = Number(await rpc(front.url, 'eth_getTransactionCount', [account.address, 'latest']))
      expect(Number(await rpc(front.url, 'eth_getBalance', [sink, 'latest']))).toBe(nonce)
      expect(nonce).toBeGreaterThanOrEqual(acknowledged.size)
      for (const [hash, block] of acknowledged) {
        const receipt = (await rpc(front.url, 'eth_getTransactionReceipt', [hash])) as { blockHash: string }
        expect(receipt?.blockHash).toBe(block)
      }
      const victim = next() < 0.5 ? 'front' : 'anvil'
      const anvil = readPidFile(join(folder, 'anvil.pid'))
      const moment = 20 + Math.floor(next() * 300)
      const gone = new Promise((done) => front.child.once('exit', done))
      const killer = setTimeout(() => {
        if (victim === 'front') front.child.kill('SIGKILL')
        else if (anvil !== null) process.kill(anvil.pid, 'SIGKILL')
      }, moment)
      try {
        for (let sent = 0; sent < 80; sent++) {
          const hash = String(await rpc(front.url, 'eth_sendRawTransaction', [await transfer(nonce)]))
          nonce++
          const receipt = (await rpc(front.url, 'eth_getTransactionReceipt', [hash])) as { blockHash: string }
          acknowledged.set(hash, receipt.blockHash)
        }
      } catch (error) {
        // Only the connection may break; a refusal would mean that the chain lost its place.
        expect(error).not.toHaveProperty('answer')
      }
      clearTimeout(killer)
      front.child.kill('SIGKILL')
      await gone
    }
    const last = await start()
    expect(Number(await rpc(last.url, 'eth_getBalance', [sink, 'latest']))).toBeGreaterThanOrEqual(
      acknowledged.size,
    )
    const gone = new Promise((done) => last.child.once('exit', done))
    last.child.kill('SIGTERM')
    expect(await gone).toBe(0)
    expect(readPidFile(join(folder, 'anvil.pid'))).toBeNull()
  }, 240_000)
})
