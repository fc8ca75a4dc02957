import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ChannelClosing,
  type ChannelOpening,
  hashChannel,
  hashClose,
  hashOpen,
  hashVoucher,
} from '@millrace/sdk'
import { type Hash, hashStruct, hashTypedData, zeroHash } from 'viem'
import { expect, test } from 'vitest'
import {
  batchReasons,
  type CallReceipt,
  channelPaymentSchema,
  channelSnapshotSchema,
  decodeCallReceipt,
  encodeCallReceipt,
  openLedger,
  streamScheme,
  VoucherTooLowError,
} from '../src/index.ts'
import { closeConsentToJson, closeRequestSchema } from '../src/ledger/closing.ts'
import { fundingSchema } from '../src/ledger/payment.ts'
import { accountOf, channelOf, currency, domain, idOf, openState, paymentOf } from './offChain.ts'

/** docs/specs/channel-payments.md held against the code: what it names is what is on the wire. */
const docs = fileURLToPath(new URL('../../../docs/', import.meta.url))
const page = readFileSync(join(docs, 'specs/channel-payments.md'), 'utf8')

/** Names in the first column of the table, or in the sentence, that a mark stands before. */
function fields(mark: string): readonly string[] {
  const block = page.split(`<!-- ${mark} -->\n`)[1]?.split('\n\n')[0] ?? ''
  const text = block.startsWith('|')
    ? block
        .split('\n')
        .map((line) => line.split('|')[1] ?? '')
        .join(' ')
    : block
        .split('. ')[0]
        ?.replace(/\([^)]*\)/g, '')
        .split('has')[1]
  return [...(text ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name).sort()
}

const signature = `0x${'11'.repeat(65)}` as const
const hash: Hash = `0x${'ab'.repeat(32)}`

test('default: payment, funding and snapshot have the fields of their schemas', () => {
  expect(fields('fields: payment')).toEqual(Object.keys(channelPaymentSchema.shape).sort())
  expect(fields('fields: funding')).toEqual(Object.keys(fundingSchema.shape).sort())
  expect(fields('fields: snapshot')).toEqual(
    [...Object.keys(channelSnapshotSchema.shape), 'voucher', 'signature']
      .filter((name) => fields('fields: snapshot').includes(name))
      .sort(),
  )
  for (const name of Object.keys(channelSnapshotSchema.shape))
    expect(fields('fields: snapshot')).toContain(name)
})

test('default: a receipt has the fields that the page names', () => {
  const { address } = accountOf(1)
  const receipt: CallReceipt = {
    ...{ request: hash, payer: address, payee: address, scheme: 'stream', network: 'eip155:1' },
    ...{ asset: address, amount: 1n, reference: '', terms: hash, at: 1 },
  }
  const read = decodeCallReceipt(encodeCallReceipt({ receipt, signature }))
  expect(fields('fields: receipt')).toEqual(Object.keys(read.receipt).sort())
})

test('default: `extra` has the fields that a seller sends, `channel` after a refusal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spec-'))
  const channel = channelOf(1, { payee: `0x${'00'.repeat(20)}`, asset: 7n })
  const ledger = await openLedger({
    ...{ ...domain, path: join(folder, 'ledger.jsonl'), payee: { asset: 7n }, currency },
    readChannel: async () => openState(channel, 1_000n),
  })
  const deployment = {
    ...{ chainId: domain.chainId, channels: domain.channels, till: currency, assets: currency },
    ...{ market: currency, currencies: [], epochLength: 60 },
  }
  const scheme = streamScheme({
    ...{ ledger, deployment },
    currency: { address: currency, symbol: 'X', decimals: 6, name: 'X', version: '1' },
  })
  const paid = { method: 'GET', url: 'https://api.example/', digest: hash, idempotencyKey: null }
  const [requirements] = await scheme.requirements(
    { amount: 100n, metered: { per: 'byte', price: 1n }, haggles: currency },
    paid,
  )
  if (requirements === undefined) throw new RangeError('it asks for something')
  const refusal = await ledger.hold(await paymentOf(1, 50n, { channel }), 100n).catch((error) => error)
  expect(refusal).toBeInstanceOf(VoucherTooLowError)
  const explained = scheme.explain?.(refusal, requirements)
  expect(fields('fields: extra')).toEqual(Object.keys(explained?.extra ?? {}).sort())
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

