import {
  gatewayClient,
  getTill,
  parse,
  payAsset,
  pullRoyalties,
  setRunningCosts,
  settleTill,
  setUpstream,
  signatureSchema,
  signUpstreamConsent,
  type Upstream,
} from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { z } from 'zod'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { findAsset, readJsonFile } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { readAssetId, transact } from './transact.ts'

export interface UpstreamFlags extends GlobalFlags {
  readonly parts: string
  readonly nonce: string
  readonly valid: number
  readonly consent?: readonly string[]
}

const layers = ['fee', 'upstream', 'costs', 'debt', 'shares', 'owner'] as const
const layerNames = {
  fee: 'fee',
  upstream: 'upstream royalties',
  costs: 'running costs',
  debt: 'debt',
  shares: 'shares',
  owner: 'owner',
} as const

/** An asset's money: from the chain what stands there now, from a gateway's index what was paid so far. */
export async function showTill(id: string, flags: GlobalFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const connection = await connect(flags)
  const { client, deployment, gateways } = connection
  const asset = await findAsset(connection, id)
  const currency = await connection.currencyOf(asset.currency)
  const till = await getTill(client, { deployment, asset: asset.id })
  const [gateway] = gateways
  const index =
    gateway === undefined
      ? null
      : await gatewayClient(gateway)
          .getTill(asset.id)
          .catch((error: unknown) => {
            output.note(
              `The gateway's index does not answer: ${error instanceof Error ? error.message : String(error)}`,
            )
            return null
          })
  const amount = (value: bigint) => formatAmount(value, currency)
  const { terms, bucket } = till
  const paid =
    index === null
      ? 'What each layer was paid so far is known to a gateway, and none answers.'
      : formatTable(
          [
            { head: 'LAYER', of: (layer: (typeof layers)[number]) => layerNames[layer] },
            { head: 'PAID SO FAR', of: (layer) => amount(index.paid[layer]), align: 'right' },
          ],
          layers,
        )
  const parts = terms.upstream.map((part) => `${part.asset}: ${part.bps / 100} %`).join(', ')
  output.result(
    {
      asset: asset.id,
      currency: currency.symbol,
      decimals: currency.decimals,
      revenue: index?.revenue ?? null,
      paid: index?.paid ?? null,
      ...till,
    },
    [
      `Till of asset ${asset.id}, a ${asset.kind}, in ${currency.symbol}`,
      ...(index === null ? [] : [`Revenue so far ${amount(index.revenue)}`]),
      paid,
      `Collected and not split yet: ${amount(bucket.amount)}${bucket.epoch < till.currentEpoch && bucket.amount > 0n ? ` (epoch over: millrace till settle ${asset.id})` : ''}`,
      ...(till.royalties > 0n
        ? [`Royalties to pull: ${amount(till.royalties)} (millrace till royalties ${asset.id})`]
        : []),
      ...(till.held > 0n ? [`Held for the debt module's answer: ${amount(till.held)}`] : []),
      ...(terms.costsPerDay > 0n
        ? [
            `Running costs ${amount(terms.costsPerDay)} a day, ${amount(till.costsOwed)} owed, at most ${amount(terms.costsCap)}`,
          ]
        : []),
      ...(parts === '' ? [] : [`Upstream: ${parts}`]),
      ...(terms.shares === zeroAddress ? [] : [`Shares: ${terms.sharesBps / 100} % to ${terms.shares}`]),
      ...(terms.debt === zeroAddress ? [] : [`Debt: ${terms.debt}`]),
    ].join('\n'),
  )
}

export async function payRevenue(of: { id: string; amount: string }, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, of.id)
  const currency = await connection.currencyOf(asset.currency)
  const amount = parseAmount(of.amount, currency)
  await transact(flags, {
    async send(_, sender) {
      await depositShortfall(connection, { buyer: sender, currency, needed: amount })
      return payAsset(sender.client, { deployment: connection.deployment, asset: asset.id, amount })
    },
    describe: () => ({
      value: { asset: asset.id, amount },
      text: `Paid ${formatAmount(amount, currency)} to asset ${asset.id}.`,
    }),
  })
}

