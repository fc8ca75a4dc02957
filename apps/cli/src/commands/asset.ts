import type { Command } from 'commander'
import type { RegisterFlags } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'

/** `asset …`: what earns. */
export function registerAssetCommands(program: Command): void {
  const asset = program
    .command('asset')
    .description('what earns: machines, robots, datasets, models, services')
  const actions = () => import('./assetActions.ts')
  asset
    .command('list')
    .description('list assets, newest last')
    .option('--mine', 'only those that the wallet owns or runs')
    .option('-n, --limit <count>', 'most to show', Number, 100)
    .action(async (_: unknown, command: Command) =>
      (await actions()).listAllAssets(
        command.optsWithGlobals<GlobalFlags & { mine?: boolean; limit: number }>(),
      ),
    )
  asset
    .command('show')
    .description('show one asset')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).showAsset(id, command.optsWithGlobals<GlobalFlags>()),
    )
  asset
    .command('register')
    .description('register an asset; a node registers its machine by itself')
    .requiredOption('--kind <kind>', 'machine, robot, dataset, model or service')
    .requiredOption('--spec <file>', 'JSON that describes it; its hash goes on chain')
    .option('--uri <uri>', 'where the description can be read', '')
    .option('--owner <address>', 'who holds it (default: the wallet)')
    .option('--operator <address>', 'who runs it and signs its offers (default: the wallet)')
    .option('--device <address>', 'key of the machine itself')
    .option('--currency <address>', 'what it is paid in (default: the network’s)')
    .action(async (_: unknown, command: Command) =>
      (await actions()).registerNewAsset(command.optsWithGlobals<RegisterFlags>()),
    )
  asset
    .command('transfer')
    .description('give an asset to another owner; its till is settled first')
    .argument('<asset>', 'its id')
    .argument('<to>', 'address')
    .action(async (id: string, to: string, _: unknown, command: Command) =>
      (await actions()).transferTo({ id, to }, command.optsWithGlobals<GlobalFlags>()),
    )
  asset
    .command('set-operator')
    .description('name who runs it; offers of the old operator are void')
    .argument('<asset>', 'its id')
    .argument('<operator>', 'address')
    .action(async (id: string, operator: string, _: unknown, command: Command) =>
      (await actions()).nameOperator({ id, operator }, command.optsWithGlobals<GlobalFlags>()),
    )
  asset
    .command('set-device')
    .description('name the key of the machine itself')
    .argument('<asset>', 'its id')
    .argument('<device>', 'address')
    .action(async (id: string, device: string, _: unknown, command: Command) =>
      (await actions()).nameDevice({ id, device }, command.optsWithGlobals<GlobalFlags>()),
    )
  asset
    .command('set-spec')
    .description('replace the description')
    .argument('<asset>', 'its id')
    .argument('<file>', 'JSON')
    .option('--uri <uri>', 'where it can be read', '')
    .action(async (id: string, file: string, _: unknown, command: Command) =>
      (await actions()).replaceSpec({ id, file }, command.optsWithGlobals<GlobalFlags & { uri: string }>()),
    )
}
