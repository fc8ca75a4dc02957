// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice An operator's signed promise of machine time. Lives off chain until someone opens it; opens at most one lease.
/// @param asset What is hired.
/// @param buyer Who may open it; zero for anyone.
/// @param pricePerHour In base units of the asset's currency.
/// @param bond Locked from the operator's account at open; the buyer gets it if the operator stops early. Zero for none.
/// @param minDuration Least that a buyer pays up front, in seconds. Not a minimum charge: a buyer may stop at any second.
/// @param maxDuration Longest lease in seconds, extensions included.
/// @param startWindow Seconds after `open` within which the device must start.
/// @param expiry Last second at which the offer can be opened.
/// @param spec keccak256 of the canonical JSON of what is offered.
/// @param terms keccak256 of the canonical JSON of terms agreed between the parties; zero for none.
/// @param nonce Upper 64 bits: the operator's series; lower 192: a bit in the cancellation map. Offers may share a nonce; cancelling it cancels them all.
struct Offer {
    uint256 asset;
    address buyer;
    uint128 pricePerHour;
    uint128 bond;
    uint40 minDuration;
    uint40 maxDuration;
    uint40 startWindow;
    uint40 expiry;
    bytes32 spec;
    bytes32 terms;
    uint256 nonce;
}

/// @notice Where a lease stands. `Running` says nothing of funds: a lease that ran dry is over at `endsAt` without a transaction.
enum LeaseState {
    None,
    Open,
    Running,
    Stopped,
    Settled
}

/// @notice A lease as views return it. Storage is packed tighter.
/// @param operator Who put up the bond; without a bond the asset's operator as of now.
/// @param deposit Price of the seconds bought so far, rounded up.
/// @param startBy Last second for the start; zero once started.
/// @param startedAt Zero until started.
/// @param stoppedAt First second that is not paid; zero until stopped or settled.
/// @param endsAt First second after those bought; zero until started.
/// @param duration Seconds bought so far.
struct Lease {
    LeaseState state;
    uint256 asset;
    address buyer;
    address operator;
    uint128 pricePerHour;
    uint128 deposit;
    uint128 bond;
    uint40 startBy;
    uint40 startedAt;
    uint40 stoppedAt;
    uint40 endsAt;
    uint40 duration;
    uint40 maxDuration;
}

/// @title The market: hires an asset by the second
/// @notice The id of a lease is the EIP-712 digest of its offer, so both sides know it before any transaction.
/// Money stays in the till: a deposit moves from the buyer's account to the market's, and at the end to the asset and back.
/// Domain: name "Millrace Market", version "1".
interface IMarket {
    event LeaseOpened(
        bytes32 indexed lease,
        uint256 indexed asset,
        address indexed buyer,
        address operator,
        uint128 pricePerHour,
        uint128 deposit,
        uint128 bond,
        uint40 startBy,
        uint40 duration,
        bytes32 spec,
        bytes32 terms
    );
    event LeaseStarted(bytes32 indexed lease, uint40 startedAt, uint40 endsAt);
    event LeaseExtended(bytes32 indexed lease, uint40 added, uint128 deposit, uint40 endsAt);
    event LeaseStopped(bytes32 indexed lease, address indexed by, uint40 stoppedAt);
    event LeaseSettled(
        bytes32 indexed lease, uint128 earned, uint128 refunded, uint128 bondToBuyer
    );
    event NonceCancelled(address indexed operator, uint256 nonce);
    event SeriesCancelled(address indexed operator, uint64 series);

    error DurationInvalid(uint40 duration, uint40 min, uint40 max);
    error PriceTooHigh(uint128 pricePerHour, uint128 max);
    error BondTooHigh(uint128 bond, uint128 max);
    error OfferExpired(bytes32 lease, uint40 expiry);
    error OfferForAnother(bytes32 lease, address buyer, address caller);
    error OfferCancelled(bytes32 lease, address operator, uint256 nonce);
    /// @notice The signature is not that of the asset's operator.
    error OfferSignatureInvalid(bytes32 lease, address operator);
    /// @notice The offer was opened before.
    error LeaseExists(bytes32 lease);
    error LeaseUnknown(bytes32 lease);
    /// @notice Only the asset's device may start, or its signature.
    error NotDevice(bytes32 lease, address device, address caller);
    error StartSignatureInvalid(bytes32 lease, address device);
    /// @notice The lease is not in the state that this needs.
    error LeaseNotOpen(bytes32 lease, LeaseState state);
    error LeaseNotRunning(bytes32 lease, LeaseState state);
    error StartTooLate(bytes32 lease, uint40 startBy);
    /// @notice The seconds bought are over since `endedAt`.
    error LeaseOver(bytes32 lease, uint40 endedAt);
    /// @notice The lease goes on: it can still start, or runs until `until`.
    error LeaseNotOver(bytes32 lease, uint40 until);
    error LeaseSettledAlready(bytes32 lease);
    error NotBuyer(bytes32 lease, address caller);
    error NotBuyerOrOperator(bytes32 lease, address caller);
    error NonceSpent(address operator, uint256 nonce);

    /// @notice Opens a lease of `duration` seconds on a signed offer; locks the price of it from the caller's till account.
    /// The caller must have made the market an operator of its till account (`ITill.setOperator`).
    function open(Offer calldata offer, bytes calldata signature, uint40 duration)
        external
        returns (bytes32 lease);
    /// @notice Starts the clock. By the asset's device key, within the start window.
    function start(bytes32 lease) external;
    /// @notice As `start`, sent by anyone with the device's EIP-712 signature `Start(bytes32 lease)`.
    function startFor(bytes32 lease, bytes calldata signature) external;
    /// @notice Buys `added` more seconds at the same price, up to the offer's longest. By the buyer, while it runs.
    function extend(bytes32 lease, uint40 added) external;
    /// @notice Ends the lease at this second. By the buyer at any time (before the start: everything back);
    /// by the operator, who loses the bond if there is one and time was left. A bond is also lost when the device never starts.
    function stop(bytes32 lease) external;
    /// @notice Pays what was earned into the asset's till and gives back the rest. By anyone, once the lease is over.
    function settle(bytes32 lease) external returns (uint128 earned, uint128 refunded);
    /// @notice Cancels every offer of the caller with this nonce.
    function cancel(uint256 nonce) external;
    /// @notice Cancels every offer of the caller signed so far: starts a new series.
    function cancelAll() external returns (uint64 series);

    function get(bytes32 lease) external view returns (Lease memory);
    function seriesOf(address operator) external view returns (uint64);
    function isCancelled(address operator, uint256 nonce) external view returns (bool);
    function hashOffer(Offer calldata offer) external view returns (bytes32 lease);
    /// @notice Price of `duration` seconds, rounded up: what `open` locks.
    function priceUp(uint128 pricePerHour, uint40 duration) external pure returns (uint128);
    /// @notice Price of `duration` seconds, rounded down: what is earned.
    function priceDown(uint128 pricePerHour, uint40 duration) external pure returns (uint128);
}
