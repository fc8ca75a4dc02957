import type { Command } from 'commander'
import type { ListFlags } from '../agents/counterparties.ts'
import type { AddAgentFlags, NewAgentFlags, PolicyChangeFlags } from './agentActions.ts'
import type { ShowAgentFlags } from './agentShow.ts'
import type { ApproveFlags, PayFlags } from './agentSpending.ts'
import type { GlobalFlags } from './flags.ts'

/** `agent …`: wallets that agents spend from within limits. */
export function registerAgentCommands(program: Command): void {
  const agent = program
    .command('agent')
    .description('wallets that agents spend from, within limits kept on chain')
  const actions = () => import('./agentActions.ts')
  const spending = () => import('./agentSpending.ts')
  registerRuling(agent)
  registerMoney(agent)
  withLimits(
    agent
      .command('new')
      .description('make a wallet for an agent; the wallet that signs is its owner')
      .argument('<name>', 'what this home calls it')
      .requiredOption('--agent <wallet-or-address>', 'the key that spends')
      .option('--guardian <wallet-or-address>', 'who may also stop the agent, veto and approve')
      .option('--delay <time>', 'how long a change that loosens waits', '1d')
      .option('--fund <amount>', 'put this much in, in whole units')
      .option('--to <address-or-asset...>', 'whom it may pay, and nobody else')
      .option(
        '--service <service...>',
        "what it may buy: 'POST https://…', or the spec of an offer; nothing else",
      ),
  ).action(async (name: string, _: unknown, command: Command) =>
    (await actions()).newAgent(name, command.optsWithGlobals<NewAgentFlags>()),
  )
  agent
    .command('show')
    .description(
      'what an agent may spend, what is left, its channels and leases, and what could still be lost after a pause',
    )
    .argument('<name>')
    .option('--to <address-or-asset>', 'also what it could pay to this one now')
    .action(async (name: string, _: unknown, command: Command) =>
      (await import('./agentShow.ts')).showAgent(name, command.optsWithGlobals<ShowAgentFlags>()),
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
    .description('stop an agent at once and ask for the end of its channels; its owner or guardian may')
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
    .option('--service <service>', "what is bought, as it stands on the list: 'POST https://…'")
    .option('--ref <number>', 'number of this payment, paid once (default: the next one)')
    .action(async (name: string, to: string, amount: string, _: unknown, command: Command) =>
      (await spending()).payNow({ name, to, amount }, command.optsWithGlobals<PayFlags>()),
    )
  agent
    .command('approve')
    .description('sign, as owner or guardian, one payment above the threshold; prints JSON for the agent')
    .argument('<name>')
    .argument('<to>', 'an address, the id of an asset, or `float`')
    .argument('<amount>', 'in whole units')
    .option('--ref <number>', 'number of the payment (default: the next one)')
    .option('--valid <time>', 'how long it can be used', '1d')
    .option('--service <service>', "what is bought, as it stands on the list: 'POST https://…'")
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
    .option(
      '--float <wallet-or-address>',
      'wallet that it may fill, for payments that are signatures; `none` for none',
    )
    .option('--float-per-period <amount>', 'most that goes there in a period')
    .option('--counterparties <which>', '`listed`: it pays only those on its list, or `any`')
    .option('--services <which>', '`listed`: it buys only what is on its list, or `any`')
}

/** Lists, announced changes, and wallets that another home made. */
function registerRuling(agent: Command): void {
  const changes = () => import('./agentChanges.ts')
  agent
    .command('add')
    .description("give a name to a wallet that another home made, as its guardian or with the agent's key")
    .argument('<name>', 'what this home calls it')
    .requiredOption('--account <address>', 'the wallet')
    .requiredOption('--agent <wallet-or-address>', 'the key that spends')
    .action(async (name: string, _: unknown, command: Command) =>
      (await import('./agentActions.ts')).addAgent(name, command.optsWithGlobals<AddAgentFlags>()),
    )
  const withLists = (command: Command) =>
    command
      .argument('<name>')
      .option('--to <address-or-asset...>', 'counterparties')
      .option('--service <service...>', "such as 'POST https://api.example/v1/ask', or the spec of an offer")
  withLists(
    agent.command('allow').description('announce that it may pay or buy these too; applied after the delay'),
  ).action(async (name: string, _: unknown, command: Command) =>
    (await changes()).allowOnLists(name, command.optsWithGlobals<GlobalFlags & ListFlags>()),
  )
  withLists(agent.command('forbid').description('take these off its lists, at once')).action(
    async (name: string, _: unknown, command: Command) =>
      (await changes()).forbidOnLists(name, command.optsWithGlobals<GlobalFlags & ListFlags>()),
  )
  agent
    .command('changes')
    .description('what was announced and waits, what it would do, and when it can be made')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) =>
      (await changes()).listChanges(name, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('veto')
    .description('take back what was announced; its owner or guardian may')
    .argument('<name>')
    .argument('[change]', 'any unique beginning of it (default: the only one)')
    .action(async (name: string, change: string | undefined, _: unknown, command: Command) =>
      (await changes()).vetoChange(name, change, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('apply')
    .description('make what was announced, once its time has come; its owner may')
    .argument('<name>')
    .argument('[change]', 'any unique beginning of it (default: the only one)')
    .action(async (name: string, change: string | undefined, _: unknown, command: Command) =>
      (await changes()).applyChange(name, change, command.optsWithGlobals<GlobalFlags>()),
    )
}

/** What goes into a wallet and comes out of it besides payments. */
function registerMoney(agent: Command): void {
  const money = () => import('./agentMoney.ts')
  agent
    .command('fund')
    .description('put money in; anyone may')
    .argument('<name>')
    .argument('<amount>', 'in whole units')
    .action(async (name: string, amount: string, _: unknown, command: Command) =>
      (await money()).fundAgent(name, amount, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('withdraw')
    .description('take money out, into the till account of its owner')
    .argument('<name>')
    .argument('<amount>', 'in whole units, or `all`')
    .action(async (name: string, amount: string, _: unknown, command: Command) =>
      (await money()).withdrawFromAgent(name, amount, command.optsWithGlobals<GlobalFlags>()),
    )
  agent
    .command('float')
    .description('fill the wallet that the policy names as float, as the agent')
    .argument('<name>')
    .argument('<amount>', 'in whole units')
    .option('--approval <file>', 'what `approve <name> float` printed')
    .option('--ref <number>', 'number of this payment, paid once (default: the next one)')
    .action(async (name: string, amount: string, _: unknown, command: Command) =>
      (await money()).fillFloat(name, amount, command.optsWithGlobals<PayFlags>()),
    )
  agent
    .command('stop-lease')
    .description('end a lease that the agent opened; that agent, its owner or guardian may')
    .argument('<name>')
    .argument('<lease>', 'any unique beginning of its id')
    .action(async (name: string, lease: string, _: unknown, command: Command) =>
      (await money()).stopLeaseOfAgent(name, lease, command.optsWithGlobals<GlobalFlags>()),
    )
}
