import {
  approveCurrency,
  approveModule,
  type Currency,
  confirm,
  depositToTill,
  depositWithPermit,
  getBalance,
  RevertError,
  type WriteClient,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { formatAmount } from '../output/amounts.ts'
import { NotEnoughMoneyError } from './errors.ts'
import type { OnJobEvent } from './events.ts'
import type { FundsNeeded } from './planJob.ts'

/**
 * Moves money from the wallet into the account's own till account and lets the market lock deposits of it. Both are
 * found done if they were done before, so that a crash in between costs nothing but the repetition.
 */
export async function fundLease(
  connection: Connection,
  options: {
    readonly buyer: OpenAccount
    readonly currency: Currency
    readonly funds: FundsNeeded
    readonly onEvent: OnJobEvent
  },
): Promise<void> {
  const { buyer, currency, funds, onEvent } = options
  const { deployment } = connection
  if (funds.deposit > 0n) {
    const transaction = await depositMoney(connection, { buyer, currency, amount: funds.deposit })
    onEvent({ event: 'deposited', amount: funds.deposit, transaction })
  }
  if (funds.approveMarket) {
    const module = deployment.market
    const transaction = await approveModule(buyer.client, { deployment, module, approved: true })
    await confirm(buyer.client, transaction)
    onEvent({ event: 'market-approved', transaction })
  }
}

/**
 * Deposits what a till account lacks of `needed`.
 *
 * @throws NotEnoughMoneyError
 */
export async function depositShortfall(
  connection: Connection,
  options: { readonly buyer: OpenAccount; readonly currency: Currency; readonly needed: bigint },
): Promise<void> {
  const { buyer, currency, needed } = options
  const account = buyer.account.address
  const { deployment, client } = connection
  const { till, wallet } = await getBalance(client, { deployment, account, currency: currency.address })
  if (till >= needed) return
  if (till + wallet < needed)
    throw new NotEnoughMoneyError({
      account,
      needed: formatAmount(needed, currency),
      has: formatAmount(till + wallet, currency),
      isLocal: connection.isLocal,
    })
  await depositMoney(connection, { buyer, currency, amount: needed - till })
}

/** Deposits from the wallet: by permit in one transaction; for tokens without permits by an approval first. */
export async function depositMoney(
  { deployment }: Connection,
  options: { readonly buyer: OpenAccount; readonly currency: Currency; readonly amount: bigint },
): Promise<Hash> {
  const { buyer, currency, amount } = options
  const { account, client } = buyer
  const deadline = BigInt(Math.floor(Date.now() / 1000) + 3600)
  try {
    const hash = await depositWithPermit(client, { deployment, signer: account, currency, amount, deadline })
    await confirm(client, hash)
    return hash
  } catch (error) {
    if (!(error instanceof RevertError)) throw error
    return depositByApproval(client, { deployment, currency: currency.address, amount })
  }
}

async function depositByApproval(
  client: WriteClient,
  options: Parameters<typeof depositToTill>[1],
): Promise<Hash> {
  const { deployment, currency, amount } = options
  await confirm(client, await approveCurrency(client, { deployment, currency, amount }))
  const hash = await depositToTill(client, options)
  await confirm(client, hash)
  return hash
}
