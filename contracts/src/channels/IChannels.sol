// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a channel is between. Its id is the hash of all of it, so whoever knows the parties finds the channel.
/// @param payer Whose money it is; gets back what is not claimed.
/// @param signer Key that signs vouchers: an agent's hot key, not the treasury. Fixed; an account, never a contract.
/// @param payee Account that is paid; zero where an asset is.
/// @param asset Asset whose till is paid; zero where an account is. Exactly one of `payee` and `asset` is set.
/// @param currency ERC-20; that of the asset where one is paid.
/// @param closeDelay Seconds between `requestClose` and `finalizeClose`, in which the payee claims.
/// @param salt Tells channels between the same parties apart.
struct Channel {
    address payer;
    address signer;
    address payee;
    uint256 asset;
    address currency;
    uint40 closeDelay;
    bytes32 salt;
}

/// @notice A promise of `cumulative` in all since the channel's epoch began, and of `tickPrice` more for each step back
/// along a hash chain that ends in `anchor`. Signed by the channel's signer as EIP-712
/// `Voucher(bytes32 channel,uint64 epoch,uint128 cumulative,bytes32 anchor,uint64 tickPrice,uint32 maxTicks,bytes32 terms)`.
/// Of two vouchers the one that is worth more counts: they never add up.
/// @param anchor Last word of the hash chain; zero for a voucher without ticks.
/// @param tickPrice Base units a tick.
/// @param maxTicks Most ticks that the signer stands for; more than `MAX_TICKS` are never taken.
/// @param terms keccak256 of the canonical JSON of what was agreed; zero for none.
struct Voucher {
    uint64 epoch;
    uint128 cumulative;
    bytes32 anchor;
    uint64 tickPrice;
    uint32 maxTicks;
    bytes32 terms;
}

/// @notice A voucher presented for payment.
/// @param word Word of the hash chain that is `ticks` hashes before the anchor; ignored where `ticks` is zero.
struct Claim {
    Channel channel;
    Voucher voucher;
    bytes signature;
    bytes32 word;
    uint32 ticks;
}

/// @notice Where a channel stands. Closed or never opened: no deposit.
/// @param deposit All that was put in since the epoch began.
/// @param claimed All that was paid out of it to the payee.
/// @param epoch Closes so far; what a voucher must name.
/// @param closesAt First second at which `finalizeClose` may be called; zero where no close was requested.
struct ChannelState {
    uint128 deposit;
    uint128 claimed;
    uint64 epoch;
    uint40 closesAt;
}

/// @title Channels: pays in drops
/// @notice A payer locks a deposit once; its signer promises growing sums by voucher, or by hash tick, off chain; the payee
/// claims whenever it is worth a transaction. Money stays in the till: the deposit is in the account of this contract there, and a
/// claim moves it to the payee's account or into the asset's till.
/// Each full close raises the channel's epoch, so no voucher of an earlier life is worth anything in a later one.
/// The id of a channel is the EIP-712 digest of `Channel`, so it names chain and contract too.
/// Domain: name "Millrace Channels", version "1".
interface IChannels {
    /// @param deposit All that is in the channel since the epoch began, this included.
    event ChannelOpened(
        bytes32 indexed id,
        address indexed payer,
        address indexed signer,
        address payee,
        uint256 asset,
        address currency,
        uint40 closeDelay,
        bytes32 salt,
        uint64 epoch,
        uint128 deposit
    );
    /// @param closesAt As in `ChannelState`: zero where the top-up called a close off.
    event ChannelToppedUp(bytes32 indexed id, uint128 amount, uint128 deposit, uint40 closesAt);
    /// @param claimed All that was paid to the payee in this epoch, this claim included.
    event ChannelClaimed(bytes32 indexed id, uint128 amount, uint128 claimed);
    event CloseRequested(bytes32 indexed id, uint40 closesAt);
    /// @param epoch The epoch that is over.
    event ChannelClosed(bytes32 indexed id, uint64 epoch, uint128 claimed, uint128 refunded);

    /// @notice Exactly one of payee and asset must be set, the payer and the signer must not be zero, neither payer nor payee
    /// can be the till or this contract, the delay must be between `MIN_CLOSE_DELAY` and `MAX_CLOSE_DELAY`.
    error ChannelInvalid(bytes32 id);
    /// @notice An asset is paid in its own currency only.
    error CurrencyInvalid(bytes32 id, address currency, address expected);
    error ChannelExists(bytes32 id);
    /// @notice No such channel is open.
    error ChannelUnknown(bytes32 id);
    /// @notice The channel was closed so often that no epoch is left; another salt makes another channel.
    error EpochsExhausted(bytes32 id);
    error AmountInvalid(uint256 amount, uint256 max);
    error NotPayer(bytes32 id, address caller);
    /// @notice Only the payee, or the operator of the asset, may give up what is not claimed; or its signature.
    error NotPayee(bytes32 id, address payee, address caller);
    error OpenSignatureInvalid(bytes32 id, address payer);
    error OpenExpired(bytes32 id, uint40 deadline);
    error CloseSignatureInvalid(bytes32 id, address payee);
    error CloseExpired(bytes32 id, uint40 deadline);
    error VoucherSignatureInvalid(bytes32 id, address signer);
    error VoucherEpoch(bytes32 id, uint64 epoch, uint64 current);
    error TicksTooMany(bytes32 id, uint32 ticks, uint32 max);
    /// @notice The word does not lead to the voucher's anchor in so many steps.
    error TickInvalid(bytes32 id, uint32 ticks);
    /// @notice Nothing in the list brings more than was claimed; the values are of its first claim.
    error NothingToClaim(bytes32 id, uint256 worth, uint128 claimed);
    error CloseRequestedAlready(bytes32 id, uint40 closesAt);
    error CloseNotRequested(bytes32 id);
    error CloseTooEarly(bytes32 id, uint40 closesAt);

