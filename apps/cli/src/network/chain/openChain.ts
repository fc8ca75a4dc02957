import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess } from '../../processes/endProcess.ts'
import { dropPidFile, readPidFile, takePidFile } from '../../processes/pidFile.ts'
import { readChainSnapshot, writeChainSnapshot } from './chainSnapshot.ts'
import { AnvilUnavailableError, ChainReplayDivergedError } from './errors.ts'
import type { RpcAnswer } from './jsonRpcClient.ts'
import { type ChainEntry, openChainJournal } from './openChainJournal.ts'
import { readGenesis } from './readGenesis.ts'
import { type Anvil, anvilScratch, spawnAnvil } from './spawnAnvil.ts'

export interface ChainOptions {
  /** Where the chain is kept. */
  readonly folder: string
  readonly chainId: number
  /** Now, in Unix seconds. */
  readonly now?: () => number
  /** Entries after which a snapshot replaces the journal. Default 1000. */
  readonly compactAfter?: number
  /** Longest time without a block, in seconds. Default 15. */
  readonly longestIdle?: number
  /** Told what happens, for the log. */
  readonly onEvent?: (event: ChainEvent) => void
}

export type ChainEvent =
  | { readonly event: 'anvil.started'; readonly pid: number; readonly replayed: number; readonly ms: number }
  | { readonly event: 'anvil.ended'; readonly how: string }
  | { readonly event: 'chain.compacted'; readonly seq: number; readonly bytes: number }
  | { readonly event: 'chain.failed'; readonly message: string }

