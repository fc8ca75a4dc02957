import * as z from 'zod'
import { FieldInvalid, FieldUnknown } from './errors.ts'

const base = {
  model: z.string().min(1).max(256),
  user: z.string().max(256).optional(),
}
const sampling = {
  ...base,
  temperature: z.number().min(0).max(2).nullish(),
  // Taken for compatibility where it asks for what is done anyway.
  top_p: z.literal(1).nullish(),
  n: z.literal(1).nullish(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .nullish(),
  stop: z.union([z.string().min(1).max(64), z.array(z.string().min(1).max(64)).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
}
const tokens = z.int().min(1).max(4096)
const ids = z.array(z.int().min(0)).min(1)
const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })

export const completionSchema = z.strictObject({
  ...sampling,
  prompt: z.union([z.string(), z.tuple([z.string()]), ids, z.tuple([ids])]).nullish(),
  max_tokens: tokens.nullish(),
})

export const chatSchema = z.strictObject({
  ...sampling,
  messages: z
    .array(
      z.strictObject({
        role: z.enum(['developer', 'system', 'user', 'assistant']),
        content: z.union([z.string(), z.array(textPart).min(1)]),
        name: z.string().optional(),
      }),
    )
    .min(1)
    .max(1024),
  max_tokens: tokens.nullish(),
  max_completion_tokens: tokens.nullish(),
})

export const embeddingSchema = z.strictObject({
  ...base,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(256), ids, z.array(ids).max(256)]),
  encoding_format: z.enum(['float', 'base64']).optional(),
})

export type CompletionRequest = z.infer<typeof completionSchema>
export type ChatRequest = z.infer<typeof chatSchema>
export type EmbeddingRequest = z.infer<typeof embeddingSchema>

/** @throws FieldInvalid, FieldUnknown naming the first field that is wrong. */
export function readRequest<schema extends z.ZodType>(schema: schema, body: unknown): z.output<schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = issue?.path.map(String).join('.') ?? ''
  if (issue?.code === 'unrecognized_keys') {
    throw new FieldUnknown([path, issue.keys[0]].filter((part) => part !== '').join('.'))
  }
  throw new FieldInvalid(path === '' ? 'body' : path, issue?.message ?? 'it is not allowed')
}
