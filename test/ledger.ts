import type { Deployment } from '@millrace/sdk'
import { marketAbi, tillAbi } from '@millrace/sdk/abi'
import { type Address, erc20Abi, type Hash, type PublicClient } from 'viem'

/** What became of one lease, from the chain alone. */
export interface LeaseAccount {
  readonly lease: Hash
  readonly deposit: bigint
  readonly starts: number
  readonly settled: { readonly earned: bigint; readonly refunded: bigint } | null
  readonly pricePerHour: bigint
  readonly seconds: bigint
}

/** Every unit of one currency in the till, and where it is. */
export interface Ledger {
  readonly leases: readonly LeaseAccount[]
  /** Tokens that the till holds. */
  readonly held: bigint
  /** Sum of all accounts, buckets, waiting royalties and money held for debt. */
  readonly owed: bigint
  /** The market's own account. */
  readonly market: bigint
}

/** Reads the whole history of the contracts and adds up every account that ever received anything. */
export async function readLedger(
  client: PublicClient,
  deployment: Deployment,
  currency: Address,
): Promise<Ledger> {
  const everything = { fromBlock: 0n, toBlock: 'latest' } as const
  const market = await client.getContractEvents({ abi: marketAbi, address: deployment.market, ...everything })
  const till = await client.getContractEvents({ abi: tillAbi, address: deployment.till, ...everything })

  const extended = market.filter((event) => event.eventName === 'LeaseExtended')
  const started = market.filter((event) => event.eventName === 'LeaseStarted')
  const stopped = market.filter((event) => event.eventName === 'LeaseStopped')
  const settled = market.filter((event) => event.eventName === 'LeaseSettled')
  const leases = market
    .filter((event) => event.eventName === 'LeaseOpened')
    .map((event): LeaseAccount => {
      const { lease, deposit = 0n, pricePerHour = 0n } = event.args
      if (lease === undefined) throw new TypeError('an opened lease has an id')
      const starts = started.filter((other) => other.args.lease === lease)
      const end = stopped.find((other) => other.args.lease === lease)?.args.stoppedAt
      const settlement = settled.find((other) => other.args.lease === lease)?.args
      const start = starts[0]?.args
      const last =
        end ?? extended.findLast((other) => other.args.lease === lease)?.args.endsAt ?? start?.endsAt
      return {
        lease,
        pricePerHour,
        deposit: extended.findLast((other) => other.args.lease === lease)?.args.deposit ?? deposit,
        starts: starts.length,
        seconds: start === undefined ? 0n : BigInt(last ?? 0) - BigInt(start.startedAt ?? 0),
        settled:
          settlement === undefined
            ? null
            : { earned: settlement.earned ?? 0n, refunded: settlement.refunded ?? 0n },
      }
    })

  const owners = new Set(
    till.flatMap((event) => (event.eventName === 'Transfer' ? [event.args.receiver] : [])),
  )
  const assets = new Set(
    till.flatMap((event) =>
      event.eventName === 'Paid' || event.eventName === 'RoyaltyAccrued' ? [event.args.asset] : [],
    ),
  )
  const read = { abi: tillAbi, address: deployment.till } as const
  let owed = 0n
  for (const owner of owners)
    if (owner !== undefined)
      owed += await client.readContract({
        ...read,
        functionName: 'balanceOf',
        args: [owner, BigInt(currency)],
      })
  for (const asset of assets) {
    if (asset === undefined) continue
    const [, bucket] = await client.readContract({ ...read, functionName: 'bucketOf', args: [asset] })
    const royalties = await client.readContract({ ...read, functionName: 'royaltiesOf', args: [asset] })
    const waiting = await client.readContract({ ...read, functionName: 'heldOf', args: [asset] })
    owed += bucket + royalties + waiting
  }
  return {
    leases,
    owed,
    held: await client.readContract({
      abi: erc20Abi,
      address: currency,
      functionName: 'balanceOf',
      args: [deployment.till],
    }),
    market: await client.readContract({
      ...read,
      functionName: 'balanceOf',
      args: [deployment.market, BigInt(currency)],
    }),
  }
}
