import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'
import type { UpstreamFlags } from './tillActions.ts'

/** `till …`: what an asset earned and who gets it. */
export function registerTillCommands(program: Command): void {
  const till = program.command('till').description('what an asset earned and who gets it')
  const actions = () => import('./tillActions.ts')
  till
    .command('show')
    .description('statement of an asset: revenue, what each layer got, what is owed')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).showTill(id, command.optsWithGlobals<GlobalFlags>()),
    )
  till
    .command('pay')
    .description('pay revenue to an asset from the till account')
    .argument('<asset>', 'its id')
    .argument('<amount>', 'in whole units')
    .action(async (id: string, amount: string, _: unknown, command: Command) =>
      (await actions()).payRevenue({ id, amount }, command.optsWithGlobals<GlobalFlags>()),
    )
  till
    .command('settle')
    .description('split what was collected in epochs that are over; anyone may')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).settleNow(id, command.optsWithGlobals<GlobalFlags>()),
    )
  till
    .command('royalties')
    .description('move royalties from assets built on this one into its revenue; anyone may')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).pullNow(id, command.optsWithGlobals<GlobalFlags>()),
    )
  till
    .command('costs')
    .description('set running costs owed to the operator')
    .argument('<asset>', 'its id')
    .argument('<per-day>', 'in whole units, accrued by the second')
    .argument('<cap>', 'most that arrears can reach, in whole units')
    .action(async (id: string, perDay: string, cap: string, _: unknown, command: Command) =>
      (await actions()).setCosts({ id, perDay, cap }, command.optsWithGlobals<GlobalFlags>()),
    )
  const upstream = till
    .command('upstream')
    .description('which assets this one is built from, and their parts')
  upstream
    .command('consent')
    .description('sign, as owner of an upstream asset, that it may be named; prints JSON for the other owner')
    .argument('<asset>', 'the asset that pays')
    .requiredOption('--parts <id:bps,…>', 'all parts, such as 2:500,3:100')
    .requiredOption('--nonce <number>', 'number of this consent among yours, used once', '0')
    .option('--valid <days>', 'days in which it can be used', Number, 7)
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).consent(id, command.optsWithGlobals<UpstreamFlags>()),
    )
  upstream
    .command('set')
    .description('name the parts; takes one consent for each asset that is added or dropped')
    .argument('<asset>', 'the asset that pays')
    .requiredOption('--parts <id:bps,…>', 'all parts, such as 2:500,3:100; empty for none')
    .option(
      '--consent <file...>',
      'what `consent` printed: named assets in order of their ids, then dropped ones',
    )
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).nameUpstream(id, command.optsWithGlobals<UpstreamFlags>()),
    )
}
