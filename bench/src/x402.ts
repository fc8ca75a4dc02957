// Verifying a payment of x402's scheme exact, beside the reference implementation: the same payments, one thread, no chain.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { createExactVerifier, openCurve, type PaymentRequirements, signExact } from '@millrace/pay'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { verifyTypedData } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const PAYMENTS = Number(process.env.MILLRACE_BENCH_PAYMENTS ?? 200)
const ROUNDS = 3
const now = Math.floor(Date.now() / 1000)
const requirements = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '1000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x00000000000000000000000000000000000000a1',
  maxTimeoutSeconds: 3600,
  extra: { name: 'USDC', version: '2' },
} as const satisfies PaymentRequirements
const payments = await Promise.all(
  Array.from({ length: PAYMENTS }, () =>
    signExact(privateKeyToAccount(generatePrivateKey()), { requirements, now }),
  ),
)

/** Answers of a chain at once, so that only the reference's own work is timed. */
const stock = new ExactEvmScheme({
  getAddresses: () => [requirements.payTo],
  getCode: async ({ address }) => (address === requirements.asset ? '0x01' : undefined),
  verifyTypedData: (parameters) => verifyTypedData(parameters as Parameters<typeof verifyTypedData>[0]),
  readContract: async () => undefined,
  writeContract: async () => '0x',
  sendTransaction: async () => '0x',
  waitForTransactionReceipt: async () => ({ status: 'success' }),
})

async function perSecond(
  repeat: number,
  verifyOne: (payment: (typeof payments)[number]) => Promise<boolean>,
) {
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (let again = 0; again < repeat; again++)
      for (const payment of payments)
        if (!(await verifyOne(payment))) throw new RangeError('a good payment was refused')
    best = Math.max(best, (repeat * payments.length * 1000) / (performance.now() - began))
  }
  return Math.round(best)
}

const oursBy = async (implementation: 'native' | 'noble') => {
  const verify = createExactVerifier(await openCurve({ implementation }))
  const rate = await perSecond(implementation === 'native' ? 20 : 1, async (payment) => {
    const verdict = verify(payment, { requirements, now })
    return verdict.type === 'right' && verdict.signer === 'payer'
  })
  return { kind: implementation, rate }
}
const native = await oursBy('native')
const portable = await oursBy('noble')
const reference = await perSecond(
  1,
  async (payment) =>
    (
      await stock.verify(
        {
          x402Version: 2,
          payload: payment.payload,
          accepted: requirements,
          resource: { url: 'http://localhost' },
        },
        requirements,
      )
    ).isValid,
)

const table = [
  { verifier: `Millrace, ${native.kind}`, perSecond: native.rate },
  { verifier: `Millrace, ${portable.kind}`, perSecond: portable.rate },
  { verifier: '@x402/evm 2.27.0', perSecond: reference },
]
console.table(table)
const results = join(import.meta.dirname, '..', 'results')
mkdirSync(results, { recursive: true })
writeFileSync(
  join(results, 'x402.json'),
  `${JSON.stringify(
    {
      measured: new Date().toISOString(),
      machine: {
        cpu: cpus()[0]?.model.trim(),
        cores: cpus().length,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        load: loadavg(),
        node: process.version,
      },
      payments: PAYMENTS,
      table,
    },
    null,
    2,
  )}\n`,
)
