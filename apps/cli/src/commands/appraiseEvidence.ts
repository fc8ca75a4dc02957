import { gatewayClient, getTill, type RevenueEvidence } from '@millrace/sdk'
import { type Connection, connect } from '../connection/connect.ts'
import { NoGatewayError } from '../connection/errors.ts'
import { chainTime } from '../credit/chainTime.ts'
import { EvidenceMissingError } from '../credit/errors.ts'
import { outsideRevenue } from '../credit/outsideRevenue.ts'
import { formatBps } from '../credit/parts.ts'
import { UsageError } from '../errors/input.ts'
import { type Currency, formatAmount } from '../output/amounts.ts'
import { parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { readNumber, signValue } from './appraiseActions.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { addressOf } from './walletActions.ts'

export interface AppraiseEvidenceFlags extends GlobalFlags {
  readonly since: string
  readonly related?: readonly string[]
  readonly sign?: boolean
  readonly curve?: string
  readonly valid: string
}

/** What an evidence panel signs of an asset: the part of its trailing revenue that came from outside. Amounts in base units. */
interface Vouched {
  readonly asset: bigint
  readonly panel: number
  readonly trailingRevenue: bigint
  readonly amount: bigint
  readonly gateway: string
  readonly evidence: RevenueEvidence
}

/** Shows where an asset's revenue came from and how much of it can be vouched for; signs that for a panel if asked. */
export async function evidence(
  of: { readonly panel: string; readonly id: string },
  flags: AppraiseEvidenceFlags,
): Promise<void> {
  const connection = await connect(flags)
  const panel = readNumber(of.panel, 'the panel', 2 ** 32 - 2)
  const asset = await findAsset(connection, of.id)
  const currency = await connection.currencyOf(asset.currency)
  const found = await ask(connection, flags, asset.id)
  const { trailingRevenue } = await getTill(connection.client, {
    ...{ deployment: connection.deployment, asset: asset.id },
  })
  const amount = outsideRevenue(trailingRevenue, found.evidence)
  if (flags.sign !== true) {
    const vouched = { asset: asset.id, panel, trailingRevenue, amount, ...found }
    createOutput(flags.json === true).result({ ...vouched }, describe(vouched, currency))
    return
  }
  const { curve } = flags
  if (curve === undefined)
    throw new UsageError({
      message: 'Nothing says how what is signed depreciates.',
      remedy: 'Give `--curve <number>`; `millrace appraise curve <half-life> 0` publishes one.',
    })
  await signValue(connection, { ...flags, panel: of.panel, curve }, { asset: asset.id, value: amount })
}

async function ask(
  connection: Connection,
  flags: AppraiseEvidenceFlags,
  asset: bigint,
): Promise<{ readonly gateway: string; readonly evidence: RevenueEvidence }> {
  const [gateway] = connection.gateways
  if (gateway === undefined) throw new NoGatewayError({ network: connection.network })
  const from = Math.max(0, (await chainTime(connection)) - parseDuration(flags.since))
  const related = (flags.related ?? []).map(addressOf)
  const found = await gatewayClient(gateway).getEvidence(asset, {
    from,
    ...(related.length === 0 ? {} : { related }),
  })
  if (found === null) throw new EvidenceMissingError({ asset, gateway })
  return { gateway, evidence: found }
}

function describe({ asset, panel, trailingRevenue, amount, ...found }: Vouched, currency: Currency): string {
  const { revenue, adjusted, payments, signals, findings, indexedUntil } = found.evidence
  const share = revenue === 0n ? 0 : Number((adjusted * 10_000n) / revenue)
  const time = new Date(indexedUntil * 1000).toISOString()
  return [
    `Asset ${asset} earned ${formatAmount(revenue, currency)} in ${payments} payments of ${signals.payers} payers, by ${found.gateway} until ${time}.`,
    `${formatBps(share)} of that cannot have come from its owner or operator.`,
    ...findings.map(({ weight, sentence }) => `${weight}: ${sentence}`),
    `Of its trailing revenue of ${formatAmount(trailingRevenue, currency)}, ${formatAmount(amount, currency)} came from outside.`,
    `Sign that: millrace appraise evidence ${panel} ${asset} --sign --curve <number>`,
  ].join('\n')
}
