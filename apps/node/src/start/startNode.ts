import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  acceptSession,
  type DeviceSession,
  gatewayClient,
  type Transport,
  type VerifiableHello,
} from '@millrace/sdk'
import { type Address, formatEther, type Hex, isAddressEqual, parseEther, parseUnits } from 'viem'
import { createChain, type NodeChain } from '../chain/chain.ts'
import { createClock } from '../chain/clock.ts'
import {
  ChainMismatchError,
  ContractMissingError,
  GasTooLowError,
  RpcUnavailableError,
} from '../chain/errors.ts'
import { createSender } from '../chain/sender.ts'
import { createChallengeHandlers, gpuEngine } from '../challenge/index.ts'
import { loadConfig } from '../config/loadConfig.ts'
import { confirmationTable, type NodeConfig } from '../config/nodeConfig.ts'
import { nodePaths } from '../config/nodePaths.ts'
import { startControl } from '../control/controlServer.ts'
import type { NodeStatus } from '../control/nodeStatus.ts'
import { detectMachine, type Machine } from '../detect/index.ts'
import { openNodeJournal } from '../journal/openNodeJournal.ts'
import { loadDeviceKey } from '../keys/deviceKey.ts'
import { OperatorKeyMissingError } from '../keys/errors.ts'
import { loadOperatorKey, type PassphraseSource } from '../keys/operatorKey.ts'
import { loadSessionKey } from '../keys/sessionKey.ts'
import { type BundleStore, createBundleStore } from '../leases/bundleStore.ts'
import { BuyerSignatureError, LeaseUnknownError, SlotTakenError } from '../leases/errors.ts'
import { jobStatus } from '../leases/jobStatus.ts'
import { createLeaseTable, type LeaseTable } from '../leases/leaseTable.ts'
import { cameSecond } from '../leases/occupies.ts'
import { sessionHandlers } from '../leases/sessionHandlers.ts'
import { createStorageKeeper } from '../leases/storageKeeper.ts'
import { readMeasurement, withMeasurement } from '../offers/measurement.ts'
import { createOfferKeeper, type OfferKeeper } from '../offers/offerKeeper.ts'
import { slotSpecs } from '../offers/slotSpecs.ts'
import { watchOpenings } from '../offers/watchOpenings.ts'
import { BondTooLowError } from '../register/errors.ts'
import { registerMachine } from '../register/registerMachine.ts'
import { connectRelay, type Relay } from '../relay/relayClient.ts'
import type { Runner } from '../runners/runner.ts'
import { createSandboxRunner } from '../runners/sandbox/sandboxRunner.ts'
import { confirmationsFor } from './amounts.ts'
import { watchHealth } from './health.ts'
import { takeLock } from './lock.ts'
import { createLog, type Log } from './log.ts'
import { type Loop, startLoop } from './nodeLoop.ts'
import { resolveContracts } from './resolveContracts.ts'
import { createTillKeeper } from './tillKeeper.ts'

const MIB = 1024 * 1024
/** Seconds after which a lease that the chain does not know any more counts as dropped. */
const MISSING_GRACE = 60
/** Seconds between two pushes of a job's state to its buyer, at most. */
const STATUS_PUSH_MS = 250

export interface StartNodeOptions {
  /** Home of Millrace; MILLRACE_HOME or `~/.millrace` if absent. */
  readonly home?: string
  /** Used instead of the configuration file. */
  readonly config?: NodeConfig
  /** Finds the passphrase of the operator's keystore. On a local network it lies beside it. */
  readonly passphrase?: PassphraseSource
  readonly log?: Log
  /** Instead of the sandbox in the home. */
  readonly runner?: Runner
}

export interface RunningNode {
  readonly asset: bigint
  readonly device: Address
  readonly operator: Address
  status(): Promise<NodeStatus>
  /** Take no new work, void what is offered, and end once every lease is settled. */
  drain(): Promise<void>
  /** Take new work again. */
  resume(): Promise<void>
  /** Ends this process's part; jobs go on under their supervisors, and the next start takes them up again. */
  close(): Promise<void>
  /** Resolves when the node has ended: closed, or drained to the end. */
  readonly done: Promise<void>
}

