/** Why a payment by `upto` is refused, in the names that the x402 packages use. */
export const uptoReasons = {
  scheme: 'invalid_upto_evm_scheme',
  network: 'invalid_upto_evm_network_mismatch',
  payload: 'unsupported_payload_type',
  spender: 'invalid_permit2_spender',
  recipient: 'invalid_permit2_recipient_mismatch',
  facilitator: 'upto_facilitator_mismatch',
  deadline: 'permit2_deadline_expired',
  validAfter: 'permit2_not_yet_valid',
  amount: 'permit2_amount_mismatch',
  exceeds: 'invalid_upto_evm_payload_settlement_exceeds_amount',
  token: 'permit2_token_mismatch',
  signature: 'invalid_permit2_signature',
  undeployed: 'eip6492_factory_not_allowed',
  asset: 'asset_not_deployed_contract',
  proxy: 'permit2_proxy_not_deployed',
  nonceUsed: 'permit2_invalid_nonce',
  balance: 'permit2_insufficient_balance',
  allowance: 'permit2_allowance_required',
  approvalFormat: 'invalid_eip2612_extension_format',
  approvalFrom: 'eip2612_from_mismatch',
  approvalAsset: 'eip2612_asset_mismatch',
  approvalSpender: 'eip2612_spender_not_permit2',
  approvalDeadline: 'eip2612_deadline_expired',
  approvalAmount: 'permit2_2612_amount_mismatch',
  simulation: 'permit2_simulation_failed',
  transaction: 'invalid_upto_evm_transaction_failed',
  /** Ours: mined, and the money did not move as signed. */
  transferEvent: 'invalid_upto_evm_transfer_event_mismatch',
} as const

export type UptoReason = (typeof uptoReasons)[keyof typeof uptoReasons]
