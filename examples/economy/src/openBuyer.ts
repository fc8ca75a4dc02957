import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import OpenAI from 'openai'
import { type Agent, openPurse, type Purse } from './createAgent.ts'
import { modelName } from './openModelSeller.ts'
import { pause } from './pause.ts'

/** One who has texts to be continued, and money for some of them. */
export interface Buyer {
  readonly agent: Agent
  readonly purse: Purse
  readonly answers: () => number
  /** Whether it stopped because its budget was spent. */
  readonly spent: () => boolean
  /** Buys until the budget is spent or the signal is given. */
  live(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const prompts = ['The market', 'A lease', 'The till', 'A machine', 'The gateway', 'An offer', 'A voucher']

/**
 * Opens a buyer, with the official client of OpenAI's API and a `fetch` that pays.
 *
 * @param agent Whose it is.
 * @param options Where completions are sold, and what it may spend in all, in base units.
 */
export async function openBuyer(
  agent: Agent,
  options: { readonly service: string; readonly budget: bigint },
): Promise<Buyer> {
  const purse = await openPurse(agent, { lifetime: options.budget, maxDeposit: 200_000n })
  const fetch = purse.fetch
  const openai = new OpenAI({ baseURL: `${options.service}/v1`, apiKey: 'none', fetch, maxRetries: 0 })
  let answers = 0
  let spent = false
  return {
    ...{ agent, purse, answers: () => answers, spent: () => spent },
    async live(signal) {
      while (!signal.aborted && !spent) {
        const prompt = prompts[answers % prompts.length] ?? ''
        try {
          const body = { model: modelName, prompt, max_tokens: 24, seed: answers }
          const answer = await openai.completions.create(body)
          answers++
          const text = prompt + (answer.choices[0]?.text ?? '')
          await appendFile(join(agent.folder, 'answers.jsonl'), `${JSON.stringify({ text })}\n`)
          await pause(150, signal)
        } catch (error) {
          if (codeOf(error) === 'BUDGET_EXCEEDED') spent = true
          else if (error instanceof OpenAI.APIError && error.status === 503) await pause(250, signal)
          else throw error
        }
      }
    },
    close: () => purse.close(),
  }
}

/** The client wraps what its `fetch` throws. */
function codeOf(error: unknown): unknown {
  for (let each = error; each instanceof Error; each = each.cause)
    if ('code' in each && each.code !== undefined && each.code !== null) return each.code
  return null
}
