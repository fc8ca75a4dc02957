import { ExactEvmScheme } from '@x402/evm/exact/client'
import fc from 'fast-check'
import { type Hex, hashTypedData } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { openCurve } from '../curve/openCurve.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import { authorizationTypes } from './authorization.ts'
import { ExactUnsignableError } from './errors.ts'
import { signExact } from './signExact.ts'
import { createExactVerifier, verifyExact } from './verifyExact.ts'

const payer = privateKeyToAccount(`0x${'42'.repeat(32)}`)
const now = Math.floor(Date.now() / 1000)
const requirements: PaymentRequirements = {
  scheme: 'exact',
  network: 'eip155:31337',
  amount: '1000',
  asset: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  payTo: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  maxTimeoutSeconds: 60,
  extra: { name: 'Test Dollar', version: '1' },
}
const payment = await signExact(payer, { requirements, now })

const withAuthorization = (change: Record<string, string>): PaymentPayload => ({
  ...payment,
  payload: {
    ...payment.payload,
    authorization: { ...(payment.payload.authorization as object), ...change },
  },
})

describe('default', () => {
  test('what is signed here, and what @x402/evm signs, is right', async () => {
    const stock = await new ExactEvmScheme(payer).createPaymentPayload(2, requirements as never)
    const theirs: PaymentPayload = { x402Version: 2, accepted: requirements, payload: stock.payload }
    for (const each of [payment, theirs])
      expect(await verifyExact(each, { requirements, now })).toMatchObject({ type: 'right', signer: 'payer' })
  })

  test('agrees with viem about the digest, native and noble alike', async () => {
    const verifiers = [
      createExactVerifier(await openCurve({ implementation: 'native' })),
      createExactVerifier(await openCurve({ implementation: 'noble' })),
    ]
    const address = fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map((each) => `0x${Buffer.from(each).toString('hex')}` as const)
    const name = fc.string({ minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(
        address,
        address,
        fc.bigInt({ min: 0n, max: 2n ** 255n }),
        name,
        async (asset, payTo, amount, token) => {
          const each = {
            ...requirements,
            asset,
            payTo,
            amount: amount.toString(),
            extra: { name: token, version: '2' },
          }
          const account = privateKeyToAccount(generatePrivateKey())
          const paid = await signExact(account, { requirements: each, now })
          for (const verify of verifiers) {
            const verdict = verify(paid, { requirements: each, now })
            if (verdict.type === 'refused') expect.fail(verdict.message)
            expect(verdict.signer).toBe('payer')
            expect(verdict.digest).toBe(
              hashTypedData({
                domain: { name: token, version: '2', chainId: 31337, verifyingContract: asset },
                types: authorizationTypes,
                primaryType: 'TransferWithAuthorization',
                message: verdict.authorization,
              }),
            )
          }
        },
      ),
      { numRuns: 10 },
    )
  })
})

describe('behavior: the first thing that is wrong is named, as the stock facilitator names it', () => {
  test.each<[string, PaymentPayload, Partial<PaymentRequirements>]>([
    ['invalid_exact_evm_scheme', { ...payment, accepted: { ...requirements, scheme: 'upto' } }, {}],
    ['invalid_exact_evm_network_mismatch', payment, { network: 'eip155:1' }],
    ['invalid_exact_evm_missing_eip712_domain', payment, { extra: { name: 'Test Dollar' } }],
    ['unsupported_payload_type', { ...payment, payload: { permit2: {} } }, {}],
    ['unsupported_payload_type', withAuthorization({ value: '-1' }), {}],
    ['unsupported_payload_type', withAuthorization({ nonce: '0x01' }), {}],
    [
      'eip6492_factory_not_allowed',
      { ...payment, payload: { ...payment.payload, signature: `0x${'6492'.repeat(16)}` } },
      {},
    ],
    ['invalid_exact_evm_recipient_mismatch', payment, { payTo: payer.address }],
    ['invalid_exact_evm_recipient_mismatch', withAuthorization({ to: payer.address }), {}],
    [
      'invalid_exact_evm_payload_authorization_valid_before',
      withAuthorization({ validBefore: `${now + 5}` }),
      {},
    ],
    [
      'invalid_exact_evm_payload_authorization_valid_before',
      withAuthorization({ validBefore: `${now + requirements.maxTimeoutSeconds + 86_401}` }),
      {},
    ],
    [
      'invalid_exact_evm_payload_authorization_valid_after',
      withAuthorization({ validAfter: `${now + 1}` }),
      {},
    ],
    ['invalid_exact_evm_payload_authorization_value_mismatch', payment, { amount: '1001' }],
    ['invalid_exact_evm_payload_authorization_value_mismatch', withAuthorization({ value: '999' }), {}],
  ])('%s', async (reason, paid, change) => {
    const verdict = await verifyExact(paid, { requirements: { ...requirements, ...change }, now })
    expect(verdict).toMatchObject({ type: 'refused', reason })
  })

  test('a signature over anything else is not the payer’s', async () => {
    const others: [PaymentPayload, Partial<PaymentRequirements>][] = [
      [payment, { asset: payer.address }],
      [payment, { extra: { name: 'Test Dollar', version: '2' } }],
      [withAuthorization({ nonce: `0x${'11'.repeat(32)}` }), {}],
      [withAuthorization({ from: requirements.payTo }), {}],
      [withAuthorization({ validBefore: `${now + 1000}` }), {}],
      [{ ...payment, payload: { ...payment.payload, signature: '0x' } }, {}],
    ]
    for (const [paid, change] of others)
      expect(await verifyExact(paid, { requirements: { ...requirements, ...change }, now })).toMatchObject({
        signer: 'unknown',
      })
  })

  test('the same signature with the high s is not the payer’s', async () => {
    const signature = payment.payload.signature as Hex
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const twin = `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}`
    const paid = { ...payment, payload: { ...payment.payload, signature: twin } }
    expect(await verifyExact(paid, { requirements, now })).toMatchObject({ signer: 'unknown' })
  })

  test('whatever a payload holds, the check answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (payload) => {
        const verdict = await verifyExact(
          { ...payment, payload: payload as PaymentPayload['payload'] },
          { requirements, now },
        )
        expect(verdict.type).toBe('refused')
      }),
    )
  })
})

test('error: ExactUnsignableError without a domain, for another scheme, off EVM', async () => {
  for (const change of [{ extra: {} }, { scheme: 'upto' }, { network: 'solana:mainnet' }])
    await expect(
      signExact(payer, { requirements: { ...requirements, ...change }, now }),
    ).rejects.toBeInstanceOf(ExactUnsignableError)
})
