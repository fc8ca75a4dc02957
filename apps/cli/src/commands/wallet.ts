import type { Command } from 'commander'
import type { GlobalFlags } from './flags.ts'

/** `wallet …`: keys and money of this home. */
export function registerWalletCommands(program: Command): void {
  const wallet = program.command('wallet').description('keys and money')
  const actions = () => import('./walletActions.ts')
  wallet
    .command('new')
    .description('make an encrypted wallet')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) =>
      (await actions()).newWallet(name, command.optsWithGlobals<GlobalFlags>()),
    )
  wallet
    .command('import')
    .description('take over a key: from a keystore file, or typed in or piped to stdin')
    .argument('<name>')
    .option('--keystore <file>', 'a version 3 keystore, as Foundry and geth write it')
    .action(async (name: string, _: unknown, command: Command) =>
      (await actions()).importWallet(name, command.optsWithGlobals<GlobalFlags & { keystore?: string }>()),
    )
  wallet
    .command('show')
    .alias('list')
    .description('list wallets and their addresses')
    .argument('[name]')
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await actions()).showWallets(name, command.optsWithGlobals<GlobalFlags>()),
    )
  wallet
    .command('balance')
    .description('show what an account has: in the till, in the wallet, and coins for transactions')
    .argument('[name-or-address]', 'default: the wallet that would sign')
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await actions()).showBalance(name, command.optsWithGlobals<GlobalFlags>()),
    )
  wallet
    .command('deposit')
    .description('move money from the wallet into its till account')
    .argument('<amount>', 'in whole units')
    .action(async (amount: string, _: unknown, command: Command) =>
      (await actions()).depositAmount(amount, command.optsWithGlobals<GlobalFlags>()),
    )
  wallet
    .command('withdraw')
    .description('move money from the till account to a wallet')
    .argument('<amount>', 'in whole units, or `all`')
    .option('--to <address>', 'default: the own wallet')
    .action(async (amount: string, _: unknown, command: Command) =>
      (await actions()).withdrawAmount(amount, command.optsWithGlobals<GlobalFlags & { to?: string }>()),
    )
  wallet
    .command('approve')
    .description('let the market lock deposits of the till account, or no longer')
    .option('--revoke', 'no longer')
    .action(async (_: unknown, command: Command) =>
      (await actions()).approveMarket(command.optsWithGlobals<GlobalFlags & { revoke?: boolean }>()),
    )
  wallet
    .command('faucet')
    .description('get test money and coins; local network only')
    .argument('[amount]', 'test dollars', '1000')
    .option('--to <address>', 'default: the wallet that would sign')
    .action(async (amount: string, _: unknown, command: Command) =>
      (await actions()).takeFromFaucet(amount, command.optsWithGlobals<GlobalFlags & { to?: string }>()),
    )
}
