import fc from 'fast-check'
import { type Address, concat, type Hash, type Hex, hashTypedData, keccak256, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBatchHasher } from '../src/batch/createBatchHasher.ts'
import { claimOrder, orderOf, signClaims, signRefund } from '../src/batch/orders.ts'
import type { BatchClaim, BatchConfig } from '../src/batch/payload.ts'
import { readBatchChannel } from '../src/batch/readBatchChannel.ts'
import { batchDomain, batchTypes, receiveTypes } from '../src/batch/types.ts'
import { openCurve } from '../src/curve/openCurve.ts'
import { memoryJournal, type SettlementEntry, type SettlementJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { batchSettlementAbi } from '../src/generated/batchSettlement.ts'
import type { PaymentPayload, PaymentRequirements } from '../src/wire/x402.ts'
import { x402Contracts } from '../src/x402/contracts.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
let facilitator: Facilitator
let requirements: PaymentRequirements
let hasher: ReturnType<typeof createBatchHasher>
const receiver = privateKeyToAccount(generatePrivateKey()).address
const authorizer = privateKeyToAccount(generatePrivateKey())
const chainId = 31_337

beforeAll(async () => {
  chain = await startLocalChain(chainId)
  await placeX402Contracts(chain.client)
  hasher = createBatchHasher(await openCurve())
  requirements = {
    ...chain.requirements,
    ...{ scheme: 'batch-settlement', payTo: receiver },
    extra: { ...chain.requirements.extra, receiverAuthorizer: authorizer.address, withdrawDelay: 900 },
  }
  facilitator = await open(memoryJournal())
})
afterAll(async () => {
  await facilitator?.close()
  await chain?.stop()
})

const open = (journal: SettlementJournal, relayer = 5) =>
  openFacilitator({
    chains: [
      {
        ...{ network: requirements.network, client: chain.client, timeoutMs: 20_000 },
        relayer: accountAt(relayer),
      },
    ],
    journal,
  })
const now = () => Math.floor(Date.now() / 1000)
const lower = (address: string) => address.toLowerCase() as Address
const held = () => chain.balanceOf(x402Contracts.batchSettlement)
const reason = (name: string) => `invalid_batch_settlement_evm_${name}`

/** A payer with 10 000 units and a channel of its own. */
async function newPayer(changes: Partial<BatchConfig> = {}) {
  const account = privateKeyToAccount(generatePrivateKey())
  await chain.mint(account.address, 10_000n)
  const config: BatchConfig = {
    ...{ payer: lower(account.address), payerAuthorizer: lower(account.address), receiver: lower(receiver) },
    ...{ receiverAuthorizer: lower(authorizer.address), token: lower(chain.token) },
    ...{ withdrawDelay: 900, salt: zeroHash, ...changes },
  }
  const channelId = hasher.channel(chainId, config)
  const sign = (maxClaimableAmount: bigint) =>
    account.signTypedData({
      domain: batchDomain(chainId),
      types: batchTypes,
      primaryType: 'Voucher',
      message: { channelId, maxClaimableAmount },
    })
  const voucherOf = async (max: bigint) => ({
    ...{ channelId, maxClaimableAmount: max.toString(), signature: await sign(max) },
  })
  /** A payment with a deposit of `amount`, valid until `validBefore`. */
  async function deposit(
    amount: bigint,
    options: { max?: bigint; salt?: Hash; validAfter?: bigint; validBefore?: bigint } = {},
  ): Promise<PaymentPayload> {
    const { max = 1_000n, salt = generatePrivateKey(), validAfter = 0n } = options
    const { validBefore = BigInt(now() + 120) } = options
    const signature = await account.signTypedData({
      domain: {
        ...{ name: chain.currency.name, version: chain.currency.version, chainId },
        verifyingContract: chain.token,
      },
      types: receiveTypes,
      primaryType: 'ReceiveWithAuthorization',
      message: {
        ...{ from: account.address, to: x402Contracts.erc3009DepositCollector, value: amount },
        ...{ validAfter, validBefore, nonce: hasher.nonce(channelId, salt) },
      },
    })
    const erc3009Authorization = {
      ...{ validAfter: validAfter.toString(), validBefore: validBefore.toString(), salt, signature },
    }
    return orderOf(requirements, {
      ...{ type: 'deposit', channelConfig: config, voucher: await voucherOf(max) },
      deposit: { amount: amount.toString(), authorization: { erc3009Authorization } },
    })
  }
  const voucher = async (max: bigint, type: 'voucher' | 'refund' = 'voucher') =>
    orderOf(requirements, { type, channelConfig: config, voucher: await voucherOf(max) })
  const claim = async (max: bigint, total: bigint): Promise<BatchClaim & { readonly id: Hash }> => ({
    id: channelId,
    voucher: { channel: config, maxClaimableAmount: max },
    ...{ signature: await sign(max), totalClaimed: total },
  })
  return { account, config, channelId, deposit, voucher, voucherOf, claim }
}
type Payer = Awaited<ReturnType<typeof newPayer>>
const settle = (payload: Readonly<Record<string, unknown>>, by = facilitator) =>
  by.settle(orderOf(requirements, payload), requirements)
const state = (channel: Hash) => readBatchChannel(chain.client, { channel })
const consented = async (claims: (BatchClaim & { readonly id: Hash })[]) =>
  claimOrder(claims, await signClaims(authorizer, claims, requirements.network))

/** The payload with something else at a path, the signatures left as they are. */
function altered(payment: PaymentPayload, path: string, value: unknown): PaymentPayload {
  const copy = structuredClone(payment)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at = copy.payload as Record<string, unknown>
  for (const key of keys) at = at[key] as Record<string, unknown>
  at[last] = value
  return copy
}

describe('default', () => {
  test('a deposit is made once, whoever asks how often, and every answer shows the channel', async () => {
    const payer = await newPayer()
    const payment = await payer.deposit(5_000n)
    expect(await facilitator.verify(payment, requirements)).toEqual({
      ...{ isValid: true, payer: payer.config.payer },
      extra: {
        ...{ channelId: payer.channelId, balance: '0', totalClaimed: '0' },
        ...{ withdrawRequestedAt: 0, refundNonce: '0' },
      },
    })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => facilitator.settle(payment, requirements)),
    )
    expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1)
    expect(answers[0]).toMatchObject({
      success: true,
      extra: { channelState: { channelId: payer.channelId, balance: '5000', totalClaimed: '0' } },
    })
    expect(await state(payer.channelId)).toMatchObject({ balance: 5_000n })
    // With anything else of it changed it is another payment, and the money is there once.
    const other = altered(payment, 'voucher', await payer.voucherOf(2_000n))
    expect(await facilitator.settle(other, requirements)).toMatchObject({
      ...{ success: false, errorReason: reason('deposit_simulation_failed') },
    })
    const fresh = await open(memoryJournal())
    expect(await fresh.verify(payment, requirements)).toMatchObject({
      ...{ isValid: false, invalidReason: reason('deposit_simulation_failed') },
    })
    await fresh.close()
    expect(await state(payer.channelId)).toMatchObject({ balance: 5_000n })
  })

  test('claims on many channels go in one transaction, are sent to the receiver once, and again when there is more', async () => {
    const payers: Payer[] = []
    while (payers.length < 6) payers.push(await newPayer())
    for (const payer of payers) await facilitator.settle(await payer.deposit(5_000n), requirements)
    const before = await chain.balanceOf(receiver)
    const orders = await consented(await Promise.all(payers.map((payer) => payer.claim(1_000n, 700n))))
    const answers = await Promise.all([settle(orders), settle(orders)])
    expect(answers[0]).toMatchObject({ success: true, transaction: answers[1]?.transaction })
    for (const { channelId } of payers) expect(await state(channelId)).toMatchObject({ totalClaimed: 700n })

    const sweep = { type: 'settle', receiver, token: chain.token }
    const swept = await Promise.all([settle(sweep), settle(sweep), settle(sweep)])
    expect(new Set(swept.map(({ transaction }) => transaction)).size).toBe(1)
    expect(swept[0]).toMatchObject({ success: true, amount: '4200' })
    expect(await settle(sweep)).toMatchObject({ success: false, errorReason: reason('nothing_to_settle') })
    const [first] = payers
    await settle(await consented([await (first as Payer).claim(2_000n, 1_500n)]))
    expect(await settle(sweep)).toMatchObject({ success: true, amount: '800' })
    expect(await chain.balanceOf(receiver)).toBe(before + 5_000n)
  })

  test('a refund claims what is due and gives back the rest, in one transaction', async () => {
    const payer = await newPayer()
    await facilitator.settle(await payer.deposit(5_000n), requirements)
    const { channelId, config } = payer
    const claims = [await payer.claim(1_000n, 600n)]
    const { network } = requirements
    const order = {
      ...(await consented(claims)),
      ...{ type: 'refund', channelConfig: config, voucher: await payer.voucherOf(600n) },
      ...{ amount: '4400', refundNonce: '0' },
      refundAuthorizerSignature: await signRefund(
        authorizer,
        { channelId, nonce: 0n, amount: 4_400n },
        network,
      ),
    }
    const settled = await settle(order)
    expect(settled).toMatchObject({
      ...{ success: true, amount: '4400', payer: expect.stringMatching(new RegExp(config.payer, 'i')) },
      extra: { channelState: { balance: '600', totalClaimed: '600', refundNonce: '1' } },
    })
    expect(await settle(order)).toMatchObject({ transaction: settled.transaction })
    expect(await chain.balanceOf(config.payer)).toBe(10_000n - 600n)
    const fresh = await open(memoryJournal())
    expect(await settle(order, fresh)).toMatchObject({ errorReason: reason('refund_no_balance') })
    await fresh.close()
  })

  test('it says that it serves channels, and that it agrees to nothing for receivers', async () => {
    const { kinds } = await facilitator.supported()
    expect(kinds).toContainEqual({
      ...{ x402Version: 2, scheme: 'batch-settlement', network: requirements.network },
    })
  })
})

