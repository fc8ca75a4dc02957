import {
  confirm,
  executeAgentAccount,
  fundFloatAsAgent,
  getAgentPolicy,
  getBalance,
  noApproval,
  parse,
  stopAgentLease,
  tillAbi,
  transferInTill,
} from '@millrace/sdk'
import { encodeFunctionData } from 'viem'
import { readAgentFile, walletOf } from '../agents/agentFiles.ts'
import { AgentLeaseMissingError } from '../agents/errors.ts'
import { findAgentMoney } from '../agents/findAgentMoney.ts'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { NotEnoughMoneyError } from '../jobs/errors.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { lineOf } from './agentActions.ts'
import { approvalSchema, type PayFlags, takeRef } from './agentSpending.ts'
import { readJsonFile } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { transact } from './transact.ts'

/** Puts money into an agent's wallet. Anyone may. */
export async function fundAgent(name: string, text: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { deployment, currency, client } = connection
  const file = readAgentFile(connection, name)
  const amount = parseAmount(text, currency)
  const sender = await openAccount(connection, flags)
  await depositShortfall(connection, { buyer: sender, currency, needed: amount })
  const sent = { deployment, currency: currency.address, to: file.account, amount }
  const transaction = await transferInTill(sender.client, sent)
  await confirm(sender.client, transaction)
  const { till } = await getBalance(client, { deployment, account: file.account, currency: currency.address })
  createOutput(flags.json === true).result(
    { name, account: file.account, funded: amount, balance: till, transaction },
    `Put ${formatAmount(amount, currency)} into the wallet of '${name}', which holds ${formatAmount(till, currency)}.`,
  )
}

/** Takes money out of an agent's wallet, into the till account of its owner. */
export async function withdrawFromAgent(name: string, text: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const { deployment, currency, client } = connection
  const { account } = readAgentFile(connection, name)
  const { till } = await getBalance(client, { deployment, account, currency: currency.address })
  const amount = text === 'all' ? till : parseAmount(text, currency)
  if (amount > till)
    throw new NotEnoughMoneyError({
      account,
      needed: formatAmount(amount, currency),
      has: formatAmount(till, currency),
      isLocal: false,
    })
  await transact(flags, {
    send: (_, sender) =>
      executeAgentAccount(sender.client, {
        account,
        target: deployment.till,
        data: encodeFunctionData({
          abi: tillAbi,
          functionName: 'transfer',
          args: [sender.account.address, BigInt(currency.address), amount],
        }),
      }),
    describe: (_, sender) => ({
      value: { name, account, to: sender.account.address, withdrawn: amount, balance: till - amount },
      text: `Took ${formatAmount(amount, currency)} into the till account of ${sender.account.address}; ${formatAmount(till - amount, currency)} stay.`,
    }),
  })
}

/** Moves money to the float that the policy names, as the agent. */
export async function fillFloat(name: string, text: string, flags: PayFlags): Promise<void> {
  const connection = await connect(flags)
  const { currency, client } = connection
  const file = readAgentFile(connection, name)
  const amount = parseAmount(text, currency)
  const given =
    flags.approval === undefined
      ? null
      : parse(approvalSchema, readJsonFile(flags.approval), `approval '${flags.approval}'`)
  const { float } = await getAgentPolicy(client, lineOf(file, connection))
  const wallet = flags.wallet ?? file.wallet
  await transact(wallet === null ? flags : { ...flags, wallet }, {
    send: async (_, sender) =>
      fundFloatAsAgent(sender.client, {
        ...{ wallet: walletOf(file), currency: currency.address, amount },
        ref: takeRef(name, file, { connection, given: given?.ref, flags }),
        approval: given === null ? noApproval : { expiry: given.expiry, signature: given.signature },
      }),
    describe: () => ({
      value: { name, account: file.account, float, amount, currency: currency.address },
      text: `Put ${formatAmount(amount, currency)} into the float ${float}.`,
    }),
  })
}

/** Ends a lease that the agent opened; as that agent, the owner or the guardian. */
export async function stopLeaseOfAgent(name: string, prefix: string, flags: GlobalFlags): Promise<void> {
  const connection = await connect(flags)
  const file = readAgentFile(connection, name)
  const { leases } = await findAgentMoney(connection, file)
  const found = leases.filter(({ id }) => id.startsWith(prefix.toLowerCase()))
  const [lease] = found
  if (lease === undefined || found.length > 1)
    throw new AgentLeaseMissingError({ agent: name, prefix, known: leases.map(({ id }) => id) })
  await transact(flags, {
    send: (_, sender) => stopAgentLease(sender.client, { wallet: walletOf(file), lease: lease.id }),
    describe: () => ({
      value: { name, lease: lease.id, state: 'stopped' },
      text: `Lease ${lease.id} is stopped. What was not used comes back when anyone settles it.`,
    }),
  })
}
