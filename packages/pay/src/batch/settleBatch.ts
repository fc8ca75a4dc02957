import type { ReadClient } from '@millrace/sdk'
import {
  type Address,
  encodeAbiParameters,
  encodeFunctionData,
  type Hash,
  type Hex,
  isAddressEqual,
  parseEventLogs,
  type TransactionReceipt,
  toHex,
  zeroHash,
} from 'viem'
import { call, readContract } from 'viem/actions'
import { attempt, hasCode, receiptOf, standsBy } from '../chain/askChain.ts'
import type { Curve } from '../curve/openCurve.ts'
import { findSpender } from '../exact/settleExact.ts'
import { tokenAbi } from '../exact/tokenAbi.ts'
import type {
  Refusal,
  SettleablePayment,
  SettlementReasons,
  SettlementScheme,
} from '../facilitator/settleable.ts'
import { batchSettlementAbi } from '../generated/batchSettlement.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import { x402Contracts } from '../x402/contracts.ts'
import { createBatchHasher } from './createBatchHasher.ts'
import { type BatchClaim, type BatchDeposit, type BatchOrder, batchOrderSchema } from './payload.ts'
import { batchStateToJson, readBatchChannel } from './readBatchChannel.ts'
import { type BatchReason, batchReasons } from './reasons.ts'
import { type BatchPayment, createBatchVerifier } from './verifyBatch.ts'

const abi = batchSettlementAbi
const { batchSettlement: to, erc3009DepositCollector: collector } = x402Contracts

/** Gas of a claim besides, and for each of its channels: some twice what they take. */
const claimGas = (channels: number) => 150_000n + 90_000n * BigInt(channels)
/** What a settlement of claims moves is known to the chain alone; nobody's least payment keeps it back. */
const whatever = 2n ** 128n - 1n

const reasonsOf = (simulation: BatchReason, transaction: BatchReason): SettlementReasons => ({
  ...{ nonceUsed: simulation, simulation, transaction, transferEvent: transaction },
})
const depositReasons = reasonsOf(batchReasons.depositSimulation, batchReasons.depositTransaction)

/**
 * How channels of `batch-settlement` are served: deposits of payers, and claims, settlements and refunds that receivers agreed to. A
 * facilitator signs nothing for a receiver: whoever asked it for a refund would be believed.
 */
export function createBatchSettlement(curve: Curve): SettlementScheme {
  const verify = createBatchVerifier(curve)
  const hasher = createBatchHasher(curve)
  return {
    reasons: depositReasons,
    inspect(payment, { requirements, now, purpose }) {
      const type = payment.payload.type
      if (purpose === 'verify' || type === 'deposit') {
        const verdict = verify(payment, { requirements, now })
        if (verdict.type === 'refused') return verdict
        const { payload } = verdict
        if (payload.type !== 'deposit') return promised(verdict)
        const nonce = nonceOf(payload)
        return deposited(payload, { verdict, nonce, requirements })
      }
      const read = batchOrderSchema.safeParse(payment.payload)
      if (!read.success || read.data.type === 'deposit')
        return refuse(batchReasons.payload, 'The payload is no deposit, claim, settlement or refund.')
      return ordered(read.data, requirements)
    },
    restore({ payload, requirements }) {
      const order = batchOrderSchema.parse(payload)
      if (order.type === 'deposit')
        return deposited(order, { verdict: null, nonce: nonceOf(order), requirements })
      const payment = ordered(order, requirements)
      // It was inspected before it was written.
      return payment.type === 'right' ? payment : neverMind(order)
    },
  }

  function nonceOf({ voucher, deposit }: BatchDeposit): Hash {
    return hasher.nonce(voucher.channelId, deposit.authorization.erc3009Authorization?.salt ?? zeroHash)
  }
}

