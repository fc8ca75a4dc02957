import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'

/** `pool wrap|unwrap|recall|collect|units`: senior shares as an asset that another pool lends on. */
export function registerUnits(pool: Command): void {
  const actions = () => import('./unitsActions.ts')
  pool
    .command('wrap')
    .description('make an asset of senior shares, which another pool can lend on')
    .argument('<pool>', 'its address')
    .argument('<shares>', 'in whole shares, or `all`')
    .action(async (of: string, shares: string, _: unknown, command: Command) =>
      (await actions()).wrap({ pool: of, shares }, command.optsWithGlobals<GlobalFlags>()),
    )
  const onShares = [
    ['unwrap', 'take shares out of an asset on which nothing is owed', 'unwrap'],
    ['recall', 'ask for its shares back by the queue; anyone may once its loan is late', 'recall'],
  ] as const
  for (const [name, description, action] of onShares)
    pool
      .command(name)
      .description(description)
      .argument('<asset>', 'its id')
      .argument('<shares>', 'in whole shares, or `all`')
      .action(async (asset: string, shares: string, _: unknown, command: Command) =>
        (await actions())[action]({ asset, shares }, command.optsWithGlobals<GlobalFlags>()),
      )
  const onAsset = [
    [
      'collect',
      'put what the queue paid into the asset’s till, which repays its loan; anyone may',
      'collect',
    ],
    ['units', 'what an asset of units holds and is worth', 'showUnits'],
  ] as const
  for (const [name, description, action] of onAsset)
    pool
      .command(name)
      .description(description)
      .argument('<asset>', 'its id')
      .action(async (asset: string, _: unknown, command: Command) =>
        (await actions())[action](asset, command.optsWithGlobals<GlobalFlags>()),
      )
}