/** A local chain that keeps every transaction it acknowledged, whatever is killed. */
export interface Chain {
  readonly chainId: number
  /** Executes a change: durable before it is executed, executed before this resolves. */
  write(method: string, params: readonly unknown[]): Promise<RpcAnswer>
  /** Forwards a call that changes nothing; waits while Anvil is being restarted. */
  read(body: string): Promise<Buffer>
  /** The time that the next block would carry, in Unix seconds. */
  now(): number
  /** Timestamp of the last block. */
  readonly headTime: number
  readonly anvilPid: number
  /** Rejects when the chain cannot go on; never resolves before `close`. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

interface Waiting {
  readonly method: string
  readonly params: readonly unknown[]
  readonly resolve: (answer: RpcAnswer) => void
  readonly reject: (error: unknown) => void
}

const idleMine = 'evm_mine'

/**
 * Opens the local chain in `folder`: starts Anvil, loads the last snapshot and replays the journal. Equal entries make
 * equal blocks, so the chain that comes back has the same block hashes as the one that was lost.
 *
 * Blocks follow the wall clock. Without transactions, empty blocks come after 1, 2, 4, 8 and then every 15 seconds:
 * what watches the chain sees time pass, and a network left on over night does not grow by a block a second.
 *
 * @throws AnvilUnavailableError, ChainJournalCorruptError, ChainSnapshotCorruptError, ChainReplayDivergedError
 */
export async function openChain(options: ChainOptions): Promise<Chain> {
  const { folder } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const wallClock = options.now ?? (() => Math.floor(Date.now() / 1000))
  const compactAfter = options.compactAfter ?? 1000
  const longestIdle = options.longestIdle ?? 15
  const say = options.onEvent ?? (() => {})
  const anvilPidFile = join(folder, 'anvil.pid')
  const snapshotPath = join(folder, 'state.snapshot')
  const genesis = readGenesis(join(folder, 'genesis.json'), { chainId: options.chainId, time: wallClock() })

  // A front that was killed leaves its Anvil behind.
  const orphan = readPidFile(anvilPidFile)
  if (orphan !== null) await endProcess(orphan, 0)

  const journal = openChainJournal(join(folder, 'journal.log'))
  let snapshot = readChainSnapshot(snapshotPath)
  let pending = journal.entries.filter((entry) => entry.seq > (snapshot?.seq ?? 0))
  let lastSeq = pending.at(-1)?.seq ?? snapshot?.seq ?? 0
  let appliedSeq = 0
  let offset = 0
  let headTime = genesis.time
  let head: string | null = null
  let anvil: Anvil | null = null
  let closing = false
  let working: Promise<void> | null = null
  let ready = deferred<void>()
  const failed = deferred<never>()
  failed.promise.catch(() => {})
  const queue: Waiting[] = []
  let idleGap = 1
  let idleTimer: NodeJS.Timeout | null = null

  async function apply(target: Anvil, entry: ChainEntry): Promise<RpcAnswer> {
    const { method, params, time } = entry
    const mine = () => target.rpc.call('evm_mine', [{ timestamp: time, blocks: 1 }])
    headTime = Math.max(headTime, time)
    switch (method) {
      case 'eth_sendRawTransaction':
      case 'eth_sendRawTransactionSync': {
        const sent = await target.rpc.call('eth_sendRawTransaction', params.slice(0, 1))
        if (sent.error !== undefined) return sent
        await mine()
        return method === 'eth_sendRawTransaction'
          ? sent
          : target.rpc.call('eth_getTransactionReceipt', [sent.result])
      }
      case 'evm_increaseTime': {
        offset += Number(params[0])
        await mine()
        return { result: `0x${offset.toString(16)}` }
      }
      case 'evm_mine':
        return mine()
      default:
        return target.rpc.call(method, params)
    }
  }

  /** Brings a fresh Anvil to the state after entry `through`; returns that entry's answer. */
  async function restore(through: number): Promise<RpcAnswer | null> {
    const started = performance.now()
    const fresh = await spawnAnvil({
      chainId: genesis.chainId,
      genesisTime: genesis.time,
      scratch: anvilScratch(folder),
    })
    takePidFile(anvilPidFile, fresh.pid)
    offset = snapshot?.offset ?? 0
    appliedSeq = snapshot?.seq ?? 0
    let answer: RpcAnswer | null = null
    let replayed = 0
    try {
      if (snapshot !== null) {
        await fresh.rpc.call('anvil_loadState', [snapshot.state])
        const loaded = await readHead(fresh)
        if (loaded.hash !== snapshot.head)
          throw new ChainReplayDivergedError({
            seq: snapshot.seq,
            recorded: snapshot.head,
            replayed: loaded.hash,
          })
      }
      for (const entry of pending) {
        if (entry.seq > through) break
        if (entry.parent !== null) {
          const { hash } = await readHead(fresh)
          if (hash !== entry.parent)
            throw new ChainReplayDivergedError({ seq: entry.seq, recorded: entry.parent, replayed: hash })
        }
        answer = await apply(fresh, entry)
        appliedSeq = entry.seq
        replayed++
      }
      const now = await readHead(fresh)
      head = now.hash
      headTime = now.time
    } catch (error) {
      await fresh.kill()
      throw error
    }
    anvil = fresh
    void fresh.exited.then((how) => {
      if (anvil !== fresh) return
      anvil = null
      if (closing) return
      ready = deferred()
      say({ event: 'anvil.ended', how })
      kick()
    })
    say({ event: 'anvil.started', pid: fresh.pid, replayed, ms: Math.round(performance.now() - started) })
    ready.resolve()
    return answer
  }

  /** As `restore`, with a few attempts: Anvil may have been killed while it came up. */
  async function restorePatiently(through: number): Promise<RpcAnswer | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await restore(through)
      } catch (error) {
        if (closing || attempt >= 5 || error instanceof ChainReplayDivergedError) throw error
        await sleep(100 * 2 ** attempt)
      }
    }
  }

  const now = () => Math.max(headTime, wallClock() + offset)

  async function executeBatch(): Promise<void> {
    const batch = queue.splice(0, 64)
    const time = now()
    const entries = batch.map(
      ({ method, params }, index): ChainEntry => ({
        seq: lastSeq + 1 + index,
        time,
        method,
        params: [...params],
        parent: index === 0 ? head : null,
      }),
    )
    try {
      journal.append(entries)
    } catch (error) {
      for (const waiting of batch) waiting.reject(error)
      return
    }
    pending = pending.concat(entries)
    lastSeq += entries.length
    for (const [index, entry] of entries.entries()) {
      let answer: RpcAnswer | null
      try {
        if (anvil === null) throw new AnvilUnavailableError({ reason: 'it has ended' })
        answer = await apply(anvil, entry)
        appliedSeq = entry.seq
      } catch (error) {
        if (closing) throw error
        // The entry is durable, so it is executed by the replay, exactly once.
        const broken = anvil
        anvil = null
        await broken?.kill()
        answer = await restorePatiently(entry.seq)
      }
      batch[index]?.resolve(answer ?? { error: { code: -32603, message: 'the answer was lost' } })
    }
    const isIdle = batch.every(({ method }) => method === idleMine)
    idleGap = isIdle ? Math.min(idleGap * 2, longestIdle) : 1
    if (anvil !== null) {
      const seen = await readHead(anvil).catch(() => null)
      head = seen?.hash ?? null
      if (seen !== null) headTime = seen.time
    }
  }

  async function compact(): Promise<void> {
    if (anvil === null || pending.length === 0) return
    const pool = await anvil.rpc.call('txpool_status', [])
    const { pending: ready = '0x0', queued = '0x0' } = (pool.result ?? {}) as Record<string, string>
    // A snapshot holds no waiting transactions; they would be lost.
    if (Number(ready) + Number(queued) > 0) return
    const { hash } = await readHead(anvil)
    const dumped = await anvil.rpc.call('anvil_dumpState', [])
    if (typeof dumped.result !== 'string') return
    const next = { seq: appliedSeq, offset, head: hash, state: dumped.result }
    writeChainSnapshot(snapshotPath, next)
    snapshot = next
    pending = pending.filter((entry) => entry.seq > next.seq)
    journal.rewrite(pending)
    say({ event: 'chain.compacted', seq: next.seq, bytes: next.state.length })
  }

  async function work(): Promise<void> {
    while (!closing && (anvil === null || queue.length > 0)) {
      if (anvil === null) await restorePatiently(appliedSeq)
      else await executeBatch()
      // A snapshot that cannot be written costs nothing but a longer replay.
      if (pending.length >= compactAfter) await compact().catch(() => {})
    }
  }

  function kick(): void {
    if (working !== null || closing) return
    if (idleTimer !== null) clearTimeout(idleTimer)
    working = work()
      .catch((error: unknown) => {
        if (closing) return
        say({ event: 'chain.failed', message: String(error) })
        for (const waiting of queue.splice(0)) waiting.reject(error)
        ready.promise.catch(() => {})
        ready.reject(error)
        failed.reject(error)
      })
      .finally(() => {
        working = null
        if (closing) return
        if (queue.length > 0 || anvil === null) return kick()
        idleTimer = setTimeout(() => {
          void write(idleMine, []).catch(() => {})
        }, idleGap * 1000)
      })
  }

  function write(method: string, params: readonly unknown[]): Promise<RpcAnswer> {
    return new Promise((resolve, reject) => {
      queue.push({ method, params, resolve, reject })
      kick()
    })
  }

  await restorePatiently(lastSeq)
  kick()

  return {
    chainId: genesis.chainId,
    write,
    async read(body) {
      for (let attempt = 1; ; attempt++) {
        await ready.promise
        try {
          if (anvil === null) throw new AnvilUnavailableError({ reason: 'it has ended' })
          return await anvil.rpc.forward(body)
        } catch (error) {
          if (closing || attempt >= 5) throw error
          await sleep(20 * attempt)
        }
      }
    },
    now,
    get headTime() {
      return headTime
    },
    get anvilPid() {
      return anvil?.pid ?? -1
    },
    failed: failed.promise,
    async close() {
      closing = true
      if (idleTimer !== null) clearTimeout(idleTimer)
      await working
      await compact().catch(() => {})
      await anvil?.kill()
      dropPidFile(anvilPidFile)
      journal.close()
    },
  }
}

async function readHead(anvil: Anvil): Promise<{ hash: string; time: number }> {
  const { result } = await anvil.rpc.call('eth_getBlockByNumber', ['latest', false])
  const { hash, timestamp } = result as { hash: string; timestamp: string }
  return { hash, time: Number(timestamp) }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
