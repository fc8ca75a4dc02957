import { text } from 'node:stream/consumers'
import { approveModule, confirm, getBalance, withdrawFromTill } from '@millrace/sdk'
import { type Address, formatEther, getAddress, isAddress } from 'viem'
import { getBalance as getCoins } from 'viem/actions'
import { connect } from '../connection/connect.ts'
import {
  findPassphrase,
  nodeOperatorAddress,
  openAccount,
  operatorWallet,
  readPassphraseFile,
  walletName,
} from '../connection/openAccount.ts'
import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { UsageError } from '../errors/input.ts'
import { homePaths } from '../home/homePaths.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { readNetworkState } from '../network/networkState.ts'
import { openFaucet } from '../network/prepareNetwork.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { WalletMissingError } from '../wallets/errors.ts'
import {
  createWallet,
  isWalletName,
  listWallets,
  readKeystoreFile,
  refuseTakenName,
} from '../wallets/wallets.ts'
import type { GlobalFlags } from './flags.ts'

/** The faucet exists on local networks only. */
export class FaucetUnavailableError extends CliError {
  override readonly name = 'FaucetUnavailableError'
  static readonly code = 'FAUCET_UNAVAILABLE'
  constructor(options: { network: string }) {
    super({
      code: FaucetUnavailableError.code,
      message: `There is no faucet on network '${options.network}'.`,
      remedy: 'Test money exists on the local network only: leave out `--network`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

export async function newWallet(name: string, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const paths = homePaths()
  checkName(name)
  refuseTakenName(paths, name)
  const wallet = createWallet(paths, { name, protection: { passphrase: await newPassphrase(name, flags) } })
  output.result(
    wallet,
    `Wallet '${name}' is ${wallet.address}.\nKeep a copy of ${wallet.path} and of its passphrase: without both its money is lost.`,
  )
}

export async function importWallet(name: string, flags: GlobalFlags & { keystore?: string }): Promise<void> {
  const output = createOutput(flags.json === true)
  const paths = homePaths()
  checkName(name)
  refuseTakenName(paths, name)
  const passphrase = await newPassphrase(name, flags)
  const privateKey =
    flags.keystore === undefined
      ? await readKey()
      : readKeystoreFile(flags.keystore, { wallet: name, passphrase })
  const wallet = createWallet(paths, { name, privateKey, protection: { passphrase } })
  output.result(wallet, `Wallet '${name}' is ${wallet.address}.`)
}

async function readKey(): Promise<string> {
  if (process.stdin.isTTY !== true) return (await text(process.stdin)).trim()
  const { askPassphrase } = await import('../output/ask.ts')
  return (await askPassphrase('Private key')).trim()
}

export async function showWallets(name: string | undefined, flags: GlobalFlags): Promise<void> {
  const paths = homePaths()
  const all = listWallets(paths)
  const wallets = name === undefined ? all : all.filter((wallet) => wallet.name === name)
  if (name !== undefined && wallets.length === 0)
    throw new WalletMissingError({ wallet: name, known: all.map((wallet) => wallet.name) })
  const table = formatTable(
    [
      { head: 'NAME', of: (wallet) => wallet.name },
      { head: 'ADDRESS', of: (wallet) => wallet.address },
      {
        head: 'KEY',
        of: (wallet) =>
          wallet.encrypted ? 'encrypted' : `unencrypted, for local chain ${wallet.localChain} only`,
      },
      { head: 'FILE', of: (wallet) => wallet.path },
    ],
    wallets,
  )
  createOutput(flags.json === true).result(
    { wallets },
    wallets.length === 0 ? 'There is no wallet yet: millrace wallet new <name>' : table,
  )
}

export async function showBalance(name: string | undefined, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const account = addressOf(name ?? walletName(connection, flags))
  const { deployment, client } = connection
  const [coins, balances] = await Promise.all([
    getCoins(client, { address: account }),
    Promise.all(
      deployment.currencies.map(async (currency) => ({
        currency,
        ...(await getBalance(client, { deployment, account, currency: currency.address })),
      })),
    ),
  ])
  const table = formatTable(
    [
      { head: 'CURRENCY', of: ({ currency }) => currency.symbol },
      { head: 'IN THE TILL', of: ({ till, currency }) => formatAmount(till, currency), align: 'right' },
      { head: 'IN THE WALLET', of: ({ wallet, currency }) => formatAmount(wallet, currency), align: 'right' },
      {
        head: 'MARKET',
        of: ({ marketApproved }) => (marketApproved ? 'may lock deposits' : 'may not lock deposits'),
      },
    ],
    balances,
  )
  createOutput(flags.json === true).result(
    {
      account,
      coins,
      balances: balances.map(({ currency, till, wallet, marketApproved }) => ({
        currency: currency.address,
        symbol: currency.symbol,
        decimals: currency.decimals,
        till,
        wallet,
        marketApproved,
      })),
    },
    `${account}, ${formatEther(coins)} coins for transactions\n${table}`,
  )
}

export async function depositAmount(amount: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { currency, deployment, client } = connection
  const wanted = parseAmount(amount, currency)
  const buyer = await openAccount(connection, flags)
  const of = { deployment, account: buyer.account.address, currency: currency.address }
  const before = await getBalance(client, of)
  await depositShortfall(connection, { buyer, currency, needed: before.till + wanted })
  const { till } = await getBalance(client, of)
  createOutput(flags.json === true).result(
    { account: buyer.account.address, deposited: wanted, till },
    `Deposited ${formatAmount(wanted, currency)}; the till account holds ${formatAmount(till, currency)}.`,
  )
}

export async function withdrawAmount(amount: string, flags: GlobalFlags & { to?: string }): Promise<void> {
  const connection = await connect(flags)
  const { currency, deployment, client } = connection
  const buyer = await openAccount(connection, flags)
  const account = buyer.account.address
  const of = { deployment, account, currency: currency.address }
  const { till } = await getBalance(client, of)
  const wanted = amount === 'all' ? till : parseAmount(amount, currency)
  const to = flags.to === undefined ? account : readAddress(flags.to)
  const transaction = await withdrawFromTill(buyer.client, {
    deployment,
    currency: currency.address,
    to,
    amount: wanted,
  })
  await confirm(buyer.client, transaction)
  createOutput(flags.json === true).result(
    { account, to, withdrawn: wanted, till: till - wanted, transaction },
    `Withdrew ${formatAmount(wanted, currency)} to ${to}; the till account holds ${formatAmount(till - wanted, currency)}.`,
  )
}

export async function approveMarket(flags: GlobalFlags & { revoke?: boolean }): Promise<void> {
  const connection = await connect(flags)
  const buyer = await openAccount(connection, flags)
  const { deployment } = connection
  const approved = flags.revoke !== true
  const transaction = await approveModule(buyer.client, { deployment, module: deployment.market, approved })
  await confirm(buyer.client, transaction)
  createOutput(flags.json === true).result(
    { account: buyer.account.address, market: deployment.market, approved, transaction },
    approved
      ? 'The market may lock deposits of your till account.'
      : 'The market may no longer lock deposits; running leases go on.',
  )
}

export async function takeFromFaucet(amount: string, flags: GlobalFlags & { to?: string }): Promise<void> {
  const connection = await connect(flags)
  const { paths, currency, deployment } = connection
  const state = readNetworkState(paths.network)
  if (!connection.isLocal || state === null) throw new FaucetUnavailableError({ network: connection.network })
  const to = flags.to === undefined ? addressOf(walletName(connection, flags)) : readAddress(flags.to)
  const wanted = parseAmount(amount, currency)
  const faucet = openFaucet(paths, state)
  await faucet.ensureCoins(faucet.address)
  await faucet.ensureCoins(to)
  await faucet.giveDollars(deployment, to, wanted)
  createOutput(flags.json === true).result(
    { to, amount: wanted, currency: currency.address },
    `${to} got ${formatAmount(wanted, currency)} and has coins for transactions.`,
  )
}

/** The address of a wallet by name, or an address as it is. */
export function addressOf(name: string): Address {
  if (isAddress(name)) return getAddress(name)
  const all = listWallets(homePaths())
  const operator = name === operatorWallet ? nodeOperatorAddress({ paths: homePaths() }) : null
  if (operator !== null) return operator
  const wallet = all.find((candidate) => candidate.name === name)
  if (wallet === undefined)
    throw new WalletMissingError({ wallet: name, known: all.map((item) => item.name) })
  return wallet.address
}

export function readAddress(value: string): Address {
  if (isAddress(value)) return getAddress(value)
  throw new UsageError({ message: `'${value}' is not an address.`, remedy: 'Give 0x and 40 hex digits.' })
}

function checkName(name: string): void {
  if (!isWalletName(name))
    throw new UsageError({
      message: `'${name}' is no name for a wallet.`,
      remedy: 'Use letters, digits, dots, dashes and underscores, at most 64.',
    })
}

/** A new passphrase: from a file, the environment, or typed twice. */
async function newPassphrase(name: string, flags: GlobalFlags): Promise<string> {
  if (flags.passphraseFile !== undefined) return readPassphraseFile(flags.passphraseFile)
  const passphrase = await findPassphrase(name, flags)
  if (process.env.MILLRACE_PASSPHRASE !== undefined) return passphrase
  const { askPassphrase } = await import('../output/ask.ts')
  if ((await askPassphrase('The same again')) !== passphrase)
    throw new UsageError({ message: 'The two passphrases differ.', remedy: 'Try again.' })
  return passphrase
}
