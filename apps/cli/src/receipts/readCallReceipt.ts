import { readFileSync } from 'node:fs'
import { decodeCallReceipt, type SignedCallReceipt } from '@millrace/pay'
import { z } from 'zod'
import { ReceiptUnreadableError } from './errors.ts'

const paidSchema = z.object({ paid: z.object({ receipt: z.string() }) })

/** A receipt's file, `-` for the standard input. Throws ReceiptUnreadableError. */
export function readReceiptText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8').trim()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReceiptUnreadableError({ path, reason, cause })
  }
}

/** The JSON that a text is: one object, or the last line of several, as a command prints them. */
export function readReceiptJson(text: string): unknown {
  for (const part of [text, text.split('\n').at(-1) ?? ''])
    try {
      return JSON.parse(part)
    } catch {}
  return null
}

/**
 * Reads the receipt of a call: what `millrace pay --json` printed, or header `Millrace-Receipt`.
 *
 * @param path Where it came from, for errors.
 * @throws ReceiptUnreadableError
 */
export function readCallReceipt(path: string, text: string): SignedCallReceipt {
  const paid = paidSchema.safeParse(readReceiptJson(text))
  try {
    return decodeCallReceipt(paid.success ? paid.data.paid.receipt : text)
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '')
    throw new ReceiptUnreadableError({ path, reason, cause })
  }
}
