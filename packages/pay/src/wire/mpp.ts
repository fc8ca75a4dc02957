import { canonicalJson } from '@millrace/sdk'
import * as z from 'zod'
import { bytesToBase64, decodeHeader, encodeHeader, maxHeaderBytes, toBase64 } from './base64.ts'
import {
  ChallengeExpiredError,
  ChallengeForeignError,
  ChallengeMalformedError,
  HeaderTooLargeError,
} from './errors.ts'
import { hmac } from './hmac.ts'

const field = z.string().max(8192)

/** What a challenge of the HTTP scheme `Payment` says; `request` and `opaque` are base64url of canonical JSON. */
export const challengeSchema = z.object({
  id: field.min(1),
  realm: field,
  method: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  intent: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  request: field,
  expires: z.iso.datetime({ offset: true }).optional(),
  digest: field.optional(),
  description: field.optional(),
  opaque: field.optional(),
})

/** Header `Authorization: Payment …`: the challenge that is answered, unchanged, and the answer. */
export const credentialSchema = z.object({
  challenge: challengeSchema,
  source: z.string().max(256).optional(),
  payload: z.record(z.string(), z.unknown()),
})

/** Header `Payment-Receipt`. */
export const paymentReceiptSchema = z.object({
  status: z.literal('success'),
  method: z.string().min(1).max(64),
  timestamp: z.iso.datetime({ offset: true }),
  reference: z.string().max(4096),
})

export type Challenge = z.infer<typeof challengeSchema>
export type Credential = z.infer<typeof credentialSchema>
export type PaymentReceipt = z.infer<typeof paymentReceiptSchema>

/** A challenge before it has its id; `request` and `opaque` as values. */
export interface ChallengeFields {
  readonly realm: string
  readonly method: string
  readonly intent: string
  readonly request: Readonly<Record<string, unknown>>
  /** When it ends, as in RFC 3339. */
  readonly expires?: string
  /** Of the request's body, as in RFC 9530. */
  readonly digest?: string
  readonly description?: string
  readonly opaque?: Readonly<Record<string, unknown>>
}

/** What the id covers, in order; a field that is absent counts as empty. */
const covered = ['realm', 'method', 'intent', 'request', 'expires', 'digest', 'opaque'] as const

const idOf = async (challenge: Omit<Challenge, 'id'>, secret: Uint8Array): Promise<string> =>
  bytesToBase64(await hmac(secret, covered.map((name) => challenge[name] ?? '').join('|')), 'url')

/**
 * Makes a challenge of the HTTP scheme `Payment`. Its id is an HMAC over what it says, so that nothing has to be kept
 * to recognise it.
 *
 * @param fields What is asked for.
 * @param secret Known to this server only; 32 random bytes.
 * @returns The challenge.
 * @see https://github.com/tempoxyz/mpp-specs draft-httpauth-payment-00
 * @example
 * const challenge = await createChallenge({ realm: 'api.example', method: 'evm', intent: 'charge', request }, secret)
 */
export async function createChallenge(fields: ChallengeFields, secret: Uint8Array): Promise<Challenge> {
  const { request, opaque, ...rest } = fields
  const challenge = {
    ...rest,
    request: toBase64(canonicalJson(request), 'url'),
    ...(opaque === undefined ? {} : { opaque: toBase64(canonicalJson(opaque), 'url') }),
  }
  return { id: await idOf(challenge, secret), ...challenge }
}

/**
 * Checks that a challenge was made here, unchanged, and has not ended.
 *
 * @param challenge The challenge, as a credential repeats it.
 * @param options The secret it was made with, and the time in Unix seconds.
 * @throws ChallengeForeignError, ChallengeExpiredError.
 * @example
 * await verifyChallenge(credential.challenge, { secret, now: Math.floor(Date.now() / 1000) })
 */
export async function verifyChallenge(
  challenge: Challenge,
  options: { readonly secret: Uint8Array; readonly now: number },
): Promise<void> {
  const { id, expires } = challenge
  if (!isSameText(await idOf(challenge, options.secret), id)) throw new ChallengeForeignError({ id })
  if (expires !== undefined && Date.parse(expires) / 1000 <= options.now)
    throw new ChallengeExpiredError({ id, expires })
}

