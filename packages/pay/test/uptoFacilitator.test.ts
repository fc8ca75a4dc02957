import fc from 'fast-check'
import { type Address, encodeFunctionData, type Hex, hashTypedData, maxUint256 } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCurve } from '../src/curve/openCurve.ts'
import { FacilitatorClosedError } from '../src/facilitator/errors.ts'
import { memoryJournal, type SettlementEntry, type SettlementJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { permit2Abi } from '../src/generated/permit2.ts'
import { allowanceAbi } from '../src/upto/allowanceAbi.ts'
import { findCharged } from '../src/upto/findCharged.ts'
import { type UptoPayload, uptoPayloadSchema, uptoPermitTypes } from '../src/upto/permit.ts'
import { signApproval } from '../src/upto/signApproval.ts'
import { signUpto } from '../src/upto/signUpto.ts'
import { createUptoVerifier } from '../src/upto/verifyUpto.ts'
import type { PaymentPayload, PaymentRequirements } from '../src/wire/x402.ts'
import { x402Contracts } from '../src/x402/contracts.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { accountAt, agreeingWallet, type LocalChain, lyingWallet, startLocalChain } from './localChain.ts'

let chain: LocalChain
let facilitator: Facilitator
let requirements: PaymentRequirements
const relayer = accountAt(5)
const payer = accountAt(1)
beforeAll(async () => {
  chain = await startLocalChain(84532)
  await placeX402Contracts(chain.client)
  requirements = {
    ...chain.requirements,
    scheme: 'upto',
    amount: '5000',
    extra: { ...chain.requirements.extra, facilitatorAddress: relayer.address },
  }
  await approve(maxUint256)
  facilitator = await open(memoryJournal())
})
afterAll(async () => {
  await facilitator?.close()
  await chain?.stop()
})

const now = () => Math.floor(Date.now() / 1000)
const open = (journal: SettlementJournal, relaying = relayer) =>
  openFacilitator({
    chains: [{ network: requirements.network, client: chain.client, relayer: relaying, timeoutMs: 20_000 }],
    journal,
  })
const pay = (change: Partial<PaymentRequirements> = {}) =>
  signUpto(payer, { requirements: { ...requirements, ...change }, now: now() })
const asked = (amount: bigint) => ({ ...requirements, amount: amount.toString() })
const paid = () => chain.balanceOf(accountAt(9).address)
const payloadOf = (payment: PaymentPayload) => payment.payload as UptoPayload

async function approve(value: bigint, index = 1) {
  const data = encodeFunctionData({
    abi: [
      {
        type: 'function',
        name: 'approve',
        inputs: [
          { name: 'spender', type: 'address' },
          { name: 'value', type: 'uint256' },
        ],
        outputs: [{ name: '', type: 'bool' }],
        stateMutability: 'nonpayable',
      },
    ],
    args: [x402Contracts.permit2, value],
  })
  const hash = await chain.walletOf(index).sendTransaction({ to: chain.token, data })
  await chain.client.waitForTransactionReceipt({ hash })
}

async function spentNonce(payment: PaymentPayload): Promise<boolean> {
  const { nonce } = uptoPayloadSchema.parse(payment.payload).permit2Authorization
  const bits = await chain.client.readContract({
    address: x402Contracts.permit2,
    abi: permit2Abi,
    functionName: 'nonceBitmap',
    args: [payer.address, nonce >> 8n],
  })
  return (bits & (1n << (nonce & 255n))) !== 0n
}

/** The payment with another field in what was signed, the signature left as it is. */
function altered(payment: PaymentPayload, change: Record<string, unknown>): PaymentPayload {
  const { signature, permit2Authorization } = payloadOf(payment)
  return { ...payment, payload: { signature, permit2Authorization: { ...permit2Authorization, ...change } } }
}

describe('default', () => {
  test('what was used is moved once, whoever asks how often', async () => {
    const payment = await pay()
    expect(await facilitator.verify(payment, requirements)).toEqual({
      isValid: true,
      payer: payer.address.toLowerCase(),
    })
    const before = await paid()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => facilitator.settle(payment, asked(1_234n))),
    )
    expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1)
    expect(answers[0]).toMatchObject({ success: true, amount: '1234' })
    expect(await paid()).toBe(before + 1_234n)
    expect(await spentNonce(payment)).toBe(true)
    // Asked for another amount, the same permit moves nothing more.
    expect(await facilitator.settle(payment, asked(5_000n))).toMatchObject({
      success: false,
      errorReason: 'permit2_invalid_nonce',
    })
    expect(await facilitator.verify(payment, requirements)).toMatchObject({
      invalidReason: 'permit2_invalid_nonce',
    })
    const fresh = await open(memoryJournal())
    expect(await fresh.verify(payment, requirements)).toMatchObject({
      invalidReason: 'permit2_invalid_nonce',
    })
    await fresh.close()
    expect(await paid()).toBe(before + 1_234n)
  })

  test('nothing used: no transaction', async () => {
    const payment = await pay()
    expect(await facilitator.settle(payment, asked(0n))).toMatchObject({
      success: true,
      transaction: '',
      amount: '0',
    })
    expect(await spentNonce(payment)).toBe(false)
  })

  test('a crash before the transaction was sent, and the next start', async () => {
    const entries: SettlementEntry[] = []
    // A relayer of its own: an account's numbers are counted by one facilitator at a time.
    const other = accountAt(6)
    const dying = await open(
      {
        replayed: [],
        append(entry) {
          entries.push(entry)
          return Promise.reject(new FacilitatorClosedError())
        },
      },
      other,
    )
    const payment = await pay({ extra: { ...requirements.extra, facilitatorAddress: other.address } })
    const before = await paid()
    await expect(dying.settle(payment, asked(700n))).rejects.toBeInstanceOf(FacilitatorClosedError)
    await dying.close()
    expect(await spentNonce(payment)).toBe(false)

    const written = JSON.parse(JSON.stringify(entries)) as SettlementEntry[]
    const again = await open(memoryJournal(written.map((entry) => ({ entry }))), other)
    expect(await again.settle(payment, asked(700n))).toMatchObject({ success: true, amount: '700' })
    expect(await paid()).toBe(before + 700n)
    await again.close()
  })
})

