import { randomBytes } from 'node:crypto'
import {
  type AgentPolicy,
  agentAccountAddress,
  agentChangeReadyAt,
  announceAgentPolicy,
  confirm,
  createAgentAccount,
  getAgentPolicy,
  getAgentWallet,
  getBalance,
  getExposure,
  hashAgentChange,
  isAgentPaused,
  pauseAgent,
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
import { PolicyUnannouncedError, PolicyWaitsError } from '../agents/errors.ts'
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
import { addressOf } from './walletActions.ts'

export interface NewAgentFlags extends GlobalFlags, PolicyFlags {
  readonly agent: string
  readonly guardian?: string
  readonly delay: string
  readonly fund?: string
}

export interface PolicyChangeFlags extends GlobalFlags, PolicyFlags {
  readonly apply?: boolean
}

/** The chain's clock, which is what policies are kept by; a local chain's may stand elsewhere than this machine's. */
export const chainTime = async ({ client }: Connection): Promise<number> =>
  Number((await getBlock(client)).timestamp)

export async function newAgent(name: string, flags: NewAgentFlags): Promise<void> {
  const connection = await connect(flags)
  const { paths, deployment, currency, client } = connection
  refuseTakenAgent(paths, name)
  const agent = addressOf(flags.agent)
  const policy = newPolicy(flags, currency, await chainTime(connection))
  const fund = flags.fund === undefined ? 0n : parseAmount(flags.fund, currency)
  const sender = await openAccount(connection, flags)
  const setup = {
    guardian: flags.guardian === undefined ? zeroAddress : addressOf(flags.guardian),
    delay: parseDuration(flags.delay),
    grants: [{ agent, currency: currency.address, policy, counterparties: [], services: [] }],
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

export async function showAgent(name: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { deployment, client, currency } = connection
  const file = readAgentFile(connection, name)
  const line = lineOf(file, connection)
  const of = { deployment, account: file.account, currency: currency.address }
  const [state, paused, policy, exposure, { till }] = await Promise.all([
    getAgentWallet(client, line.wallet),
    isAgentPaused(client, line),
    getAgentPolicy(client, line),
    getExposure(client, { ...line, deployment, channels: [], leases: [] }),
    getBalance(client, of),
  ])
  createOutput(flags.json === true).result(
    { name, account: file.account, agent: file.agent, ...state, paused, balance: till, policy, exposure },
    [
      `Agent '${name}' (${file.agent}) ${paused ? 'is paused' : 'may spend'}`,
      `Wallet          ${file.account}, holds ${formatAmount(till, currency)}`,
      describePolicy(policy, currency),
      `After a pause   ${formatAmount(exposure, currency)} could still be lost`,
      `Owner           ${state.owner}`,
      `Guardian        ${state.guardian === zeroAddress ? 'none' : state.guardian}`,
      `To loosen       takes ${formatDuration(state.delay)}`,
    ].join('\n'),
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
  const { deployment, client, currency } = connection
  const line = lineOf(file, connection)
  const exposure = await getExposure(client, { ...line, deployment, channels: [], leases: [] })
  await transact(flags, {
    send: (_, sender) => pauseAgent(sender.client, line),
    describe: () => ({
      value: { name, account: file.account, agent: file.agent, paused: true, exposure },
      text: `Agent '${name}' is paused. At most ${formatAmount(exposure, currency)} could still be lost, in channels, leases and its float.`,
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

const lineOf = (file: AgentFile, { currency }: Connection) => ({
  wallet: walletOf(file),
  agent: file.agent,
  currency: currency.address,
})
