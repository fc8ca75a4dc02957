import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Haggle, signHaggleMessage } from '@millrace/sdk'
import { type Hash, numberToHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openHaggleStore } from './openHaggleStore.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'haggles-'))
  path = join(folder, 'haggles.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const buyer = privateKeyToAccount(generatePrivateKey())
const idOf = (n: number): Hash => numberToHex(n, { size: 32 })
/** A haggle after its call; the store looks at nothing but the id. */
async function haggleOf(n: number): Promise<Haggle> {
  const call: Haggle['call'] = {
    version: 1,
    salt: idOf(n),
    buyer: buyer.address,
    seller: '0x0000000000000000000000000000000000000001',
    currency: '0x0000000000000000000000000000000000000002',
    subject: { type: 'lease', asset: '1', spec: idOf(7) },
    quantity: { least: '60', most: '60' },
    maxPrice: '10',
    maxRounds: 4,
    deadline: n,
    validUntil: n,
  }
  const domain = { chainId: 31337, market: call.seller, haggle: null }
  const message = await signHaggleMessage(buyer, { act: 'call', call }, domain)
  const digests = [idOf(n)]
  return {
    id: idOf(n),
    call,
    messages: [message],
    digests,
    last: idOf(n),
    turn: 'seller',
    proposals: [],
    state: 'open',
  }
}

describe('openHaggleStore', () => {
  test('default: what was put is there after opening again, the last state of each', async () => {
    const store = await openHaggleStore(path)
    const haggle = await haggleOf(1)
    await store.put({ haggle, startedAt: 5 })
    await store.put({ haggle: { ...haggle, state: 'rejected' }, startedAt: 5 })
    expect(await store.get(idOf(2))).toBeNull()
    await store.close()
    const again = await openHaggleStore(path)
    expect(await again.get(idOf(1))).toEqual({
      haggle: { ...haggle, state: 'rejected' },
      startedAt: 5,
      deal: null,
    })
    await again.close()
  })

  test('behavior: what was pruned stays forgotten, and the file does not grow with what is forgotten', async () => {
    const store = await openHaggleStore(path)
    const haggle = await haggleOf(1)
    for (let n = 2; n < 700; n++)
      await store.put({
        haggle: { ...haggle, id: idOf(n), call: { ...haggle.call, deadline: n } },
        startedAt: 1,
      })
    await store.prune(({ haggle: { call } }) => call.deadline >= 690)
    await store.close()
    const again = await openHaggleStore(path)
    expect(again.all().map(({ haggle: { id } }) => id)).toEqual(
      Array.from({ length: 10 }, (_, index) => idOf(690 + index)),
    )
    expect((await readFile(path, 'utf8')).split('\n').length).toBeLessThan(20)
    await again.close()
  })

  test('behavior: cut anywhere, as by a crash, every haggle that was put before is there', async () => {
    const store = await openHaggleStore(path)
    const ends: number[] = []
    for (let n = 1; n <= 4; n++) {
      await store.put({ haggle: await haggleOf(n), startedAt: n })
      ends.push((await readFile(path)).length)
    }
    await store.close()
    const whole = await readFile(path)
    for (let cut = 0; cut <= whole.length; cut += 97) {
      await writeFile(path, whole.subarray(0, cut))
      const again = await openHaggleStore(path)
      expect(again.all().length).toBe(ends.filter((end) => end <= cut).length)
      await again.close()
    }
  })
})