test('default: the types and the domain of the page hash as the SDK does', () => {
  const types = Object.fromEntries(
    [...page.matchAll(/^(Channel|Voucher|Open|Close)\((.*)\)$/gm)].map(([, name = '', list = '']) => [
      name,
      list.split(',').map((field) => {
        const [type = '', key = ''] = field.split(' ')
        return { name: key, type }
      }),
    ]),
  )
  const [, name, version] = /Domain `name` `([^`]+)`, `version` `(\d)`/.exec(page) ?? []
  const whole = { name, version, chainId: domain.chainId, verifyingContract: domain.channels }
  const digest = (primaryType: string, message: object) =>
    hashTypedData({ domain: whole, types, primaryType, message: { ...message } })
  const channel = channelOf(1)
  const voucher = {
    ...{ channel: idOf(channel), epoch: 1n, cumulative: 5n, anchor: hash, tickPrice: 1n, maxTicks: 9 },
    terms: zeroHash,
  }
  expect(digest('Voucher', voucher)).toBe(hashVoucher(voucher, domain))
  const opening: ChannelOpening = { channel: idOf(channel), epoch: 1n, amount: 5n, deadline: 9 }
  expect(digest('Open', opening)).toBe(hashOpen(opening, domain))
  const closing: ChannelClosing = { channel: idOf(channel), epoch: 1n, claimed: 5n, deadline: 9 }
  expect(digest('Close', closing)).toBe(hashClose(closing, domain))
  expect([
    digest('Channel', channel),
    hashStruct({ types, primaryType: 'Channel', data: { ...channel } }),
  ]).toContain(hashChannel(channel, domain))
})

test('default: every refusal of the page is an error that has a page of its own', () => {
  const errors = readFileSync(join(docs, 'errors.md'), 'utf8')
  const codes = fields('codes')
  expect(codes).toContain('voucher_too_low')
  for (const code of codes) expect(errors).toContain(`### ${code.toUpperCase()}\n`)
})

test('default: the wish to end a channel, the consent, and the refusals are those of the page', () => {
  expect(fields('fields: close request')).toEqual(Object.keys(closeRequestSchema.shape).sort())
  const consent = {
    ...{ channel: hash, epoch: 0n, claimed: 1n, deadline: 9, signature, transaction: null },
  }
  expect(fields('fields: close consent').filter((name) => name !== 'until')).toEqual(
    Object.keys(closeConsentToJson(consent)).sort(),
  )
  const errors = readFileSync(join(docs, 'errors.md'), 'utf8')
  const block = page.split('<!-- close codes -->\n')[1]?.split('\n\n')[0] ?? ''
  const codes = [...block.matchAll(/`([A-Z_0-9]+)`/g)].map(([, code]) => code)
  expect(codes).toHaveLength(12)
  for (const code of codes) expect(errors).toContain(`### ${code}\n`)
})

test('default: the reasons of batch-settlement are those of the page', () => {
  const payments = readFileSync(join(docs, 'specs/payments.md'), 'utf8')
  const block = payments.split('<!-- batch reasons -->\n')[1]?.split('\n\n')[0] ?? ''
  const first = block
    .split('\n')
    .slice(2)
    .map((line) => line.split('|')[1] ?? '')
    .join(' ')
  const named = [...first.matchAll(/`(\w+)`/g)].map(([, name]) => `invalid_batch_settlement_evm_${name}`)
  expect(named.sort()).toEqual(Object.values<string>(batchReasons).sort())
})
