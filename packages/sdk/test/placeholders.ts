/**
 * What the examples in the comments take for given, by name: `examples.test.ts` type-checks them against these. A name that
 * stands for an id in one example and for the thing itself in another has both types.
 */
import type { Account, Address, Chain, Hash, Hex, Transport as RpcTransport, WalletClient } from 'viem'
import type { verifyOpening } from '../src/challenge/index.ts'
import type {
  AgentPolicy,
  AgentSetup,
  AgentSpend,
  AgentWallet,
  acceptSession,
  Channel,
  ChannelAuthorization,
  Currency,
  Deployment,
  EarlierDeployment,
  Job,
  Lease,
  Offer,
  OfferRow,
  openSession,
  PublishedOffer,
  Receipt,
  RelayHello,
  Session,
  SignedAuthorization,
  Signer,
  Spec,
  Transport,
  Upstream,
  Voucher,
  WriteClient,
} from '../src/index.ts'
import type { ReceiptFile } from '../src/receipts/receipt.ts'

export { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

type Accept = Parameters<typeof acceptSession>[0]
type Opening = Parameters<typeof verifyOpening>[0]

export declare const account: Signer & Address
export declare const admin: Address
export declare const agent: Signer & Address
export declare const agreement: Parameters<typeof import('../src/index.ts').hashUpstreamAgreement>[0]
export declare const amount: bigint
export declare const asset: bigint
export declare const authorization: ChannelAuthorization & SignedAuthorization
export declare const body: Opening['body']
export declare const bundle: { readonly hash: Hash }
export declare const buyer: Signer
export declare const chainId: number
export declare const channel: Channel & Hash
export declare const channels: readonly Channel[]
export declare const claimed: bigint
export declare const client: WriteClient
export declare const consent: Parameters<typeof import('../src/index.ts').setUpstream>[1]['consents'][number]
export declare const currency: Currency & Address
export declare const deadline: bigint & number
export declare const deployment: Deployment
export declare const description: Readonly<Record<string, unknown>>
export declare const device: Signer & Address
export declare const deviceAccount: Signer
export declare const deviceClient: WriteClient
export declare const domain: { readonly chainId: number; readonly market: Address }
export declare const duration: number
export declare const earlier: EarlierDeployment
export declare const expiry: number
export declare const file: ReceiptFile
export declare const gateway: string
export declare const guardian: Signer & Address
export declare const handlers: Accept['handlers']
export declare const hash: Hash
export declare const hello: RelayHello & { readonly digest: Hash }
export declare const id: Hash
export declare const job: Job
export declare const key: Hex
export declare const last: Hash & Parameters<typeof import('../src/index.ts').closeChannel>[1]['last']
export declare const lease: Lease & Hash
export declare const market: Address
export declare const message: ArrayBuffer
export declare const module: Address
export declare const n: number
export declare const newOwner: Address
export declare const nonce: Hash
export declare const now: number & Accept['now']
export declare const offer: Offer & PublishedOffer
export declare const operator: Signer & Address
export declare const options: Parameters<typeof openSession>[0]
export declare const owner: Signer & Address
export declare const passphrase: string
export declare const payee: Signer
export declare const payer: Signer
export declare const payload: Uint8Array
export declare const pipe: { write(bytes: Uint8Array): void; end(): void }
export declare const plain: Omit<Voucher, 'anchor' | 'maxTicks'>
export declare const policy: AgentPolicy
export declare const privateKey: Hex
export declare const published: PublishedOffer
export declare const r: Opening['r']
export declare const reason: Hash
export declare const receipt: Receipt
export declare const registries: typeof import('../src/index.ts').agentRegistries.mainnets
export declare const root: Hash
export declare const rows: readonly (OfferRow & number)[]
export declare const salt: Hash
export declare const seed: Hash
export declare const session: Session & Hex
export declare const setup: AgentSetup
export declare const shares: Address
export declare const signature: Hex
export declare const signer: Signer
export declare const socket: WebSocket
export declare const spec: Spec & Hash
export declare const spend: AgentSpend
export declare const takeAnotherOffer: () => Promise<void>
export declare const terms: Omit<Offer, 'spec'>
export declare const text: string
export declare const thrown: unknown
export declare const transport: Transport
export declare const upstream: readonly Upstream[]
export declare const usdc: Address
export declare const validBefore: bigint & number
export declare const verify: Accept['verify']
export declare const voucher: Voucher
export declare const wallet: Address & AgentWallet
export declare const walletClient: WalletClient<RpcTransport, Chain, Account>
export declare const word: Hash

type Index = typeof import('../src/index.ts')
type Buying = Parameters<Index['haggle']>[0]
type Handling = Parameters<Index['handleHaggle']>[0]
export declare const agreed: Parameters<Index['hashHaggleTerms']>[0]
export declare const buying: Omit<Buying, 'call' | 'exchange'>
export declare const call: Parameters<Index['hashHaggleCall']>[0]
export declare const exchange: Buying['exchange']
export declare const messages: Parameters<Index['verifyHaggledLease']>[0]['messages']
export declare const plan: Handling['plan']
export declare const said: Parameters<Index['answerHaggle']>[1]
export declare const seller: Omit<Parameters<Index['decideHaggle']>[1], 'side' | 'startedAt' | 'now'>
export declare const selling: Omit<Parameters<Index['answerHaggle']>[2], 'startedAt'>
export declare const startedAt: number
export declare const state: Awaited<ReturnType<Index['haggle']>>
export declare const store: Handling['store']

type Credit<Name extends 'signAppraisal' | 'rawInterest' | 'observeRevenue'> = Parameters<Index[Name]>
export declare const appraisal: Credit<'signAppraisal'>[1]
export declare const appraisals: Address
export declare const coverage: Credit<'observeRevenue'>[1]
export declare const desk: Address
export declare const facility: Address
export declare const loan: Hash
export declare const loanRecord: Credit<'rawInterest'>[0]
export declare const loanTerms: Parameters<Index['hashLoanTerms']>[0]
export declare const panel: bigint
export declare const release: Awaited<ReturnType<Index['signLoanRelease']>>
export declare const rules: Parameters<Index['createFacility']>[1]['rules']
export declare const signedAppraisal: Awaited<ReturnType<Index['signAppraisal']>>
export declare const vault: Address
