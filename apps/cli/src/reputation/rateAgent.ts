import type { SignedCallReceipt } from '@millrace/pay'
import {
  type AgentIdentity,
  type AgentRegistries,
  canonicalJson,
  confirm,
  giveAgentFeedback,
} from '@millrace/sdk'
import { type Hash, keccak256, stringToBytes } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { UsageError } from '../errors/input.ts'
import { type PaidProof, provePaid } from './provePaid.ts'

/** What is said of an agent. */
export interface Rating {
  readonly value: string
  readonly tag: string
  readonly endpoint?: string | undefined
  /** Where the file will stand, if it is published. */
  readonly uri?: string | undefined
}

/** Feedback that was given. */
export interface GivenFeedback {
  readonly transaction: Hash
  /** What the registry has the hash of, word for word. */
  readonly file: string
  readonly hash: Hash
}

/**
 * Says what an agent was worth, bound to a receipt: the registry gets the hash of a file that holds the receipt and the proof of its payment.
 *
 * @throws ReceiptForeignError, ReceiptUnpaidError, UsageError, RegistryRefusedError, and what sending the transaction throws
 */
export async function rateAgent(
  connection: Connection,
  of: {
    readonly registries: AgentRegistries
    readonly client: OpenAccount
    readonly rating: Rating
    readonly proof: Omit<PaidProof, 'payer'>
  },
): Promise<GivenFeedback> {
  const { registries, client, rating, proof } = of
  const { value, decimals } = readValue(rating.value)
  const payer = client.account.address
  const txHash = await provePaid(connection, { ...proof, payer })
  const file = fileOf({ ...of, chainId: connection.deployment.chainId, value, decimals, txHash })
  const hash = keccak256(stringToBytes(file))
  const { tag, endpoint, uri = '' } = rating
  const transaction = await giveAgentFeedback(client.client, {
    ...{ registries, agentId: proof.identity.agentId, value, decimals, tag, file: { uri, hash } },
    ...(endpoint === undefined ? {} : { endpoint }),
  })
  await confirm(client.client, transaction)
  return { transaction, file, hash }
}

/** The feedback file of ERC-8004, in canonical JSON (RFC 8785). */
function fileOf(of: {
  readonly registries: AgentRegistries
  readonly chainId: number
  readonly client: OpenAccount
  readonly rating: Rating
  readonly proof: { readonly identity: AgentIdentity; readonly signed: SignedCallReceipt }
  readonly value: bigint
  readonly decimals: number
  readonly txHash: Hash | null
}): string {
  const { registries, chainId, client, rating, proof, value, decimals, txHash } = of
  const { receipt, signature } = proof.signed
  const caip = `eip155:${chainId}`
  return canonicalJson({
    agentRegistry: `${caip}:${registries.identity}`,
    agentId: proof.identity.agentId.toString(),
    clientAddress: `${caip}:${client.account.address}`,
    createdAt: new Date(receipt.at * 1000).toISOString(),
    value: value.toString(),
    valueDecimals: decimals,
    tag1: rating.tag,
    ...(rating.endpoint === undefined ? {} : { endpoint: rating.endpoint }),
    proofOfPayment: {
      ...{ fromAddress: receipt.payer, toAddress: receipt.payee, chainId: String(chainId) },
      ...(txHash === null ? { reference: receipt.reference } : { txHash }),
    },
    receipt: { receipt: { ...receipt, amount: receipt.amount.toString() }, signature },
  })
}

/** Reads `95` or `-0.5`. */
function readValue(text: string): { readonly value: bigint; readonly decimals: number } {
  const [, sign = '', whole = '', part = ''] = /^(-?)(\d{1,18})(?:\.(\d{1,18}))?$/.exec(text) ?? []
  if (whole === '')
    throw new UsageError({
      message: `'${text}' is no value.`,
      remedy: 'Give a number such as 95 or 4.5; what it means, its tag says (`--tag`).',
    })
  return { value: BigInt(`${sign}${whole}${part}`), decimals: part.length }
}
