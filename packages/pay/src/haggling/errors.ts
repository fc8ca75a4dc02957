import { MillraceError } from '@millrace/sdk/errors'

/** This seller does not haggle about what was called for. */
export class CallHaggleRefusedError extends MillraceError {
  override readonly name = 'CallHaggleRefusedError'
  static readonly code = 'CALL_HAGGLE_REFUSED'
  constructor(options: { reason: string; retryable?: boolean }) {
    super({
      code: CallHaggleRefusedError.code,
      message: `This seller does not haggle: ${options.reason}.`,
      remedy: 'Pay the list price, or call for something else.',
      retryable: options.retryable ?? false,
      details: { reason: options.reason },
    })
  }
}

/** A call names a haggle that does not sell it. Nothing was charged. */
export class HaggleVoidError extends MillraceError {
  override readonly name = 'HaggleVoidError'
  static readonly code = 'HAGGLE_VOID'
  constructor(options: { haggle: string; reason: string }) {
    super({
      code: HaggleVoidError.code,
      message: `Haggle '${options.haggle}' does not sell this call: ${options.reason}.`,
      remedy: 'Nothing was charged. Haggle again, or leave out the header and pay the list price.',
      details: options,
    })
  }
}

/** A seller asks for something else than what it agreed on. Nothing was paid. */
export class DealBrokenError extends MillraceError {
  override readonly name = 'DealBrokenError'
  static readonly code = 'DEAL_BROKEN'
  constructor(options: { url: string; field: string; agreed: string; asked: string }) {
    const { url, field, agreed, asked } = options
    super({
      code: DealBrokenError.code,
      message: `'${url}' asks for ${field} '${asked}', and '${agreed}' was agreed on.`,
      remedy:
        'Nothing was paid. The signed messages of the deal show what was agreed on; haggle again, or go elsewhere.',
      details: options,
    })
  }
}

/** A seller that says that it haggles gave no answer that can be read, or refused. */
export class HaggleUnansweredError extends MillraceError {
  override readonly name = 'HaggleUnansweredError'
  static readonly code = 'HAGGLE_UNANSWERED'
  constructor(options: { url: string; reason: string; cause?: unknown }) {
    const { url, reason, cause } = options
    super({
      code: HaggleUnansweredError.code,
      message: `'${url}' did not answer in a haggle: ${reason}.`,
      remedy: 'Nothing was agreed on or paid. Pay the list price, or try later.',
      retryable: true,
      details: { url, reason },
      cause,
    })
  }
}
