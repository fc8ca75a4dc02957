import type { Command } from 'commander'
import type { OffersFlags } from './offers.ts'

/** `offers`: what can be hired. */
export function registerMarketCommands(program: Command): void {
  program
    .command('offers')
    .description('list machines that can be hired now')
    .argument('[query...]', "such as 'gpu_name=H100 num_gpus>=1 price<2.5'; empty for all")
    .option('-o, --order <fields>', 'fields to sort by, `-` behind one for descending', 'price')
    .option('-n, --limit <count>', 'most to show', Number, 20)
    .addHelpText(
      'after',
      `
Fields: gpu_name num_gpus gpu_ram cpu_cores cpu_ram disk price region network runner arch reliability duration
verified asset operator id. Operators: = != > >= < <= in notin; _ in a value matches a space. GPU memory, RAM and disk
in GiB, price in whole units per hour, duration (longest lease) in hours.`,
    )
    .action(async (query: string[], _: unknown, command: Command) => {
      const { runOffers } = await import('./offers.ts')
      await runOffers(query.join(' '), command.optsWithGlobals<OffersFlags>())
    })
}
