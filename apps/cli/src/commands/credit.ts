import type { Command } from 'commander'
import { registerAppraise } from './appraise.ts'
import type { TakeFlags } from './auctionActions.ts'
import type { GlobalFlags } from './flags.ts'
import type { LineFlags } from './lendActions.ts'
import type { SignLoanFlags } from './loanActions.ts'
import type { ApplyFlags } from './loanApply.ts'
import type { CreatePoolFlags } from './poolActions.ts'
import type { PoolRiskFlags } from './poolRisk.ts'
import type { RanksFlags } from './rankActions.ts'
import type { StatementFlags } from './statementActions.ts'
import type { UnderwriteFlags } from './underwriteActions.ts'
import { registerUnits } from './units.ts'

/** `pool`, `lend`, `redeem`, `loan`, `underwrite`, `statement`, `auction`, `appraise`: who lends to machines. */
export function registerCreditCommands(program: Command): void {
  registerPool(program)
  registerLending(program)
  registerLoan(program)
  registerUnderwriting(program)
  registerAuction(program)
  registerAppraise(program)
}

function registerPool(program: Command): void {
  const pool = program
    .command('pool')
    .description('facilities: loan books with senior, junior and first loss')
  const actions = () => import('./poolActions.ts')
  pool
    .command('create')
    .description('make a facility; the wallet that signs is its curator')
    .requiredOption('--panel <number>', 'panel whose appraisals count (`appraise panel`)')
    .requiredOption('--underwriter <wallet-or-address...>', 'who may sign loans, at once')
    .option('--currency <address>', 'what it lends (default: the network’s)')
    .option('--senior-rate <percent>', 'what senior claims a year', '8')
    .option('--min-junior <percent>', 'junior’s least part of the value', '20')
    .option('--grace <time>', 'between two steps from late to default', '10d')
    .option('--auction-start <percent>', 'start of an auction, of the appraised value', '120')
    .option('--auction-half-life <time>', 'in which its price halves', '2d')
    .option('--bounty <amount>', 'what a step of `loan poke` pays out of the loan’s stake', '5')
    .option('--max-ltv <percent>', 'most that is lent on an appraisal', '80')
    .option('--max-multiple <percent>', 'most that is lent on trailing revenue', '600')
    .option('--min-cover <percent>', 'least stake for what the value does not carry', '10')
    .option('--max-obligor <percent>', 'largest part drawn by one name', '50')
    .option('--max-cluster <percent>', 'largest part that hangs on one cluster', '80')
    .option('--min-obligors <number>', 'least effective number of names', '3')
    .option('--min-clusters <number>', 'least effective number of clusters of a kind', '1.5')
    .option('--max-ramp <duration>', 'longest time in which only interest is due', '365d')
    .option('--max-term <duration>', 'longest time to a maturity', '1825d')
    .option(
      '--evidence-panel <id>',
      'lend on revenue only as far as this panel says that it came from outside',
    )
    .action(async (_: unknown, command: Command) =>
      (await actions()).createPool(command.optsWithGlobals<CreatePoolFlags>()),
    )
  pool
    .command('list')
    .description('facilities that the till lists')
    .action(async (_: unknown, command: Command) =>
      (await actions()).listPools(command.optsWithGlobals<GlobalFlags>()),
    )
  pool
    .command('show')
    .description('value, both lines with both prices, queue, concentration and rules')
    .argument('<pool>', 'its address')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).showPool(id, command.optsWithGlobals<GlobalFlags>()),
    )
  registerUnits(pool)
  registerPoolRisk(pool)
}

function registerPoolRisk(pool: Command): void {
  pool
    .command('risk')
    .description('what lenders would lose: fifteen scenarios over two years, and a usual year by simulation')
    .argument('<pool>', 'its address')
    .option('--scenario <name>', 'one of them alone, with what happens and what to do')
    .option('--since <time>', 'how far back revenue is looked at', '90d')
    .option(
      '--default <percent>',
      'loans that default in a usual year: 8 for proven operators, 20 for new ones',
      '8',
    )
    .option('--power-share <percent>', 'part of running costs that is power', '60')
    .option('--redeem-within <time>', 'time in which who leaves should be paid', '60d')
    .action(async (id: string, _: unknown, command: Command) =>
      (await import('./poolRisk.ts')).poolRisk(id, command.optsWithGlobals<PoolRiskFlags>()),
    )
}

