import * as z from 'zod'
import { UpstreamAnswerInvalidError } from './errors.ts'

const choice = z.looseObject({
  text: z.string().nullish(),
  delta: z.unknown().optional(),
  message: z.unknown().optional(),
})
const answerSchema = z.looseObject({
  choices: z.array(choice).max(4096).nullish(),
  usage: z.unknown().optional(),
  error: z.unknown().optional(),
})

/** An answer of the upstream or an event of its stream, as far as it is understood; the rest is passed on. */
export type Answer = z.output<typeof answerSchema>

/** @throws UpstreamAnswerInvalidError */
export function readAnswer(text: string): Answer {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new UpstreamAnswerInvalidError({ problem: 'it is not JSON' })
  }
  const read = answerSchema.safeParse(json)
  if (read.success) return read.data
  throw new UpstreamAnswerInvalidError({ problem: 'it is not of the form of the API' })
}

/** What the model wrote: content, refusals, thoughts that are shown, names and arguments of tools. */
export function answerText(answer: Answer): string {
  return (answer.choices ?? [])
    .map(({ text, delta, message }) => (text ?? '') + written(delta) + written(message))
    .join('')
}

const marks = new Set(['role', 'id', 'type', 'index'])

function written(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(written).join('')
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, part]) => (marks.has(key) ? '' : written(part)))
    .join('')
}
