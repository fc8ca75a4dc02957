import { join } from 'node:path'
import { serveModel } from '@millrace/example-serve-lm'
import { encode, type Model } from '@millrace/example-train-lm'
import { costUp, type ModelPrice, openAiGateway, serveFetch } from '@millrace/pay/openai'
import {
  approveCurrency,
  confirm,
  depositToTill,
  getBalance,
  getTill,
  payAsset,
  pullRoyalties,
  settleTill,
  transferInTill,
} from '@millrace/sdk'
import OpenAI from 'openai'
import type { Address } from 'viem'
import { makeAgreement, type Party, parties } from './agreement.ts'
import { accountAt, type LocalChain } from './localChain.ts'
import { prepaidFetch, prepaidScheme } from './prepaid.ts'

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
 * Sells one completion of a model and follows the money: the buyer's client is the official one, the service's till takes
 * what the completion cost, and once epochs are over its waterfall pays the owners of machine, model, data and service.
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
  const seller = operator.account.address
  await prepay(options.chain, seller)

  const scheme = await prepaidScheme({
    client,
    deployment,
    currency: currency.address,
    seller,
    file: join(options.folder, 'charged.txt'),
    settle: async (amount) => {
      const hash = await payAsset(operator, { deployment, asset: assets.service, amount })
      await confirm(operator, hash)
      return hash
    },
  })
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
    const openai = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: 'none',
      fetch: prepaidFetch(accountAt(buyer)),
    })
    const answer = await openai.completions.create({
      model: sold.id,
      prompt: options.prompt,
      max_tokens: 48,
      seed: 1,
    })
    const tokens = { input: answer.usage?.prompt_tokens ?? 0, output: answer.usage?.completion_tokens ?? 0 }
    const charged = costUp(price, tokens)
    await distribute(options.chain, assets)
    const after = await balances()
    const gained = after.map((amount, at) => amount - (before[at] ?? 0n))
    // What was charged left the seller's account for the service's till.
    const [machine = 0n, ofModel = 0n, data = 0n, service = 0n, fee = 0n] = gained
    const paid = { machine, model: ofModel, data, service: service + charged, fee }
    const text = answer.choices[0]?.text ?? ''
    return { text, tokens, charged, assets, paid, currency }
  } finally {
    await gateway.close()
    await upstream.close()
  }
}

/** The buyer puts money with the seller beforehand. */
async function prepay({ deployment, currency, walletOf }: LocalChain, seller: Address): Promise<void> {
  const wallet = walletOf(buyer)
  const terms = { deployment, currency: currency.address, amount: 1_000_000n }
  await confirm(wallet, await approveCurrency(wallet, terms))
  await confirm(wallet, await depositToTill(wallet, terms))
  await confirm(wallet, await transferInTill(wallet, { ...terms, to: seller }))
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
