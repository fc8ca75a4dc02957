import fc from 'fast-check'
import { type Hash, keccak256, zeroAddress, zeroHash } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/channels.json' with { type: 'json' }
import { parse } from '../border/parse.ts'
import { addressSchema, hashSchema } from '../border/primitives.ts'
import { InvalidInputError } from '../errors/border.ts'
import { TickInvalidError, TicksTooManyError, VoucherForeignError } from '../errors/channels.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import { pullNonce } from '../till/pullNonce.ts'
import { type Channel, channelSchema, channelToJson } from './channel.ts'
import { hashChannel } from './hashChannel.ts'
import { hashVoucher } from './hashVoucher.ts'
import { authorizationNonce } from './signChannelAuthorization.ts'
import { hashClose, signClose } from './signClose.ts'
import { hashOpen, signOpen } from './signOpen.ts'
import { signVoucher } from './signVoucher.ts'
import { createTickChain } from './tickChain.ts'
import { verifyTick } from './verifyTick.ts'
import { verifyVoucher } from './verifyVoucher.ts'
import { signedVoucherSchema, type Voucher, voucherSchema, voucherToJson } from './voucher.ts'
import { voucherWorth } from './voucherWorth.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const agent = account(4)
const domain = {
  chainId: vectors.chainId,
  channels: parse(addressSchema, vectors.channels, 'contract'),
}
const channel = parse(channelSchema, vectors.list[0]?.channel, 'channel')
const id = hashChannel(channel, domain)
const plain: Voucher = {
  channel: id,
  epoch: 0n,
  cumulative: 1_000n,
  anchor: zeroHash,
  tickPrice: 0n,
  maxTicks: 0,
  terms: zeroHash,
}
const options = { ...domain, channel, epoch: 0n }

describe('default', () => {
  test('vectors: ids, vouchers, openings, closings and nonces', async () => {
    for (const entry of vectors.list) {
      const parties = parse(channelSchema, entry.channel, 'channel')
      expect(hashChannel(parties, domain)).toBe(entry.id)
      expect(channelToJson(parties)).toEqual(entry.channel)
      for (const { voucher: json, digest, signature } of entry.vouchers) {
        const voucher = parse(voucherSchema, json, 'voucher')
        expect(hashVoucher(voucher, domain)).toBe(digest)
        expect(await signVoucher(agent, voucher, domain)).toBe(signature)
        expect(voucherToJson(voucher)).toEqual(json)
      }
      const { open, close, authorization } = entry
      const named = parse(hashSchema, entry.id, 'id')
      const opening = { ...open, channel: named, epoch: BigInt(open.epoch), amount: BigInt(open.amount) }
      expect(hashOpen(opening, domain)).toBe(open.digest)
      expect(await signOpen(account(3), opening, domain)).toBe(open.signature)
      const closing = { ...close, channel: named, epoch: BigInt(close.epoch), claimed: BigInt(close.claimed) }
      expect(hashClose(closing, domain)).toBe(close.digest)
      expect(await signClose(account(5), closing, domain)).toBe(close.signature)
      const salt = parse(hashSchema, authorization.salt, 'salt')
      const purpose = { channel: named, epoch: BigInt(authorization.epoch), salt }
      expect(authorizationNonce(purpose, domain)).toBe(authorization.nonce)
    }
    const { secret, length, anchor, words } = vectors.ticks
    const chain = createTickChain(parse(hashSchema, secret, 'secret'), length)
    expect(chain.anchor).toBe(anchor)
    for (const { ticks, word } of words) expect(chain.word(ticks)).toBe(word)
  })

  test('behavior: any channel and voucher survive JSON with their hashes', () => {
    const bits = (width: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n })
    const bytes = (length: number) =>
      fc
        .uint8Array({ minLength: length, maxLength: length })
        .map((value): `0x${string}` => `0x${Buffer.from(value).toString('hex')}`)
    const channels = fc.record({
      payer: bytes(20),
      signer: bytes(20),
      payee: bytes(20),
      asset: bits(256),
      currency: bytes(20),
      closeDelay: fc.nat(2 ** 31 - 1),
      salt: bytes(32),
    })
    const vouchers = fc.record({
      channel: bytes(32),
      epoch: bits(64),
      cumulative: bits(128),
      anchor: bytes(32),
      tickPrice: bits(64),
      maxTicks: fc.nat(2 ** 31 - 1),
      terms: bytes(32),
    })
    fc.assert(
      fc.property(channels, vouchers, (parties: Channel, voucher) => {
        const readChannel = parse(
          channelSchema,
          JSON.parse(JSON.stringify(channelToJson(parties))),
          'channel',
        )
        expect(hashChannel(readChannel, domain)).toBe(hashChannel(parties, domain))
        const readVoucher = parse(
          voucherSchema,
          JSON.parse(JSON.stringify(voucherToJson(voucher))),
          'voucher',
        )
        expect(hashVoucher(readVoucher, domain)).toBe(hashVoucher(voucher, domain))
      }),
      { numRuns: 50 },
    )
  })

  test('behavior: the nonce of an authorization is its own for every caller, reason, epoch and salt', () => {
    const nonces = [
      authorizationNonce({ channel: id, epoch: 0n, salt: zeroHash }, domain),
      authorizationNonce({ channel: id, epoch: 1n, salt: zeroHash }, domain),
      authorizationNonce({ channel: id, epoch: 0n, salt: id }, domain),
      authorizationNonce({ channel: zeroHash, epoch: 0n, salt: zeroHash }, domain),
      authorizationNonce({ channel: id, epoch: 0n, salt: zeroHash }, { channels: zeroAddress }),
      pullNonce(domain.channels, id),
    ]
    expect(new Set(nonces).size).toBe(nonces.length)
    for (const nonce of nonces) expect(Buffer.from(nonce.slice(2, 18), 'hex').toString()).toBe('millrace')
  })

  test('verifyVoucher takes what the signer signed', async () => {
    const signature = await signVoucher(agent, plain, domain)
    expect(await verifyVoucher({ voucher: plain, signature }, options)).toBeUndefined()
    expect(voucherWorth(plain)).toBe(1_000n)
    expect(voucherWorth({ ...plain, tickPrice: 3n }, 7)).toBe(1_021n)
  })
})