/** A voucher alone: it can be verified, and nothing is sent for it. */
function promised(payment: BatchPayment): SettleablePayment {
  const { payload, voucherDigest } = payment
  const { payer } = payload.channelConfig
  const check = (client: ReadClient) => checkVoucher(client, payment, 0n)
  return {
    ...nothingToFind,
    ...{ type: 'right', payer, amount: payload.voucher.maxClaimableAmount, digest: toHex(voucherDigest) },
    ...{ call: { to, data: '0x' }, sender: null, check },
    diagnose: async (client) =>
      (await check(client)) ?? refuse(batchReasons.payload, 'A voucher alone is not settled.', payer),
    describe: (client) => stateOf(client, payload.voucher.channelId),
  }
}

function deposited(
  payload: BatchDeposit,
  of: {
    readonly verdict: BatchPayment | null
    readonly nonce: Hash
    readonly requirements: PaymentRequirements
  },
): SettleablePayment {
  const { verdict, nonce, requirements } = of
  const { channelConfig: config, voucher, deposit } = payload
  const { payer } = config
  const asset = requirements.asset as Address
  const { channelId } = voucher
  const data = encodeDeposit(payload)
  const diagnose = async (client: ReadClient): Promise<Refusal> => {
    const balance = await attempt(
      readContract(client, { address: asset, abi: tokenAbi, functionName: 'balanceOf', args: [payer] }),
    )
    if (balance.type === 'answered' && balance.value < deposit.amount)
      return refuse(
        batchReasons.balance,
        `'${payer}' has ${balance.value} base units; ${deposit.amount} are to be deposited.`,
        payer,
      )
    return refuse(
      batchReasons.depositSimulation,
      `The deposit of ${deposit.amount} into channel '${channelId}' is not taken.`,
      payer,
    )
  }
  return {
    ...{ type: 'right', payer, amount: deposit.amount, sender: null, reasons: depositReasons },
    // A voucher that is worth nothing does not keep the contract from taking the deposit.
    checksFirst: true,
    digest: verdict?.depositDigest == null ? zeroHash : toHex(verdict.depositDigest),
    call: { to, data },
    async check(client) {
      if (verdict !== null) {
        const wrong = await checkDeposit(client, verdict, deposit.amount)
        if (wrong !== null) return wrong
      }
      const tried = await attempt(call(client, { to, data }))
      // A call to an address without code succeeds and moves nothing.
      if (tried.type === 'answered' && (await hasCode(client, to))) return null
      return diagnose(client)
    },
    diagnose,
    findSpender: (client, fromBlock) => findSpender(client, { asset, from: payer, nonce, fromBlock }),
    isPaid: (receipt) =>
      eventsOf(receipt, 'Deposited').some(
        ({ args }) => args.channelId === channelId && args.amount === deposit.amount,
      ),
    describe: (client) => stateOf(client, channelId),
    report: async (client) => ({
      extra: { channelState: await stateOf(client, channelId) },
    }),
  }
}

