import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChannelState } from '@millrace/sdk'
import fc from 'fast-check'
import { type Hash, zeroHash } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountOf, currency, domain, payee } from '../../test/offChain.ts'
import { openLedger } from '../ledger/openLedger.ts'
import type { PreparedPayment } from './channelWallet.ts'
import { openBudget } from './openBudget.ts'
import { openChannelWallet } from './openChannelWallet.ts'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const deployment = {
  ...{ ...domain, assets: currency, till: currency, market: currency, agents: undefined },
  ...{ currencies: [], epochLength: 60 },
} as never
const deposit = 1_000_000n
const readChannel = (id: Hash): Promise<ChannelState> =>
  Promise.resolve({ id, state: 'open', deposit, claimed: 0n, epoch: 0n, closesAt: 0 })

/** One payment: its price, whether it is lost on the way, how the seller ends it, and whether the wallet dies after it. */
const step = fc.record({
  price: fc.constantFrom(5n, 5n, 5n, 7n, 12n),
  together: fc.integer({ min: 1, max: 4 }),
  fate: fc.constantFrom('charged', 'charged', 'charged', 'part', 'lost', 'late', 'refused'),
  dies: fc.boolean(),
})

test('property: what is promised by vouchers and words is what the budget counts, through losses, disorder and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const path = join(folder, `ledger-${files++}`)
      const [walletFile, budgetFile] = [join(folder, `wallet-${files}`), join(folder, `budget-${files}`)]
      const ledger = await openLedger({ ...domain, path, payee: { account: payee }, currency, readChannel })
      let budget = await openBudget({ path: budgetFile, limits: {} })
      const open = () =>
        openChannelWallet({
          ...{ path: walletFile, deployment, budget, readChannel, payer: accountOf(1), maxDeposit: deposit },
          currency: { address: currency, symbol: 'X', decimals: 6, name: 'X', version: '1' },
        })
      let wallet = await open()
      const late: PreparedPayment[] = []
      for (const { price, together, fate, dies } of steps) {
        const prepared = await Promise.all(
          Array.from({ length: together }, () =>
            wallet.prepare({
              ...{ amount: price, service: 'GET http://a.example/', payee: { account: payee }, deposit },
              ...{ closeDelay: 900, terms: zeroHash, funds: true },
            }),
          ),
        )
        // The seller sees them in another order than they were signed in.
        for (const each of prepared.toReversed()) {
          if (fate === 'lost') await each.unknown()
          else if (fate === 'late') {
            late.push(each)
            await each.unknown()
          } else {
            await ledger.accept(each.payment)
            await (fate === 'refused' ? each.refused(null) : each.done(fate === 'part' ? price - 1n : price))
          }
        }
        const [channel] = wallet.channels()
        const signed = channel?.signed ?? 0n
        expect(ledger.books()[0]?.worth ?? 0n).toBeLessThanOrEqual(signed)
        expect(budget.state()).toMatchObject({ spent: signed, reserved: 0n })
        expect(channel?.charged).toBeLessThanOrEqual(signed)
        if (!dies) continue
        await wallet.close()
        await budget.close()
        budget = await openBudget({ path: budgetFile, limits: {} })
        wallet = await open()
      }
      const last = await wallet.prepare({
        ...{ amount: 5n, service: 'GET http://a.example/', payee: { account: payee }, deposit },
        ...{ closeDelay: 900, terms: zeroHash, funds: true },
      })
      await ledger.accept(last.payment)
      const { worth } = ledger.books()[0] ?? {}
      const signed = wallet.channels()[0]?.signed
      // The newest promise covers all that came before, lost or not.
      expect(worth).toBe(signed)
      // What comes late changes nothing.
      for (const each of late) await ledger.accept(each.payment)
      expect(ledger.books()[0]?.worth).toBe(signed)
      await last.done(5n)
      expect(budget.state()).toMatchObject({ spent: signed, reserved: 0n })
      await Promise.all([wallet.close(), budget.close(), ledger.close()])
    }),
    { seed: 402, numRuns: 60 },
  )
}, 60_000)
