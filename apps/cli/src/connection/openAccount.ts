import { existsSync, readFileSync } from 'node:fs'
import type { WriteClient } from '@millrace/sdk'
import type { Address } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import type { GlobalFlags } from '../commands/flags.ts'
import { UsageError } from '../errors/input.ts'
import { readCliConfig } from '../home/cliConfig.ts'
import { demoWallet } from '../network/prepareNetwork.ts'
import { nodeFiles } from '../node/nodeFiles.ts'
import { PassphraseMissingError } from '../wallets/errors.ts'
import { keystoreAddress, listWallets, openKeystoreFile, openWallet } from '../wallets/wallets.ts'
import type { Connection } from './connect.ts'

/** A wallet that is open, with a client that signs with it. */
export interface OpenAccount {
  readonly wallet: string
  readonly account: PrivateKeyAccount
  readonly client: WriteClient
}

/**
 * Opens the wallet that the flags or the settings name; on the local network the demo wallet if neither does.
 *
 * @throws WalletMissingError, WalletLocalOnlyError, PassphraseMissingError, PassphraseWrongError, UsageError
 */
export async function openAccount(connection: Connection, flags: GlobalFlags): Promise<OpenAccount> {
  const wallet = walletName(connection, flags)
  if (isNodeOperator(connection, wallet)) return openNodeOperator(connection, flags)
  const account = await openWallet(connection.paths, {
    name: wallet,
    place: { chainId: connection.deployment.chainId, isLocal: connection.isLocal },
    askPassphrase: (name) => findPassphrase(name, flags),
  })
  return { wallet, account, client: connection.signAs(account) }
}

/** `operator` names the key of this home's node, unless there is a wallet of that name. */
export const operatorWallet = 'operator'

const isNodeOperator = ({ paths }: Pick<Connection, 'paths'>, wallet: string) =>
  wallet === operatorWallet &&
  !listWallets(paths).some(({ name }) => name === wallet) &&
  existsSync(nodeFiles(paths.home).operatorKey)

/** The address of this home's node operator, or `null` if there is no node or its keystore does not say. */
export function nodeOperatorAddress(connection: Pick<Connection, 'paths'>): Address | null {
  if (!isNodeOperator(connection, operatorWallet)) return null
  const { operatorKey } = nodeFiles(connection.paths.home)
  return keystoreAddress(operatorKey)
}

async function openNodeOperator(connection: Connection, flags: GlobalFlags): Promise<OpenAccount> {
  const { operatorKey, passphrase } = nodeFiles(connection.paths.home)
  const found = existsSync(passphrase)
    ? readPassphraseFile(passphrase)
    : await findPassphrase(operatorWallet, flags)
  const account = openKeystoreFile(operatorKey, { wallet: operatorWallet, passphrase: found })
  return { wallet: operatorWallet, account, client: connection.signAs(account) }
}

/** Name of the wallet that the flags or the settings choose. */
export function walletName(connection: Pick<Connection, 'paths' | 'isLocal'>, flags: GlobalFlags): string {
  const chosen = flags.wallet ?? process.env.MILLRACE_WALLET ?? readCliConfig(connection.paths).wallet
  if (chosen !== undefined) return chosen
  if (connection.isLocal) return demoWallet
  const encrypted = listWallets(connection.paths).filter((wallet) => wallet.encrypted)
  const [only] = encrypted
  if (only !== undefined && encrypted.length === 1) return only.name
  throw new UsageError({
    message:
      encrypted.length === 0 ? 'There is no wallet yet.' : 'There are several wallets and none was chosen.',
    remedy:
      encrypted.length === 0
        ? 'Make one with `millrace wallet new <name>`.'
        : `Choose one with \`--wallet <name>\`: ${encrypted.map(({ name }) => name).join(', ')}.`,
  })
}

/** The passphrase from a file, the environment, or the person at the terminal. */
export async function findPassphrase(wallet: string, flags: GlobalFlags): Promise<string> {
  if (flags.passphraseFile !== undefined) return readPassphraseFile(flags.passphraseFile)
  if (process.env.MILLRACE_PASSPHRASE !== undefined) return process.env.MILLRACE_PASSPHRASE
  if (process.stdin.isTTY !== true || flags.json === true) throw new PassphraseMissingError({ wallet })
  const { askPassphrase } = await import('../output/ask.ts')
  return askPassphrase(`Passphrase of wallet '${wallet}'`)
}

export function readPassphraseFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new UsageError({
      message: `The passphrase file '${path}' cannot be read: ${(cause as Error).message}.`,
    })
  }
}
