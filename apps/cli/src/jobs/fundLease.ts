import {
  approveCurrency,
  approveModule,
  confirm,
  depositToTill,
  depositWithPermit,
  RevertError,
  type WriteClient,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import type { OnJobEvent } from './events.ts'
import type { Candidate, FundsNeeded } from './planJob.ts'

/**
 * Moves money from the wallet into the account's own till account and lets the market lock deposits of it. Both are
 * found done if they were done before, so that a crash in between costs nothing but the repetition.
 */
export async function fundLease(
  connection: Connection,
  options: {
    readonly buyer: OpenAccount
    readonly candidate: Candidate
    readonly funds: FundsNeeded
    readonly onStep: OnJobEvent
  },
): Promise<void> {
  const { buyer, candidate, funds, onStep } = options
  if (funds.deposit > 0n) {
    const transaction = await deposit(connection, buyer, candidate, funds.deposit)
    onStep({ event: 'deposited', amount: funds.deposit, transaction })
  }
  if (funds.approveMarket) {
    const { deployment } = connection
    const transaction = await approveModule(buyer.client, {
      deployment,
      module: deployment.market,
      approved: true,
    })
    await confirm(buyer.client, transaction)
    onStep({ event: 'market-approved', transaction })
  }
}

/** By permit in one transaction; for tokens without permits by an approval first. */
async function deposit(
  { deployment }: Connection,
  { account, client }: OpenAccount,
  { offer: { currency } }: Candidate,
  amount: bigint,
): Promise<Hash> {
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
