import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'
import type { FactorFlags, SeriesFlags, SpreadFlags } from './riskActions.ts'
import type { RevenueFlags } from './riskRevenue.ts'

/** `risk`: what a lender can learn from numbers over time. */
export function registerRiskCommands(program: Command): void {
  const risk = program
    .command('risk')
    .description(
      'numbers over time: what moves together, what drives it, how to spread money; `pool risk` for one pool',
    )
  const actions = () => import('./riskActions.ts')
  const withChanges = (command: Command) =>
    command.option('--changes', 'the numbers are levels: look at their changes')
  risk
    .command('revenue')
    .description('what assets earned each month, from the chain, as CSV')
    .argument('<asset...>', 'their ids')
    .option('--months <number>', 'months back, the running one included', '24')
    .action(async (ids: string[], _: unknown, command: Command) =>
      (await import('./riskRevenue.ts')).revenue(ids, command.optsWithGlobals<RevenueFlags & GlobalFlags>()),
    )
  withChanges(
    risk
      .command('together')
      .description('how far columns of a CSV file move together, in all periods and in bad ones')
      .argument('<file>', 'a line of names, then one line a period')
      .option('--bad <percent>', 'part of the periods that counts as bad', '33.33'),
  ).action(async (path: string, _: unknown, command: Command) =>
    (await actions()).together(path, command.optsWithGlobals<SeriesFlags>()),
  )
  withChanges(
    risk
      .command('factors')
      .description('what of each column is explained by factors: rents, power, rates')
      .argument('<file>', 'a line of names, then one line a period')
      .requiredOption('--factors <file>', 'the factors, of the same periods')
      .option('--lags <number>', 'periods over which noise goes on', '0'),
  ).action(async (path: string, _: unknown, command: Command) =>
    (await actions()).factors(path, command.optsWithGlobals<FactorFlags>()),
  )
  withChanges(
    risk
      .command('spread')
      .description('how to spread money over the columns so that the worst scenarios cost least (CVaR)')
      .argument('<file>', 'returns: a line of names, then one line a scenario')
      .option('--cap <percent>', 'most for one column', '100')
      .option('--worst <percent>', 'part of the scenarios that counts as the worst', '5')
      .option('--least-return <percent>', 'least mean return of the whole'),
  ).action(async (path: string, _: unknown, command: Command) =>
    (await actions()).spread(path, command.optsWithGlobals<SpreadFlags>()),
  )
}
