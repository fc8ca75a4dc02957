import { type ContractEventName, type GetEventArgs, parseAbi } from 'viem'

/** The events the index follows, by the noun whose contract emits them; the manual is `contracts/src/<noun>/I<Noun>.sol`. */
export const eventAbis = {
  assets: parseAbi([
    'event AssetRegistered(uint256 indexed asset, address indexed owner, address indexed operator, uint8 kind, address device, address currency, bytes32 spec, string uri)',
    'event OperatorChanged(uint256 indexed asset, address indexed operator)',
    'event DeviceChanged(uint256 indexed asset, address indexed device)',
    'event SpecChanged(uint256 indexed asset, bytes32 spec, string uri)',
    'event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)',
  ]),
  till: parseAbi([
    'event Deposited(address indexed token, address indexed from, address indexed to, uint256 amount)',
    'event Withdrawn(address indexed token, address indexed from, address indexed to, uint256 amount)',
    'event Transfer(address caller, address indexed sender, address indexed receiver, uint256 indexed id, uint256 amount)',
    'event Paid(uint256 indexed asset, address indexed payer, uint40 epoch, uint128 amount, uint128 total)',
    'event Settled(uint256 indexed asset, uint40 epoch, uint40 boundary, uint128 fee, uint128 upstream, uint128 costs, uint128 debt, uint128 shares, uint128 owner)',
    'event RoyaltyAccrued(uint256 indexed asset, uint256 indexed upstream, uint128 amount, uint128 total)',
    'event RoyaltyPulled(uint256 indexed asset, uint40 epoch, uint128 amount, uint128 total)',
    'struct Upstream { uint256 asset; uint16 bps; }',
    'event UpstreamChanged(uint256 indexed asset, Upstream[] upstream)',
    'event RunningCostsChanged(uint256 indexed asset, uint128 perDay, uint128 cap)',
    'event DebtChanged(uint256 indexed asset, address indexed debt)',
    'event SharesChanged(uint256 indexed asset, address indexed shares, uint16 bps)',
  ]),
  market: parseAbi([
    'event LeaseOpened(bytes32 indexed lease, uint256 indexed asset, address indexed buyer, address operator, uint128 pricePerHour, uint128 deposit, uint128 bond, uint40 startBy, uint40 duration, bytes32 spec, bytes32 terms)',
    'event LeaseStarted(bytes32 indexed lease, uint40 startedAt, uint40 endsAt)',
    'event LeaseExtended(bytes32 indexed lease, uint40 added, uint128 deposit, uint40 endsAt)',
    'event LeaseStopped(bytes32 indexed lease, address indexed by, uint40 stoppedAt)',
    'event LeaseSettled(bytes32 indexed lease, uint128 earned, uint128 refunded, uint128 bondToBuyer)',
    'event NonceCancelled(address indexed operator, uint256 nonce)',
    'event SeriesCancelled(address indexed operator, uint64 series)',
  ]),
  channels: parseAbi([
    'event ChannelOpened(bytes32 indexed id, address indexed payer, address indexed signer, address payee, uint256 asset, address currency, uint40 closeDelay, bytes32 salt, uint64 epoch, uint128 deposit)',
    'event ChannelToppedUp(bytes32 indexed id, uint128 amount, uint128 deposit, uint40 closesAt)',
    'event ChannelClaimed(bytes32 indexed id, uint128 amount, uint128 claimed)',
    'event CloseRequested(bytes32 indexed id, uint40 closesAt)',
    'event ChannelClosed(bytes32 indexed id, uint64 epoch, uint128 claimed, uint128 refunded)',
  ]),
} as const

/** A contract the index follows. */
export type Noun = keyof typeof eventAbis

/** All of them. */
export const nouns = Object.keys(eventAbis) as readonly Noun[]

type Abis = typeof eventAbis

type EventOf<N extends Noun> = {
  [K in ContractEventName<Abis[N]>]: {
    readonly type: `${N}.${K}`
    readonly args: Readonly<
      GetEventArgs<Abis[N], K, { EnableUnion: false; IndexedOnly: false; Required: true }>
    >
  }
}[ContractEventName<Abis[N]>]

/** What an event says, without its place. */
export type EventBody = { [N in Noun]: EventOf<N> }[Noun]

/** Where an event stands in the chain. */
export interface EventPlace {
  readonly block: number
  /** Position among the block's logs. */
  readonly position: number
  /** Time of the block, Unix seconds. */
  readonly time: number
  readonly transaction: string
}

/** One event of the assets, till, market or channels, decoded. Addresses and hashes are lower-case hex. */
export type ChainEvent = EventBody & EventPlace

/** More logs than any block has: 2^20. */
const LOGS_PER_BLOCK = 1_048_576

/** One number that orders events: block × 2^20 + position. */
export function seqOf(place: Pick<EventPlace, 'block' | 'position'>): bigint {
  return BigInt(place.block * LOGS_PER_BLOCK + place.position)
}
