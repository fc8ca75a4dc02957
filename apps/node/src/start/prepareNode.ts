import { formatEther, parseEther, parseUnits } from 'viem'
import { connectChain } from '../chain/connectChain.ts'
import { GasTooLowError } from '../chain/errors.ts'
import { createSender } from '../chain/sender.ts'
import type { NodeConfig } from '../config/nodeConfig.ts'
import type { NodePaths } from '../config/nodePaths.ts'
import { detectMachine, type Machine } from '../detect/index.ts'
import { openNodeJournal } from '../journal/openNodeJournal.ts'
import { loadDeviceKey } from '../keys/deviceKey.ts'
import { OperatorKeyMissingError } from '../keys/errors.ts'
import { loadOperatorKey, type PassphraseSource } from '../keys/operatorKey.ts'
import { loadSessionKey } from '../keys/sessionKey.ts'
import { slotSpecs } from '../offers/slotSpecs.ts'
import { prepareBond } from '../register/prepareBond.ts'
import { registerMachine } from '../register/registerMachine.ts'
import type { Runner } from '../runners/runner.ts'
import { createSandboxRunner } from '../runners/sandbox/sandboxRunner.ts'
import { watchHealth } from './health.ts'
import type { Log } from './log.ts'
import { resolveContracts } from './resolveContracts.ts'

const MIB = 1024 * 1024

export interface PrepareOptions {
  readonly paths: NodePaths
  readonly config: NodeConfig
  readonly passphrase: PassphraseSource | undefined
  /** Instead of the sandbox in the home. */
  readonly runner: Runner | undefined
  readonly log: Log
  /** What is to be undone at the end is added to it, in order. */
  readonly cleanup: (() => Promise<void>)[]
}

/** A node that has everything it needs to make offers: keys, journal, chain, machine, asset, bond. */
export type PreparedNode = Awaited<ReturnType<typeof prepareNode>>

/**
 * Opens what a node works with and registers its machine. Throws the errors of the keys, `JournalCorruptError`,
 * `ChainMismatchError`, `ContractMissingError`, `RpcUnavailableError`, `GasTooLowError`, `OperatorChangedError`,
 * `AssetCurrencyError`, `BondTooLowError` and `MachineTooSmallError`.
 */
export async function prepareNode(options: PrepareOptions) {
  const { paths, config, log, cleanup } = options
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
  const { chain, clock } = await connectChain({
    rpc: config.network.rpc,
    chainId: config.network.chainId,
    contracts,
    timeout: config.network.rpcTimeout,
  })
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
  if (bond > 0n) {
    await prepareBond({ chain, sender, currency, needed: bond * BigInt(specs.length) })
  }

  return {
    device,
    sessionKey,
    operator,
    journal,
    runner,
    currency,
    decimals,
    chain,
    clock,
    sender,
    machine,
    health,
    gasReserve,
    specs,
    asset,
    bond,
  }
}

/** The machine; Python is asked only where there are GPUs to challenge, for it takes seconds. */
async function detect(home: string): Promise<Machine> {
  const machine = await detectMachine({ home, python: false })
  return machine.gpus.length === 0 ? machine : detectMachine({ home })
}
