import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'
import type { InitFlags } from './nodeActions.ts'

/** `node …`: this machine as a seller of its time. */
export function registerNodeCommands(program: Command): void {
  const node = program.command('node').description('sell the time of this machine')
  const actions = () => import('./nodeActions.ts')
  node
    .command('init')
    .description('set this machine up: settings and keys')
    .option('--price <amount>', 'per hour and lease, in whole units of the currency', '0.36')
    .option('--slots <count>', 'leases at a time; the machine is shared out evenly', Number, 1)
    .option('--region <name>', 'where it stands, such as eu-west')
    .option('--internet', 'let jobs that ask for it reach the public network')
    .option('--wallet-key', 'use the key of `--wallet` as the operator’s')
    .action(async (_: unknown, command: Command) =>
      (await actions()).initThisNode(command.optsWithGlobals<InitFlags>()),
    )
  node
    .command('start')
    .description('offer this machine and run jobs until Ctrl-C; `millrace up` does it for the local network')
    .action(async (_: unknown, command: Command) =>
      (await actions()).startThisNode(command.optsWithGlobals<GlobalFlags>()),
    )
  node
    .command('status')
    .description('show what this node does')
    .action(async (_: unknown, command: Command) =>
      (await actions()).showNode(command.optsWithGlobals<GlobalFlags>()),
    )
  node
    .command('drain')
    .description('take no new work; the node ends when its leases are over')
    .option('--wait', 'return when it has ended')
    .action(async (_: unknown, command: Command) =>
      (await actions()).drainNode(command.optsWithGlobals<GlobalFlags & { wait?: boolean }>()),
    )
  node
    .command('resume')
    .description('take new work again after a drain')
    .action(async (_: unknown, command: Command) =>
      (await actions()).resumeNode(command.optsWithGlobals<GlobalFlags>()),
    )
  node
    .command('stop')
    .description('end the node now; jobs go on, and the next start takes them up')
    .action(async (_: unknown, command: Command) =>
      (await actions()).stopNode(command.optsWithGlobals<GlobalFlags>()),
    )
  node
    .command('benchmark')
    .description('measure this machine, the way a buyer’s capacity challenge does')
    .action(async (_: unknown, command: Command) =>
      (await actions()).benchmarkNode(command.optsWithGlobals<GlobalFlags>()),
    )
}
