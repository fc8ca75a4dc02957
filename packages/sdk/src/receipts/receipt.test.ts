import { mnemonicToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/receipts.json' with { type: 'json' }
import { parse } from '../border/parse.ts'
import { addressSchema, signatureSchema } from '../border/primitives.ts'
import { hashReceipt, type Receipt, receiptFileSchema, receiptSchema, receiptToJson } from './receipt.ts'
import { signReceipt } from './signReceipt.ts'
import { verifyReceipt } from './verifyReceipt.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const domain = { chainId: vectors.chainId, market: parse(addressSchema, vectors.market, 'market') }
const [device, buyer] = [account(2), account(3)]
const entries = vectors.receipts.map((entry) => ({
  receipt: parse(receiptSchema, entry.receipt, 'receipt'),
  digest: entry.digest,
  device: parse(signatureSchema, entry.device, 'signature'),
  buyer: parse(signatureSchema, entry.buyer, 'signature'),
}))
const [first] = entries
if (first === undefined) throw new RangeError('there are vectors')
const { receipt } = first

describe('default', () => {
  test('vectors: digests, signatures, verdicts', async () => {
    for (const entry of entries) {
      expect(hashReceipt(entry.receipt, domain)).toBe(entry.digest)
      expect(await signReceipt(device, entry.receipt, domain)).toBe(entry.device)
      expect(await signReceipt(buyer, entry.receipt, domain)).toBe(entry.buyer)
      expect(await verifyReceipt(entry.receipt, entry, domain)).toEqual({
        valid: true,
        acknowledged: true,
        digest: entry.digest,
        reasons: [],
      })
    }
  })

  test('a receipt file survives JSON and verifies by itself', async () => {
    const json = JSON.stringify({
      version: 1,
      ...domain,
      receipt: receiptToJson(receipt),
      device: first.device,
      buyer: null,
    })
    const file = parse(receiptFileSchema, JSON.parse(json), 'receipt')
    expect(
      await verifyReceipt(file.receipt, file, { chainId: file.chainId, market: file.market }),
    ).toMatchObject({ valid: true, acknowledged: false })
  })
})

describe('behavior: everything that is wrong is named', () => {
  const codes = async (changed: Partial<Receipt>, options = {}) =>
    (await verifyReceipt({ ...receipt, ...changed }, first, { ...domain, ...options })).reasons.map(
      ({ code }) => code,
    )

  test('altered fields break both signatures', async () => {
    for (const changed of [
      { lease: receipt.job },
      { asset: 2n },
      { job: receipt.lease },
      { outputs: receipt.lease },
      { log: receipt.lease },
      { pricePerHour: 1n },
      { terms: receipt.log },
      { exitCode: 1 },
    ])
      expect(await codes(changed)).toEqual(['DEVICE_SIGNATURE', 'BUYER_SIGNATURE'])
  })

  test('times that do not add up', async () => {
    expect(await codes({ seconds: 43 })).toContain('TIMES')
    expect(await codes({ stoppedAt: receipt.startedAt - 1 })).toContain('TIMES')
  })

  test('another device, buyer, lease, job, outputs or log than expected', async () => {
    const stranger = account(9).address
    expect(await codes({}, { device: stranger })).toEqual(['DEVICE', 'DEVICE_SIGNATURE'])
    expect(await codes({}, { buyer: stranger })).toEqual(['BUYER', 'BUYER_SIGNATURE'])
    expect(await codes({}, { lease: receipt.job })).toEqual(['LEASE'])
    expect(await codes({}, { terms: receipt.lease })).toEqual(['TERMS'])
    expect(await codes({}, { job: receipt.lease })).toEqual(['JOB'])
    expect(await codes({}, { outputs: receipt.lease })).toEqual(['OUTPUTS'])
    expect(await codes({}, { log: receipt.lease })).toEqual(['LOG'])
  })

  test('another chain, another market, swapped signatures', async () => {
    expect((await verifyReceipt(receipt, first, { ...domain, chainId: 1 })).valid).toBe(false)
    expect((await verifyReceipt(receipt, first, { ...domain, market: device.address })).valid).toBe(false)
    const swapped = { device: first.buyer, buyer: first.device }
    expect((await verifyReceipt(receipt, swapped, domain)).reasons).toHaveLength(2)
  })
})
