import type { Command } from 'commander'
import type { UpFlags } from './up.ts'

/** `up`, `down`, `status`: the local network. */
export function registerNetworkCommands(program: Command): void {
  program
    .command('up')
    .description(
      'start the local network: a chain, the contracts, test money, a gateway, this machine as a node',
    )
    .option('-d, --detach', 'leave it running in the background')
    .option('--chain-id <id>', 'chain id of a new network (default 31337)', Number)
    .option('--chain-port <port>', 'port of the chain’s RPC, 0 for any (default 8545 if free)', Number)
    .option('--gateway-port <port>', 'port of the gateway, 0 for any (default 8787 if free)', Number)
    .option('--without-node', 'do not hire out this machine')
    .option('--reset', 'delete the local chain with its test money and leases, and start a new one')
    .option('--once-ready-json', 'print one JSON object when it is ready')
    .action(async (_: unknown, command: Command) => {
      const { runUp } = await import('./up.ts')
      await runUp(command.optsWithGlobals<UpFlags>())
    })
  program
    .command('down')
    .description('stop the local network; everything is kept')
    .action(async (_: unknown, command: Command) => {
      const { runDown } = await import('./down.ts')
      await runDown(command.optsWithGlobals())
    })
  program
    .command('status')
    .description('show what runs of the local network and whether it is well')
    .action(async (_: unknown, command: Command) => {
      const { runStatus } = await import('./status.ts')
      await runStatus(command.optsWithGlobals())
    })
}