    /// @notice Opens a channel and locks `amount` from the caller's till account; the caller is its payer and has made this
    /// contract an operator of its till account.
    function open(Channel calldata channel, uint128 amount) external returns (bytes32 id);
    /// @notice As `open`, sent by anyone with the payer's EIP-712 signature
    /// `Open(bytes32 channel,uint64 epoch,uint128 amount,uint40 deadline)`; ERC-1271 accepted. It opens one epoch, once.
    function openFor(
        Channel calldata channel,
        uint128 amount,
        uint40 deadline,
        bytes calldata signature
    ) external returns (bytes32 id);
    /// @notice Opens a channel with money from the payer's wallet, by its ERC-3009 `receiveWithAuthorization` to the till with
    /// the nonce that `authorizationNonce` names. Anyone may send it: the payer needs no gas, and the money can go nowhere else.
    function openWithAuthorization(
        Channel calldata channel,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 authorizationSalt,
        bytes calldata signature
    ) external returns (bytes32 id);
    /// @notice Adds `amount` from the caller's till account, whoever that is. The payer's own top-up calls off a close that was
    /// requested; nobody else's does.
    function topUp(Channel calldata channel, uint128 amount) external;
    /// @notice As `topUp`, with money from the payer's wallet by ERC-3009. It calls no close off: someone else may have kept it.
    function topUpWithAuthorization(
        Channel calldata channel,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 authorizationSalt,
        bytes calldata signature
    ) external;

    /// @notice Pays the payees what vouchers and ticks promise beyond what was claimed, as far as the deposit reaches. Anyone may
    /// send it. Neighbours in the list with the same payee and currency are paid in one movement. A claim that brings nothing
    /// more is passed over, so nobody can spoil a list by claiming a part of it first; a list that brings nothing at all
    /// is refused. One claim that is not valid makes the whole list fail: a payee looks at `get` (open, same epoch, not close
    /// to `closesAt`) and asks a node to simulate the call before it sends it. Until a requested close is finalized nothing but
    /// a close by the payee can make a valid claim invalid.
    /// @return paid Sum of base units, whatever the currency.
    function claim(Claim[] calldata claims) external returns (uint256 paid);

    /// @notice Claims what the last voucher promises and gives the rest back to the payer at once. With an empty `signature`
    /// there is no voucher, and only the channel counts. By the payee, or the asset's operator, who gives up all that it could
    /// still have claimed.
    function close(Claim calldata last) external;
    /// @notice As `close`, sent by anyone with the payee's (or the asset's operator's) EIP-712 signature
    /// `Close(bytes32 channel,uint64 epoch,uint128 claimed,uint40 deadline)`: it agrees to end with exactly `claimed` in all,
    /// the last voucher included. ERC-1271 accepted.
    function closeFor(Claim calldata last, uint40 deadline, bytes calldata signature) external;
    /// @notice Announces the end, by the payer or the signer. The payee has `closeDelay` to claim.
    function requestClose(Channel calldata channel) external returns (uint40 closesAt);
    /// @notice Gives what was not claimed back to the payer, once the delay is over. By anyone.
    function finalizeClose(Channel calldata channel) external returns (uint128 refunded);

    function till() external view returns (address);
    /// @notice Most that a channel can hold in an epoch.
    function MAX_DEPOSIT() external view returns (uint128);
    function MAX_TICKS() external view returns (uint32);
    function MIN_CLOSE_DELAY() external view returns (uint40);
    function MAX_CLOSE_DELAY() external view returns (uint40);
    function hashChannel(Channel calldata channel) external view returns (bytes32 id);
    /// @notice What the signer signs.
    function hashVoucher(bytes32 id, Voucher calldata voucher) external view returns (bytes32);
    /// @notice What the payer signs to let anyone open.
    function hashOpen(bytes32 id, uint64 epoch, uint128 amount, uint40 deadline)
        external
        view
        returns (bytes32);
    /// @notice What the payee signs to let anyone close at once.
    function hashClose(bytes32 id, uint64 epoch, uint128 claimed, uint40 deadline)
        external
        view
        returns (bytes32);
    /// @notice The nonce of the ERC-3009 authorization that funds the channel in this epoch: it can fund nothing else.
    function authorizationNonce(bytes32 id, uint64 epoch, bytes32 authorizationSalt)
        external
        view
        returns (bytes32);
    function get(bytes32 id) external view returns (ChannelState memory);
}