function registerLending(program: Command): void {
  const actions = () => import('./lendActions.ts')
  const withLine = (command: Command) => command.option('--line <line>', 'senior or junior', 'senior')
  withLine(
    program
      .command('lend')
      .description('put money into a line of a facility')
      .argument('<pool>', 'its address')
      .argument('<amount>', 'in whole units'),
  ).action(async (pool: string, amount: string, _: unknown, command: Command) =>
    (await actions()).lend({ pool, amount }, command.optsWithGlobals<LineFlags>()),
  )
  const redeem = program.command('redeem').description('leave a line of a facility, by its queue')
  withLine(
    redeem
      .command('request')
      .description('put shares into the queue; it cannot be called back')
      .argument('<pool>', 'its address')
      .argument('<shares>', 'in whole shares, or `all`'),
  ).action(async (pool: string, shares: string, _: unknown, command: Command) =>
    (await actions()).request({ pool, shares }, command.optsWithGlobals<LineFlags>()),
  )
  withLine(
    redeem
      .command('status')
      .description('shares held, shares that wait, and what can be claimed')
      .argument('<pool>', 'its address'),
  ).action(async (pool: string, _: unknown, command: Command) =>
    (await actions()).redeemStatus(pool, command.optsWithGlobals<LineFlags>()),
  )
  withLine(
    redeem
      .command('claim')
      .description('pay the queue as far as money reaches, and take what was paid to the wallet')
      .argument('<pool>', 'its address'),
  ).action(async (pool: string, _: unknown, command: Command) =>
    (await actions()).claim(pool, command.optsWithGlobals<LineFlags>()),
  )
}

function registerLoan(program: Command): void {
  const loan = program
    .command('loan')
    .description('borrow on assets; a file is passed to the underwriter and back')
  const actions = () => import('./loanActions.ts')
  loan
    .command('apply')
    .description('write terms for the underwriter to sign, and have the facility stand on the assets')
    .argument('<pool>', 'its address')
    .argument('<file>', 'where the loan is written')
    .requiredOption('--asset <id...>', 'assets that secure it, one to eight')
    .requiredOption('--underwriter <wallet-or-address>', 'whose stake takes the first loss')
    .requiredOption('--limit <amount>', 'most that can be drawn in all')
    .requiredOption('--obligor <name>', 'who owes')
    .option('--cap <amount>', 'stand behind others on each asset, and lend at most this there')
    .option('--replaces <file>', 'a loan of a pool ahead that `loan refinance` will pay off with this one')
    .option('--first <amount>', 'what can be drawn before a release (default: the limit)')
    .option('--cluster <name...>', 'what it hangs on: hardware, customer, region')
    .option('--vendor <wallet-or-address>', 'who is paid by draws (default: the borrower)')
    .option('--rate <percent>', 'interest a year', '14')
    .option('--premium <percent>', 'the underwriter’s part of it', '10')
    .option('--ramp <time>', 'interest only, and time to draw', '90d')
    .option('--term <time>', 'in which it is repaid after that', '730d')
    .option('--ltv <percent>', 'lent on the appraised value; 0 for no sale', '70')
    .option('--multiple <percent>', 'lent on trailing revenue', '0')
    .option('--cover <percent>', 'stake for what the value does not carry', '20')
    .option('--dscr <percent>', 'coverage below which everything is swept; 0 for none', '125')
    .option('--share <percent>', 'part of what reaches debt that is taken ahead of the plan', '0')
    .option('--valid <time>', 'how long it can be opened', '7d')
    .action(async (pool: string, file: string, _: unknown, command: Command) =>
      (await import('./loanApply.ts')).apply({ pool, file }, command.optsWithGlobals<ApplyFlags>()),
    )
  loan
    .command('sign')
    .description('sign, as the underwriter, the terms; or with --total, how much may be drawn in all')
    .argument('<file>', 'what `apply` wrote')
    .option('--total <amount>', 'release draws up to this')
    .option('--valid <time>', 'how long the release can be used', '1d')
    .action(async (file: string, _: unknown, command: Command) =>
      (await actions()).signLoan(file, command.optsWithGlobals<SignLoanFlags>()),
    )
  loan
    .command('draw')
    .description('open the loan with the first draw, or draw more')
    .argument('<file>')
    .argument('<amount>', 'in whole units; 0 only opens it')
    .action(async (file: string, amount: string, _: unknown, command: Command) =>
      (await actions()).draw({ file, amount }, command.optsWithGlobals<GlobalFlags>()),
    )
  const ranking = () => import('./rankActions.ts')
  loan
    .command('refinance')
    .description('pay a loan off with a new one that is signed, of the same pool or of one behind it')
    .argument('<old-file>', 'the loan that is paid off')
    .argument('<new-file>', 'what `apply` wrote')
    .action(async (old: string, file: string, _: unknown, command: Command) =>
      (await ranking()).refinance({ old, file }, command.optsWithGlobals<GlobalFlags>()),
    )
  loan
    .command('ranks')
    .description('who stands on an asset, first to last, and what each is owed')
    .argument('<asset>', 'its id')
    .option('--drop <pool>', 'take a pool off it that has nothing outstanding; owner')
    .action(async (id: string, _: unknown, command: Command) =>
      (await ranking()).ranks(id, command.optsWithGlobals<RanksFlags>()),
    )
  const simple = [
    ['status', 'where the loan stands', 'status'],
    ['cancel', 'call a loan off of which nothing is drawn', 'cancel'],
    ['poke', 'take a loan that is behind one step on, for a bounty; anyone may', 'poke'],
    ['harvest', 'free stake that the loan does not need; anyone may', 'harvest'],
  ] as const
  for (const [name, description, action] of simple)
    loan
      .command(name)
      .description(description)
      .argument('<file>')
      .action(async (file: string, _: unknown, command: Command) =>
        (await actions())[action](file, command.optsWithGlobals<GlobalFlags>()),
      )
  loan
    .command('repay')
    .description('repay from the till account; anyone may. What machines earn repays by itself')
    .argument('<file>')
    .argument('<amount>', 'in whole units; what is owed at most')
    .action(async (file: string, amount: string, _: unknown, command: Command) =>
      (await actions()).repay({ file, amount }, command.optsWithGlobals<GlobalFlags>()),
    )
}

