import type { Command } from 'commander'
import type { ChallengeFlags } from './challenge.ts'
import type { OffersFlags } from './offers.ts'

/** `offers`, `challenge`: what can be hired, and whether it delivers. */
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
in GiB, price in whole units per hour, duration (longest lease) in hours.
CHALLENGE says what the gateway's own challenge of the machine measured, in GFLOPS: ✓ verified, ✗ less than it claims,
? not verified, with the reason; - not challenged yet. millrace challenge asks anew.`,
    )
    .action(async (query: string[], _: unknown, command: Command) => {
      const { runOffers } = await import('./offers.ts')
      await runOffers(query.join(' '), command.optsWithGlobals<OffersFlags>())
    })
  program
    .command('challenge')
    .description(
      'have a machine multiply matrices it cannot know beforehand, and compare its rate with its claim',
    )
    .argument('<id>', 'first digits of the id of a live offer, or of a lease of yours')
    .option('--device <kind>', 'what multiplies: cpu or gpu (default gpu where the offer has GPUs)')
    .option(
      '--size <rows>',
      'rows of the matrices, a multiple of 64 (default: about a second of work)',
      Number,
    )
    .addHelpText(
      'after',
      `
Before a lease it asks the machine through a gateway, free of charge; with a lease of yours, in its session.
Exit code 0: the work is proven and at least 75 % of the claim, or there is no claim. 65: it is not proven, or below
the claim. 75: the machine takes no challenge now. 69: it cannot be reached.`,
    )
    .action(async (offer: string, _: unknown, command: Command) => {
      const { runChallenge } = await import('./challenge.ts')
      await runChallenge(offer, command.optsWithGlobals<ChallengeFlags>())
    })
}
