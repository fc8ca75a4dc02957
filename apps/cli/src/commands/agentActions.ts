import { randomBytes } from 'node:crypto'
import {
  type AgentPolicy,
  agentAccountAddress,
  agentChangeReadyAt,
  announceAgentPolicy,
  ChainUnreachableError,
  confirm,
  createAgentAccount,
  getAgentPolicy,
  getAgentWallet,
  hashAgentChange,
  hashChannel,
  pauseAgent,
  RevertError,
  setAgentPolicy,
  tightenAgentPolicy,
  transferInTill,
  unpauseAgent,
} from '@millrace/sdk'
import { bytesToHex, isAddress, zeroAddress } from 'viem'
import { getBlock } from 'viem/actions'
import {
  type AgentFile,
  readAgentFile,
  refuseTakenAgent,
  walletOf,
  writeAgentFile,
} from '../agents/agentFiles.ts'
import { type ListFlags, readLists } from '../agents/counterparties.ts'
import { AgentUnknownError, PolicyUnannouncedError, PolicyWaitsError } from '../agents/errors.ts'
import { findAgentMoney } from '../agents/findAgentMoney.ts'
import {
  changePolicy,
  describePolicy,
  isTighter,
  newPolicy,
  type PolicyFlags,
} from '../agents/policyFlags.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'
import { transact } from './transact.ts'
import { addressOf, readAddress } from './walletActions.ts'

export interface NewAgentFlags extends GlobalFlags, PolicyFlags, ListFlags {
  readonly agent: string
  readonly guardian?: string
  readonly delay: string
  readonly fund?: string
}

export interface PolicyChangeFlags extends GlobalFlags, PolicyFlags {
  readonly apply?: boolean
}

/** The chain's clock, which is what policies are kept by; a local chain's may stand elsewhere than this machine's. */
export async function chainTime({ client }: Connection): Promise<number> {
  // A local chain makes a block when there is something to put in it: its latest may be an hour old.
  const next = getBlock(client, { blockTag: 'pending' })
  const { timestamp } = await next.catch(() => getBlock(client))
  return Number(timestamp)
}

const isListed = (flags: ListFlags) => flags.to !== undefined || flags.service !== undefined

export async function newAgent(name: string, flags: NewAgentFlags): Promise<void> {
  const connection = await connect(flags)
  const { paths, deployment, currency, client } = connection
  refuseTakenAgent(paths, name)
  const agent = addressOf(flags.agent)
  const lists = isListed(flags) ? readLists(flags) : { counterparties: [], services: [] }
  const typed = newPolicy(flags, currency, await chainTime(connection))
  // A list that nobody looks at is not what was meant.
  const policy = {
    ...typed,
    anyCounterparty:
      flags.counterparties === undefined && flags.to !== undefined ? false : typed.anyCounterparty,
    anyService: flags.services === undefined && flags.service !== undefined ? false : typed.anyService,
  }
  const fund = flags.fund === undefined ? 0n : parseAmount(flags.fund, currency)
  const sender = await openAccount(connection, flags)
  const setup = {
    guardian: flags.guardian === undefined ? zeroAddress : addressOf(flags.guardian),
    delay: parseDuration(flags.delay),
    grants: [{ agent, currency: currency.address, policy, ...lists }],
  }
  const owner = sender.account.address
  const parameters = { deployment, owner, setup, salt: bytesToHex(randomBytes(32)) }
  const account = await agentAccountAddress(client, parameters)
  const transaction = await createAgentAccount(sender.client, parameters)
  await confirm(sender.client, transaction)
  // Before it is funded: money would be in a wallet that nobody here knows.
  writeAgentFile(paths, name, {
    chainId: deployment.chainId,
    account,
    agent,
    wallet: isAddress(flags.agent) ? null : flags.agent,
    nextRef: 0n,
    announced: null,
  })
  if (fund > 0n) {
    await depositShortfall(connection, { buyer: sender, currency, needed: fund })
    const sent = { deployment, currency: currency.address, to: account, amount: fund }
    await confirm(sender.client, await transferInTill(sender.client, sent))
  }
  createOutput(flags.json === true).result(
    {
      name,
      account,
      owner,
      agent,
      guardian: setup.guardian,
      delay: setup.delay,
      policy,
      funded: fund,
      transaction,
    },
    [
      `Agent '${name}' spends from ${account}, which holds ${formatAmount(fund, currency)}.`,
      describePolicy(policy, currency),
      `Stop it at any time: millrace agent pause ${name}`,
    ].join('\n'),
  )
}

export interface AddAgentFlags extends GlobalFlags {
  readonly account: string
  readonly agent: string
}