describe('what is refused, in the words of the x402 packages', () => {
  const cases: Record<string, (payment: PaymentPayload) => PaymentPayload> = {
    invalid_upto_evm_scheme: (payment) => ({
      ...payment,
      accepted: { ...payment.accepted, scheme: 'exact' },
    }),
    invalid_upto_evm_network_mismatch: (payment) => ({
      ...payment,
      accepted: { ...payment.accepted, network: 'eip155:1' },
    }),
    unsupported_payload_type: (payment) => ({ ...payment, payload: { signature: '0x' } }),
    invalid_permit2_spender: (payment) => altered(payment, { spender: accountAt(8).address }),
    invalid_permit2_recipient_mismatch: (payment) =>
      altered(payment, {
        witness: { ...payloadOf(payment).permit2Authorization.witness, to: accountAt(8).address },
      }),
    upto_facilitator_mismatch: (payment) =>
      altered(payment, {
        witness: { ...payloadOf(payment).permit2Authorization.witness, facilitator: accountAt(8).address },
      }),
    permit2_deadline_expired: (payment) => altered(payment, { deadline: String(now() + 2) }),
    permit2_not_yet_valid: (payment) =>
      altered(payment, {
        witness: {
          ...payloadOf(payment).permit2Authorization.witness,
          validAfter: String(now() + 60),
        },
      }),
    permit2_amount_mismatch: (payment) =>
      altered(payment, { permitted: { token: chain.token, amount: '5001' } }),
    permit2_token_mismatch: (payment) =>
      altered(payment, { permitted: { token: accountAt(8).address, amount: '5000' } }),
    invalid_permit2_signature: (payment) => altered(payment, { nonce: '1' }),
    eip6492_factory_not_allowed: (payment) => ({
      ...payment,
      payload: { ...payment.payload, signature: `0x00${'6492'.repeat(16)}` },
    }),
    invalid_eip2612_extension_format: (payment) => ({
      ...payment,
      extensions: { eip2612GasSponsoring: { info: { signature: '0x' } } },
    }),
  }
  test.each(Object.entries(cases))('%s', async (reason, change) => {
    const before = await paid()
    const payment = change(await pay())
    expect(await facilitator.verify(payment, requirements)).toMatchObject({
      isValid: false,
      invalidReason: reason,
    })
    // A permit for more is no reason not to move less.
    const most = reason === 'permit2_amount_mismatch' ? 5_002n : 5_000n
    expect(await facilitator.settle(payment, asked(most))).toMatchObject({
      success: false,
      errorReason:
        reason === 'permit2_amount_mismatch' ? 'invalid_upto_evm_payload_settlement_exceeds_amount' : reason,
    })
    expect(await paid()).toBe(before)
  })

  test('more than was signed', async () => {
    expect(await facilitator.settle(await pay(), asked(5_001n))).toMatchObject({
      errorReason: 'invalid_upto_evm_payload_settlement_exceeds_amount',
    })
  })

  test.each([
    ['eip2612_from_mismatch', { from: accountAt(8).address }],
    ['eip2612_asset_mismatch', { asset: accountAt(8).address }],
    ['eip2612_spender_not_permit2', { spender: accountAt(8).address }],
    ['eip2612_deadline_expired', { deadline: '1' }],
    ['permit2_2612_amount_mismatch', { amount: '1' }],
  ])('%s', async (reason, change) => {
    const poor = accountAt(2)
    const deadline = BigInt(now() + 120)
    const approval = await signApproval(poor, { client: chain.client, requirements, deadline })
    if (approval.type !== 'signed') throw new RangeError('it has not approved Permit2')
    const payment = await signUpto(poor, { requirements, now: now() })
    const extensions = { eip2612GasSponsoring: { info: { ...approval.info, ...change } } }
    expect(await facilitator.verify({ ...payment, extensions }, requirements)).toMatchObject({
      invalidReason: reason,
    })
  })

  test('a payer who let Permit2 move nothing, or has nothing, or called the nonce off', async () => {
    const stingy = await signUpto(accountAt(3), { requirements, now: now() })
    expect(await facilitator.verify(stingy, requirements)).toMatchObject({
      invalidReason: 'permit2_allowance_required',
    })
    const poor = await signUpto(accountAt(20), { requirements, now: now() })
    expect(await facilitator.verify(poor, requirements)).toMatchObject({
      invalidReason: 'permit2_insufficient_balance',
    })
    const payment = await pay()
    const { nonce } = uptoPayloadSchema.parse(payment.payload).permit2Authorization
    const hash = await chain.walletOf(1).writeContract({
      address: x402Contracts.permit2,
      abi: permit2Abi,
      functionName: 'invalidateUnorderedNonces',
      args: [nonce >> 8n, 1n << (nonce & 255n)],
    })
    await chain.client.waitForTransactionReceipt({ hash })
    expect(await facilitator.verify(payment, requirements)).toMatchObject({
      invalidReason: 'permit2_invalid_nonce',
    })
    expect(await facilitator.settle(payment, asked(1n))).toMatchObject({
      success: false,
      errorReason: 'permit2_invalid_nonce',
    })
  })

  test('a token that is none, and a chain without the proxy', async () => {
    const nowhere = { ...requirements, asset: accountAt(8).address }
    const payment = await signUpto(payer, { requirements: nowhere, now: now() })
    expect(await facilitator.verify(payment, nowhere)).toMatchObject({
      invalidReason: 'asset_not_deployed_contract',
    })
    const code = (await chain.client.getCode({ address: x402Contracts.uptoPermit2Proxy })) ?? '0x'
    await chain.client.setCode({ address: x402Contracts.uptoPermit2Proxy, bytecode: '0x' })
    try {
      expect(await facilitator.verify(await pay(), requirements)).toMatchObject({
        invalidReason: 'permit2_proxy_not_deployed',
      })
      const fresh = await open(memoryJournal())
      expect((await fresh.supported()).kinds.map(({ scheme }) => scheme)).not.toContain('upto')
      await fresh.close()
    } finally {
      await chain.client.setCode({ address: x402Contracts.uptoPermit2Proxy, bytecode: code })
    }
  })

  test('a contract that stands by everything pays; one that lies when it is only asked does not', async () => {
    for (const [code, isPaid] of [
      [agreeingWallet, true],
      [lyingWallet, false],
    ] as const) {
      const wallet = accountAt(isPaid ? 30 : 31)
      await chain.client.setCode({ address: wallet.address, bytecode: code })
      await chain.mint(wallet.address, 5_000n)
      await chain.client.setBalance({ address: wallet.address, value: 10n ** 18n })
      await chain.client.impersonateAccount({ address: wallet.address })
      const data = encodeFunctionData({
        abi: [
          {
            type: 'function',
            name: 'approve',
            inputs: [
              { name: 'spender', type: 'address' },
              { name: 'value', type: 'uint256' },
            ],
            outputs: [{ name: '', type: 'bool' }],
            stateMutability: 'nonpayable',
          },
        ],
        args: [x402Contracts.permit2, maxUint256],
      })
      const hash = await chain.client.sendUnsignedTransaction({
        from: wallet.address,
        to: chain.token,
        data,
      })
      await chain.client.waitForTransactionReceipt({ hash })
      const payment = await signUpto(wallet, { requirements, now: now() })
      const before = await paid()
      const settled = await facilitator.settle(payment, asked(1_000n))
      expect(settled.success).toBe(isPaid)
      expect(await paid()).toBe(before + (isPaid ? 1_000n : 0n))
    }
  })
})

