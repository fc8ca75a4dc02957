import type { Command } from 'commander'
import type { NewAgentFlags, PolicyChangeFlags } from './agentActions.ts'
import type { ApproveFlags, PayFlags } from './agentSpending.ts'
import type { GlobalFlags } from './flags.ts'

/** `agent …`: wallets that agents spend from within limits. */
export function registerAgentCommands(program: Command): void {
  const agent = program
    .command('agent')
    .description('wallets that agents spend from, within limits kept on chain')
  const actions = () => import('./agentActions.ts')
  const spending = () => import('./agentSpending.ts')
  withLimits(
    agent
      .command('new')
      .description('make a wallet for an agent; the wallet that signs is its owner')
      .argument('<name>', 'what this home calls it')
      .requiredOption('--agent <wallet-or-address>', 'the key that spends')
      .option('--guardian <wallet-or-address>', 'who may also stop the agent, veto and approve')
      .option('--delay <time>', 'how long a change that loosens waits', '1d')
      .option('--fund <amount>', 'put this much in, in whole units'),
  ).action(async (name: string, _: unknown, command: Command) =>
    (await actions()).newAgent(name, command.optsWithGlobals<NewAgentFlags>()),
  )
  agent
    .command('show')
    .description('what an agent may spend, what is left, and what could still be lost after a pause')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) =>
      (await actions()).showAgent(name, command.optsWithGlobals<GlobalFlags>()),
    )
  withLimits(
    agent
      .command('policy')
      .description(
        'change limits: tighter ones hold at once, looser ones are announced and applied after the delay',
      )
      .argument('<name>')
      .option('--apply', 'apply what was announced, once its time has come'),
  ).action(async (name: string, _: unknown, command: Command) =>
    (await actions()).changeAgentPolicy(name, command.optsWithGlobals<PolicyChangeFlags>()),
  )
  agent
    .command('pause')
    .description('stop an agent at once; its owner or guardian may')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) =>
      (await actions()).pauseNow(name, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('unpause')
    .description('let an agent spend again; its owner may')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) =>
      (await actions()).unpauseNow(name, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('pay')
    .description('pay from the wallet, as the agent')
    .argument('<name>')
    .argument('<to>', 'an address, or the id of an asset')
    .argument('<amount>', 'in whole units')
    .option('--approval <file>', 'what `approve` printed')
    .option('--ref <number>', 'number of this payment, paid once (default: the next one)')
    .action(async (name: string, to: string, amount: string, _: unknown, command: Command) =>
      (await spending()).payNow({ name, to, amount }, command.optsWithGlobals<PayFlags>()),
    )
  agent
    .command('approve')
    .description('sign, as owner or guardian, one payment above the threshold; prints JSON for the agent')
    .argument('<name>')
    .argument('<to>', 'an address, or the id of an asset')
    .argument('<amount>', 'in whole units')
    .option('--ref <number>', 'number of the payment (default: the next one)')
    .option('--valid <time>', 'how long it can be used', '1d')
    .action(async (name: string, to: string, amount: string, _: unknown, command: Command) =>
      (await spending()).approveNow({ name, to, amount }, command.optsWithGlobals<ApproveFlags>()),
    )
}

function withLimits(command: Command): Command {
  return command
    .option('--per-payment <amount>', 'most at once (default: what a period allows)')
    .option('--per-period <amount>', 'most in a period')
    .option('--period <time>', 'length of a period (default 1d)')
    .option('--per-counterparty <amount>', 'most in a period to one counterparty (default: all of it)')
    .option('--budget <amount>', 'most in all')
    .option('--approve-above <amount>', 'more than this at once needs an approval (default: nothing does)')
    .option('--for <time>', 'how long from now it may spend (default: no end)')
}