/** Gives a name to a wallet that another home made: its guardian's, or the one that holds the agent's key. */
export async function addAgent(name: string, flags: AddAgentFlags): Promise<void> {
  const connection = await connect(flags)
  const { paths, deployment, client, currency } = connection
  refuseTakenAgent(paths, name)
  const [account, agent] = [readAddress(flags.account), addressOf(flags.agent)]
  const line = { wallet: { account }, agent, currency: currency.address }
  const known = await getAgentPolicy(client, line).catch((error: unknown) => {
    if (error instanceof ChainUnreachableError) throw error
    return null
  })
  if (known === null || known.period === 0) throw new AgentUnknownError({ account, agent })
  const wallet = isAddress(flags.agent) ? null : flags.agent
  // Refs that this home gives are none that another gave: both may hold the agent's key.
  const nextRef = BigInt(bytesToHex(randomBytes(16))) << 8n
  const { chainId } = deployment
  writeAgentFile(paths, name, { chainId, account, agent, wallet, nextRef, announced: null })
  createOutput(flags.json === true).result(
    { name, account, agent, policy: known },
    `'${name}' is the wallet ${account} of agent ${agent}.\n${describePolicy(known, currency)}`,
  )
}

export async function changeAgentPolicy(name: string, flags: PolicyChangeFlags): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  if (flags.apply === true) return applyPolicy(name, file, { connection, flags })
  const { client, currency, paths } = connection
  const line = lineOf(file, connection)
  const before = await getAgentPolicy(client, line)
  const policy = changePolicy(before, flags, { currency, now: await chainTime(connection) })
  if (isTighter(policy, before))
    return transact(flags, {
      send: (_, sender) => tightenAgentPolicy(sender.client, { ...line, policy }),
      describe: () => ({
        value: { name, policy, state: 'in force' },
        text: `In force now:\n${describePolicy(policy, currency)}`,
      }),
    })
  // Kept first: it is applied word for word, and what is left of the budget may be another number by then.
  writeAgentFile(paths, name, { ...file, announced: policy })
  const { delay } = await getAgentWallet(client, line.wallet)
  await transact(flags, {
    send: (_, sender) => announceAgentPolicy(sender.client, { ...line, policy }),
    describe: () => ({
      value: { name, policy, state: 'announced', delay },
      text: `Announced, to be applied in ${formatDuration(delay)} with \`millrace agent policy ${name} --apply\`:\n${describePolicy(policy, currency)}`,
    }),
  })
}

async function applyPolicy(
  name: string,
  file: AgentFile,
  { connection, flags }: { readonly connection: Connection; readonly flags: GlobalFlags },
): Promise<void> {
  const { client, currency, paths } = connection
  const policy: AgentPolicy | null = file.announced
  if (policy === null) throw new PolicyUnannouncedError({ agent: name })
  const line = lineOf(file, connection)
  const change = hashAgentChange(line.wallet, { type: 'policy', ...line, policy })
  const readyAt = await agentChangeReadyAt(client, { wallet: line.wallet, change })
  if (readyAt === 0) throw new PolicyUnannouncedError({ agent: name })
  const now = await chainTime(connection)
  if (now < readyAt) throw new PolicyWaitsError({ agent: name, readyAt, now })
  await transact(flags, {
    send: (_, sender) => setAgentPolicy(sender.client, { ...line, policy }),
    describe: () => {
      writeAgentFile(paths, name, { ...file, announced: null })
      return {
        value: { name, policy, state: 'in force' },
        text: `In force now:\n${describePolicy(policy, currency)}`,
      }
    },
  })
}

export async function pauseNow(name: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const { currency } = connection
  const line = lineOf(file, connection)
  const { channels, leases, exposure, gateway } = await findAgentMoney(connection, file)
  const open = channels.flatMap(({ channel, state }) => (state.state === 'open' ? [channel] : []))
  const unknown = gateway === null ? ' No gateway answered: its channels go on until somebody ends them.' : ''
  await transact(flags, {
    async send(_, sender) {
      if (open.length === 0) return pauseAgent(sender.client, line)
      try {
        return await pauseAgent(sender.client, { ...line, channels: open })
      } catch (error) {
        // Whatever a channel refuses, the agent is stopped.
        if (!(error instanceof RevertError) || error.code === 'NOT_OWNER_OR_GUARDIAN') throw error
        return pauseAgent(sender.client, line)
      }
    },
    describe: () => ({
      value: {
        ...{ name, account: file.account, agent: file.agent, paused: true, exposure },
        closing: open.map((channel) => hashChannel(channel, connection.deployment)),
        leases: leases.map(({ id }) => id),
      },
      text: [
        `Agent '${name}' is paused. At most ${formatAmount(exposure, currency)} could still be lost, in channels, leases and its float.${unknown}`,
        ...(open.length === 0 ? [] : [`The end of ${open.length} of its channels is asked for.`]),
        ...leases.map(
          ({ id }) => `Lease ${id} goes on: millrace agent stop-lease ${name} ${id.slice(0, 14)}`,
        ),
      ].join('\n'),
    }),
  })
}

export async function unpauseNow(name: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  await transact(flags, {
    send: (_, sender) => unpauseAgent(sender.client, lineOf(file, connection)),
    describe: () => ({
      value: { name, account: file.account, agent: file.agent, paused: false },
      text: `Agent '${name}' may spend again.`,
    }),
  })
}

/** The wallet's agent in the network's currency. */
export const lineOf = (file: AgentFile, { currency }: Connection) => ({
  wallet: walletOf(file),
  agent: file.agent,
  currency: currency.address,
})
