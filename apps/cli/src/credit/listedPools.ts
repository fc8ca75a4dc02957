import { tillAbi } from '@millrace/sdk'
import { type Address, parseEventLogs } from 'viem'
import { getLogs } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'

/** Debt modules that the admin of the till has ever listed, and whether it still does. */
export async function listedPools({
  client,
  deployment,
}: Connection): Promise<readonly { readonly facility: Address; readonly isListed: boolean }[]> {
  const logs = parseEventLogs({
    abi: tillAbi,
    eventName: 'DebtListed',
    logs: await getLogs(client, { address: deployment.till, fromBlock: 0n }),
  })
  const listed = new Map(logs.map(({ args }) => [args.debt, args.listed]))
  return [...listed].map(([facility, isListed]) => ({ facility, isListed }))
}