describe('attack', () => {
  test('a payer asks for its money back before it is claimed: nobody here signs for the receiver', async () => {
    const payer = await newPayer()
    await facilitator.settle(await payer.deposit(5_000n), requirements)
    const { channelId, config } = payer
    const order = { type: 'refund', channelConfig: config, voucher: await payer.voucherOf(0n), claims: [] }
    const amounts = { amount: '5000', refundNonce: '0' }
    expect(await settle({ ...order, ...amounts })).toMatchObject({
      ...{ success: false, errorReason: reason('authorizer_not_configured') },
    })
    const forged = await signRefund(
      payer.account,
      { channelId, nonce: 0n, amount: 5_000n },
      requirements.network,
    )
    expect(await settle({ ...order, ...amounts, refundAuthorizerSignature: forged })).toMatchObject({
      ...{ success: false, errorReason: reason('refund_simulation_failed') },
    })
    expect(await state(channelId)).toMatchObject({ balance: 5_000n, refundNonce: 0n })
  })

  test('claims beyond the voucher, beyond the channel, by a stranger, in another token, unsigned', async () => {
    const payer = await newPayer()
    await facilitator.settle(await payer.deposit(5_000n), requirements)
    const failed = { success: false, errorReason: reason('claim_simulation_failed') }
    expect(await settle(await consented([await payer.claim(1_000n, 1_001n)]))).toMatchObject(failed)
    expect(await settle(await consented([await payer.claim(9_000n, 5_001n)]))).toMatchObject(failed)
    const claims = [await payer.claim(1_000n, 900n)]
    const bySelf = claimOrder(claims, await signClaims(payer.account, claims, requirements.network))
    expect(await settle(bySelf)).toMatchObject(failed)
    const { claimAuthorizerSignature: _, ...unsigned } = await consented(claims)
    expect(await settle(unsigned)).toMatchObject({
      ...{ success: false, errorReason: reason('authorizer_not_configured') },
    })
    const foreign = { ...requirements, asset: accountAt(3).address }
    expect(await facilitator.settle(orderOf(foreign, await consented(claims)), foreign)).toMatchObject({
      ...{ success: false, errorReason: reason('token_mismatch') },
    })
    expect(await facilitator.settle(await payer.voucher(1_000n), requirements)).toMatchObject({
      ...{ success: false, errorReason: reason('payload_type') },
    })
    expect(await state(payer.channelId)).toMatchObject({ totalClaimed: 0n })
  })

  test('somebody sends the payer’s authorization first: it is the same money, and their transaction is named', async () => {
    const payer = await newPayer()
    const payment = await payer.deposit(5_000n)
    const stranger = await open(memoryJournal(), 6)
    const theirs = await stranger.settle(payment, requirements)
    const ours = await facilitator.settle(payment, requirements)
    // It was not sent: what is there already cannot be paid in again.
    expect(theirs.success).toBe(true)
    expect(ours).toMatchObject({ success: false, errorReason: reason('deposit_simulation_failed') })
    expect(await state(payer.channelId)).toMatchObject({ balance: 5_000n })
    await stranger.close()
  })

  test('what is wrong with a payment has its exact reason, and nothing of it is settled', async () => {
    const payer = await newPayer()
    const stranger = await newPayer()
    const payment = await payer.deposit(5_000n)
    const before = await held()
    const config = (changes: Partial<BatchConfig>) => newPayer(changes).then((other) => other.deposit(5_000n))
    const { extra } = requirements
    const asking = (changes: Partial<PaymentRequirements>) => ({ ...requirements, ...changes })
    const cases: readonly [string, PaymentPayload, PaymentRequirements?][] = [
      ['scheme', { ...payment, accepted: { ...payment.accepted, scheme: 'exact' } }],
      ['network_mismatch', { ...payment, accepted: { ...payment.accepted, network: 'eip155:1' } }],
      ['payload_type', altered(payment, 'voucher.maxClaimableAmount', '-1')],
      ['payload_type', altered(payment, 'type', 'gift')],
      ['channel_id_mismatch', altered(payment, 'channelConfig.salt', `0x${'01'.repeat(32)}`)],
      ['channel_id_mismatch', altered(payment, 'voucher.channelId', stranger.channelId)],
      ['receiver_mismatch', await config({ receiver: lower(accountAt(3).address) })],
      ['receiver_authorizer_mismatch', await config({ receiverAuthorizer: lower(accountAt(3).address) })],
      ['receiver_authorizer_mismatch', payment, asking({ extra: { name: 'Test Dollar', version: '1' } })],
      ['token_mismatch', payment, asking({ asset: accountAt(3).address })],
      ['withdraw_delay_mismatch', await config({ withdrawDelay: 901 })],
      [
        'withdraw_delay_out_of_range',
        await config({ withdrawDelay: 899 }),
        asking({ extra: { ...extra, withdrawDelay: 899 } }),
      ],
      ['erc3009_authorization_required', altered(payment, 'deposit.authorization', {})],
      [
        'missing_eip712_domain',
        payment,
        asking({ extra: { receiverAuthorizer: authorizer.address, withdrawDelay: 900 } }),
      ],
      ['payload_authorization_valid_before', await payer.deposit(1n, { validBefore: BigInt(now() + 3) })],
      ['payload_authorization_valid_after', await payer.deposit(1n, { validAfter: BigInt(now() + 60) })],
      ['receive_authorization_signature', altered(payment, 'deposit.amount', '5001')],
      ['voucher_signature', altered(payment, 'voucher.maxClaimableAmount', '1001')],
      ['cumulative_exceeds_balance', await payer.deposit(5_000n, { max: 5_001n })],
      ['cumulative_below_claimed', await payer.deposit(5_000n, { max: 0n })],
      ['insufficient_balance', await payer.deposit(10_001n)],
      ['channel_not_found', await payer.voucher(1_000n)],
      [
        'eip6492_factory_not_allowed',
        altered(
          payment,
          'deposit.authorization.erc3009Authorization.signature',
          concat(['0x00', `0x${'6492'.repeat(16)}`]),
        ),
      ],
    ]
    for (const [name, wrong, asked = requirements] of cases) {
      const verified = await facilitator.verify(wrong, asked)
      expect([verified.isValid, verified.invalidReason], name).toEqual([false, reason(name)])
      expect((await facilitator.settle(wrong, asked)).success, name).toBe(false)
    }
    expect(await held()).toBe(before)
  })

  test('vouchers on a channel that is there: too high, claimed before, malleable, by a contract that does not stand by it', async () => {
    const payer = await newPayer()
    await facilitator.settle(await payer.deposit(5_000n), requirements)
    await settle(await consented([await payer.claim(1_000n, 600n)]))
    const verify = async (payment: PaymentPayload) =>
      (await facilitator.verify(payment, requirements)).invalidReason
    expect(await verify(await payer.voucher(5_001n))).toBe(reason('cumulative_exceeds_balance'))
    expect(await verify(await payer.voucher(600n))).toBe(reason('cumulative_below_claimed'))
    expect(await verify(await payer.voucher(600n, 'refund'))).toBeUndefined()
    expect(await verify(await payer.voucher(599n, 'refund'))).toBe(reason('cumulative_below_claimed'))
    expect(await verify(await payer.voucher(601n))).toBeUndefined()
    const good = await payer.voucher(601n)
    const { signature } = good.payload.voucher as { readonly signature: Hex }
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = order - BigInt(`0x${signature.slice(66, 130)}`)
    const other = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}`
    expect(await verify(altered(good, 'voucher.signature', other))).toBe(reason('voucher_signature'))
    const noKey = await newPayer({ payerAuthorizer: `0x${'00'.repeat(20)}` })
    await facilitator.settle(await noKey.deposit(5_000n), requirements)
    expect(await verify(await noKey.voucher(1_000n))).toBeUndefined()
    expect(await verify(altered(await noKey.voucher(1_000n), 'voucher.maxClaimableAmount', '1001'))).toBe(
      reason('voucher_signature'),
    )
  })
})

describe('crash', () => {
  test('a deposit that was written and not sent, or sent and not seen through, is made by the next opening, once', async () => {
    for (const at of ['before it is sent', 'after it is sent']) {
      const payer = await newPayer()
      const payment = await payer.deposit(5_000n)
      const written: SettlementEntry[] = []
      const dying = await open({
        replayed: [],
        async append(entry) {
          written.push(entry)
          // The process ends here: nothing after it happens.
          if (entry.type === 'sent' && at === 'before it is sent') await new Promise(() => {})
        },
      })
      const settled = dying.settle(payment, requirements)
      await expect.poll(() => written.length, { timeout: 60_000 }).toBeGreaterThan(0)
      if (at === 'after it is sent') await settled
      const sent = written.filter(({ type }) => type === 'sent')
      const next = await open(memoryJournal(sent.map((entry) => ({ entry }))))
      expect(await next.settle(payment, requirements)).toMatchObject({
        ...{ success: true, extra: { channelState: { balance: '5000' } } },
      })
      expect(await state(payer.channelId)).toMatchObject({ balance: 5_000n })
      await next.close()
      // The one that hangs for ever in its journal has nothing else to close.
      if (at === 'after it is sent') await dying.close()
      else facilitator = await reopened()
    }
  })
})

/** The relayer's next number is the chain's to say after another process has sent with it. */
async function reopened(): Promise<Facilitator> {
  await facilitator.close()
  return open(memoryJournal())
}

test('property: digests are those of a general encoder, and of the contract', async () => {
  const hex = (length: number) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as Hex)
  const party = hex(20)
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ payer: party, payerAuthorizer: party, receiver: party, receiverAuthorizer: party, token: party },
        ...{ withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }), salt: hex(32) },
      }),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      async (config, maxClaimableAmount) => {
        const channelId = hasher.channel(chainId, config)
        const typed = hashTypedData({
          domain: batchDomain(chainId),
          types: {
            ChannelConfig: [
              ...['payer', 'payerAuthorizer', 'receiver', 'receiverAuthorizer', 'token'].map((name) => ({
                ...{ name, type: 'address' },
              })),
              { name: 'withdrawDelay', type: 'uint40' },
              { name: 'salt', type: 'bytes32' },
            ],
          },
          primaryType: 'ChannelConfig',
          message: config,
        } as never)
        expect(channelId).toBe(typed)
        const digest = `0x${Buffer.from(hasher.voucher(chainId, { channelId, maxClaimableAmount })).toString('hex')}`
        expect(digest).toBe(
          hashTypedData({
            domain: batchDomain(chainId),
            types: batchTypes,
            primaryType: 'Voucher',
            message: { channelId, maxClaimableAmount },
          }),
        )
        expect(hasher.nonce(channelId, config.salt)).toBe(keccak256(concat([channelId, config.salt])))
        const contract = { address: x402Contracts.batchSettlement, abi: batchSettlementAbi } as const
        expect(
          await chain.client.readContract({ ...contract, functionName: 'getChannelId', args: [config] }),
        ).toBe(channelId)
        expect(
          await chain.client.readContract({
            ...{ ...contract, functionName: 'getVoucherDigest', args: [channelId, maxClaimableAmount] },
          } as const),
        ).toBe(digest)
      },
    ),
    { numRuns: 25 },
  )
})
