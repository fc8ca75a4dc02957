import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Budget, type ChannelWallet, openBudget, openChannelWallet } from '@millrace/pay'
import { getChannel, parse, uintSchema } from '@millrace/sdk'
import type { Address } from 'viem'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { dropPidFile, takePidFile } from '../processes/pidFile.ts'
import { PayerBusyError } from './errors.ts'

/** A wallet's money for calls: what it may spend a day, what it spent, and its channels. */
export interface Purse {
  readonly budget: Budget
  readonly channels: ChannelWallet
  /** Base units in any 24 hours. */
  readonly perDay: bigint
  close(): Promise<void>
}

/** A payer's own folder on a chain, and what is in it. */
export function purseFiles({ paths, deployment }: Pick<Connection, 'paths' | 'deployment'>, payer: Address) {
  const folder = join(paths.pay, String(deployment.chainId), payer.toLowerCase())
  return {
    folder,
    limits: join(folder, 'limits.json'),
    budget: join(folder, 'budget.jsonl'),
    channels: join(folder, 'channels.jsonl'),
    pid: join(folder, 'pay.pid'),
  }
}

const limitsSchema = z.strictObject({ perDay: uintSchema(96) })
/** Whole units a day where nobody said otherwise. */
const defaultPerDay = 10n
/** Milliseconds for which a command waits for the one before it. */
const patience = 15_000

/**
 * Opens a wallet's purse.
 *
 * @param options `perDay` sets the limit and keeps it for later.
 * @throws PayerBusyError, and what opening the journals throws
 */
export async function openPurse(
  connection: Connection,
  options: { readonly payer: OpenAccount; readonly perDay?: bigint | undefined; readonly perPayment: bigint },
): Promise<Purse> {
  const { client, deployment, currency } = connection
  const { payer, perPayment } = options
  const { account } = payer
  const files = purseFiles(connection, account.address)
  for (const end = Date.now() + patience; ; ) {
    const holder = takePidFile(files.pid)
    if (holder === null) break
    if (Date.now() > end) throw new PayerBusyError({ payer: payer.wallet, pid: holder.pid })
    await sleep(50)
  }
  if (options.perDay !== undefined)
    writeFileAtomic(files.limits, `${JSON.stringify({ perDay: options.perDay.toString() })}\n`)
  const perDay = existsSync(files.limits)
    ? parse(limitsSchema, JSON.parse(readFileSync(files.limits, 'utf8')), files.limits).perDay
    : defaultPerDay * 10n ** BigInt(currency.decimals)
  const budget = await openBudget({ path: files.budget, limits: { perPayment, perPeriod: perDay } })
  const channels = await openChannelWallet({
    ...{ path: files.channels, deployment, currency, payer: account, budget },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    // What lies in one channel is never more than a day may cost.
    maxDeposit: perDay,
  })
  return {
    budget,
    channels,
    perDay,
    async close() {
      await channels.close()
      await budget.close()
      dropPidFile(files.pid)
    },
  }
}
