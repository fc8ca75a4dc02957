import { join } from 'node:path'
import { serveModel } from '@millrace/example-serve-lm'
import { encode, type Model } from '@millrace/example-train-lm'
import { openLedger, streamScheme } from '@millrace/pay'
import { costUp, type ModelPrice, openAiGateway, serveFetch } from '@millrace/pay/openai'
import {
  approveCurrency,
  closeChannel,
  confirm,
  depositToTill,
  getBalance,
  getChannel,
  getTill,
  pullRoyalties,
  settleTill,
} from '@millrace/sdk'
import OpenAI from 'openai'
import type { Address } from 'viem'
import { makeAgreement, type Party, parties } from './agreement.ts'
import { channelFetch } from './channelFetch.ts'
import { accountAt, type LocalChain } from './localChain.ts'

/** What one paid completion was and whom it paid. Amounts in base units of the currency. */
export interface PaidCompletion {
  readonly text: string
  readonly tokens: { readonly input: number; readonly output: number }
  readonly charged: bigint
  readonly assets: Readonly<Record<Party, bigint>>
  /** What each owner, and the protocol's fee account, has more than before. */
  readonly paid: Readonly<Record<Party | 'fee', bigint>>
  readonly currency: { readonly symbol: string; readonly decimals: number }
}

const buyer = 5
const price: ModelPrice = { perRequest: 1000n, perMillionInput: 20_000_000n, perMillionOutput: 80_000_000n }

/**
 * Sells one completion of a model and follows the money: the buyer's client is the official one, it pays on a channel to
 * the service, what the completion cost is claimed into the service's till, and once epochs are over its waterfall pays the owners of machine, model, data and service.
 *
 * @param model What is served.
 * @param options A local chain, the prompt, and a folder for the seller's books.
 */
export async function paidCompletion(
  model: Model,
  options: { readonly chain: LocalChain; readonly prompt: string; readonly folder: string },
): Promise<PaidCompletion> {
  const { deployment, currency, client, walletOf } = options.chain
  const now = Number((await client.getBlock()).timestamp)
  const assets = await makeAgreement({
    deployment,
    currency: currency.address,
    walletOf,
    deadline: now + 3600,
  })
  const operator = walletOf(parties.service)
  await fund(options.chain)

  const ledger = await openLedger({
    ...deployment,
    path: join(options.folder, 'ledger.jsonl'),
    payee: { asset: assets.service },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  const scheme = streamScheme({ ledger, deployment, currency })
  const upstream = await serveModel(model, { name: 'millrace-lm' })
  const sold = { id: 'millrace-lm', price, maxInput: 1024, maxOutput: 256 }
  const gateway = await serveFetch(
    openAiGateway({
      upstream: { url: upstream.url },
      models: [sold],
      schemes: [scheme],
      countTokens: (text) => encode(model.tokenizer, text).length,
    }),
  )
  const owners = Object.entries(parties) as [Party, number][]
  const balances = async () => {
    const of = async (account: Address) =>
      (await getBalance(client, { deployment, currency: currency.address, account })).till
    const all = await Promise.all(owners.map(async ([, index]) => of(accountAt(index).address)))
    return [...all, await of(accountAt(0).address)]
  }
  try {
    const before = await balances()
    const channel = await channelFetch(walletOf(buyer), {
      deployment,
      asset: assets.service,
      currency: currency.address,
      deposit: 1_000_000n,
    })
    const openai = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: 'none',
      fetch: channel.fetch,
    })
    const answer = await openai.completions.create({
      model: sold.id,
      prompt: options.prompt,
      max_tokens: 48,
      seed: 1,
    })
    const tokens = { input: answer.usage?.prompt_tokens ?? 0, output: answer.usage?.completion_tokens ?? 0 }
    const charged = costUp(price, tokens)
    // The buyer signed the quote; both end the channel with what was charged, and the rest goes back.
    const last = await channel.lastVoucher()
    await confirm(operator, await closeChannel(operator, { deployment, channel: last.channel, last }))
    await distribute(options.chain, assets)
    const after = await balances()
    const gained = after.map((amount, at) => amount - (before[at] ?? 0n))
    const [machine = 0n, ofModel = 0n, data = 0n, service = 0n, fee = 0n] = gained
    const paid = { machine, model: ofModel, data, service, fee }
    const text = answer.choices[0]?.text ?? ''
    return { text, tokens, charged, assets, paid, currency }
  } finally {
    await gateway.close()
    await upstream.close()
    await ledger.close()
  }
}

/** The buyer puts money into the till; nobody else can move it. */
async function fund({ deployment, currency, walletOf }: LocalChain): Promise<void> {
  const wallet = walletOf(buyer)
  const terms = { deployment, currency: currency.address, amount: 1_000_000n }
  await confirm(wallet, await approveCurrency(wallet, terms))
  await confirm(wallet, await depositToTill(wallet, terms))
}

/** Lets the epochs pass and every claim be paid: the service's till first, then those of its upstream assets. */
async function distribute(
  { client, deployment, walletOf }: LocalChain,
  assets: Readonly<Record<Party, bigint>>,
): Promise<void> {
  const anyone = walletOf(buyer)
  const overEpoch = async () => {
    await client.increaseTime({ seconds: deployment.epochLength + 1 })
    await client.mine({ blocks: 1 })
  }
  await overEpoch()
  await confirm(anyone, await settleTill(anyone, { deployment, asset: assets.service }))
  for (const asset of [assets.machine, assets.model, assets.data]) {
    if ((await getTill(client, { deployment, asset })).royalties === 0n) continue
    await confirm(anyone, await pullRoyalties(anyone, { deployment, asset }))
  }
  await overEpoch()
  for (const asset of [assets.machine, assets.model, assets.data]) {
    await confirm(anyone, await settleTill(anyone, { deployment, asset }))
  }
}
