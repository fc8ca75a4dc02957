import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'
import type { RateFlags, ReputationFlags } from './reputationActions.ts'

/** `reputation …`: who agents are, and what those who paid them say, by ERC-8004. */
export function registerReputationCommands(program: Command): void {
  const reputation = program
    .command('reputation')
    .description('who an agent is, and what those say of it who paid it (ERC-8004)')
  const actions = () => import('./reputationActions.ts')
  reputation
    .command('register')
    .description('register the wallet as an agent')
    .argument('<uri>', 'where the agent’s registration file stands')
    .action(async (uri: string, _: unknown, command: Command) =>
      (await actions()).registerAs(uri, command.optsWithGlobals<GlobalFlags>()),
    )
  const withMeasure = (command: Command) =>
    command
      .argument('<agent>', 'its id in the registry, or its address')
      .option('--tag <name>', 'what is measured', 'starred')
      .option('--asset <id...>', 'assets of the agent: what they earned counts too')
  withMeasure(
    reputation
      .command('show')
      .description('an agent’s identity, and what is said of it, each voice weighed by what it paid'),
  ).action(async (agent: string, _: unknown, command: Command) =>
    (await actions()).showReputation(agent, command.optsWithGlobals<ReputationFlags>()),
  )
  withMeasure(
    reputation
      .command('list')
      .description('who paid an agent, how much, and what each of them said; who paid nothing is not heard'),
  ).action(async (agent: string, _: unknown, command: Command) =>
    (await actions()).listFeedback(agent, command.optsWithGlobals<ReputationFlags>()),
  )
  withMeasure(
    reputation
      .command('rate')
      .description('say what an agent was worth, bound to the receipt of what this wallet paid it'),
  )
    .argument('<value>', 'a number, such as 95 or 4.5')
    .requiredOption('--receipt <file>', 'what `pay --json` printed, or the header Millrace-Receipt')
    .option('--endpoint <url>', 'what was used')
    .option('--uri <url>', 'where the feedback file will stand')
    .option('--out <file>', 'where to write the feedback file')
    .action(async (agent: string, value: string, _: unknown, command: Command) =>
      (await actions()).rate(agent, value, command.optsWithGlobals<RateFlags>()),
    )
}