/** What a receiver agreed to. */
function ordered(
  order: Exclude<BatchOrder, BatchDeposit>,
  requirements: PaymentRequirements,
): SettleablePayment | Refusal {
  const asset = requirements.asset.toLowerCase()
  const foreign = (token: string) =>
    refuse(batchReasons.token, `The order is in '${token}', not in '${asset}'.`)
  if (order.type === 'settle') {
    if (order.token !== asset) return foreign(order.token)
    const args = [order.receiver, order.token] as const
    return simple({
      ...{ payer: order.receiver, amount: whatever, maxGas: null },
      reasons: reasonsOf(batchReasons.settleSimulation, batchReasons.settleTransaction),
      data: encodeFunctionData({ abi, functionName: 'settle', args }),
      async check(client) {
        const [claimed, settled] = await readContract(client, {
          ...{ address: to, abi, functionName: 'receivers', args },
        } as const)
        if (claimed > settled) return null
        return refuse(batchReasons.nothingToSettle, `Nothing is due to '${order.receiver}'.`, order.receiver)
      },
      report: (receipt) => ({
        amount: String(
          eventsOf(receipt, 'Settled').find(
            ({ args }) =>
              isAddressEqual(args.receiver, order.receiver) && isAddressEqual(args.token, order.token),
          )?.args.amount ?? 0n,
        ),
      }),
    })
  }
  const { claims } = order
  const other = claims.find(({ voucher }) => voucher.channel.token !== asset)
  if (other !== undefined) return foreign(other.voucher.channel.token)
  if (claims.length > 0 && order.claimAuthorizerSignature === undefined) return unsigned('claims')
  const claimData =
    claims.length === 0 || order.claimAuthorizerSignature === undefined
      ? null
      : encodeClaims(claims, order.claimAuthorizerSignature)
  if (order.type === 'claim') {
    const [first] = claims
    if (first === undefined || claimData === null) return unsigned('claims')
    return simple({
      payer: first.voucher.channel.payer,
      amount: claims.reduce((sum, { totalClaimed }) => sum + totalClaimed, 0n),
      maxGas: claimGas(claims.length),
      reasons: reasonsOf(batchReasons.claimSimulation, batchReasons.claimTransaction),
      data: claimData,
    })
  }
  const { channelConfig: config, voucher, amount, refundNonce, refundAuthorizerSignature } = order
  if (config.token !== asset) return foreign(config.token)
  if (refundAuthorizerSignature === undefined) return unsigned('a refund')
  if (amount === 0n) return refuse(batchReasons.refundAmount, 'A refund is of something.', config.payer)
  const refundData = encodeFunctionData({
    abi,
    functionName: 'refundWithSignature',
    args: [config, amount, refundNonce, refundAuthorizerSignature],
  })
  const { channelId } = voucher
  return simple({
    ...{ payer: config.payer, amount, maxGas: claimGas(claims.length + 1) },
    reasons: reasonsOf(batchReasons.refundSimulation, batchReasons.refundTransaction),
    data:
      claimData === null
        ? refundData
        : encodeFunctionData({ abi, functionName: 'multicall', args: [[claimData, refundData]] }),
    async check(client) {
      const { balance, totalClaimed } = await readBatchChannel(client, { channel: channelId })
      const claimed = claims.reduce(
        (most, each) => (each.totalClaimed > most ? each.totalClaimed : most),
        totalClaimed,
      )
      if (balance > claimed) return null
      return refuse(batchReasons.refundNothing, `Nothing is left in channel '${channelId}'.`, config.payer)
    },
    async report(receipt, client) {
      const refunded = eventsOf(receipt, 'Refunded').find(({ args }) => args.channelId === channelId)
      return {
        amount: String(refunded?.args.amount ?? 0n),
        extra: { channelState: await stateOf(client, channelId) },
      }
    },
  })
}

const nothingToFind = {
  // It is not said by which transaction it was done; done twice, it changes nothing.
  findSpender: async () => null,
  isPaid: () => true,
} satisfies Partial<SettleablePayment>

/** An order whose signatures the contract checks when it is tried. */
function simple(order: {
  readonly payer: Address
  readonly amount: bigint
  readonly maxGas: bigint | null
  readonly reasons: SettlementReasons
  readonly data: Hex
  readonly check?: (client: ReadClient) => Promise<Refusal | null>
  readonly report?: (
    receipt: TransactionReceipt,
    client: ReadClient,
  ) => ReturnType<NonNullable<SettleablePayment['report']>> | { readonly amount: string }
}): SettleablePayment {
  const { payer, amount, maxGas, reasons, data, report } = order
  const fails = refuse(reasons.simulation, 'The contract refuses it.', payer)
  const check = async (client: ReadClient): Promise<Refusal | null> => {
    const wrong = (await order.check?.(client)) ?? null
    if (wrong !== null) return wrong
    return (await attempt(call(client, { to, data }))).type === 'answered' ? null : fails
  }
  return {
    ...nothingToFind,
    ...{ type: 'right', payer, amount, digest: zeroHash, call: { to, data }, sender: null, reasons, check },
    // The contract takes a settlement of nothing.
    checksFirst: true,
    ...(maxGas === null ? {} : { maxGas }),
    diagnose: async (client) => (await check(client)) ?? fails,
    ...(report === undefined
      ? {}
      : {
          async report(client, hash) {
            const receipt = await receiptOf(client, hash)
            return receipt === null ? {} : report(receipt, client)
          },
        }),
  }
}

