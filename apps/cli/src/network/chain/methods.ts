/** What the front of the local chain does with a method. */
export type MethodClass =
  /** Forwarded as it is. */
  | 'read'
  /** Forwarded with the time of now as the block's, if no block is named. */
  | 'timed-read'
  /** Changes the chain: journaled, then executed, one at a time. */
  | 'write'
  /** Not offered, because it could not be kept between runs or would bypass a signature. */
  | 'refused'

const writes = new Set([
  'eth_sendRawTransaction',
  'eth_sendRawTransactionSync',
  'evm_mine',
  'evm_increaseTime',
  'anvil_setBalance',
  'anvil_setCode',
  'anvil_setNonce',
  'anvil_setStorageAt',
])
const timedReads = new Set(['eth_call', 'eth_estimateGas'])
const reads = new Set([
  'anvil_nodeInfo',
  'anvil_metadata',
  'txpool_status',
  'txpool_content',
  'txpool_inspect',
])
const signing = new Set(['eth_sendTransaction', 'eth_sign', 'eth_signTransaction', 'eth_signTypedData_v4'])

/** Sorts a JSON-RPC method. Unknown namespaces are refused, so that nothing changes the chain unseen. */
export function classifyMethod(method: string): MethodClass {
  if (writes.has(method)) return 'write'
  if (timedReads.has(method)) return 'timed-read'
  if (reads.has(method)) return 'read'
  if (signing.has(method) || method.startsWith('eth_subscribe')) return 'refused'
  return /^(eth|net|web3|debug|trace)_/.test(method) ? 'read' : 'refused'
}
