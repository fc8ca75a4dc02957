import {
  type AbiParameter,
  BaseError,
  decodeErrorResult,
  type Hex,
  HttpRequestError,
  InsufficientFundsError,
  isHex,
  TimeoutError,
} from 'viem'
import { errorsAbi } from '../generated/errors.ts'
import { MillraceError } from './MillraceError.ts'
import { revertSentences } from './revertSentences.ts'
import { ChainUnreachableError, GasMoneyError, RevertError } from './transaction.ts'

interface ErrorItem {
  readonly type: 'error'
  readonly name: string
  readonly inputs: readonly AbiParameter[]
}

/** Every custom error that a call to Millrace can end in, once each. */
export const contractErrors: readonly ErrorItem[] = errorsAbi

const leaseStates = ['unknown', 'open', 'running', 'stopped', 'settled']
const loanStates = ['unknown', 'live', 'late', 'impaired', 'in default', 'written off', 'closed']

/**
 * Reads an error of viem as one of ours: a custom error of the contracts becomes a sentence, an RPC that cannot be
 * reached and an account without gas money become errors of their own.
 *
 * @param error What a viem action threw, or the raw data of a revert in hex.
 * @param account Who sent the transaction, for the message.
 * @returns Our error, or the same error if it is ours already or none that the chain gave.
 * @example
 * const error = decodeRevert(thrown)
 * if (error instanceof RevertError && error.revert.name === 'OfferExpired') await takeAnotherOffer()
 */
export function decodeRevert(error: unknown, account?: string): unknown {
  if (error instanceof MillraceError) return error
  const data = isHex(error) ? error : revertData(error)
  if (data !== undefined) {
    const decoded = decodeData(data, error)
    if (decoded !== undefined) return decoded
  }
  if (error instanceof BaseError) {
    if (error.walk((inner) => inner instanceof InsufficientFundsError) !== null)
      return new GasMoneyError({ account: account ?? 'unknown', cause: error })
    const unreachable = error.walk(
      (inner) => inner instanceof HttpRequestError || inner instanceof TimeoutError,
    )
    if (unreachable instanceof BaseError)
      return new ChainUnreachableError({
        reason: unreachable.details || unreachable.shortMessage,
        cause: error,
      })
  }
  return error
}

/** Finds the data of a revert anywhere in a chain of causes. */
function revertData(error: unknown): Hex | undefined {
  let current: unknown = error
  for (let depth = 0; depth < 16 && typeof current === 'object' && current !== null; depth++) {
    for (const key of ['raw', 'data'] as const) {
      const value: unknown = key in current ? (current as Record<string, unknown>)[key] : undefined
      if (isHex(value) && value.length >= 10) return value
      // Some nodes wrap the data once more.
      if (typeof value === 'object' && value !== null && 'data' in value && isHex(value.data))
        return value.data
    }
    current = 'cause' in current ? current.cause : undefined
  }
  return undefined
}

function decodeData(data: Hex, cause: unknown): RevertError | undefined {
  let decoded: { errorName: string; args?: readonly unknown[]; abiItem: unknown }
  try {
    decoded = decodeErrorResult({ abi: contractErrors, data }) as typeof decoded
  } catch {
    return undefined
  }
  const name = decoded.errorName
  const item = decoded.abiItem as ErrorItem
  const args = Object.fromEntries(
    item.inputs.map((input, index) => [input.name ?? String(index), decoded.args?.[index]]),
  )
  const [message, remedy] = revertSentences[name] ?? [solidityMessage(name, decoded.args ?? [])]
  return new RevertError({ name, args, message: fill(message, args), remedy, cause })
}

const fill = (sentence: string, args: Readonly<Record<string, unknown>>) =>
  sentence.replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = args[key]
    if (key === 'state') return ('loan' in args ? loanStates : leaseStates)[Number(value)] ?? String(value)
    return typeof value === 'string' ? `'${value}'` : String(value)
  })

function solidityMessage(name: string, args: readonly unknown[]): string {
  if (name === 'Error') return `The contract refused: ${String(args[0])}.`
  if (name === 'Panic') return `The contract failed with panic code ${String(args[0])}.`
  return `The contract refused with ${name}(${args.map(String).join(', ')}).`
}
