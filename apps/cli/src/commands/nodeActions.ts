import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatEther, type Hex } from 'viem'
import { z } from 'zod'
import { connect } from '../connection/connect.ts'
import { findPassphrase, readPassphraseFile, walletName } from '../connection/openAccount.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { UsageError } from '../errors/input.ts'
import { homePaths } from '../home/homePaths.ts'
import { NodeDownError, NodeRefusedError } from '../node/errors.ts'
import { initNode } from '../node/initNode.ts'
import { commandNode, type NodeStatus } from '../node/nodeControl.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { theme } from '../output/theme.ts'
import { entryCommand } from '../processes/entryCommand.ts'
import { readWalletKey } from '../wallets/wallets.ts'
import type { GlobalFlags } from './flags.ts'

export interface InitFlags extends GlobalFlags {
  readonly price: string
  readonly slots: number
  readonly region?: string
  readonly internet?: boolean
  readonly walletKey?: boolean
}

/** Writes the node's settings for the chosen network. Away from the local one its key is encrypted with a passphrase. */
export async function initThisNode(flags: InitFlags): Promise<void> {
  if (!Number.isInteger(flags.slots) || flags.slots < 1)
    throw new UsageError({ message: `--slots is '${flags.slots}'.`, remedy: 'Give a whole number above 0.' })
  const connection = await connect(flags)
  const { deployment, isLocal, paths, rpc, gateways } = connection
  const wallet = flags.walletKey === true ? walletName(connection, flags) : null
  const passphrase = isLocal ? undefined : await nodePassphrase(flags)
  const operatorKey: Hex | undefined =
    wallet === null
      ? undefined
      : await readWalletKey(paths, {
          name: wallet,
          place: { chainId: deployment.chainId, isLocal },
          askPassphrase: (name) => findPassphrase(name, flags),
        })
  const { assets, till, market, currencies, chainId } = deployment
  const node = await initNode({
    home: paths.home,
    config: {
      network: {
        chainId,
        rpc,
        gateways,
        contracts: { assets, till, market, currencies: currencies.map(({ address }) => address) },
      },
      offer: {
        pricePerHour: flags.price,
        slots: flags.slots,
        network: flags.internet === true ? 'public' : 'none',
        ...(flags.region === undefined ? {} : { region: flags.region }),
      },
    },
    ...(operatorKey === undefined ? {} : { operatorKey }),
    ...(passphrase === undefined ? {} : { passphrase }),
  })
  createOutput(flags.json === true).result(
    node,
    [
      `This machine is set up: ${node.config}`,
      `  operator  ${node.operator}`,
      `  device    ${node.device}`,
      `Send the operator some coins for transactions${isLocal ? ` (millrace wallet faucet 0 --to ${node.operator})` : ''}, then: millrace node start`,
    ].join('\n'),
  )
}

/** The operator's key is encrypted with a passphrase of its own. */
async function nodePassphrase(flags: GlobalFlags): Promise<string> {
  return flags.passphraseFile === undefined
    ? findPassphrase('operator', flags)
    : readPassphraseFile(flags.passphraseFile)
}