/**
 * Starts the node of `home`: takes up what was left, registers the machine, offers it, and serves leases until closed.
 *
 * Throws the errors of the configuration and of the keys, `NodeRunningError`, `JournalCorruptError`, `ChainMismatchError`,
 * `ContractMissingError`, `RpcUnavailableError`, `GasTooLowError`, `OperatorChangedError`, `AssetCurrencyError`,
 * `BondTooLowError` and `MachineTooSmallError`.
 *
 * @example
 * const node = await startNode({ home: '/srv/millrace' })
 * await node.done
 */
export async function startNode(options: StartNodeOptions = {}): Promise<RunningNode> {
  const paths = nodePaths(options.home)
  const config = options.config ?? (await loadConfig(paths.config))
  const log = options.log ?? createLog(config.log.level)
  const lock = await takeLock(paths.lock)
  const cleanup: (() => Promise<void>)[] = [() => lock.release()]
  try {
    return await startLocked({ options, paths, config, log, cleanup })
  } catch (error) {
    for (const undo of cleanup.reverse()) await undo().catch(() => undefined)
    throw error
  }
}

interface Locked {
  readonly options: StartNodeOptions
  readonly paths: ReturnType<typeof nodePaths>
  readonly config: NodeConfig
  readonly log: Log
  readonly cleanup: (() => Promise<void>)[]
}

