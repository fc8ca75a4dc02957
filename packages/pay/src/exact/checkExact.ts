import type { ReadClient } from '@millrace/sdk'
import type { Address } from 'viem'
import { call, readContract } from 'viem/actions'
import { attempt, hasCode, standsBy } from '../chain/askChain.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { encodeTransfer } from './encodeTransfer.ts'
import { type ExactReason, type ExactRefusal, exactReasons } from './reasons.ts'
import { tokenAbi } from './tokenAbi.ts'
import type { ExactPayment } from './verifyExact.ts'

/**
 * Asks the chain whether a payment that `verifyExact` found right can be settled now: code at the payer (then its
 * ERC-1271 decides on the signature, else the payer's key must have signed), code at the token, and the transfer itself,
 * tried without a transaction. If the trial fails, says why.
 *
 * @param client A viem client of the chain.
 * @param payment From `verifyExact`.
 * @param requirements What was asked for.
 * @returns null if it can be settled, else the reason.
 * @throws ChainUnreachableError.
 * @example
 * const refusal = await checkExact(client, payment, requirements)
 */
export async function checkExact(
  client: ReadClient,
  payment: ExactPayment,
  requirements: PaymentRequirements,
): Promise<ExactRefusal | null> {
  const payer = payment.authorization.from
  const asset = requirements.asset as Address
  const refuse = (reason: ExactReason, message: string): ExactRefusal => ({
    type: 'refused',
    reason,
    message,
    payer,
  })
  const [isContract, isToken, tried] = await Promise.all([
    hasCode(client, payer),
    hasCode(client, asset),
    attempt(call(client, { to: asset, data: encodeTransfer(payment) })),
  ])
  const { digest, signature } = payment
  const isSigned = isContract
    ? await standsBy(client, { account: payer, digest, signature })
    : payment.signer === 'payer'
  if (!isSigned)
    return refuse(
      exactReasons.signature,
      isContract
        ? `The contract '${payer}' does not stand by the signature.`
        : `The authorization is not signed by '${payer}'.`,
    )
  if (!isToken)
    return refuse(exactReasons.asset, `There is no contract at '${asset}' on '${requirements.network}'.`)
  if (tried.type === 'answered') return null
  return diagnoseExact(client, payment, requirements)
}

/** Why the chain does not take a transfer. */
export async function diagnoseExact(
  client: ReadClient,
  payment: ExactPayment,
  requirements: PaymentRequirements,
): Promise<ExactRefusal> {
  const { from: payer, nonce, value } = payment.authorization
  const token = { address: requirements.asset as Address, abi: tokenAbi } as const
  const refuse = (reason: ExactReason, message: string): ExactRefusal => ({
    type: 'refused',
    reason,
    message,
    payer,
  })
  const [used, name, version, balance] = await Promise.all([
    attempt(readContract(client, { ...token, functionName: 'authorizationState', args: [payer, nonce] })),
    attempt(readContract(client, { ...token, functionName: 'name' })),
    attempt(readContract(client, { ...token, functionName: 'version' })),
    attempt(readContract(client, { ...token, functionName: 'balanceOf', args: [payer] })),
  ])
  const extra = requirements.extra ?? {}
  if (used.type === 'failed')
    return refuse(exactReasons.noAuthorizations, `The token '${requirements.asset}' knows no EIP-3009.`)
  if (used.value) return refuse(exactReasons.nonceUsed, `The nonce '${nonce}' of '${payer}' is spent.`)
  if (name.type === 'answered' && name.value !== extra.name)
    return refuse(exactReasons.tokenName, `The token's name is '${name.value}', not '${extra.name}'.`)
  if (version.type === 'answered' && version.value !== extra.version)
    return refuse(
      exactReasons.tokenVersion,
      `The token's version is '${version.value}', not '${extra.version}'.`,
    )
  if (balance.type === 'answered' && balance.value < value)
    return refuse(
      exactReasons.balance,
      `'${payer}' has ${balance.value} base units; ${value} are to be paid.`,
    )
  return refuse(exactReasons.simulation, `The token '${requirements.asset}' refuses the transfer.`)
}
