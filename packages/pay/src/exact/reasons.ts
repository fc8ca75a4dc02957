/** Why a payment by `exact` is refused, in the names that the x402 packages use. */
export const exactReasons = {
  scheme: 'invalid_exact_evm_scheme',
  network: 'invalid_exact_evm_network_mismatch',
  domain: 'invalid_exact_evm_missing_eip712_domain',
  payload: 'unsupported_payload_type',
  factory: 'eip6492_factory_not_allowed',
  signature: 'invalid_exact_evm_signature',
  recipient: 'invalid_exact_evm_recipient_mismatch',
  validBefore: 'invalid_exact_evm_payload_authorization_valid_before',
  validAfter: 'invalid_exact_evm_payload_authorization_valid_after',
  value: 'invalid_exact_evm_payload_authorization_value_mismatch',
  asset: 'asset_not_deployed_contract',
  /** Ours: the x402 packages have no limit to tokens. */
  foreignAsset: 'unsupported_asset',
  /** Ours: the x402 packages settle any amount. */
  minimum: 'amount_below_minimum',
  nonceUsed: 'invalid_exact_evm_nonce_already_used',
  balance: 'invalid_exact_evm_insufficient_balance',
  tokenName: 'invalid_exact_evm_token_name_mismatch',
  tokenVersion: 'invalid_exact_evm_token_version_mismatch',
  noAuthorizations: 'invalid_exact_evm_eip3009_not_supported',
  simulation: 'invalid_exact_evm_transaction_simulation_failed',
  transaction: 'invalid_exact_evm_transaction_failed',
  transferEvent: 'invalid_exact_evm_transfer_event_mismatch',
  pending: 'settlement_pending',
} as const

export type ExactReason = (typeof exactReasons)[keyof typeof exactReasons]

/** A payment that is not taken: the exact reason, and a sentence with the values seen and wanted. */
export interface ExactRefusal {
  readonly type: 'refused'
  readonly reason: ExactReason
  readonly message: string
  readonly payer: string | null
}
