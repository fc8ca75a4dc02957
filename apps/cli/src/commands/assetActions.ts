import { readFileSync } from 'node:fs'
import {
  type Asset,
  assetKinds,
  getAsset,
  hashCanonical,
  listAssets,
  registerAsset,
  registeredAsset,
  setDevice,
  setOperator,
  setSpec,
  transferAsset,
} from '@millrace/sdk'
import { isAddressEqual, zeroAddress } from 'viem'
import { type Connection, connect } from '../connection/connect.ts'
import { walletName } from '../connection/openAccount.ts'
import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { UsageError } from '../errors/input.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { listWallets } from '../wallets/wallets.ts'
import type { GlobalFlags } from './flags.ts'
import { readAssetId, transact } from './transact.ts'
import { readAddress } from './walletActions.ts'

export interface RegisterFlags extends GlobalFlags {
  readonly kind: string
  readonly spec: string
  readonly uri: string
  readonly owner?: string
  readonly operator?: string
  readonly device?: string
  readonly currency?: string
}

/** No asset has this id. */
export class AssetMissingError extends CliError {
  override readonly name = 'AssetMissingError'
  static readonly code = 'ASSET_MISSING'
  constructor(options: { asset: bigint; network: string }) {
    super({
      code: AssetMissingError.code,
      message: `There is no asset ${options.asset} on network '${options.network}'.`,
      remedy: '`millrace asset list` shows them.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/**
 * Reads an asset of a connection's network.
 *
 * @throws AssetMissingError, UsageError
 */
export async function findAsset(connection: Connection, id: string): Promise<Asset> {
  const asset = readAssetId(id)
  const { client, deployment, network } = connection
  const found = await getAsset(client, { deployment, asset })
  if (found === null) throw new AssetMissingError({ asset, network })
  return found
}

export async function listAllAssets(flags: GlobalFlags & { mine?: boolean; limit: number }): Promise<void> {
  const connection = await connect(flags)
  const { client, deployment, paths } = connection
  const all = await listAssets(client, { deployment, limit: flags.limit })
  const name = flags.mine === true ? walletName(connection, flags) : null
  const own = listWallets(paths).find((wallet) => wallet.name === name)?.address
  const assets =
    own === undefined
      ? all
      : all.filter(({ owner, operator }) => isAddressEqual(owner, own) || isAddressEqual(operator, own))
  const table = formatTable(
    [
      { head: 'ASSET', of: ({ id }) => String(id), align: 'right' },
      { head: 'KIND', of: ({ kind }) => kind },
      { head: 'OWNER', of: ({ owner }) => owner },
      { head: 'OPERATOR', of: ({ operator }) => operator },
      { head: 'DEVICE', of: ({ device }) => (device === zeroAddress ? '-' : device) },
    ],
    assets,
  )
  createOutput(flags.json === true).result({ assets }, assets.length === 0 ? 'There are no assets.' : table)
}

export async function showAsset(id: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, id)
  const currency = await connection.currencyOf(asset.currency)
  createOutput(flags.json === true).result(
    { ...asset, symbol: currency.symbol },
    [
      `Asset ${asset.id}, a ${asset.kind}`,
      `  owner     ${asset.owner}`,
      `  operator  ${asset.operator}`,
      `  device    ${asset.device === zeroAddress ? 'none' : asset.device}`,
      `  paid in   ${currency.symbol} (${asset.currency})`,
      `  spec      ${asset.spec}`,
      `  uri       ${asset.uri === '' ? 'none' : asset.uri}`,
      `Its money: millrace till show ${asset.id}`,
    ].join('\n'),
  )
}

export async function registerNewAsset(flags: RegisterFlags): Promise<void> {
  const kind = assetKinds.find((known) => known === flags.kind)
  if (kind === undefined)
    throw new UsageError({
      message: `'${flags.kind}' is no kind of asset.`,
      remedy: `Kinds: ${assetKinds.join(', ')}.`,
    })
  const spec = hashCanonical(readJsonFile(flags.spec))
  await transact(flags, {
    send: ({ deployment, currency }, { client, account }) =>
      registerAsset(client, {
        deployment,
        kind,
        spec,
        uri: flags.uri,
        owner: flags.owner === undefined ? account.address : readAddress(flags.owner),
        operator: flags.operator === undefined ? account.address : readAddress(flags.operator),
        device: flags.device === undefined ? zeroAddress : readAddress(flags.device),
        currency: flags.currency === undefined ? currency.address : readAddress(flags.currency),
      }),
    describe: (receipt) => {
      const asset = registeredAsset(receipt)
      return { value: { asset, kind, spec }, text: `Asset ${asset} is registered, a ${kind}.` }
    },
  })
}

export async function transferTo(of: { id: string; to: string }, flags: GlobalFlags): Promise<void> {
  const [asset, to] = [readAssetId(of.id), readAddress(of.to)]
  await transact(flags, {
    send: ({ deployment }, { client }) => transferAsset(client, { deployment, asset, to }),
    describe: () => ({
      value: { asset, owner: to },
      text: `Asset ${asset} belongs to ${to}; what it earned before stays yours.`,
    }),
  })
}

export async function nameOperator(of: { id: string; operator: string }, flags: GlobalFlags): Promise<void> {
  const [asset, operator] = [readAssetId(of.id), readAddress(of.operator)]
  await transact(flags, {
    send: ({ deployment }, { client }) => setOperator(client, { deployment, asset, operator }),
    describe: () => ({ value: { asset, operator }, text: `Asset ${asset} is run by ${operator}.` }),
  })
}

export async function nameDevice(of: { id: string; device: string }, flags: GlobalFlags): Promise<void> {
  const [asset, device] = [readAssetId(of.id), readAddress(of.device)]
  await transact(flags, {
    send: ({ deployment }, { client }) => setDevice(client, { deployment, asset, device }),
    describe: () => ({
      value: { asset, device },
      text: `The machine of asset ${asset} has the key ${device}.`,
    }),
  })
}

export async function replaceSpec(
  of: { id: string; file: string },
  flags: GlobalFlags & { uri: string },
): Promise<void> {
  const asset = readAssetId(of.id)
  const spec = hashCanonical(readJsonFile(of.file))
  await transact(flags, {
    send: ({ deployment }, { client }) => setSpec(client, { deployment, asset, spec, uri: flags.uri }),
    describe: () => ({ value: { asset, spec }, text: `Asset ${asset} has the description ${spec}.` }),
  })
}

export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new UsageError({
      message: `'${path}' is not a JSON file: ${(cause as Error).message}.`,
      remedy: 'Give the path of a JSON file.',
    })
  }
}
