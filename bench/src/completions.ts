// What the gateway of models adds to a completion, and what of it is payment's: the same upstream asked directly, through a proxy that does
// nothing else, through the gateway for nothing, and through it for money, by turns. Client, proxy, gateway and upstream are processes of their
// own; the client asks at a rate that does not wait for answers, and all payments are on one channel.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  type PaymentRequirements,
} from '@millrace/pay'
import { payerOf, paymentOf } from './_channels/parties.ts'
import { quantiles, round, type Target } from './_latency/ask.ts'
import { askWay, bestFirst, byTurns, type Times, type Way } from './_latency/byTurns.ts'
import { machineStalls } from './_latency/machineStalls.ts'
import { startBundled } from './_latency/startBundled.ts'
import { writeResult } from './_result/writeResult.ts'

const REQUESTS = Number(process.env.REQUESTS ?? 2000)
/** What other work on the machine adds is no part of what is measured: the best of so many, and all are told. */
const REPEATS = Number(process.env.REPEATS ?? 3)
/** At 400 a second eight answers of 20 ms are in flight at a time; at 100 ten of 100 ms, which is nearer to what a model takes. */
const CASES = [
  { answerMs: 20, perSecond: 400, requests: REQUESTS },
  { answerMs: 100, perSecond: 100, requests: REQUESTS / 2 },
]
/** Requests that are asked before any is counted: what is slow until it is compiled is another number. */
const warmUp = 6_000

const say = (text: string) => process.stdout.write(`${text}\n`)
const stallsBefore = await machineStalls()
const upstream = await startBundled(join(import.meta.dirname, '_completions/upstream.ts'), {})
const proxy = await startBundled(join(import.meta.dirname, '_completions/proxy.ts'), {
  upstream: `http://127.0.0.1:${upstream.port}`,
})

/** A prompt says how long its answer takes; all are of one length, and one price. */
const to = (
  port: number,
  {
    model,
    stream,
    answerMs,
  }: { readonly model: string; readonly stream: boolean; readonly answerMs: number },
): Target => ({
  ...{ port, path: '/v1/completions' },
  body: JSON.stringify({
    model,
    prompt: `${String(answerMs).padStart(4, '0')} ms of thinking`,
    max_tokens: 16,
    stream,
  }),
})

const payer = payerOf(1_000_000)
let promised = 0n
/** Headers of `count` calls, each paid by a voucher of its own. Signed beforehand: the buyer's time is not the gateway's. */
function paymentsFor(accepted: PaymentRequirements, count: number): string[] {
  return Array.from({ length: count }, () => {
    promised += BigInt(accepted.amount)
    const payload = channelPaymentToJson(paymentOf(payer, promised))
    return encodePaymentPayload({ x402Version: 2, accepted, payload })
  })
}

const byDisk = 'the disk, from the gateway’s write to its answer'

const stats = async ({ port }: Target) =>
  (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as { pauses: number[]; syncs: number[] }

type Name = 'direct' | 'proxied' | 'free' | 'paid'
type Ways = Readonly<Record<Name, Way>>

/** Once: directly, through the proxy, for nothing and for money, by turns at the same rate. */
async function measure(ways: Ways, { perSecond, requests }: (typeof CASES)[number]) {
  await stats(ways.paid)
  const times = await byTurns(ways, { requests, perSecond })
  const { pauses, syncs } = await stats(ways.paid)
  return {
    ...differences(times, 'undisturbed'),
    took: Object.fromEntries(
      Object.entries(times).map(([name, each]) => [name, quantiles(each.undisturbed)]),
    ),
    undisturbed: round(times.paid.undisturbed.length / times.paid.all.length),
    'with what the machine stalled': differences(times, 'all'),
    [byDisk]: quantiles(syncs),
    'collector in the gateway': { pauses: pauses.length, ...quantiles(pauses) },
  }
}

function differences(times: Readonly<Record<Name, Times>>, which: keyof Times) {
  const paid = quantiles(times.paid[which])
  const beside = (name: Name) => {
    const other = quantiles(times[name][which])
    return { p50: round(paid.p50 - other.p50), p99: round(paid.p99 - other.p99) }
  }
  return {
    added: beside('direct'),
    'beside the proxy': beside('proxied'),
    'of it by payment': beside('free'),
  }
}

async function askingFor(target: Target): Promise<PaymentRequirements> {
  const asked = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    ...{ method: 'POST', body: target.body ?? '' },
  })
  await asked.arrayBuffer()
  const [accepted] = decodePaymentRequired(asked.headers.get(headerNames.required) ?? '').accepts
  if (accepted === undefined) throw new RangeError('the gateway asks for nothing')
  return accepted
}

/** What is added: the best of the runs of each case, and what the others were. A round of all cases is followed by the next. */
async function addedBy(folder: string) {
  const gateway = await startBundled(join(import.meta.dirname, '_completions/gateway.ts'), {
    ...{ path: join(folder, 'ledger.jsonl'), upstream: `http://127.0.0.1:${upstream.port}/v1` },
  })
  const accepted = {
    whole: await askingFor(to(gateway.port, { model: 'paid', stream: false, answerMs: 0 })),
    streamed: await askingFor(to(gateway.port, { model: 'paid', stream: true, answerMs: 0 })),
  }
  const waysOf = (form: keyof typeof accepted, answerMs: number): Ways => {
    const stream = form === 'streamed'
    return {
      direct: to(upstream.port, { model: 'bench', stream, answerMs }),
      proxied: to(proxy.port, { model: 'bench', stream, answerMs }),
      free: to(gateway.port, { model: 'free', stream, answerMs }),
      paid: {
        ...to(gateway.port, { model: 'paid', stream, answerMs }),
        pay: (count) => paymentsFor(accepted[form], count),
      },
    }
  }
  const cases = (['whole', 'streamed'] as const).flatMap((form) =>
    CASES.map((each) => ({
      ...each,
      name: `${form}, answers of ${each.answerMs} ms, ${each.perSecond} a second`,
      ways: waysOf(form, each.answerMs),
      runs: [] as Awaited<ReturnType<typeof measure>>[],
    })),
  )
  for (const form of ['whole', 'streamed'] as const)
    for (const each of Object.values(waysOf(form, 20))) await askWay(each, { count: warmUp, perSecond: 400 })
  for (let round = 0; round < REPEATS; round++)
    for (const each of cases) {
      const run = await measure(each.ways, each)
      each.runs.push(run)
      say(`${each.name} ${JSON.stringify(run)}`)
    }
  await gateway.stop()
  return Object.fromEntries(
    cases.map(({ name, runs }) => {
      const [best, ...others] = bestFirst(runs, ({ added }) => added.p99)
      const told = others.map(({ took, 'collector in the gateway': _, ...run }) => run)
      return [name, { goalAddedP99: 2, ...best, 'the other runs': told }]
    }),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-completions-'))
const added = await addedBy(folder)
rmSync(folder, { recursive: true, force: true })
await proxy.stop()
await upstream.stop()
const stallsAfter = await machineStalls()

writeResult('completions', {
  what: 'milliseconds until a whole completion came; each payment is a voucher of its own, on disk before its answer begins; client, proxy, gateway and upstream are processes of their own',
  requests: REQUESTS,
  'the machine alone, stalls of more than 1 ms': { before: stallsBefore, after: stallsAfter },
  'added to a completion': added,
})