function registerUnderwriting(program: Command): void {
  program
    .command('underwrite')
    .description('show what the chain knows of a loan’s assets and their revenue; sign and stake if asked')
    .argument('<file>', 'what `loan apply` wrote')
    .option('--since <time>', 'how far back to look', '90d')
    .option('--sign', 'sign the terms, into the file')
    .option('--stake <amount>', 'put this much under the facility’s loans, in whole units')
    .action(async (file: string, _: unknown, command: Command) =>
      (await import('./underwriteActions.ts')).underwrite(file, command.optsWithGlobals<UnderwriteFlags>()),
    )
  const statement = program
    .command('statement')
    .description('what happened in a period, balanced against the chain')
  const actions = () => import('./statementActions.ts')
  const withPeriod = (command: Command) =>
    command
      .option('--from <date>', 'first day, as 2026-01-31 or a full time (default: the beginning)')
      .option('--to <date>', 'first day after it (default: now)')
      .option('--csv', 'print CSV instead of a table')
  withPeriod(
    statement
      .command('lender')
      .description('deposits, shares, requests and claims of an account in a facility')
      .argument('<pool>', 'its address')
      .argument('[account]', 'wallet or address (default: the wallet)'),
  ).action(async (pool: string, account: string | undefined, _: unknown, command: Command) =>
    (await actions()).lender({ pool, account }, command.optsWithGlobals<StatementFlags>()),
  )
  withPeriod(
    statement
      .command('underwriter')
      .description(
        'stakes put in, locked, released and lost, premiums and bounties of an account in a facility',
      )
      .argument('<pool>', 'its address')
      .argument('[account]', 'wallet or address (default: the wallet)'),
  ).action(async (pool: string, account: string | undefined, _: unknown, command: Command) =>
    (await actions()).underwriter({ pool, account }, command.optsWithGlobals<StatementFlags>()),
  )
  withPeriod(
    statement
      .command('borrower')
      .description('all loans of an account in a facility, read from the chain alone')
      .argument('<pool>', 'its address')
      .argument('[account]', 'wallet or address (default: the wallet)'),
  ).action(async (pool: string, account: string | undefined, _: unknown, command: Command) =>
    (await actions()).borrower({ pool, account }, command.optsWithGlobals<StatementFlags>()),
  )
  withPeriod(
    statement
      .command('loan')
      .description('draws, interest, repayments and losses of a loan')
      .argument('<file>', 'what `loan apply` wrote'),
  ).action(async (file: string, _: unknown, command: Command) =>
    (await actions()).loan(file, command.optsWithGlobals<StatementFlags>()),
  )
  withPeriod(
    statement
      .command('asset')
      .description('payments into the till of an asset, and who got what of them')
      .argument('<asset>', 'its id'),
  ).action(async (id: string, _: unknown, command: Command) =>
    (await actions()).asset(id, command.optsWithGlobals<StatementFlags>()),
  )
}

function registerAuction(program: Command): void {
  const auction = program
    .command('auction')
    .description('assets of loans in default, with what they earn; the price falls until someone takes them')
  const actions = () => import('./auctionActions.ts')
  auction
    .command('list')
    .description('lots of all pools, and what they cost now')
    .action(async (_: unknown, command: Command) =>
      (await actions()).listLots(command.optsWithGlobals<GlobalFlags>()),
    )
  auction
    .command('show')
    .description('how the price of a lot falls')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).showLot(id, command.optsWithGlobals<GlobalFlags>()),
    )
  auction
    .command('take')
    .description('buy a lot at what it costs now, from the till account or the wallet')
    .argument('<asset>', 'its id')
    .requiredOption('--max <amount>', 'most to pay, in whole units')
    .option('--to <wallet-or-address>', 'who gets the asset (default: the wallet)')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).take(id, command.optsWithGlobals<TakeFlags>()),
    )
  auction
    .command('restart')
    .description('start a lot again that nobody took; anyone may')
    .argument('<asset>', 'its id')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).restart(id, command.optsWithGlobals<GlobalFlags>()),
    )
}