describe('what was taken, as the buyer finds it', () => {
  test('behavior: only by the transaction that settles the very permit', async () => {
    const [payment, other] = [await pay(), await pay()]
    const settled = await facilitator.settle(payment, asked(900n))
    const elsewhere = await facilitator.settle(other, asked(1n))
    const { nonce } = uptoPayloadSchema.parse(payment.payload).permit2Authorization
    const found = (transaction: string, who: Address = payer.address) =>
      findCharged(chain.client, { transaction: transaction as Hex, payer: who, nonce })
    expect(await found(settled.transaction)).toBe(900n)
    // A seller that shows a cheaper settlement than the one it took.
    expect(await found(elsewhere.transaction)).toBeNull()
    expect(await found(settled.transaction, accountAt(2).address)).toBeNull()
    expect(await found(`0x${'11'.repeat(32)}`)).toBeNull()
    const plain = await chain.walletOf(1).sendTransaction({ to: accountAt(8).address, value: 1n })
    await chain.client.waitForTransactionReceipt({ hash: plain })
    expect(await found(plain)).toBeNull()
  })
})

test('property: the digest made by hand is the digest of the types', async () => {
  const verify = createUptoVerifier(await openCurve())
  const uint = fc.bigInt({ min: 0n, max: maxUint256 })
  const address = fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as Address)
  await fc.assert(
    fc.asyncProperty(
      fc.record({ token: address, to: address, facilitator: address, nonce: uint, amount: uint }),
      async ({ token, to, facilitator: settler, nonce, amount }) => {
        const terms: PaymentRequirements = {
          ...requirements,
          asset: token,
          payTo: to,
          amount: amount.toString(),
          extra: { facilitatorAddress: settler },
        }
        const payment = await signUpto(payer, { requirements: terms, now: 1_000, nonce })
        const verdict = verify(payment, { requirements: terms, now: 1_000, purpose: 'verify' })
        expect(verdict).toMatchObject({
          type: 'right',
          signer: 'payer',
          digest: hashTypedData({
            domain: { name: 'Permit2', chainId: 84532, verifyingContract: x402Contracts.permit2 },
            types: uptoPermitTypes,
            primaryType: 'PermitWitnessTransferFrom',
            message: {
              permitted: { token, amount },
              spender: x402Contracts.uptoPermit2Proxy,
              nonce,
              deadline: BigInt(1_000 + terms.maxTimeoutSeconds),
              witness: { to, facilitator: settler, validAfter: 0n },
            },
          }),
        })
      },
    ),
    { seed: 402, numRuns: 40 },
  )
})

test('an approval that is there already is not signed again', async () => {
  const deadline = BigInt(now() + 120)
  expect(await signApproval(payer, { client: chain.client, requirements, deadline })).toEqual({
    type: 'there',
  })
  const nameless = { ...requirements, extra: { facilitatorAddress: relayer.address } }
  expect(
    await signApproval(accountAt(4), { client: chain.client, requirements: nameless, deadline }),
  ).toEqual({ type: 'missing' })
  const allowance = await chain.client.readContract({
    address: chain.token,
    abi: allowanceAbi,
    functionName: 'allowance',
    args: [payer.address, x402Contracts.permit2],
  })
  expect(allowance).toBeGreaterThan(5_000n)
})

test('error: UptoUnsignableError', async () => {
  for (const change of [
    { scheme: 'exact' },
    { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' },
    { extra: {} },
    { payTo: 'nobody' },
  ])
    await expect(pay(change)).rejects.toMatchObject({ code: 'UPTO_UNSIGNABLE' })
})