/** Of an order that cannot be read any more; it is looked for on the chain all the same. */
const neverMind = (order: Exclude<BatchOrder, BatchDeposit>): SettleablePayment =>
  simple({
    payer: order.type === 'settle' ? order.receiver : to,
    ...{ amount: whatever, maxGas: null, reasons: depositReasons, data: '0x' },
  })

const unsigned = (what: string): Refusal =>
  refuse(batchReasons.authorizer, `This facilitator signs no consent to ${what}: the receiver does.`)

function refuse(reason: Refusal['reason'], message: string, payer: string | null = null): Refusal {
  return { type: 'refused', reason, message, payer }
}

const stateOf = async (client: ReadClient, channel: Hash) =>
  batchStateToJson(channel, await readBatchChannel(client, { channel }))

const eventsOf = <name extends 'Deposited' | 'Refunded' | 'Settled'>(
  receipt: TransactionReceipt,
  eventName: name,
) =>
  parseEventLogs({
    abi,
    eventName,
    logs: receipt.logs.filter(({ address }) => isAddressEqual(address, to)),
  })

function encodeDeposit({ channelConfig, deposit }: BatchDeposit): Hex {
  const authorization = deposit.authorization.erc3009Authorization
  const { validAfter = 0n, validBefore = 0n, salt = zeroHash, signature = '0x' } = authorization ?? {}
  const data = encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
    [validAfter, validBefore, BigInt(salt), signature],
  )
  const args = [channelConfig, deposit.amount, collector, data] as const
  return encodeFunctionData({ abi, functionName: 'deposit', args })
}

const encodeClaims = (claims: readonly BatchClaim[], signature: Hex): Hex =>
  encodeFunctionData({ abi, functionName: 'claimWithSignature', args: [claims, signature] })

/** What is wrong with a voucher as the chain sees it, where `brings` come with it. */
async function checkVoucher(
  client: ReadClient,
  { payload, signer, voucherDigest }: BatchPayment,
  brings: bigint,
): Promise<Refusal | null> {
  const { channelConfig, voucher } = payload
  const { payer } = channelConfig
  const { channelId, maxClaimableAmount: max, signature } = voucher
  const isSigned =
    signer === 'authorizer' ||
    (await standsBy(client, { account: payer, digest: toHex(voucherDigest), signature }))
  if (!isSigned)
    return refuse(batchReasons.voucherSignature, `'${payer}' does not stand by the voucher.`, payer)
  const { balance, totalClaimed } = await readBatchChannel(client, { channel: channelId })
  if (balance + brings === 0n)
    return refuse(batchReasons.channel, `Nothing is in channel '${channelId}'.`, payer)
  if (max > balance + brings)
    return refuse(
      batchReasons.exceedsBalance,
      `The voucher is of ${max}; the channel holds ${balance}, and ${brings} come with it.`,
      payer,
    )
  const isBelow = payload.type === 'refund' ? max < totalClaimed : max <= totalClaimed
  if (isBelow)
    return refuse(batchReasons.belowClaimed, `The voucher is of ${max}; ${totalClaimed} were claimed.`, payer)
  return null
}

async function checkDeposit(
  client: ReadClient,
  verdict: BatchPayment,
  amount: bigint,
): Promise<Refusal | null> {
  const { payload, depositor, depositDigest } = verdict
  if (payload.type !== 'deposit' || depositDigest === null) return null
  const { payer } = payload.channelConfig
  const signature = payload.deposit.authorization.erc3009Authorization?.signature ?? '0x'
  const isSigned = (await hasCode(client, payer))
    ? await standsBy(client, { account: payer, digest: toHex(depositDigest), signature })
    : depositor === 'payer'
  if (!isSigned)
    return refuse(batchReasons.authorizationSignature, `The deposit is not signed by '${payer}'.`, payer)
  return checkVoucher(client, verdict, amount)
}
