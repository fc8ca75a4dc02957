import { RiskError } from '../errors/RiskError.ts'

/** Transfers add up to more than can be counted exactly in the ledger's unit. */
export class AmountRangeError extends RiskError {
  override readonly name = 'AmountRangeError'
  constructor(options: { readonly transfer: string; readonly amount: bigint; readonly unit: bigint }) {
    super({
      code: 'RISK_AMOUNT_RANGE',
      message: `The transfer "${options.transfer}" of ${options.amount} is negative, or takes the sum beyond 2^53 units of ${options.unit}.`,
      remedy: 'Open the ledger with a larger unit: 10^12 suits a currency of 18 decimals.',
      details: options,
    })
  }
}

/** A transfer is older than one that was added before it. */
export class TransferOrderError extends RiskError {
  override readonly name = 'TransferOrderError'
  constructor(options: { readonly transfer: string; readonly time: number; readonly least: number }) {
    super({
      code: 'RISK_TRANSFER_ORDER',
      message: `The transfer "${options.transfer}" is of second ${options.time}, before the last one's ${options.least}.`,
      remedy: 'Add transfers in the order of the chain; after a reorganisation cut the ledger back first.',
      details: options,
    })
  }
}
