import { type Address, type Hash, type Hex, hexToNumber, slice } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import type { Currency, Deployment } from '../deployments/deployment.ts'
import { testDollarAbi } from '../generated/testDollar.ts'
import { tillAbi } from '../generated/till.ts'
import { read } from '../transactions/read.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

const types = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

/** An owner's permission that the till takes money from the wallet, signed instead of sent. */
export interface SignedPermit {
  readonly from: Address
  readonly currency: Address
  /** Base units. */
  readonly amount: bigint
  /** Unix seconds. */
  readonly deadline: bigint
  readonly signature: Hex
}

/**
 * Signs an ERC-2612 permit for the till.
 *
 * @param signer The wallet's account.
 * @param options Deployment, currency, amount in base units, deadline in Unix seconds, and the wallet's permit nonce.
 * @returns The permit; anyone can send it with `depositWithPermit`.
 * @see https://eips.ethereum.org/EIPS/eip-2612
 * @example
 * const permit = await signPermit(buyer, { deployment, currency, amount: 5_000_000n, deadline, nonce: 0n })
 */
export async function signPermit(
  signer: Signer,
  options: {
    readonly deployment: Deployment
    readonly currency: Currency
    readonly amount: bigint
    readonly deadline: bigint
    readonly nonce: bigint
  },
): Promise<SignedPermit> {
  const { deployment, currency, amount, deadline, nonce } = options
  const { name, version, address } = currency
  const signature = await signer.signTypedData({
    domain: { name, version, chainId: deployment.chainId, verifyingContract: address },
    types,
    primaryType: 'Permit',
    message: { owner: signer.address, spender: deployment.till, value: amount, nonce, deadline },
  })
  return { from: signer.address, currency: address, amount, deadline, signature }
}

/** What `depositWithPermit` takes: a permit signed before, or what to sign now. */
export type DepositWithPermitParameters = {
  readonly deployment: Deployment
  readonly overrides?: TransactionOverrides
} & (
  | { readonly permit: SignedPermit }
  | {
      /** Who signs; its till account is credited. */
      readonly signer: Signer
      readonly currency: Currency
      /** Base units. */
      readonly amount: bigint
      /** Unix seconds until which the permit is good. */
      readonly deadline: bigint
    }
)

/**
 * Deposits in one transaction by an ERC-2612 permit. The signer's till account is credited; anyone may send it.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, and a permit or what to sign: signer, currency, amount in base units, deadline in Unix
 * seconds.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await depositWithPermit(client, { deployment, signer, currency, amount: 5_000_000n, deadline })
 */
export async function depositWithPermit(
  client: WriteClient,
  parameters: DepositWithPermitParameters,
): Promise<Hash> {
  const { deployment, overrides } = parameters
  const permit = 'permit' in parameters ? parameters.permit : await signNow(client, parameters)
  const { from, currency, amount, deadline, signature } = permit
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'depositWithPermit',
    args: [
      currency,
      from,
      amount,
      deadline,
      hexToNumber(slice(signature, 64, 65)),
      slice(signature, 0, 32),
      slice(signature, 32, 64),
    ],
    overrides,
  })
}

async function signNow(
  client: WriteClient,
  parameters: Exclude<DepositWithPermitParameters, { permit: SignedPermit }>,
): Promise<SignedPermit> {
  const { signer, currency } = parameters
  const nonce = await read(client, {
    address: currency.address,
    abi: testDollarAbi,
    functionName: 'nonces',
    args: [signer.address],
  })
  return signPermit(signer, { ...parameters, nonce })
}
