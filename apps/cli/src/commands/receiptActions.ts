import {
  CallReceiptInvalidError,
  digestRequest,
  hashCallReceipt,
  type SignedCallReceipt,
  verifyCallReceipt,
} from '@millrace/pay'
import { type ReceiptFile, receiptFileSchema, recoverSigner, verifyReceipt } from '@millrace/sdk'
import { getAddress, isAddress, isAddressEqual, zeroHash } from 'viem'
import { UsageError } from '../errors/input.ts'
import { createOutput } from '../output/output.ts'
import { ReceiptRefutedError } from '../receipts/errors.ts'
import { readCallReceipt, readReceiptJson, readReceiptText } from '../receipts/readCallReceipt.ts'
import type { GlobalFlags } from './flags.ts'

export interface ReceiptFlags extends GlobalFlags {
  readonly signer?: string
  readonly request?: string
  readonly terms?: string
}

/** Verifies a receipt without a network: who signed it, and that it says what is expected. */
export async function checkReceipt(path: string, flags: ReceiptFlags): Promise<void> {
  const signer = flags.signer === undefined ? undefined : readSigner(flags.signer)
  const terms = flags.terms === undefined ? undefined : readTerms(flags.terms)
  const text = readReceiptText(path)
  const lease = receiptFileSchema.safeParse(readReceiptJson(text))
  if (!lease.success) return checkCall(path, readCallReceipt(path, text), { flags, signer, terms })
  if (flags.request !== undefined)
    throw new UsageError({ message: 'The receipt is of a lease, and `--request` is of a call.' })
  const file: ReceiptFile = lease.data
  const { receipt, chainId, market } = file
  const verdict = await verifyReceipt(receipt, file, {
    ...{ chainId, market },
    ...(signer === undefined ? {} : { device: signer }),
    ...(terms === undefined ? {} : { terms }),
  })
  if (!verdict.valid)
    throw new ReceiptRefutedError({ path, reasons: verdict.reasons.map(({ message }) => message) })
  createOutput(flags.json === true).result(
    {
      type: 'lease',
      digest: verdict.digest,
      signer: receipt.device,
      acknowledged: verdict.acknowledged,
      receipt,
    },
    [
      `Good: lease ${receipt.lease} of asset ${receipt.asset}, ${receipt.seconds} s, ended with ${receipt.exitCode}.`,
      `Signed by machine ${receipt.device}${verdict.acknowledged ? ` and its buyer ${receipt.buyer}` : ', not by its buyer'}.`,
      ...termsLine(receipt.terms),
    ].join('\n'),
  )
}

async function checkCall(
  path: string,
  signed: SignedCallReceipt,
  of: {
    readonly flags: ReceiptFlags
    readonly signer: `0x${string}` | undefined
    readonly terms: `0x${string}` | undefined
  },
): Promise<void> {
  const { flags, signer, terms } = of
  const { receipt, signature } = signed
  const digest = hashCallReceipt(receipt)
  const by = await recoverSigner(digest, signature)
  if (by === null) throw new ReceiptRefutedError({ path, reasons: ['Its signature is none.'] })
  const request = flags.request === undefined ? undefined : readRequest(flags.request)
  try {
    await verifyCallReceipt(signed, {
      seller: signer ?? by,
      ...(request === undefined ? {} : { request }),
      ...(terms === undefined ? {} : { terms }),
    })
  } catch (cause) {
    if (!(cause instanceof CallReceiptInvalidError)) throw cause
    throw new ReceiptRefutedError({ path, reasons: [cause.message], cause })
  }
  const isPayee = isAddressEqual(by, receipt.payee)
  createOutput(flags.json === true).result(
    { type: 'call', digest, signer: by, isPayee, receipt },
    [
      `Signed by ${by}, ${isPayee ? 'who is paid' : signer === undefined ? `which is not the payee ${receipt.payee}: name who it should be with --signer` : 'as expected'}.`,
      `Paid ${receipt.amount} base units of ${receipt.asset} on ${receipt.network} by ${receipt.scheme}, ${new Date(receipt.at * 1000).toISOString()}.`,
      `Payer ${receipt.payer}, payment ${receipt.reference}, request ${receipt.request}${request === undefined ? '' : ', as expected'}.`,
      ...termsLine(receipt.terms),
    ].join('\n'),
  )
}

const termsLine = (terms: string) => (terms === zeroHash ? [] : [`Agreed on: terms ${terms}.`])

function readSigner(text: string) {
  if (isAddress(text)) return getAddress(text)
  throw new UsageError({ message: `'${text}' is not an address.`, remedy: 'Give 0x and 40 hex digits.' })
}

function readTerms(text: string): `0x${string}` {
  if (/^0x[0-9a-f]{64}$/i.test(text)) return text.toLowerCase() as `0x${string}`
  throw new UsageError({ message: `'${text}' is no hash of terms.`, remedy: 'Give 0x and 64 hex digits.' })
}

/** Reads `GET https://…`: a request without a body. */
function readRequest(text: string) {
  const [, method, url] = /^([A-Z]+)\s+(https?:\/\/\S+)$/.exec(text.trim()) ?? []
  if (method !== undefined && url !== undefined && URL.canParse(url))
    return digestRequest({ method, url: new URL(url).href, body: new Uint8Array() })
  throw new UsageError({
    message: `'${text}' is not a request.`,
    remedy: "Give a method and a URL, such as 'GET https://api.example/data'.",
  })
}
