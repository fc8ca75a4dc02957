import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BatchWallet,
  type Budget,
  type ChannelWallet,
  openBatchWallet,
  openBudget,
  openChannelWallet,
  readBatchChannel,
} from '@millrace/pay'
import { x402Contracts } from '@millrace/pay/x402'
import { getChannel, parse, uintSchema } from '@millrace/sdk'
import type { Address } from 'viem'
import { getCode } from 'viem/actions'
import { z } from 'zod'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import { toJson } from '../output/output.ts'
import { dropPidFile, takePidFile } from '../processes/pidFile.ts'
import { PayerBusyError } from './errors.ts'
import { openCalls, type PaidCalls } from './openCalls.ts'

/** A wallet's money for calls: what it may spend a day, what it spent, and its channels. */
export interface Purse {
  readonly budget: Budget
  readonly channels: ChannelWallet
  /** Its channels of x402's own contract; null where the chain has none. */
  readonly batch: BatchWallet | null
  readonly calls: PaidCalls
  /** Base units in any 24 hours. */
  readonly perDay: bigint
  /** Most that lies in one channel, in base units. */
  readonly maxDeposit: bigint
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
    batch: join(folder, 'batch.jsonl'),
    calls: join(folder, 'calls.jsonl'),
    pid: join(folder, 'pay.pid'),
  }
}

const limitsSchema = z.strictObject({
  perDay: uintSchema(96).optional(),
  maxDeposit: uintSchema(96).optional(),
})
/** Whole units a day where nobody said otherwise. */
const defaultPerDay = 10n
/** Milliseconds for which a command waits for the one before it. */
const patience = 15_000

/**
 * Opens a wallet's purse.
 *
 * @param options `perDay` and `maxDeposit` set the limits and keep them for later.
 * @throws PayerBusyError, and what opening the journals throws
 */
export async function openPurse(
  connection: Connection,
  options: {
    readonly payer: OpenAccount
    readonly perDay?: bigint | undefined
    readonly maxDeposit?: bigint | undefined
    readonly perPayment: bigint
  },
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
  const limits = keepLimits(files.limits, options)
  const perDay = limits.perDay ?? defaultPerDay * 10n ** BigInt(currency.decimals)
  // What lies in one channel is never more than a day may cost, unless somebody says so.
  const maxDeposit = limits.maxDeposit ?? perDay
  const budget = await openBudget({ path: files.budget, limits: { perPayment, perPeriod: perDay } })
  const signing = { deployment, currency, payer: account, budget, maxDeposit }
  const channels = await openChannelWallet({
    ...{ ...signing, path: files.channels },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  const code = await getCode(client, { address: x402Contracts.batchSettlement })
  const batch =
    code === undefined
      ? null
      : await openBatchWallet({
          ...{ ...signing, path: files.batch },
          readChannel: (channel) => readBatchChannel(client, { channel }),
        })
  const calls = await openCalls(files.calls)
  return {
    ...{ budget, channels, batch, calls, perDay, maxDeposit },
    async close() {
      await calls.close()
      await batch?.close()
      await channels.close()
      await budget.close()
      dropPidFile(files.pid)
    },
  }
}

/** The limits as they are from now on. */
function keepLimits(
  path: string,
  options: { readonly perDay?: bigint | undefined; readonly maxDeposit?: bigint | undefined },
): z.output<typeof limitsSchema> {
  const before = existsSync(path) ? parse(limitsSchema, JSON.parse(readFileSync(path, 'utf8')), path) : {}
  const { perDay = before.perDay, maxDeposit = before.maxDeposit } = options
  if (options.perDay !== undefined || options.maxDeposit !== undefined)
    writeFileAtomic(path, `${toJson({ perDay, maxDeposit })}\n`)
  return { perDay, maxDeposit }
}
