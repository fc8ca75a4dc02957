import type { Hash } from 'viem'
import type { Curve } from '../curve/openCurve.ts'
import { createTypedHasher, type TypedDomain } from '../curve/typedData.ts'
import { toHex, writeHex, writeUint } from '../curve/words.ts'
import { x402Contracts } from '../x402/contracts.ts'
import type { BatchConfig, BatchDeposit } from './payload.ts'
import { batchDomain } from './types.ts'

const configType =
  'ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)'
const voucherType = 'Voucher(bytes32 channelId,uint128 maxClaimableAmount)'
const receiveType =
  'ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)'

/** Digests of scheme `batch-settlement`, laid out by hand. */
export interface BatchHasher {
  /** Id of a channel. */
  channel(chainId: number, config: BatchConfig): Hash
  /** What signs a voucher. */
  voucher(chainId: number, of: { readonly channelId: Hash; readonly maxClaimableAmount: bigint }): Uint8Array
  /** Nonce of the authorization that brings a deposit: it can bring no other. */
  nonce(channelId: Hash, salt: Hash): Hash
  /** What the payer signs to the collector, in the token's domain. */
  deposit(token: TypedDomain, deposit: BatchDeposit): Uint8Array
}

/**
 * Makes the functions that hash what is signed in scheme `batch-settlement`, to the same digests as a general encoder.
 *
 * @param curve The hash function.
 * @see https://eips.ethereum.org/EIPS/eip-712
 */
export function createBatchHasher(curve: Curve): BatchHasher {
  const hasher = createTypedHasher(curve)
  const configHash = hasher.typeHash(configType)
  const voucherHash = hasher.typeHash(voucherType)
  const receiveHash = hasher.typeHash(receiveType)

  function nonce(channelId: Hash, salt: Hash): Hash {
    const words = new Uint8Array(64)
    writeHex(words, 32, channelId)
    writeHex(words, 64, salt)
    return toHex(curve.keccak256(words))
  }

  return {
    nonce,
    channel(chainId, config) {
      const { payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt } = config
      const words = new Uint8Array(256)
      words.set(configHash, 0)
      for (const [index, party] of [payer, payerAuthorizer, receiver, receiverAuthorizer, token].entries())
        writeHex(words, 64 + 32 * index, party)
      writeUint(words, 224, BigInt(withdrawDelay))
      writeHex(words, 256, salt)
      return toHex(hasher.digest(batchDomain(chainId), words))
    },
    voucher(chainId, { channelId, maxClaimableAmount }) {
      const words = new Uint8Array(96)
      words.set(voucherHash, 0)
      writeHex(words, 64, channelId)
      writeUint(words, 96, maxClaimableAmount)
      return hasher.digest(batchDomain(chainId), words)
    },
    deposit(token, { channelConfig, voucher, deposit }) {
      const {
        validAfter = 0n,
        validBefore = 0n,
        salt = '0x',
      } = deposit.authorization.erc3009Authorization ?? {}
      const words = new Uint8Array(224)
      words.set(receiveHash, 0)
      writeHex(words, 64, channelConfig.payer)
      writeHex(words, 96, x402Contracts.erc3009DepositCollector)
      writeUint(words, 128, deposit.amount)
      writeUint(words, 160, validAfter)
      writeUint(words, 192, validBefore)
      writeHex(words, 224, nonce(voucher.channelId, salt))
      return hasher.digest(token, words)
    },
  }
}
