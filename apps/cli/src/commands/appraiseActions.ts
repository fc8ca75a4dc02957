import {
  appraiseAsset,
  createdPanel,
  createPanel,
  getAppraisal,
  parse,
  publishCurve,
  publishedCurve,
  signAppraisal,
  signedAppraisalSchema,
  signedAppraisalToJson,
} from '@millrace/sdk'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { chainTime } from '../credit/chainTime.ts'
import { creditOf } from '../credit/creditOf.ts'
import { parseBps } from '../credit/parts.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { findAsset, readJsonFile } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { transact } from './transact.ts'
import { addressOf } from './walletActions.ts'

export interface PanelFlags extends GlobalFlags {
  readonly quorum: string
}
export interface ShowAppraisalFlags extends GlobalFlags {
  readonly panel: string
}
export interface AppraiseSignFlags extends ShowAppraisalFlags {
  readonly curve: string
  readonly valid: string
}

/**
 * Reads the number of a panel or curve.
 *
 * @throws UsageError
 */
export function readNumber(text: string, flag: string, most: number): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text)
  throw new UsageError({ message: `'${text}' is no number for ${flag}.`, remedy: `Give 0 to ${most}.` })
}

export async function publish(
  of: { readonly halfLife: string; readonly haircut: string },
  flags: GlobalFlags,
): Promise<void> {
  const curve = { halfLife: parseDuration(of.halfLife), haircutBps: parseBps(of.haircut, 'the haircut') }
  await transact(flags, {
    send: ({ deployment }, { client }) => publishCurve(client, { deployment, curve }),
    describe: (receipt) => {
      const id = publishedCurve(receipt)
      return {
        value: { curve: id, ...curve },
        text: `Curve ${id}: half of the value is lost in ${formatDuration(curve.halfLife)}, a sale brings ${curve.haircutBps / 100} % less.`,
      }
    },
  })
}

export async function makePanel(names: readonly string[], flags: PanelFlags): Promise<void> {
  const appraisers = names.map(addressOf)
  const quorum = readNumber(flags.quorum, '--quorum', 9)
  await transact(flags, {
    send: ({ deployment }, { client }) => createPanel(client, { deployment, appraisers, quorum }),
    describe: (receipt) => {
      const panel = createdPanel(receipt)
      return {
        value: { panel, appraisers, quorum },
        text: `Panel ${panel}: ${quorum} of ${appraisers.length} appraisers make an appraisal.`,
      }
    },
  })
}

export async function sign(
  of: { readonly id: string; readonly value: string },
  flags: AppraiseSignFlags,
): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, of.id)
  const value = parseAmount(of.value, await connection.currencyOf(asset.currency))
  await signValue(connection, flags, { asset: asset.id, value })
}

/** Signs an amount for a panel and prints it as JSON for `record`, in either mode. */
export async function signValue(
  connection: Connection,
  flags: AppraiseSignFlags,
  { asset, value }: { readonly asset: bigint; readonly value: bigint },
): Promise<void> {
  const signer = await openAccount(connection, flags)
  const asOf = await chainTime(connection)
  const appraisal = {
    panel: BigInt(readNumber(flags.panel, '--panel', 2 ** 32 - 1)),
    ...{ asset, value, asOf },
    expiry: asOf + parseDuration(flags.valid),
    curve: readNumber(flags.curve, '--curve', 2 ** 32 - 1),
  }
  const { chainId } = connection.deployment
  const { appraisals } = creditOf(connection)
  const signed = await signAppraisal(signer.account, appraisal, { chainId, appraisals })
  createOutput(true).result(signedAppraisalToJson(signed), '')
}

export async function record(files: readonly string[], flags: GlobalFlags): Promise<void> {
  const signed = files.map((file) => parse(signedAppraisalSchema, readJsonFile(file), `appraisal '${file}'`))
  const [first] = signed
  await transact(flags, {
    send: ({ deployment }, { client }) => appraiseAsset(client, { deployment, signed }),
    describe: () => ({
      value: { asset: first?.appraisal.asset, panel: first?.appraisal.panel, appraisals: signed.length },
      text: `The appraisal of asset ${first?.appraisal.asset} is recorded: millrace appraise show ${first?.appraisal.asset} --panel ${first?.appraisal.panel}`,
    }),
  })
}

export async function show(id: string, flags: ShowAppraisalFlags): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, id)
  const currency = await connection.currencyOf(asset.currency)
  const panel = BigInt(readNumber(flags.panel, '--panel', 2 ** 32 - 1))
  const { deployment, client } = connection
  const state = await getAppraisal(client, { deployment, panel, asset: asset.id })
  createOutput(flags.json === true).result(
    { asset: asset.id, panel, ...state },
    state.asOf === 0
      ? `Panel ${panel} has not appraised asset ${asset.id}.`
      : [
          `Asset ${asset.id} is worth ${formatAmount(state.value, currency)} by panel ${panel}${state.isFresh ? '' : ', which is out of date'}.`,
          `Appraised at ${formatAmount(state.appraised, currency)} at ${new Date(state.asOf * 1000).toISOString()}, on curve ${state.curve}, until ${new Date(state.expiry * 1000).toISOString()}.`,
        ].join('\n'),
  )
}
