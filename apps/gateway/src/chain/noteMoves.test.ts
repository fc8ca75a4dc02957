import { zeroAddress } from 'viem'
import { expect, test } from 'vitest'
import { applyEvent } from './applyEvent.ts'
import { createDraft, type Draft } from './Draft.ts'
import type { EventBody } from './events.ts'
import { keysOf } from './keysOf.ts'

const address = (digit: number) => `0x${String(digit).repeat(40)}` as const
const hash = (digit: number) => `0x${String(digit).repeat(64)}` as const
const [owner, operator, payer, payee] = [1, 2, 3, 4].map(address) as [
  `0x${string}`,
  `0x${string}`,
  `0x${string}`,
  `0x${string}`,
]
const currency = address(9)

/** Plays events on an empty index; rows that none of them made are not there. */
function play(events: readonly EventBody[]): Draft {
  const draft = createDraft({ journal: false })
  for (const [position, event] of events.entries()) {
    const placed = { ...event, block: 7, position, time: 100 + position, transaction: hash(1) }
    keysOf(placed, (relation, key) => {
      if (!draft.has(relation, key)) draft.load(relation, key, null)
    })
    applyEvent(draft, placed)
  }
  return draft
}
const movesOf = (draft: Draft) =>
  draft.added('moves').map(({ sender, receiver, amount, part }) => [sender, receiver, amount, part])
const registered: EventBody = {
  type: 'assets.AssetRegistered',
  args: { asset: 1n, owner, operator, kind: 0, device: address(5), currency, spec: hash(0), uri: '' },
}

test('default: a settlement goes to each layer, and what was minted for it is told once', () => {
  const paid: EventBody = {
    type: 'till.Paid',
    args: { asset: 1n, payer, epoch: 1, amount: 100n, total: 100n },
  }
  const minted: EventBody = {
    type: 'till.Transfer',
    args: { caller: owner, sender: zeroAddress, receiver: owner, id: BigInt(currency), amount: 79n },
  }
  const settled: EventBody = {
    type: 'till.Settled',
    args: {
      asset: 1n,
      epoch: 1,
      boundary: 90,
      fee: 1n,
      upstream: 0n,
      costs: 20n,
      debt: 0n,
      shares: 0n,
      owner: 79n,
    },
  }
  const draft = play([registered, paid, minted, settled])
  expect(movesOf(draft)).toEqual([
    ['asset 1', operator, 20n, 0],
    ['asset 1', owner, 79n, 1],
  ])
  expect(draft.added('payments')).toHaveLength(1)
})

test('behavior: who deposits for another gives it money; for oneself nothing moves', () => {
  const deposit = (to: `0x${string}`): EventBody => ({
    type: 'till.Deposited',
    args: { token: currency, from: payer, to, amount: 5n },
  })
  expect(movesOf(play([deposit(payer), deposit(payee)]))).toEqual([[payer, payee, 5n, 0]])
})

test('behavior: a channel’s payer pays, by claims and by the last voucher of a close', () => {
  const opened: EventBody = {
    type: 'channels.ChannelOpened',
    args: {
      ...{ id: hash(8), payer, signer: payer, payee, asset: 0n, currency },
      ...{ closeDelay: 900, salt: hash(0), epoch: 0n, deposit: 100n },
    },
  }
  const claimed: EventBody = {
    type: 'channels.ChannelClaimed',
    args: { id: hash(8), amount: 30n, claimed: 30n },
  }
  const closed: EventBody = {
    type: 'channels.ChannelClosed',
    args: { id: hash(8), epoch: 0n, claimed: 45n, refunded: 55n },
  }
  const draft = play([opened, claimed, closed])
  expect(movesOf(draft)).toEqual([
    [payer, payee, 30n, 0],
    [payer, payee, 15n, 0],
  ])
  expect(draft.get('channels', hash(8))).toMatchObject({ deposit: 0n, claimed: 0n, claimed_ever: 45n })
})
