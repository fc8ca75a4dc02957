import {
  confirm,
  depositFromTill,
  getBalance,
  getRedeemRequest,
  RevertError,
  redeemShares,
  requestRedeem,
  serveQueue,
} from '@millrace/sdk'
import { erc20Abi, formatUnits } from 'viem'
import { readContract } from 'viem/actions'
import { connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { NothingToRedeemError } from '../credit/errors.ts'
import { allowModule, findPool, readLine } from '../credit/findPool.ts'
import { readShares } from '../credit/parts.ts'
import { depositShortfall } from '../jobs/fundLease.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'

export interface LineFlags extends GlobalFlags {
  readonly line: string
}

/** The pool, its line, and the account that asks. */
async function open(pool: string, flags: LineFlags) {
  const name = readLine(flags.line)
  const connection = await connect(flags)
  const facility = await findPool(connection, pool)
  const currency = await connection.currencyOf(facility.currency)
  const sender = await openAccount(connection, flags)
  return { connection, facility, currency, sender, name, line: facility.lines[name] }
}

const sharesOf = (client: Parameters<typeof readContract>[0], vault: `0x${string}`, account: `0x${string}`) =>
  readContract(client, { address: vault, abi: erc20Abi, functionName: 'balanceOf', args: [account] })

export async function lend(
  of: { readonly pool: string; readonly amount: string },
  flags: LineFlags,
): Promise<void> {
  const { connection, currency, sender, name, line } = await open(of.pool, flags)
  const amount = parseAmount(of.amount, currency)
  const { client } = connection
  await depositShortfall(connection, { buyer: sender, currency, needed: amount })
  await allowModule(connection, sender, line.vault)
  const before = await sharesOf(client, line.vault, sender.account.address)
  const transaction = await depositFromTill(sender.client, { vault: line.vault, amount })
  await confirm(sender.client, transaction)
  const shares = (await sharesOf(client, line.vault, sender.account.address)) - before
  createOutput(flags.json === true).result(
    { pool: of.pool, line: name, vault: line.vault, amount, shares, transaction },
    [
      `Lent ${formatAmount(amount, currency)} to ${name}, for ${formatUnits(shares, line.decimals)} shares.`,
      `Leave at any time: millrace redeem request ${of.pool} all --line ${name}`,
    ].join('\n'),
  )
}

export async function request(
  of: { readonly pool: string; readonly shares: string },
  flags: LineFlags,
): Promise<void> {
  const { connection, sender, name, line } = await open(of.pool, flags)
  const account = sender.account.address
  const has = await sharesOf(connection.client, line.vault, account)
  if (has === 0n) throw new NothingToRedeemError({ account, vault: line.vault, what: 'no shares' })
  const shares = of.shares === 'all' ? has : readShares(of.shares, line.decimals)
  const transaction = await requestRedeem(sender.client, { vault: line.vault, shares })
  await confirm(sender.client, transaction)
  createOutput(flags.json === true).result(
    { pool: of.pool, line: name, vault: line.vault, shares, transaction },
    [
      `${formatUnits(shares, line.decimals)} shares wait in the queue of ${name}, behind ${formatUnits(line.waiting, line.decimals)}.`,
      `Take what is paid: millrace redeem claim ${of.pool} --line ${name}`,
    ].join('\n'),
  )
}

export async function redeemStatus(pool: string, flags: LineFlags): Promise<void> {
  const { connection, currency, sender, name, line } = await open(pool, flags)
  const account = sender.account.address
  const [held, queued] = await Promise.all([
    sharesOf(connection.client, line.vault, account),
    getRedeemRequest(connection.client, { vault: line.vault, controller: account }),
  ])
  const shares = (value: bigint) => formatUnits(value, line.decimals)
  createOutput(flags.json === true).result(
    { pool, line: name, account, held, ...queued, waiting: line.waiting, redeemPrice: line.redeemPrice },
    [
      `Held       ${shares(held)} shares of ${name}; one brings ${formatAmount(line.redeemPrice, currency)} now`,
      `Waiting    ${shares(queued.pending)} of ${shares(line.waiting)} in the queue`,
      `Claimable  ${formatAmount(queued.assets, currency)} for ${shares(queued.claimable)} shares`,
    ].join('\n'),
  )
}

export async function claim(pool: string, flags: LineFlags): Promise<void> {
  const { connection, currency, sender, name, line } = await open(pool, flags)
  const { client, deployment } = connection
  const controller = sender.account.address
  const of = { vault: line.vault, controller }
  try {
    await confirm(sender.client, await serveQueue(sender.client, { vault: line.vault }))
  } catch (error) {
    // Nobody waits any more: what was asked for is paid already.
    if (!(error instanceof RevertError) || error.revert.name !== 'ZeroShares') throw error
  }
  const { claimable, pending } = await getRedeemRequest(client, of)
  if (claimable === 0n) {
    const what = pending === 0n ? 'no request' : 'a request of which nothing is paid yet'
    throw new NothingToRedeemError({ account: controller, vault: line.vault, what })
  }
  const walletOf = async () =>
    (await getBalance(client, { deployment, account: controller, currency: currency.address })).wallet
  const before = await walletOf()
  const transaction = await redeemShares(sender.client, { vault: line.vault, shares: claimable })
  await confirm(sender.client, transaction)
  const amount = (await walletOf()) - before
  createOutput(flags.json === true).result(
    { pool, line: name, vault: line.vault, shares: claimable, amount, pending, transaction },
    `${formatAmount(amount, currency)} are in the wallet${pending === 0n ? '.' : `; ${formatUnits(pending, line.decimals)} shares still wait.`}`,
  )
}