describe('tick chains', () => {
  test('behavior: every word leads to the anchor in its number of steps, in any order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.infiniteStream(fc.nat()), (length, picks) => {
        const chain = createTickChain(id, length)
        const voucher = { ...plain, anchor: chain.anchor, maxTicks: length }
        for (const ticks of [1, length, ...Array.from(picks.take(5), (pick) => 1 + (pick % length))])
          verifyTick({ word: chain.word(ticks), ticks }, voucher)
      }),
      { numRuns: 30 },
    )
  })

  test('behavior: the longest chain is spent word by word, each on the last', () => {
    const chain = createTickChain(id, 4096)
    const voucher = { ...plain, anchor: chain.anchor, maxTicks: 4096 }
    let known: { word: Hash; ticks: number } | undefined
    for (let ticks = 1; ticks <= 4096; ticks++) {
      const tick = { word: chain.word(ticks), ticks }
      verifyTick(tick, voucher, known)
      known = tick
    }
    expect(known?.word).toBe(id)
    expect(createTickChain(id, 4096).word(4096)).toBe(id)
  })

  test('behavior: a known word further on is not relied on', () => {
    const chain = createTickChain(id, 10)
    const voucher = { ...plain, anchor: chain.anchor, maxTicks: 10 }
    verifyTick({ word: chain.word(3), ticks: 3 }, voucher, { word: chain.word(7), ticks: 7 })
    const known = { word: chain.word(5), ticks: 5 }
    verifyTick(known, voucher, known)
    expect(() => verifyTick({ word: id, ticks: 5 }, voucher, known)).toThrow(TickInvalidError)
  })

  test('error: TickInvalidError', () => {
    const chain = createTickChain(id, 10)
    const voucher = { ...plain, anchor: chain.anchor, maxTicks: 10 }
    for (const [word, ticks] of [
      [chain.word(3), 4],
      [chain.word(4), 3],
      [keccak256(chain.word(3)), 3],
      [zeroHash, 10],
    ] as const)
      expect(() => verifyTick({ word, ticks }, voucher)).toThrow(TickInvalidError)
    expect(() => verifyTick({ word: chain.word(1), ticks: 1 }, { ...voucher, anchor: zeroHash })).toThrow(
      TickInvalidError,
    )
  })

  test('error: TicksTooManyError', () => {
    const chain = createTickChain(id, 10)
    const voucher = { ...plain, anchor: chain.anchor, maxTicks: 4 }
    for (const ticks of [0, 5, -1, 1.5, Number.NaN])
      expect(() => verifyTick({ word: chain.word(4), ticks }, voucher)).toThrow(TicksTooManyError)
    expect(() => verifyTick({ word: zeroHash, ticks: 4097 }, { ...voucher, maxTicks: 9999 })).toThrow(
      TicksTooManyError,
    )
    for (const length of [0, 4097, 1.5]) expect(() => createTickChain(id, length)).toThrow(TicksTooManyError)
    for (const ticks of [0, 11, 0.5]) expect(() => chain.word(ticks)).toThrow(TicksTooManyError)
  })
})