export async function settleNow(id: string, flags: GlobalFlags): Promise<void> {
  const asset = readAssetId(id)
  await transact(flags, {
    send: ({ deployment }, { client }) => settleTill(client, { deployment, asset }),
    describe: () => ({
      value: { asset },
      text: `The till of asset ${asset} is settled: millrace till show ${asset}`,
    }),
  })
}

export async function pullNow(id: string, flags: GlobalFlags): Promise<void> {
  const asset = readAssetId(id)
  await transact(flags, {
    send: ({ deployment }, { client }) => pullRoyalties(client, { deployment, asset }),
    describe: () => ({ value: { asset }, text: `Royalties of asset ${asset} are in its revenue.` }),
  })
}

export async function setCosts(
  of: { id: string; perDay: string; cap: string },
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const asset = await findAsset(connection, of.id)
  const currency = await connection.currencyOf(asset.currency)
  const [perDay, cap] = [parseAmount(of.perDay, currency), parseAmount(of.cap, currency)]
  await transact(flags, {
    send: ({ deployment }, { client }) =>
      setRunningCosts(client, { deployment, asset: asset.id, perDay, cap }),
    describe: () => ({
      value: { asset: asset.id, perDay, cap },
      text: `Asset ${asset.id} owes its operator ${formatAmount(perDay, currency)} a day, arrears at most ${formatAmount(cap, currency)}.`,
    }),
  })
}

const consentSchema = z.object({
  deadline: z.int().nonnegative(),
  nonce: z
    .string()
    .regex(/^\d+$/)
    .transform((text) => BigInt(text)),
  signature: signatureSchema,
})

export async function consent(id: string, flags: UpstreamFlags): Promise<void> {
  const asset = readAssetId(id)
  const upstream = readParts(flags.parts)
  const connection = await connect(flags)
  const signer = await openAccount(connection, flags)
  if (!/^\d+$/.test(flags.nonce) || !(flags.valid > 0))
    throw new UsageError({
      message: '--nonce and --valid are whole numbers.',
      remedy: 'Such as --nonce 0 --valid 7.',
    })
  const deadline = Math.floor(Date.now() / 1000 + flags.valid * 86_400)
  const { chainId, till } = connection.deployment
  const signed = await signUpstreamConsent(
    signer.account,
    { asset, upstream, deadline, nonce: BigInt(flags.nonce) },
    { chainId, till },
  )
  // For a file that the other owner gives to `set`, in either mode.
  const { signature, nonce } = signed
  createOutput(true).result({ deadline, nonce, signature }, '')
}

export async function nameUpstream(id: string, flags: UpstreamFlags): Promise<void> {
  const asset = readAssetId(id)
  const upstream = readParts(flags.parts)
  const consents = (flags.consent ?? []).map((file) =>
    parse(consentSchema, readJsonFile(file), `consent '${file}'`),
  )
  await transact(flags, {
    send: ({ deployment }, { client }) => setUpstream(client, { deployment, asset, upstream, consents }),
    describe: () => ({
      value: { asset, upstream },
      text:
        upstream.length === 0
          ? `Asset ${asset} is built from no other.`
          : `Asset ${asset} pays ${upstream.map((part) => `${part.bps / 100} % to asset ${part.asset}`).join(', ')}.`,
    }),
  })
}

/** Reads `2:500,3:100` in ascending order of the assets. */
function readParts(text: string): readonly Upstream[] {
  if (text.trim() === '') return []
  const parts = text.split(',').map((part) => {
    const match = /^\s*(\d+):(\d{1,5})\s*$/.exec(part)
    if (match === null || Number(match[2]) > 10_000)
      throw new UsageError({
        message: `'${part}' is not a part.`,
        remedy: 'Write asset:basis points, such as 2:500 for 5 % to asset 2.',
      })
    return { asset: BigInt(match[1] ?? 0), bps: Number(match[2]) }
  })
  return parts.sort((a, b) => (a.asset < b.asset ? -1 : 1))
}