async function startLocked({ options, paths, config, log, cleanup }: Locked): Promise<RunningNode> {
  const startedAt = Math.floor(Date.now() / 1000)
  const [device, sessionKey, operator] = await Promise.all([
    loadDeviceKey(paths.deviceKey),
    loadSessionKey(paths.sessionKey),
    loadOperatorKey(paths, options.passphrase ?? (async () => process.env.MILLRACE_PASSPHRASE ?? null)),
  ])
  if (operator === null) throw new OperatorKeyMissingError({ path: paths.operatorKey })
  const journal = await openNodeJournal(paths.journal)
  cleanup.push(() => journal.close())
  if (journal.torn > 0) log.warn({ event: 'journal.torn', bytes: journal.torn })

  const runner = options.runner ?? createSandboxRunner({ directory: paths.runner })
  const { contracts, currency } = resolveContracts(config)
  const chain = createChain({
    rpc: config.network.rpc,
    chainId: config.network.chainId,
    contracts,
    timeout: config.network.rpcTimeout,
  })
  const clock = createClock()
  await checkChain(chain, clock)
  const sender = createSender({ client: chain.client, account: operator })
  const [machine, decimals] = await Promise.all([detect(paths.root), chain.decimals(currency)])
  for (const finding of machine.findings) log.warn({ event: 'machine.finding', finding })

  const gasReserve = parseEther(config.money.gasReserve)
  const health = await watchHealth({
    chain,
    clock,
    journal,
    runner,
    operator: operator.address,
    gasReserve,
    home: paths.root,
    diskReserve: (config.machine.reserveDiskMib * MIB) / 4,
    log,
  })
  await health.look()
  const gasNow = health.gas ?? 0n
  if (journal.state.asset === null && gasNow < gasReserve) {
    throw new GasTooLowError({
      operator: operator.address,
      balance: formatEther(gasNow),
      needed: config.money.gasReserve,
    })
  }

  const network = health.runner.available ? health.runner.features.network : 'none'
  const specs = slotSpecs({
    machine,
    config,
    device: device.address,
    sessionKey: sessionKey.publicKey,
    network,
  })
  const asset = await registerMachine({
    chain,
    sender,
    journal,
    device: device.address,
    currency,
    description: {
      version: 1,
      kind: 'machine',
      os: machine.os,
      arch: machine.arch,
      cpuModel: machine.cpuModel,
      gpus: machine.gpus.map((gpu) => gpu.model),
    },
    log,
  })
  const bond = parseUnits(config.offer.bond, decimals)
  if (bond > 0n) await prepareBond()

  const leaseFolder = (lease: Hex) => join(paths.leases, lease)
  const stores = new Map<Hex, BundleStore>()
  const bundles = (lease: Hex) => {
    let store = stores.get(lease)
    if (store === undefined) {
      const spec = journal.state.leases[lease]?.spec
      const limit = Math.min(config.limits.bundleMib, spec?.diskMiB ?? 0) * MIB
      store = createBundleStore({ folder: leaseFolder(lease), limit })
      stores.set(lease, store)
    }
    return store
  }
  async function dropBundle(lease: Hex): Promise<void> {
    await stores.get(lease)?.close()
    stores.delete(lease)
    await rm(leaseFolder(lease), { recursive: true, force: true })
  }
  cleanup.push(async () => {
    for (const store of stores.values()) await store.close()
  })

  const caps = {
    logBytes: config.limits.logMib * MIB,
    outputBytes: config.limits.outputMib * MIB,
    processes: config.limits.processes,
    inodes: config.limits.inodes,
  }
  const table = confirmationTable(config)
  // What the journal does not know was never begun for a lease, or was forgotten: nothing may go on unseen.
  await runner.sweep(new Set(Object.keys(journal.state.leases)))

  let offerLoop: Loop | null = null
  let storageLoop: Loop | null = null
  /** A slot may be free or taken now, or the last lease of a draining node settled. */
  function onLeaseChange(): void {
    offerLoop?.wake()
  }
  const leases: LeaseTable = createLeaseTable(
    {
      chain,
      clock,
      sender,
      device,
      asset,
      runner,
      journal,
      policy: {
        stopGrace: config.money.stopGrace,
        retention: config.storage.retention,
        missingGrace: MISSING_GRACE,
      },
      caps,
      poll: config.network.poll,
      confirmations: (deposit) => confirmationsFor(deposit, table, decimals),
      ready: () => health.runner.available,
      onNoted: (entry) => {
        if (!/^(run\.(ended|lost)|lease\.(over|settled|forgotten)|job\.refused)$/.test(entry.type)) return
        onLeaseChange()
        storageLoop?.wake()
      },
      bundlePath: async (record) => {
        const bundle = record.job?.bundle ?? null
        return bundle === null ? null : bundles(record.lease).path(bundle)
      },
      deleteFiles: dropBundle,
      log,
    },
    onLeaseChange,
  )
  cleanup.push(() => leases.close())

  const offerKeeper: OfferKeeper = createOfferKeeper({
    chain,
    clock,
    sender,
    journal,
    leases,
    operator,
    terms: {
      asset,
      currency,
      pricePerHour: parseUnits(config.offer.pricePerHour, decimals),
      bond,
      minDuration: config.offer.minDuration,
      maxDuration: config.offer.maxDuration,
      startWindow: config.offer.startWindow,
      ttl: config.offer.ttl,
    },
    specs: async () => {
      // Measured while this node runs, or before.
      const measurement = await readMeasurement(paths.benchmark, machine)
      return specs.map((spec) => withMeasurement(spec, measurement))
    },
    // Not tried again here: the next round does.
    gateways: config.network.gateways.map((url) =>
      gatewayClient(url, { timeout: config.network.rpcTimeout * 1000, retries: 0 }),
    ),
    refusal: () => health.refusal(),
    log,
  })

  /** Takes up a lease on an offer of ours; what cannot be served is the buyer's to stop. */
  async function adopt(lease: Hex): Promise<void> {
    try {
      ;(await leases.adopt(lease)).wake()
    } catch (error) {
      if (!(error instanceof LeaseUnknownError)) throw error
      log.debug({ event: 'lease.not-served', lease, reason: error.code })
    }
  }
  // Leases may have been opened on offers that were out when the node went down.
  for (const offer of Object.values(journal.state.offers)) {
    if (offer.ended !== 'opened' && (await chain.lease(offer.id)) !== null) await adopt(offer.id)
  }

  const [firstSpec] = specs
  const challenge = createChallengeHandlers({
    cpus: firstSpec?.cpus ?? 1,
    cpuModel: machine.cpuModel,
    memoryBytes: (firstSpec?.memoryMiB ?? 0) * MIB,
    gpu: gpuEngine(machine),
    // A stranger's challenge must not slow down a job that somebody pays for; a buyer may challenge what was hired.
    refuse: ({ session }) => {
      if (session.hello.lease !== null) return null
      return specs.some((_, slot) => leases.slotTaken(slot)) ? 'the machine is working for someone' : null
    },
  })
  cleanup.push(() => challenge.close())
  const { close: _, ...challengeMethods } = challenge
  const handlers = {
    ...challengeMethods,
    ...sessionHandlers({
      chain,
      clock,
      journal,
      leases,
      bundles,
      caps,
      refusal: () => {
        // A lease that is open was promised while the node was; draining does not break it.
        const reason = health.refusal()
        return journal.state.draining && reason === 'the node is draining' ? null : reason
      },
      log,
    }),
  }

  const sessions = new Set<DeviceSession>()
  async function onSession(transport: Transport): Promise<void> {
    try {
      const session = await acceptSession({
        transport,
        privateKey: sessionKey.privateKey,
        chainId: chain.chainId,
        market: contracts.market,
        now: () => clock.now(),
        verify,
        handlers,
        onError: (error, method) => {
          log.error({
            event: 'session.failed',
            method,
            error: error instanceof Error ? error.message : String(error),
          })
        },
      })
      sessions.add(session)
      void session.closed.then(() => sessions.delete(session))
      const { lease } = session.hello
      if (lease !== null) void pushStatus(session, lease).catch(warn)
    } catch (error) {
      log.debug({ event: 'session.refused', error: error instanceof Error ? error.message : String(error) })
    }
  }

  async function verify(hello: VerifiableHello): Promise<void> {
    if (hello.lease === null) return
    const keeper = await leases.adopt(hello.lease)
    const { record } = keeper
    const buyer = record?.buyer
    if (record === undefined || buyer === undefined)
      throw new LeaseUnknownError({ lease: hello.lease, reason: 'it was forgotten' })
    const bySigner = hello.signer !== null && isAddressEqual(hello.signer, buyer)
    const good =
      bySigner ||
      (await chain.client
        .verifyHash({ address: buyer, hash: hello.digest, signature: hello.signature })
        .catch(() => false))
    if (!good) throw new BuyerSignatureError({ what: 'session', buyer })
    if (cameSecond(record)) throw new SlotTakenError({ lease: record.lease, slot: record.slot })
  }

  /** Tells the buyer of each change of the job's state. */
  async function pushStatus(session: DeviceSession, lease: Hex): Promise<void> {
    const over = new AbortController()
    void session.closed.then(() => over.abort())
    let last = ''
    while (!over.signal.aborted) {
      const keeper = leases.get(lease)
      if (keeper === undefined) return
      const status = await keeper.status()
      const text = JSON.stringify(status)
      if (text !== last) await session.emit('job', { ...status }).catch(() => undefined)
      last = text
      // The runner's own steps (setup, running, collecting) are not noted; they are looked at while the job lives.
      const ended = keeper.job === null || keeper.record?.run.state === 'ended'
      await keeper.changed({ abort: over.signal, ...(ended ? {} : { milliseconds: STATUS_PUSH_MS }) })
    }
  }

  const relays: Relay[] = config.network.gateways.map((gateway) =>
    connectRelay({
      gateway,
      chainId: chain.chainId,
      device,
      onSession: (transport) => void onSession(transport),
      onReady: () => {
        offerKeeper.republish(gateway)
        offerLoop?.wake()
      },
      log,
    }),
  )
  cleanup.push(async () => {
    for (const session of sessions) session.close()
    for (const relay of relays) relay.close()
  })

  const openings = watchOpenings({ chain, clock, asset, onOpened: (lease) => void adopt(lease).catch(warn) })
  const storage = createStorageKeeper({
    journal,
    runner,
    leases,
    dropBundle,
    budget: config.storage.keepMib * MIB,
    home: paths.root,
    // Room is made before the reserve of `watchHealth` is touched, so that work goes on.
    reserve: (config.machine.reserveDiskMib * MIB) / 2,
    log,
  })
  const till = createTillKeeper({ chain, sender, asset, log })
  const loops: Loop[] = [
    startLoop({
      name: 'openings',
      round: async () => {
        await openings.look()
        health.chainSeen()
      },
      pause: () => config.network.poll,
      log,
    }),
    startLoop({ name: 'health', round: () => health.look(), pause: () => 5, log }),
  ]
  offerLoop = startLoop({
    name: 'offers',
    round: async () => {
      await offerKeeper.tick()
      await endIfDrained()
    },
    pause: () => Math.min(5, config.offer.ttl / 4),
    log,
  })
  storageLoop = startLoop({ name: 'storage', round: () => storage.look(), pause: () => 60, log })
  loops.push(offerLoop, storageLoop)
  if (config.money.settleTill) {
    loops.push(startLoop({ name: 'till', round: () => till.look(), pause: () => till.interval(), log }))
  }
  cleanup.push(async () => {
    await Promise.all(loops.map((loop) => loop.close()))
  })

  function warn(error: unknown): void {
    log.warn({
      event: 'node.failed',
      error: error instanceof Error ? error.message.split('\n')[0] : String(error),
    })
  }

  async function prepareBond(): Promise<void> {
    const needed = bond * BigInt(specs.length)
    const balance = await chain.tillBalance(sender.address, currency)
    if (balance < needed) throw new BondTooLowError({ balance, needed })
    if (!(await chain.isTillOperator(sender.address, contracts.market))) {
      await sender.send(chain.calls.approveMarket())
    }
  }

  let finish: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  let closing: Promise<void> | null = null
  function close(): Promise<void> {
    closing ??= (async () => {
      for (const undo of [...cleanup].reverse()) await undo().catch(warn)
      log.info({ event: 'node.closed' })
      finish()
    })()
    return closing
  }

  let ending = false
  /** A drained node with nothing left to settle ends; the next start is a fresh one. */
  async function endIfDrained(): Promise<void> {
    if (!journal.state.draining || ending || leases.active > 0) return
    ending = true
    try {
      await offerKeeper.tick()
      await offerKeeper.cancelAll()
      // One may have come in before its offer was void.
      for (const offer of Object.values(journal.state.offers)) {
        if ((await chain.lease(offer.id)) !== null) await adopt(offer.id)
      }
      if (leases.active > 0) return
      await journal.note({ type: 'drain.changed', draining: false })
      log.info({ event: 'node.drained' })
      void Promise.resolve().then(close)
    } catch (error) {
      warn(error)
    } finally {
      ending = false
    }
  }

  async function drain(): Promise<void> {
    if (!journal.state.draining) {
      await journal.note({ type: 'drain.changed', draining: true })
      log.info({ event: 'node.draining' })
    }
    offerLoop?.wake()
  }

  async function resume(): Promise<void> {
    if (!journal.state.draining) return
    await journal.note({ type: 'drain.changed', draining: false })
    offerLoop?.wake()
  }

  async function status(): Promise<NodeStatus> {
    const records = Object.values(journal.state.leases)
    return {
      version: 1,
      pid: process.pid,
      startedAt,
      chainId: chain.chainId,
      asset: String(asset),
      device: device.address,
      operator: operatorAddress,
      draining: journal.state.draining,
      refusal: health.refusal(),
      slots: specs.length,
      offers: offerKeeper.live,
      gateways: relays.map((relay) => ({ url: relay.gateway, connected: relay.connected })),
      runner: health.runner,
      gas: health.gas === null ? null : { balance: String(health.gas), reserve: String(gasReserve) },
      leases: await Promise.all(
        records.map(async (record) => ({
          lease: record.lease,
          slot: record.slot,
          buyer: record.buyer,
          state: (await (leases.get(record.lease)?.status() ?? jobStatus(record, null))).state,
          startedAt: record.started?.startedAt ?? null,
          endsAt: record.started?.endsAt ?? null,
          over: record.over?.how ?? null,
          settled: record.settled !== null,
        })),
      ),
    }
  }
  const operatorAddress = operator.address

  const control = await startControl(paths.control, { status, drain, resume, stop: () => void close() })
  cleanup.push(() => control.close())
  log.info({
    event: 'node.ready',
    asset: String(asset),
    device: device.address,
    slots: specs.length,
    runner: health.runner,
  })
  return { asset, device: device.address, operator: operatorAddress, status, drain, resume, close, done }
}

/** The machine; Python is asked only where there are GPUs to challenge, for it takes seconds. */
async function detect(home: string): Promise<Machine> {
  const machine = await detectMachine({ home, python: false })
  return machine.gpus.length === 0 ? machine : detectMachine({ home })
}

/** Waits for nothing: says at once whether this is the right chain with the right contracts. */
async function checkChain(chain: NodeChain, clock: ReturnType<typeof createClock>): Promise<void> {
  let actual: number
  try {
    actual = await chain.client.getChainId()
    clock.observe((await chain.head()).timestamp)
  } catch (cause) {
    throw new RpcUnavailableError({ rpc: chain.rpc, cause })
  }
  if (actual !== chain.chainId)
    throw new ChainMismatchError({ rpc: chain.rpc, expected: chain.chainId, actual })
  for (const [name, address] of Object.entries(chain.contracts) as [string, Address][]) {
    const code = await chain.client.getCode({ address })
    if (code === undefined || code === '0x')
      throw new ContractMissingError({ name, address, chainId: actual })
  }
}
