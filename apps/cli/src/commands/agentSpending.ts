import {
  type AgentSpend,
  getAgentPolicy,
  noApproval,
  parse,
  payAsAgent,
  type SpendApproval,
  signApproval,
  signatureSchema,
  uint40Schema,
  uintSchema,
} from '@millrace/sdk'
import { zeroAddress } from 'viem'
import { z } from 'zod'
import { type AgentFile, readAgentFile, walletOf, writeAgentFile } from '../agents/agentFiles.ts'
import { readCounterparty, readService } from '../agents/counterparties.ts'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { chainTime, lineOf } from './agentActions.ts'
import { readJsonFile } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { transact } from './transact.ts'

export interface PayFlags extends GlobalFlags {
  readonly service?: string
  readonly approval?: string
  readonly ref?: string
}

export interface ApproveFlags extends GlobalFlags {
  readonly service?: string
  readonly ref?: string
  readonly valid: string
}

interface Payment {
  readonly service?: string | undefined
  readonly name: string
  readonly to: string
  readonly amount: string
}

/** What `approve` prints. */
export const approvalSchema = z.object({
  expiry: uint40Schema,
  ref: uintSchema(256),
  signature: signatureSchema,
})

export async function payNow(payment: Payment, flags: PayFlags): Promise<void> {
  const of = { ...payment, service: flags.service }
  const connection = await connect(flags)
  const { currency } = connection
  const file = readAgentFile(connection, of.name)
  const given =
    flags.approval === undefined
      ? null
      : parse(approvalSchema, readJsonFile(flags.approval), `approval '${flags.approval}'`)
  const approval: SpendApproval = given ?? noApproval
  // The agent's own key, unless another was named.
  const wallet = flags.wallet ?? file.wallet
  await transact(wallet === null ? flags : { ...flags, wallet }, {
    async send(_, sender) {
      const spend = spendOf(of, connection, takeRef(of.name, file, { connection, given: given?.ref, flags }))
      return payAsAgent(sender.client, {
        wallet: walletOf(file),
        spend,
        approval: { expiry: approval.expiry, signature: approval.signature },
      })
    },
    describe: () => {
      const { amount } = spendOf(of, connection, 0n)
      return {
        value: { name: of.name, account: file.account, to: of.to, amount, currency: currency.address },
        text: `Paid ${formatAmount(amount, currency)} to ${of.to}.`,
      }
    },
  })
}

export async function approveNow(payment: Payment, flags: ApproveFlags): Promise<void> {
  const of = { ...payment, service: flags.service }
  const connection = await connect(flags)
  const file = readAgentFile(connection, of.name)
  const signer = await openAccount(connection, flags)
  const expiry = (await chainTime(connection)) + parseDuration(flags.valid)
  const kind = of.to === 'float' ? 'float' : 'payment'
  const { float } = await getAgentPolicy(connection.client, lineOf(file, connection))
  if (kind === 'float' && float === zeroAddress)
    throw new UsageError({
      message: `The policy of '${of.name}' names no float.`,
      remedy: `Name one: millrace agent policy ${of.name} --float <wallet-or-address> --float-per-period <amount>.`,
    })
  const to = kind === 'float' ? float : of.to
  const ref = takeRef(of.name, file, { connection, given: undefined, flags })
  const spend = spendOf({ ...of, to }, connection, ref)
  const { chainId } = connection.deployment
  const request = { chainId, wallet: walletOf(file), agent: file.agent, kind, spend, expiry } as const
  const { signature } = await signApproval(signer.account, request)
  // For a file that the agent gives to `pay`, in either mode.
  createOutput(true).result({ ref: spend.ref, expiry, signature }, '')
}

/** The ref of a spending: the one given, else the next, which is then taken whatever comes of it. */
export function takeRef(
  name: string,
  file: AgentFile,
  options: {
    readonly connection: Connection
    readonly given: bigint | undefined
    readonly flags: { readonly ref?: string }
  },
): bigint {
  const { connection, given, flags } = options
  if (given !== undefined) return given
  if (flags.ref !== undefined) {
    const { success, data } = uintSchema(256).safeParse(flags.ref)
    if (success) return data
    throw new UsageError({
      message: `'${flags.ref}' is not the number of a payment.`,
      remedy: 'Refs are whole numbers from 0.',
    })
  }
  writeAgentFile(connection.paths, name, { ...file, nextRef: file.nextRef + 1n })
  return file.nextRef
}

function spendOf({ to, amount, service }: Payment, { currency }: Connection, ref: bigint): AgentSpend {
  return {
    currency: currency.address,
    counterparty: readCounterparty(to),
    amount: parseAmount(amount, currency),
    ref,
    ...(service === undefined ? {} : { service: readService(service) }),
  }
}
