import { type ServedModel, serveModel } from '@millrace/example-serve-lm'
import { encode, type Model } from '@millrace/example-train-lm'
import type { Ledger } from '@millrace/pay'
import { type ModelPrice, openAiGateway, serveFetch } from '@millrace/pay/openai'
import {
  getLease,
  offerSchema,
  parse,
  setUpstream,
  signatureSchema,
  signUpstreamConsent,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import * as z from 'zod'
import { type Agent, registerOwn } from './createAgent.ts'
import { endLease, hire } from './lease.ts'
import { order } from './openMarketMaker.ts'
import { pause } from './pause.ts'
import { openTillLedger } from './sell.ts'

/** One who sells completions of the newest model, on machine time that it hires from a desk. */
export interface ModelSeller {
  readonly agent: Agent
  readonly asset: bigint
  readonly url: string
  readonly ledger: Ledger
  readonly calls: () => number
  readonly hired: () => number
  /** Sells this model from now on. */
  serve(model: Model): Promise<void>
  /** Keeps a machine hired until the signal is given. */
  live(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export const modelName = 'millrace-lm'
/** Parts of the revenue after the fee, in basis points, that go to those whose work the service is built from. */
const parts = { data: 1_000, model: 3_000 } as const
const price: ModelPrice = { perRequest: 1_000n, perMillionInput: 20_000_000n, perMillionOutput: 80_000_000n }
const block = 8

/**
 * Opens the service, and agrees with the owners of data and model on their parts.
 *
 * @param agent Whose it is.
 * @param options The desk, and data and model with their owners.
 */
export async function openModelSeller(
  agent: Agent,
  options: {
    readonly desk: string
    readonly data: { readonly agent: Agent; readonly asset: bigint }
    readonly model: { readonly agent: Agent; readonly asset: bigint }
  },
): Promise<ModelSeller> {
  const { deployment, client } = agent.network
  const { desk, data, model: ofModel } = options
  const asset = await registerOwn(agent, 'service')
  const upstream = [
    { asset: data.asset, bps: parts.data },
    { asset: ofModel.asset, bps: parts.model },
  ]
  const deadline = Math.floor(Date.now() / 1000) + 3600
  const agreement = { asset, upstream, deadline, nonce: 0n }
  const consents = await Promise.all(
    [data, ofModel].map((each) => signUpstreamConsent(each.agent.account, agreement, deployment)),
  )
  await agent.act((wallet) => setUpstream(wallet, { deployment, asset, upstream, consents }))
  const { ledger, scheme } = await openTillLedger(agent, asset)

  const closing: ServedModel[] = []
  let handle: ReturnType<typeof openAiGateway> | null = null
  let calls = 0
  let hired = 0
  /** Unix milliseconds until which a machine is hired. */
  let until = 0
  const leases: Hash[] = []
  const served = await serveFetch(async (request) => {
    // Without a model, or a machine to run it on, there is nothing to sell just now.
    if (handle === null || Date.now() >= until) return new Response('No machine just now.', { status: 503 })
    return handle(request)
  })

  async function hireBlock(): Promise<void> {
    const buyer = agent.account.address
    const answer = await order(desk, 'buy', { buyer, seconds: block })
    if (answer === null) return
    const schema = z.object({ offer: offerSchema, signature: signatureSchema })
    const lease = await hire(agent, parse(schema, answer, 'promise'))
    leases.push(lease)
    if ((await order(desk, 'start', { lease })) === null) return
    const { endsAt = 0 } = (await getLease(client, { deployment, lease })) ?? {}
    until = endsAt * 1000
    hired++
  }

  return {
    ...{ agent, asset, ledger, url: served.url, calls: () => calls, hired: () => hired },
    async serve(model) {
      const upstreamServer = await serveModel(model, { name: modelName })
      closing.push(upstreamServer)
      handle = openAiGateway({
        upstream: { url: upstreamServer.url },
        models: [{ id: modelName, price, maxInput: 1024, maxOutput: 256 }],
        schemes: [scheme],
        countTokens: (text) => encode(model.tokenizer, text).length,
        onCharge: ({ charged }) => {
          if (charged > 0n) calls++
        },
      })
    },
    async live(signal) {
      while (!signal.aborted) {
        // No machine is hired before there is a model to run on it.
        if (handle !== null && Date.now() >= until) await hireBlock()
        await pause(250, signal)
      }
      for (const lease of leases) await endLease(agent, lease)
    },
    async close() {
      await served.close()
      for (const each of closing) await each.close()
      await ledger.close()
    },
  }
}
