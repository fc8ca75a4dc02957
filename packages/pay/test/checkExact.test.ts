import { ChainUnreachableError } from '@millrace/sdk'
import { createClient, type Hex, http } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkExact } from '../src/exact/checkExact.ts'
import { encodeTransfer } from '../src/exact/encodeTransfer.ts'
import { signExact } from '../src/exact/signExact.ts'
import { verifyExact } from '../src/exact/verifyExact.ts'
import type { PaymentPayload, PaymentRequirements } from '../src/wire/x402.ts'
import { accountAt, agreeingWallet, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
beforeAll(async () => {
  chain = await startLocalChain(84532)
})
afterAll(() => chain?.stop())
const now = Math.floor(Date.now() / 1000)

async function check(payment: PaymentPayload, requirements: PaymentRequirements) {
  const verdict = await verifyExact(payment, { requirements, now })
  if (verdict.type === 'refused') return verdict.reason
  return (await checkExact(chain.client, verdict, requirements))?.reason ?? 'payable'
}

test('default: a funded payer can pay, in the test dollar and in an etched USDC, once', async () => {
  for (const requirements of [chain.requirements, await etchUsdc(chain)]) {
    const payment = await signExact(accountAt(1), { requirements, now })
    expect(await check(payment, requirements)).toBe('payable')
    const verdict = await verifyExact(payment, { requirements, now })
    if (verdict.type === 'refused') expect.fail(verdict.message)
    const hash = await chain
      .walletOf(0)
      .sendTransaction({ to: requirements.asset as Hex, data: encodeTransfer(verdict) })
    await chain.client.waitForTransactionReceipt({ hash })
    expect(await check(payment, requirements)).toBe('invalid_exact_evm_nonce_already_used')
  }
})

test('behavior: every refusal of the chain has its reason', async () => {
  const { requirements } = chain
  const change = async (changes: Partial<PaymentRequirements>, index = 1) => {
    const asked = { ...requirements, ...changes }
    return check(await signExact(accountAt(index), { requirements: asked, now }), asked)
  }
  expect(await change({}, 7)).toBe('invalid_exact_evm_insufficient_balance')
  expect(await change({ asset: accountAt(8).address })).toBe('asset_not_deployed_contract')
  expect(await change({ asset: chain.deployment.assets })).toBe('invalid_exact_evm_eip3009_not_supported')
  expect(await change({ extra: { name: 'Dollar', version: '1' } })).toBe(
    'invalid_exact_evm_token_name_mismatch',
  )
  expect(await change({ extra: { name: 'Test Dollar', version: '9' } })).toBe(
    'invalid_exact_evm_transaction_simulation_failed',
  )
  const payment = await signExact(accountAt(1), { requirements, now })
  const altered = { ...payment, payload: { ...payment.payload, signature: `0x${'11'.repeat(65)}` } }
  expect(await check(altered, requirements)).toBe('invalid_exact_evm_signature')
})

test('behavior: with code at the payer only its ERC-1271 counts', async () => {
  const { requirements } = chain
  const wallet = accountAt(6)
  await chain.mint(wallet.address, 5000n)
  const payment = await signExact(wallet, { requirements, now })
  expect(await check(payment, requirements)).toBe('payable')

  // A code that agrees to nothing: the key's own signature no longer counts.
  await chain.client.setCode({ address: wallet.address, bytecode: '0x5f5ffd' })
  expect(await check(payment, requirements)).toBe('invalid_exact_evm_signature')

  await chain.client.setCode({ address: wallet.address, bytecode: agreeingWallet })
  const contractSigned = { ...payment, payload: { ...payment.payload, signature: '0x1234' } }
  expect(await check(contractSigned, requirements)).toBe('payable')
})

test('error: ChainUnreachableError is no refusal', async () => {
  const dead = createClient({ transport: http('http://127.0.0.1:1', { retryCount: 0 }) })
  const payment = await signExact(accountAt(1), { requirements: chain.requirements, now })
  const verdict = await verifyExact(payment, { requirements: chain.requirements, now })
  if (verdict.type === 'refused') expect.fail(verdict.message)
  await expect(checkExact(dead, verdict, chain.requirements)).rejects.toBeInstanceOf(ChainUnreachableError)
})
