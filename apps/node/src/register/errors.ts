import type { Address } from 'viem'
import { NodeError } from '../errors/NodeError.ts'

/** The machine's asset is run by someone else now. */
export class OperatorChangedError extends NodeError {
  constructor(options: { asset: bigint; operator: Address; ours: Address }) {
    super({
      code: 'OPERATOR_CHANGED',
      message: `Asset ${options.asset} is run by ${options.operator}; the key of this node is ${options.ours}.`,
      remedy: 'Use the operator’s key, or have the owner name this one: `millrace asset set-operator`.',
      details: options,
    })
  }
}

/** The configured currency is not the one in which the asset is paid, which never changes. */
export class AssetCurrencyError extends NodeError {
  constructor(options: { asset: bigint; currency: Address; configured: Address }) {
    super({
      code: 'ASSET_CURRENCY',
      message: `Asset ${options.asset} is paid in ${options.currency}; the configuration names ${options.configured}.`,
      remedy:
        'Correct offer.currency, or set up the machine anew in another home to register it in the other currency.',
      details: options,
    })
  }
}

/** The operator has too little in the till for the bond of every slot. */
export class BondTooLowError extends NodeError {
  constructor(options: { balance: bigint; needed: bigint }) {
    super({
      code: 'BOND_TOO_LOW',
      message: `The operator’s till account holds ${options.balance} base units; the bonds need ${options.needed}.`,
      remedy: 'Deposit more, or lower offer.bond.',
      retryable: true,
    })
  }
}

/** No currency was configured and none is known for this chain. */
export class CurrencyUnknownError extends NodeError {
  constructor(options: { chainId: number }) {
    super({
      code: 'CURRENCY_UNKNOWN',
      message: `No stablecoin is known on chain ${options.chainId}.`,
      remedy: 'Set offer.currency in the configuration.',
    })
  }
}

/** The registration was mined, but its event is not there. */
export class RegistrationMissingError extends NodeError {
  constructor(options: { hash: string }) {
    super({
      code: 'REGISTRATION_MISSING',
      message: `Transaction ${options.hash} was mined but registered nothing.`,
      remedy: 'Check network.contracts.assets: the contract there is not the register of assets.',
      details: options,
    })
  }
}
