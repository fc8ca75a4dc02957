import { type Address, bytesToHex, type Hash, type Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { Currency, Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

const types = {
  ReceiveWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** An owner's order that the till receives money from the wallet, signed instead of sent. */
export interface SignedAuthorization {
  readonly from: Address
  readonly currency: Address
  /** Base units. */
  readonly amount: bigint
  /** Unix seconds after which it is good. */
  readonly validAfter: bigint
  /** Unix seconds before which it is good. */
  readonly validBefore: bigint
  readonly nonce: Hex
  readonly signature: Hex
}

/**
 * Signs an ERC-3009 authorization for the till. Unlike permits, several can be open at the same time.
 *
 * @param signer The wallet's account.
 * @param options Deployment, currency, amount in base units, bounds in Unix seconds (`validAfter` defaults to 0), and a
 * nonce of 32 bytes (default: random).
 * @returns The authorization; anyone can send it with `depositWithAuthorization`.
 * @see https://eips.ethereum.org/EIPS/eip-3009
 * @example
 * const authorization = await signAuthorization(buyer, { deployment, currency, amount: 5_000_000n, validBefore })
 */
export async function signAuthorization(
  signer: Signer,
  options: {
    readonly deployment: Deployment
    readonly currency: Currency
    readonly amount: bigint
    readonly validAfter?: bigint
    readonly validBefore: bigint
    readonly nonce?: Hex
  },
): Promise<SignedAuthorization> {
  const { deployment, currency, amount, validAfter = 0n, validBefore } = options
  const nonce = options.nonce ?? bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
  const { name, version, address } = currency
  const signature = await signer.signTypedData({
    domain: { name, version, chainId: deployment.chainId, verifyingContract: address },
    types,
    primaryType: 'ReceiveWithAuthorization',
    message: { from: signer.address, to: deployment.till, value: amount, validAfter, validBefore, nonce },
  })
  return { from: signer.address, currency: address, amount, validAfter, validBefore, nonce, signature }
}

/** What `depositWithAuthorization` takes. */
export interface DepositWithAuthorizationParameters {
  readonly deployment: Deployment
  /** From `signAuthorization`. */
  readonly authorization: SignedAuthorization
  readonly overrides?: TransactionOverrides
}

/**
 * Deposits by an ERC-3009 authorization. The signer's till account is credited; anyone may send it.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and authorization.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await depositWithAuthorization(client, { deployment, authorization })
 */
export function depositWithAuthorization(
  client: WriteClient,
  parameters: DepositWithAuthorizationParameters,
): Promise<Hash> {
  const { deployment, authorization, overrides } = parameters
  const { from, currency, amount, validAfter, validBefore, nonce, signature } = authorization
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'depositWithAuthorization',
    args: [currency, from, amount, validAfter, validBefore, nonce, signature],
    overrides,
  })
}
