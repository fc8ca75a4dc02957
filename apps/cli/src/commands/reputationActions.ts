import { writeFileSync } from 'node:fs'
import { confirm, readRegisteredAgent, registerAgent } from '@millrace/sdk'
import { findBatchChannels } from '../channels/findBatchChannels.ts'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { readCallReceipt, readReceiptText } from '../receipts/readCallReceipt.ts'
import { findAgent, requireRegistries } from '../reputation/findAgent.ts'
import { rateAgent } from '../reputation/rateAgent.ts'
import { formatValue, type Reputation, readReputation } from '../reputation/readReputation.ts'
import type { GlobalFlags } from './flags.ts'

export interface ReputationFlags extends GlobalFlags {
  readonly tag: string
  readonly asset?: readonly string[]
}

export interface RateFlags extends ReputationFlags {
  readonly receipt: string
  readonly endpoint?: string
  readonly uri?: string
  readonly out?: string
}

export async function registerAs(uri: string, flags: GlobalFlags): Promise<void> {
  if (!URL.canParse(uri)) throw new UsageError({ message: `'${uri}' is not an address of a file.` })
  const connection = await connect(flags)
  const registries = await requireRegistries(connection)
  const { client, account } = await openAccount(connection, flags)
  const transaction = await registerAgent(client, { registries, uri })
  const agent = readRegisteredAgent(await confirm(client, transaction), registries)
  createOutput(flags.json === true).result(
    { agent, owner: account.address, wallet: account.address, uri, transaction },
    `Agent ${agent} is registered, and paid at ${account.address}.`,
  )
}

export async function showReputation(agent: string, flags: ReputationFlags): Promise<void> {
  const { reputation, currency } = await load(agent, flags)
  const { identity, tag, weighed, payers, isPartial } = reputation
  const { agentId, owner, wallet, uri } = identity
  const paid = payers.reduce((sum, each) => sum + each.paid.amount, 0n)
  const heard =
    weighed === null
      ? `  ${tag}  nobody who paid said anything`
      : `  ${tag}  ${formatValue(weighed.value, 18)}, by ${weighed.voices} who paid ${formatAmount(weighed.weight, currency)}`
  createOutput(flags.json === true).result(
    {
      ...{ agent: agentId, owner, wallet, uri, tag, paid, payers: payers.length, isPartial },
      weighed: weighed === null ? null : { ...weighed, value: formatValue(weighed.value, 18) },
    },
    [
      `Agent ${agentId}, owned by ${owner}`,
      `  paid at  ${wallet ?? 'nowhere'}`,
      `  file     ${uri}`,
      `  paid     ${formatAmount(paid, currency)} by ${payers.length}${isPartial ? ', and more' : ''}`,
      heard,
    ].join('\n'),
  )
}

export async function listFeedback(agent: string, flags: ReputationFlags): Promise<void> {
  const { reputation, currency } = await load(agent, flags)
  const { identity, payers, tag } = reputation
  const rows = payers.flatMap(({ paid, feedback }) =>
    feedback
      .filter((each) => each.tag === tag)
      .map((each) => ({ ...each, payer: paid.payer, weight: paid.amount })),
  )
  const table = formatTable(
    [
      { head: 'PAYER', of: ({ payer }: (typeof rows)[0]) => payer },
      { head: 'PAID', of: ({ weight }) => formatAmount(weight, currency), align: 'right' },
      { head: 'SAID', of: ({ value, decimals }) => formatValue(value, decimals), align: 'right' },
      { head: '', of: ({ isRevoked }) => (isRevoked ? 'taken back' : '') },
    ],
    rows,
  )
  createOutput(flags.json === true).result(
    {
      ...{ agent: identity.agentId, tag },
      feedback: rows.map(({ value, decimals, ...row }) => ({ ...row, value: formatValue(value, decimals) })),
    },
    rows.length === 0 ? `Nobody who paid agent ${identity.agentId} said anything of '${tag}'.` : table,
  )
}

export async function rate(agent: string, value: string, flags: RateFlags): Promise<void> {
  const connection = await connect(flags)
  const registries = await requireRegistries(connection)
  const identity = await findAgent(connection, { registries, agent })
  const signed = readCallReceipt(flags.receipt, readReceiptText(flags.receipt))
  const client = await openAccount(connection, flags)
  const { tag, endpoint, uri } = flags
  const batch = (await findBatchChannels(connection)).filter(({ side }) => side === 'payer')
  const given = await rateAgent(connection, {
    ...{ registries, client, rating: { value, tag, endpoint, uri } },
    proof: { signed, identity, assets: readAssets(flags), batch },
  })
  const { transaction, file, hash } = given
  if (flags.out !== undefined) writeFileSync(flags.out, file)
  createOutput(flags.json === true).result(
    { agent: identity.agentId, tag, value, transaction, hash, file: JSON.parse(file) },
    `Agent ${identity.agentId} has ${value} for '${tag}' from ${client.account.address}, bound to what was paid.`,
  )
}

async function load(
  agent: string,
  flags: ReputationFlags,
): Promise<{ reputation: Reputation; currency: Awaited<ReturnType<typeof connect>>['currency'] }> {
  const connection = await connect(flags)
  const registries = await requireRegistries(connection)
  const identity = await findAgent(connection, { registries, agent })
  const reputation = await readReputation(connection, {
    ...{ registries, identity, assets: readAssets(flags), tag: flags.tag },
  })
  return { reputation, currency: connection.currency }
}

const readAssets = ({ asset = [] }: ReputationFlags): readonly bigint[] =>
  asset.map((text) => {
    if (/^\d{1,78}$/.test(text)) return BigInt(text)
    throw new UsageError({ message: `'${text}' is no id of an asset.` })
  })