describe('verifyVoucher refuses', () => {
  test('error: VoucherForeignError for another channel and another epoch', async () => {
    const signature = await signVoucher(agent, plain, domain)
    const signed = { voucher: plain, signature }
    for (const change of [
      { epoch: 1n },
      { chainId: 1 },
      { channels: agent.address },
      { channel: { ...channel, salt: id } },
      { channel: { ...channel, signer: account(1).address } },
    ])
      await expect(verifyVoucher(signed, { ...options, ...change })).rejects.toBeInstanceOf(
        VoucherForeignError,
      )
  })

  test('error: SignatureInvalidError for every altered field, another signer, a second form', async () => {
    const signature = await signVoucher(agent, plain, domain)
    const refusal = (voucher: Voucher, by: `0x${string}`) =>
      expect(verifyVoucher({ voucher, signature: by }, options)).rejects.toBeInstanceOf(SignatureInvalidError)
    const altered: Partial<Voucher>[] = [
      { cumulative: 1_001n },
      { anchor: id },
      { tickPrice: 1n },
      { maxTicks: 1 },
      { terms: id },
    ]
    for (const change of altered) await refusal({ ...plain, ...change }, signature)
    await refusal(plain, await signVoucher(account(1), plain, domain))
    await refusal(plain, await signVoucher(agent, plain, { ...domain, chainId: 1 }))
    await refusal(plain, await signVoucher(agent, { ...plain, epoch: 1n }, domain))
    const s = BigInt(`0x${signature.slice(66, 130)}`)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const v = signature.endsWith('1b') ? '1c' : '1b'
    await refusal(plain, `0x${signature.slice(2, 66)}${(order - s).toString(16).padStart(64, '0')}${v}`)
    for (const none of ['0x', '0x1234', `0x${'00'.repeat(65)}`, `${signature}00`] as const)
      await refusal(plain, none)
  })

  test('error: InvalidInputError names each wrong field', () => {
    const json = { voucher: voucherToJson(plain), signature: '0x12' }
    const wrong: [unknown, string][] = [
      [{ ...json, voucher: { ...json.voucher, cumulative: 5 } }, "'voucher.cumulative'"],
      [
        { ...json, voucher: { ...json.voucher, cumulative: (2n ** 128n).toString() } },
        'must fit in 128 bits',
      ],
      [{ ...json, voucher: { ...json.voucher, epoch: '-1' } }, "'voucher.epoch'"],
      [{ ...json, voucher: { ...json.voucher, maxTicks: 2 ** 32 } }, "'voucher.maxTicks'"],
      [{ ...json, voucher: { ...json.voucher, anchor: '0x12' } }, "'voucher.anchor': must be 32 bytes"],
      [{ ...json, voucher: { ...json.voucher, more: 1 } }, 'more'],
      [{ ...json, signature: 'x' }, "'signature'"],
      [null, 'voucher'],
    ]
    for (const [value, message] of wrong) {
      expect(() => parse(signedVoucherSchema, value, 'voucher')).toThrow(InvalidInputError)
      expect(() => parse(signedVoucherSchema, value, 'voucher')).toThrow(message)
    }
    expect(() => parse(channelSchema, { ...channelToJson(channel), asset: 7 }, 'channel')).toThrow("'asset'")
    expect(() => parse(channelSchema, { ...channelToJson(channel), closeDelay: -1 }, 'channel')).toThrow(
      "'closeDelay'",
    )
  })
})
