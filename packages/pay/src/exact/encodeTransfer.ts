import { encodeFunctionData, type Hex, size, slice } from 'viem'
import { transferAbi, transferBytesAbi } from './tokenAbi.ts'
import type { ExactPayment } from './verifyExact.ts'

/** The call that moves the money: 65 bytes of signature in three parts, anything else as bytes. */
export function encodeTransfer(payment: ExactPayment): Hex {
  const { authorization, signature } = payment
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const functionName = 'transferWithAuthorization'
  if (size(signature) !== 65)
    return encodeFunctionData({
      abi: transferBytesAbi,
      functionName,
      args: [from, to, value, validAfter, validBefore, nonce, signature],
    })
  const last = Number(slice(signature, 64, 65))
  const v = last < 27 ? last + 27 : last
  const [r, s] = [slice(signature, 0, 32), slice(signature, 32, 64)]
  return encodeFunctionData({
    abi: transferAbi,
    functionName,
    args: [from, to, value, validAfter, validBefore, nonce, v, r, s],
  })
}
