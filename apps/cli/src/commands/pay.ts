import type { Command } from 'commander'
import type { ChannelLsFlags } from './channelActions.ts'
import type { GlobalFlags } from './flags.ts'
import type { PayFlags } from './payActions.ts'
import type { SellModelFlags, SellUpstreamFlags } from './sellActions.ts'

/** `pay`, `sell …` and `channel …`: calls that are paid for one by one. */
export function registerPayCommands(program: Command): void {
  program
    .command('pay')
    .description('call a URL and pay for the answer, by channel or by one transfer; never beyond the budget')
    .argument('<url>')
    .option('-X, --method <method>', 'default: GET, or POST with --data')
    .option('-d, --data <text>', 'body of the request; @file reads it from a file')
    .option('-H, --header <header...>', "headers, such as 'accept: text/plain'")
    .option('--max <amount>', 'most that this answer may cost, in whole units', '1')
    .option('--budget <amount>', 'from now on, most that this wallet pays in any 24 hours (at first 10)')
    .option('--deposit <amount>', 'from now on, most that lies in one channel (at first what a day may cost)')
    .option('--haggle', 'asks for a lower price first; without an agreement the list price counts')
    .option('--reserve <amount>', 'with --haggle: most to agree to, in whole units; the seller is not told')
    .option('--lock <duration>', 'longest that a seller may hold a deposit back once you leave', '24h')
    .action(async (url: string, _: unknown, command: Command) =>
      (await import('./payActions.ts')).payUrl(url, command.optsWithGlobals<PayFlags>()),
    )

  const sell = program
    .command('sell')
    .description(
      'put a price on any HTTP server: a proxy that is paid by the call, the second, the byte or the token, and claims by itself',
    )
    .argument('<where>', 'port of this machine, or address such as http://0.0.0.0:4021')
    .option('--upstream <url>', 'the server whose answers are sold')
    .option('--price <amount>', 'of a call, in whole units; with the three below, what is promised at a time')
    .option('--floor <amount>', 'haggle with buyers on channels, down to this price of a call')
    .option('--per-second <amount>', 'of an answer while it streams, in whole units')
    .option('--per-megabyte <amount>', 'of a million bytes of an answer, in whole units')
    .option('--per-million-tokens <amount>', 'of a million tokens of an answer, in whole units')
    .option(
      '--ahead',
      'ask the server while the payment is written to disk; for one whose work may be in vain: if the write fails nobody pays for it',
    )
    .option('--skill <name>', 'sell it to agents of A2A too, by a card at /.well-known/agent-card.json')
    .option('--to <address>', 'who is paid; default: the wallet that sends the claims')
    .option('--asset <id>', 'asset that is paid, in whose till the money is split; by channel only')
    .option('--public-url <url>', 'where buyers reach it, if a proxy stands in between')
    .option('--claim-at <amount>', 'least that is claimed at a time, in whole units', '1')
    .action(async (where: string, _: unknown, command: Command) =>
      (await import('./sellActions.ts')).sellUpstream(where, command.optsWithGlobals<SellUpstreamFlags>()),
    )
  sell
    .command('openai')
    .description('sell the models of a server that speaks OpenAI’s API, by the token')
    .option('--price-in <amount>', 'of a million input tokens, in whole units')
    .option('--price-out <amount>', 'of a million output tokens, in whole units')
    .option('--model <id...>', 'models to sell; default: all that the upstream lists')
    .option('--max-input <tokens>', 'most input tokens of a call', Number, 8192)
    .option('--max-output <tokens>', 'most output tokens of an answer', Number, 1024)
    .option('--listen <where>', 'port of this machine, or address', '4020')
    .action(async (_: unknown, command: Command) =>
      (await import('./sellActions.ts')).sellModels(command.optsWithGlobals<SellModelFlags>()),
    )

  const channel = program.command('channel').description('channels of this home, as payer and as payee')
  const actions = () => import('./channelActions.ts')
  channel
    .command('ls')
    .description('list them: deposit, what was promised, what was claimed')
    .option('-a, --all', 'also those that are closed')
    .action(async (_: unknown, command: Command) =>
      (await actions()).listChannels(command.optsWithGlobals<ChannelLsFlags>()),
    )
  channel
    .command('show')
    .description('all that is known of one, from the chain and from this home')
    .argument('<id>', 'any unique beginning of its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).showChannel(id, command.optsWithGlobals<GlobalFlags>()),
    )
  channel
    .command('claim')
    .description('as payee, claim what was promised')
    .argument('[id]', 'default: all channels')
    .action(async (id: string | undefined, _: unknown, command: Command) =>
      (await actions()).claimChannels(id, command.optsWithGlobals<GlobalFlags>()),
    )
  channel
    .command('refund')
    .description('as payer of a channel of batch-settlement, get back what was not charged, or a part')
    .argument('<id>', 'any unique beginning of its id')
    .argument('[amount]', 'in whole units; default: all of it')
    .action(async (id: string, amount: string | undefined, _: unknown, command: Command) =>
      (await actions()).refundChannel(id, amount, command.optsWithGlobals<GlobalFlags>()),
    )
  channel
    .command('close')
    .description(
      'end one: as payee at once; as payer with the seller’s consent at once, or else announce it, and after the delay take the rest back',
    )
    .argument('<id>', 'any unique beginning of its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).endChannel(id, command.optsWithGlobals<GlobalFlags>()),
    )
}
