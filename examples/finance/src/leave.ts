import {
  getBalance,
  getFreeStake,
  getLoan,
  getRedeemRequest,
  harvestLoan,
  RevertError,
  redeemToTill,
  requestRedeem,
  serveQueue,
  unstakeFirstLoss,
} from '@millrace/sdk'
import { type Address, erc20Abi } from 'viem'
import { type Built, dollars } from './build.ts'
import { StoryBrokenError } from './errors.ts'
import type { Chain, Person } from './startChain.ts'

/** What someone put in and has in the end. Base units. */
export interface Party {
  readonly who: Person
  readonly as: string
  readonly put: bigint
  readonly got: bigint
}

/** What the story tells has to be so. */
export function must(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new StoryBrokenError({ what, seen })
}

/** Where someone stands in the queue of a vault. */
export const requestOf = (chain: Chain, person: Person, vault: Address) =>
  getRedeemRequest(chain.client, { vault, controller: chain.addressOf(person) })

/** Puts all shares of someone into the queue. */
export async function askToLeave(chain: Chain, person: Person, vault: Address): Promise<void> {
  const shares = await chain.client.readContract({
    ...{ address: vault, abi: erc20Abi, functionName: 'balanceOf', args: [chain.addressOf(person)] },
  } as const)
  if (shares > 0n) await chain.act(person, (lender) => requestRedeem(lender, { vault, shares }))
}

/** Pays the queue; where nobody waits there is nothing to do. */
export async function serve(chain: Chain, vault: Address): Promise<void> {
  try {
    await chain.act('admin', (anyone) => serveQueue(anyone, { vault }))
  } catch (error) {
    if (!(error instanceof RevertError) || error.revert.name !== 'ZeroShares') throw error
  }
}

/** Lenders and underwriter take out all that is theirs; who put in what, and who has what. */
export async function leaveAll(chain: Chain, { contracts, terms, loan }: Built): Promise<readonly Party[]> {
  const { client, deployment, currency } = chain
  const { facility, senior, junior } = contracts
  const leaving = [
    { who: 'saver', as: 'senior', vault: senior, put: dollars(80_000) },
    { who: 'other saver', as: 'senior', vault: senior, put: dollars(50_000) },
    { who: 'bold lender', as: 'junior', vault: junior, put: dollars(35_000) },
  ] as const
  // Senior first: junior can go when nobody stands above it.
  for (const { who, vault } of leaving) {
    await askToLeave(chain, who, vault)
    await serve(chain, vault)
    const { claimable, pending } = await requestOf(chain, who, vault)
    must(`${who} is paid`, pending, 0n)
    await chain.act(who, (lender) => redeemToTill(lender, { vault, shares: claimable }))
  }
  const state = (await getLoan(client, { facility, loan })).state
  if (state === 'writtenOff')
    await chain
      .act('underwriter', (underwriter) => harvestLoan(underwriter, { desk: contracts.desk, terms }))
      .catch(nothingToDo)
  const free = await getFreeStakeOf(chain, facility)
  await chain.act('underwriter', (underwriter) => unstakeFirstLoss(underwriter, { facility, amount: free }))
  const balanceOf = async (who: Person) =>
    (await getBalance(client, { deployment, account: chain.addressOf(who), currency: currency.address })).till
  return [
    ...(await Promise.all(
      leaving.map(async ({ who, as, put }) => ({ who, as, put, got: await balanceOf(who) })),
    )),
    { who: 'underwriter', as: 'first loss', put: dollars(12_000), got: await balanceOf('underwriter') },
    { who: 'operator', as: 'borrower', put: 0n, got: await balanceOf('operator') },
  ]
}

function nothingToDo(error: unknown): void {
  if (!(error instanceof RevertError) || error.revert.name !== 'NothingToDo') throw error
}

const getFreeStakeOf = (chain: Chain, facility: Address) =>
  getFreeStake(chain.client, { facility, underwriter: chain.addressOf('underwriter') })
