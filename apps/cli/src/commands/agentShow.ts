import {
  getAgentBudget,
  getAgentPolicy,
  getAgentWallet,
  getBalance,
  isAgentPaused,
  isAllowedForAgent,
} from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { type AgentFile, readAgentFile } from '../agents/agentFiles.ts'
import { readCounterparty } from '../agents/counterparties.ts'
import { type AgentMoney, findAgentMoney, payeeOf } from '../agents/findAgentMoney.ts'
import { describePolicy } from '../agents/policyFlags.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { formatAmount } from '../output/amounts.ts'
import { formatDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { lineOf } from './agentActions.ts'
import type { GlobalFlags } from './flags.ts'

export interface ShowAgentFlags extends GlobalFlags {
  readonly to?: string
}

/** What an agent may spend, where its money is, and what could still be lost. */
export async function showAgent(name: string, flags: ShowAgentFlags): Promise<void> {
  const connection = await connect(flags)
  const { deployment, client, currency } = connection
  const file = readAgentFile(connection, name)
  const line = lineOf(file, connection)
  const of = { deployment, account: file.account, currency: currency.address }
  const [state, paused, policy, { till }, money, toward] = await Promise.all([
    getAgentWallet(client, line.wallet),
    isAgentPaused(client, line),
    getAgentPolicy(client, line),
    getBalance(client, of),
    findAgentMoney(connection, file),
    flags.to === undefined ? null : towardOf(connection, file, flags.to),
  ])
  const amount = (value: bigint) => formatAmount(value, currency)
  const { channels, leases, exposure, gateway } = money
  createOutput(flags.json === true).result(
    {
      ...{
        name,
        account: file.account,
        agent: file.agent,
        ...state,
        paused,
        balance: till,
        policy,
        exposure,
      },
      gateway,
      channels: channels.map(
        ({ id, channel, state: { state: stands, deposit, claimed, epoch, closesAt } }) => ({
          ...{ id, ...channel, state: stands, deposit, claimed, epoch, closesAt },
        }),
      ),
      leases: leases.map(({ lease }) => lease),
      ...(toward === null ? {} : { toward }),
    },
    [
      `Agent '${name}' (${file.agent}) ${paused ? 'is paused' : 'may spend'}`,
      `Wallet          ${file.account}, holds ${amount(till)}`,
      describePolicy(policy, currency),
      ...(toward === null
        ? []
        : [
            `To ${toward.to}: ${toward.allowed ? `${amount(toward.spendable)} at once now` : 'nothing, it is not on the list'}`,
          ]),
      ...moneyLines(money, amount),
      `After a pause   ${amount(exposure)} could still be lost`,
      `Owner           ${state.owner}`,
      `Guardian        ${state.guardian === zeroAddress ? 'none' : state.guardian}`,
      `To loosen       takes ${formatDuration(state.delay)}: millrace agent changes ${name}`,
    ].join('\n'),
  )
}

function moneyLines({ channels, leases, gateway }: AgentMoney, amount: (value: bigint) => string): string[] {
  if (gateway === null) return ['Channels        unknown, and leases too: no gateway answered']
  return [
    ...channels.map(
      ({ id, channel, state }) =>
        `Channel         ${id.slice(0, 14)} to ${payeeOf(channel)}, ${state.state}, ${amount(state.deposit - state.claimed)} of ${amount(state.deposit)} not claimed`,
    ),
    ...leases.map(
      ({ id, lease }) =>
        `Lease           ${id.slice(0, 14)} of asset ${lease.asset}, ${lease.state}, ${amount(lease.deposit)} locked`,
    ),
  ]
}

/** What is left for one counterparty, and whether the lists let it be paid at all. */
async function towardOf(connection: Connection, file: AgentFile, text: string) {
  const counterparty = readCounterparty(text)
  const line = { ...lineOf(file, connection), counterparty }
  const [allowed, budget] = await Promise.all([
    isAllowedForAgent(connection.client, line),
    getAgentBudget(connection.client, line),
  ])
  return { to: text, allowed, ...budget }
}