/** Compares without saying by its time how much is equal. */
function isSameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index)
  return difference === 0
}

const challengeHeader = 'WWW-Authenticate'
const order = [
  'id',
  'realm',
  'method',
  'intent',
  'request',
  'expires',
  'digest',
  'description',
  'opaque',
] as const
// A header is Latin-1 at most, and a quoted string in it is printable ASCII to be safe.
const unprintable = /[^\x20-\x7e]/

/** Writes header `WWW-Authenticate`. */
export function encodeChallenge(challenge: Challenge): string {
  const parts = order.flatMap((name) => {
    const value = challenge[name]
    if (value === undefined) return []
    if (unprintable.test(value))
      throw new ChallengeMalformedError({
        header: challengeHeader,
        reason: `'${name}' is not printable ASCII`,
      })
    return [`${name}="${value.replace(/["\\]/g, '\\$&')}"`]
  })
  const text = `Payment ${parts.join(', ')}`
  if (text.length > maxHeaderBytes)
    throw new HeaderTooLargeError({ header: challengeHeader, bytes: text.length, most: maxHeaderBytes })
  return text
}

const parameter = /\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(,|$)/y

/**
 * Reads a challenge from header `WWW-Authenticate`.
 *
 * @param header Its content, of the scheme `Payment`.
 * @returns The challenge; only its maker can tell whether it is genuine.
 * @throws HeaderTooLargeError, ChallengeMalformedError.
 * @example
 * const challenge = decodeChallenge(response.headers.get('WWW-Authenticate') ?? '')
 */
export function decodeChallenge(header: string): Challenge {
  const malformed = (reason: string) => new ChallengeMalformedError({ header: challengeHeader, reason })
  if (header.length > maxHeaderBytes)
    throw new HeaderTooLargeError({ header: challengeHeader, bytes: header.length, most: maxHeaderBytes })
  const start = /^\s*Payment\s+/i.exec(header)?.[0].length
  if (start === undefined) throw malformed("it does not begin with 'Payment '")
  const fields = new Map<string, string>()
  parameter.lastIndex = start
  while (parameter.lastIndex < header.length) {
    const at = parameter.lastIndex
    const match = parameter.exec(header)
    if (match === null) throw malformed(`no parameter at character ${at}`)
    const name = (match[1] ?? '').toLowerCase()
    if (fields.has(name)) throw malformed(`'${name}' stands twice`)
    fields.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '')
  }
  const result = challengeSchema.safeParse(Object.fromEntries(fields))
  if (result.success) return result.data
  throw malformed(
    result.error.issues.map(({ path, message }) => `'${path.join('.')}': ${message}`).join('; '),
  )
}

/** Writes header `Authorization`. */
export const encodeCredential = (credential: Credential): string =>
  `Payment ${encodeHeader('Authorization', credential, 'url')}`

/**
 * Reads header `Authorization` of the scheme `Payment`.
 *
 * @param header Its content.
 * @returns The credential, of which only the form has been checked.
 * @throws ChallengeMalformedError if it is of another scheme, HeaderTooLargeError, HeaderNotBase64Error,
 * HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const { challenge, payload } = decodeCredential(request.headers.get('Authorization') ?? '')
 */
export function decodeCredential(header: string): Credential {
  const content = /^\s*Payment\s+(\S*)\s*$/i.exec(header)?.[1]
  if (content === undefined)
    throw new ChallengeMalformedError({ header: 'Authorization', reason: "it is not 'Payment ' and base64" })
  return decodeHeader('Authorization', content, { schema: credentialSchema, alphabet: 'url' })
}

/** Writes header `Payment-Receipt`. */
export const encodePaymentReceipt = (receipt: PaymentReceipt): string =>
  encodeHeader('Payment-Receipt', receipt, 'url')

/** Reads header `Payment-Receipt`. */
export const decodePaymentReceipt = (header: string): PaymentReceipt =>
  decodeHeader('Payment-Receipt', header, { schema: paymentReceiptSchema, alphabet: 'url' })
