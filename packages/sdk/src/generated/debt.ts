// Generated from contracts/src by `npm run gen`. Do not edit.

/** ABI of `IDebt`. */
export const debtAbi = [
  { type: 'function', name: 'collect', inputs: [{ name: 'asset', type: 'uint256' }, { name: 'boundary', type: 'uint40' }, { name: 'available', type: 'uint128' }, { name: 'revenue', type: 'uint128' }], outputs: [{ name: 'taken', type: 'uint128' }], stateMutability: 'nonpayable' },
  { type: 'function', name: 'outstanding', inputs: [{ name: 'asset', type: 'uint256' }], outputs: [{ name: '', type: 'bool' }], stateMutability: 'view' },
] as const
