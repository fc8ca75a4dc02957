import {
  type AgentChange,
  type AnnouncedAgentChange,
  announceAgentChange,
  applyAgentChange,
  forbidForAgent,
  getAgentWallet,
  listAgentChanges,
  vetoAgentChange,
} from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { readAgentFile, walletOf, writeAgentFile } from '../agents/agentFiles.ts'
import { describeCounterparty, type ListFlags, readLists } from '../agents/counterparties.ts'
import { ChangeAmbiguousError, ChangeMissingError, PolicyWaitsError } from '../agents/errors.ts'
import { describePolicy } from '../agents/policyFlags.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { chainTime, lineOf } from './agentActions.ts'
import type { GlobalFlags } from './flags.ts'
import { transact } from './transact.ts'

/** Lists what was announced and waits, from the chain. */
export async function listChanges(name: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const [changes, now] = await Promise.all([
    listAgentChanges(connection.client, { wallet: walletOf(file) }),
    chainTime(connection),
  ])
  createOutput(flags.json === true).result(
    { name, account: file.account, changes },
    changes.length === 0
      ? `Nothing is announced for '${name}'.`
      : changes.map((change) => describeChange(change, { connection, name, now })).join('\n\n'),
  )
}

/** Takes back what was announced; as the owner or the guardian. */
export async function vetoChange(
  name: string,
  prefix: string | undefined,
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const { hash, change } = await findChange(connection, name, prefix)
  await transact(flags, {
    send: (_, sender) => vetoAgentChange(sender.client, { wallet: walletOf(file), change: hash }),
    describe: () => {
      if (change?.type === 'policy') writeAgentFile(connection.paths, name, { ...file, announced: null })
      return {
        value: { name, account: file.account, change: hash, state: 'vetoed' },
        text: `Change ${hash.slice(0, 14)} of '${name}' is vetoed: it cannot be made any more.`,
      }
    },
  })
}

/** Makes what was announced, of whichever kind, once its time has come; as the owner. */
export async function applyChange(
  name: string,
  prefix: string | undefined,
  flags: GlobalFlags,
): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const found = await findChange(connection, name, prefix)
  const { hash, change, readyAt } = found
  if (change === null) throw new ChangeMissingError({ agent: name, prefix: prefix ?? hash })
  const now = await chainTime(connection)
  if (now < readyAt) throw new PolicyWaitsError({ agent: name, readyAt, now })
  await transact(flags, {
    send: (_, sender) => applyAgentChange(sender.client, { wallet: walletOf(file), change }),
    describe: () => {
      if (change.type === 'policy') writeAgentFile(connection.paths, name, { ...file, announced: null })
      return {
        value: { name, account: file.account, change: hash, state: 'in force' },
        text: `In force now:\n${describeWhat(change, connection)}`,
      }
    },
  })
}

/** Announces that counterparties or services come onto the lists; as the owner. */
export async function allowOnLists(name: string, flags: GlobalFlags & ListFlags): Promise<void> {
  const lists = readLists(flags)
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const { wallet, ...line } = lineOf(file, connection)
  const change: AgentChange = { type: 'allow', ...line, ...lists }
  const { delay } = await getAgentWallet(connection.client, wallet)
  await transact(flags, {
    send: (_, sender) => announceAgentChange(sender.client, { wallet, change }),
    describe: () => ({
      value: { name, ...lists, state: 'announced', delay },
      text: `Announced, to be applied in ${formatDuration(delay)} with \`millrace agent apply ${name}\`:\n${describeWhat(change, connection)}`,
    }),
  })
}

/** Takes counterparties or services off the lists, at once; as the owner. */
export async function forbidOnLists(name: string, flags: GlobalFlags & ListFlags): Promise<void> {
  const lists = readLists(flags)
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  await transact(flags, {
    send: (_, sender) => forbidForAgent(sender.client, { ...lineOf(file, connection), ...lists }),
    describe: () => ({
      value: { name, ...lists, state: 'forbidden' },
      text: `No longer on the lists of '${name}':\n${listLines(lists).join('\n')}`,
    }),
  })
}

async function findChange(
  connection: Connection,
  name: string,
  prefix: string | undefined,
): Promise<AnnouncedAgentChange> {
  const file = readAgentFile(connection, name)
  const all = await listAgentChanges(connection.client, { wallet: walletOf(file) })
  const found = prefix === undefined ? all : all.filter(({ hash }) => hash.startsWith(prefix.toLowerCase()))
  const [one] = found
  if (one === undefined) throw new ChangeMissingError({ agent: name, prefix: prefix ?? null })
  if (found.length > 1) throw new ChangeAmbiguousError({ agent: name, found: found.map(({ hash }) => hash) })
  return one
}

function describeChange(
  { hash, change, readyAt, until }: AnnouncedAgentChange,
  { connection, name, now }: { readonly connection: Connection; readonly name: string; readonly now: number },
): string {
  const when =
    now < readyAt
      ? `can be made in ${formatDuration(readyAt - now)}`
      : `can be made now, until ${new Date(until * 1000).toISOString()}`
  return [
    `Change ${hash} ${when}`,
    change === null ? 'A call that does nothing when its time comes.' : describeWhat(change, connection),
    `To veto it: millrace agent veto ${name} ${hash.slice(0, 14)}`,
  ].join('\n')
}

function describeWhat(change: AgentChange, { currency }: Connection): string {
  switch (change.type) {
    case 'policy':
      return `New policy of ${change.agent}:\n${describePolicy(change.policy, currency)}`
    case 'allow':
      return `New on the lists of ${change.agent}:\n${listLines(change).join('\n')}`
    case 'guardian':
      return `Guardian        ${change.guardian === zeroAddress ? 'none' : change.guardian}`
    case 'delay':
      return `To loosen       takes ${formatDuration(change.delay)}`
    default:
      return change satisfies never
  }
}

const listLines = ({ counterparties, services }: ReturnType<typeof readLists>) => [
  ...counterparties.map((each) => `Counterparty    ${describeCounterparty(each)}`),
  ...services.map((each) => `Service         ${each}`),
]