export async function startThisNode(flags: GlobalFlags): Promise<void> {
  const { home } = homePaths()
  const { command, args } = entryCommand('@millrace/node', 'main')
  const secret = flags.passphraseFile === undefined ? [] : ['--passphrase-file', flags.passphraseFile]
  const child = spawn(command, [...args, '--home', home, ...secret], {
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  // The terminal's Ctrl-C reaches the node as well; we end when it has.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code === 0 ? exitCodes.ok : code === 2 ? exitCodes.usage : exitCodes.unavailable
}

export async function showNode(flags: GlobalFlags): Promise<void> {
  const { home } = homePaths()
  print(flags, await commandNode(home, 'status'))
}

export async function drainNode(flags: GlobalFlags & { wait?: boolean }): Promise<void> {
  const { home } = homePaths()
  const status = await commandNode(home, 'drain')
  if (flags.wait !== true) return print(flags, status)
  for (;;) {
    await sleep(500)
    try {
      await commandNode(home, 'status', 2000)
    } catch (error) {
      if (!(error instanceof NodeDownError)) throw error
      createOutput(flags.json === true).result(
        { drained: true },
        'The node has ended; every lease is settled. `millrace node resume` after its next start takes new work again.',
      )
      return
    }
  }
}

export async function resumeNode(flags: GlobalFlags): Promise<void> {
  print(flags, await commandNode(homePaths().home, 'resume'))
}

export async function stopNode(flags: GlobalFlags): Promise<void> {
  print(flags, await commandNode(homePaths().home, 'stop'), 'is ending; its jobs go on')
}

function print(flags: GlobalFlags, status: NodeStatus, what?: string): void {
  const now = Math.floor(Date.now() / 1000)
  const state = what ?? (status.draining ? 'drains: it takes no new work' : (status.refusal ?? 'takes work'))
  const table = formatTable(
    [
      { head: 'LEASE', of: ({ lease }) => lease.slice(0, 10) },
      { head: 'SLOT', of: ({ slot }) => String(slot), align: 'right' },
      { head: 'BUYER', of: ({ buyer }) => buyer },
      { head: 'JOB', of: (lease) => lease.state },
      {
        head: 'LEFT',
        of: ({ endsAt }) => (endsAt === null ? '-' : formatDuration(Math.max(0, endsAt - now))),
        align: 'right',
      },
    ],
    status.leases,
  )
  createOutput(flags.json === true).result(
    status,
    [
      `Node of asset ${status.asset} (process ${status.pid}) ${state}.`,
      `  ${status.offers} of ${status.slots} slot(s) offered; up for ${formatDuration(now - status.startedAt)}`,
      `  operator  ${status.operator}${status.gas === null ? '' : `, ${formatEther(BigInt(status.gas.balance))} coins`}`,
      `  device    ${status.device}`,
      ...status.gateways.map(
        ({ url, connected }) =>
          `  gateway   ${url} ${connected ? theme.green('connected') : theme.yellow('not connected')}`,
      ),
      ...(status.leases.length === 0 ? ['No lease.'] : [table]),
    ].join('\n'),
  )
}

const lineSchema = z.looseObject({ event: z.string() })
const progressSchema = z.object({
  step: z.string(),
  state: z.enum(['begun', 'done', 'skipped']),
  value: z.number().optional(),
  unit: z.string().optional(),
})
const failedSchema = z.object({ code: z.string(), message: z.string(), remedy: z.string().optional() })

/** Measures this machine in a process of the node's own. */
export async function benchmarkNode(flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const { command, args } = entryCommand('@millrace/node', 'benchmark.process')
  const child = spawn(command, [...args, '--home', homePaths().home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  let machine: Record<string, unknown> | null = null
  let result: Record<string, unknown> | null = null
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, ...rest } = lineSchema.parse(JSON.parse(line))
    if (event === 'machine') machine = rest
    else if (event === 'benchmark') result = rest
    else if (event === 'failed') throw new NodeRefusedError(failedSchema.parse(rest))
    else if (event === 'progress') {
      const { step, state, value, unit } = progressSchema.parse(rest)
      if (state === 'begun') output.note(theme.dim(`measuring ${step} …`))
      else if (state === 'skipped') output.note(`${step.padEnd(8)} none`)
      else output.note(`${step.padEnd(8)} ${(value ?? 0).toFixed(1)} ${unit ?? ''}`)
    }
  }
  if (result === null)
    throw new NodeRefusedError({ code: 'BENCHMARK', message: 'The measurement was interrupted.' })
  const cpu = machine === null ? '' : ` on ${String(machine.cpus)} CPUs (${String(machine.cpuModel)})`
  output.result({ machine, ...result }, `Measured${cpu}.`)
}
