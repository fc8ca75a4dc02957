import { gatewayClient } from '@millrace/sdk'
import { type Address, type Hex, parseUnits } from 'viem'
import { loadConfig } from '../config/loadConfig.ts'
import { confirmationTable, type NodeConfig } from '../config/nodeConfig.ts'
import { nodePaths } from '../config/nodePaths.ts'
import { startControl } from '../control/controlServer.ts'
import type { NodeStatus } from '../control/nodeStatus.ts'
import { startHaggling } from '../haggling/startHaggling.ts'
import type { PassphraseSource } from '../keys/operatorKey.ts'
import { createBundleStores } from '../leases/bundleStores.ts'
import { LeaseUnknownError } from '../leases/errors.ts'
import { createLeaseTable, type LeaseTable } from '../leases/leaseTable.ts'
import { createStorageKeeper } from '../leases/storageKeeper.ts'
import { readMeasurement, withMeasurement } from '../offers/measurement.ts'
import { createOfferKeeper, type OfferKeeper, type OfferTerms } from '../offers/offerKeeper.ts'
import { watchOpenings } from '../offers/watchOpenings.ts'
import { connectRelay, type Relay } from '../relay/relayClient.ts'
import type { Runner } from '../runners/runner.ts'
import { confirmationsFor } from './amounts.ts'
import { createMethods } from './createMethods.ts'
import { describeLeases } from './describeLeases.ts'
import { createDrain } from './drain.ts'
import { takeLock } from './lock.ts'
import { createLog, type Log } from './log.ts'
import { type PrepareOptions, prepareNode } from './prepareNode.ts'
import { serveSessions } from './serveSessions.ts'
import { type Loops, startLoops } from './startLoops.ts'
import { createTillKeeper } from './tillKeeper.ts'

const MIB = 1024 * 1024
/** Seconds after which a lease that the chain does not know any more counts as dropped. */
const MISSING_GRACE = 60

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
    const { passphrase, runner } = options
    return await startLocked({ paths, config, passphrase, runner, log, cleanup })
  } catch (error) {
    for (const undo of cleanup.reverse()) await undo().catch(() => undefined)
    throw error
  }
}

async function startLocked(options: PrepareOptions): Promise<RunningNode> {
  const { paths, config, log, cleanup } = options
  const startedAt = Math.floor(Date.now() / 1000)
  const node = await prepareNode(options)
  const { device, sessionKey, operator, journal, runner, currency, decimals } = node
  const { chain, clock, sender, machine, health, gasReserve, specs, asset, bond } = node

  const bundles = createBundleStores({
    folder: paths.leases,
    limitOf: (lease) =>
      Math.min(config.limits.bundleMib, journal.state.leases[lease]?.spec.diskMiB ?? 0) * MIB,
  })
  cleanup.push(() => bundles.close())

  const caps = {
    logBytes: config.limits.logMib * MIB,
    outputBytes: config.limits.outputMib * MIB,
    processes: config.limits.processes,
    inodes: config.limits.inodes,
  }
  const table = confirmationTable(config)
  // What the journal does not know was never begun for a lease, or was forgotten: nothing may go on unseen.
  await runner.sweep(new Set(Object.keys(journal.state.leases)))

  let loops: Loops | null = null
  /** A slot may be free or taken now, or the last lease of a draining node settled. */
  const onLeaseChange = () => loops?.offers.wake()
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
        loops?.storage.wake()
      },
      bundlePath: async (record) => {
        const bundle = record.job?.bundle ?? null
        return bundle === null ? null : bundles.of(record.lease).path(bundle)
      },
      deleteFiles: bundles.drop,
      log,
    },
    onLeaseChange,
  )
  cleanup.push(() => leases.close())

  const terms: OfferTerms = {
    asset,
    currency,
    pricePerHour: parseUnits(config.offer.pricePerHour, decimals),
    bond,
    minDuration: config.offer.minDuration,
    maxDuration: config.offer.maxDuration,
    startWindow: config.offer.startWindow,
    ttl: config.offer.ttl,
  }
  const offerKeeper: OfferKeeper = createOfferKeeper({
    chain,
    clock,
    sender,
    journal,
    leases,
    operator,
    terms,
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

  const haggling = await startHaggling({
    node,
    config,
    path: paths.haggles,
    leases,
    offers: offerKeeper,
    terms,
    log,
  })
  cleanup.push(() => haggling.close())
  const haggle = haggling.handler
  const methods = createMethods({ ...node, leases, bundles: bundles.of, caps, haggle, log })
  cleanup.push(() => methods.close())
  const { privateKey } = sessionKey
  const { handlers } = methods
  const sessions = serveSessions({ chain, clock, leases, privateKey, handlers, log })
  const relays: Relay[] = config.network.gateways.map((gateway) =>
    connectRelay({
      gateway,
      chainId: chain.chainId,
      device,
      onSession: (transport) => void sessions.accept(transport),
      onReady: () => {
        offerKeeper.republish(gateway)
        loops?.offers.wake()
      },
      log,
    }),
  )
  cleanup.push(async () => {
    sessions.close()
    for (const relay of relays) relay.close()
  })

  const openings = watchOpenings({ chain, clock, asset, onOpened: (lease) => void adopt(lease).catch(warn) })
  const storage = createStorageKeeper({
    journal,
    runner,
    leases,
    dropBundle: bundles.drop,
    budget: config.storage.keepMib * MIB,
    home: paths.root,
    // Room is made before the reserve of `watchHealth` is touched, so that work goes on.
    reserve: (config.machine.reserveDiskMib * MIB) / 2,
    log,
  })
  const till = createTillKeeper({ chain, sender, asset, log })
  const drain = createDrain({
    chain,
    journal,
    leases,
    offers: offerKeeper,
    adopt,
    onChange: onLeaseChange,
    // Not from within the loop that `close` waits for.
    onDrained: () => void Promise.resolve().then(close),
    log,
  })
  loops = startLoops({
    openings: async () => {
      await openings.look()
      health.chainSeen()
    },
    health: () => health.look(),
    offers: async () => {
      await offerKeeper.tick()
      await drain.endIfDone().catch(warn)
    },
    storage: () => storage.look(),
    till: config.money.settleTill ? till : null,
    poll: config.network.poll,
    ttl: config.offer.ttl,
    log,
  })
  const { close: closeLoops } = loops
  cleanup.push(closeLoops)

  function warn(error: unknown): void {
    log.warn({
      event: 'node.failed',
      error: error instanceof Error ? error.message.split('\n')[0] : String(error),
    })
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

  async function status(): Promise<NodeStatus> {
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
      leases: await describeLeases(journal, leases),
    }
  }
  const operatorAddress = operator.address

  const { begin, resume } = drain
  const control = await startControl(paths.control, {
    status,
    drain: begin,
    resume,
    stop: () => void close(),
  })
  cleanup.push(() => control.close())
  log.info({
    event: 'node.ready',
    asset: String(asset),
    device: device.address,
    slots: specs.length,
    runner: health.runner,
  })
  return {
    asset,
    device: device.address,
    operator: operatorAddress,
    status,
    drain: begin,
    resume,
    close,
    done,
  }
}
