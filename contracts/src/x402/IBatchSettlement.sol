// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a channel is between; its id is the EIP-712 digest of all of it.
/// @param payer Whose money it is.
/// @param payerAuthorizer Key that signs vouchers; zero where the payer itself does, by key or ERC-1271.
/// @param receiver Who is paid.
/// @param receiverAuthorizer Who agrees to claims and refunds for the receiver.
/// @param withdrawDelay Seconds between the announcement of a withdrawal and its end.
struct ChannelConfig {
    address payer;
    address payerAuthorizer;
    address receiver;
    address receiverAuthorizer;
    address token;
    uint40 withdrawDelay;
    bytes32 salt;
}

/// @notice A promise of at most `maxClaimableAmount` in all since the channel began.
struct BatchVoucher {
    ChannelConfig channel;
    uint128 maxClaimableAmount;
}

/// @notice A voucher, and what is claimed of it in all: one that is presented again brings nothing.
struct VoucherClaim {
    BatchVoucher voucher;
    bytes signature;
    uint128 totalClaimed;
}

/// @title What x402's scheme `batch-settlement` calls on chain
/// @notice Interface of the contract at 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003 of public chains. EIP-712 domain: name
/// "x402 Batch Settlement", version "1".
interface IBatchSettlement {
    event ChannelCreated(bytes32 indexed channelId, ChannelConfig config);
    event Deposited(
        bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance
    );
    event Claimed(
        bytes32 indexed channelId,
        address indexed sender,
        uint128 claimAmount,
        uint128 newTotalClaimed
    );
    event Settled(
        address indexed receiver, address indexed token, address indexed sender, uint128 amount
    );
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);

    error InvalidChannel();
    error ZeroDeposit();
    error DepositOverflow();
    error InvalidSignature();
    error NotReceiverAuthorizer();
    error NotAuthorizedToClaim();
    error NotAuthorizedToRefund();
    error ClaimExceedsCeiling();
    error ClaimExceedsBalance();
    error WithdrawalAlreadyPending();
    error WithdrawalNotPending();
    error NotAuthorizedToFinalizeWithdraw();
    error WithdrawDelayNotElapsed();
    error NothingToWithdraw();
    error WithdrawAmountExceedsAvailable();
    error WithdrawDelayOutOfRange();
    error EmptyBatch();
    error DepositCollectionFailed();
    error InvalidCollector();
    error InvalidRefundNonce();
    error ZeroRefund();

    /// @notice Puts `amount` into a channel; the collector brings it.
    function deposit(
        ChannelConfig calldata config,
        uint128 amount,
        address collector,
        bytes calldata collectorData
    ) external;
    /// @notice Counts what vouchers promise for the receiver, by the receiver or its authorizer.
    function claim(VoucherClaim[] calldata voucherClaims) external;
    /// @notice As `claim`, by anyone with the signature of the one authorizer of all of them.
    function claimWithSignature(
        VoucherClaim[] calldata voucherClaims,
        bytes calldata authorizerSignature
    ) external;
    /// @notice Sends what was claimed to the receiver. By anyone.
    function settle(address receiver, address token) external;
    /// @notice Announces a withdrawal, by the payer or its authorizer.
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external;
    /// @notice Withdraws what was announced and not claimed meanwhile.
    function finalizeWithdraw(ChannelConfig calldata config) external;
    /// @notice Gives back what is not claimed, by the receiver or its authorizer.
    function refund(ChannelConfig calldata config, uint128 amount) external;
    /// @notice As `refund`, by anyone with the authorizer's signature over the channel's next refund nonce.
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external;

    function CHANNEL_CONFIG_TYPEHASH() external view returns (bytes32);
    function getChannelId(ChannelConfig calldata config) external view returns (bytes32);
    function channels(bytes32 channelId)
        external
        view
        returns (uint128 balance, uint128 totalClaimed);
    function pendingWithdrawals(bytes32 channelId)
        external
        view
        returns (uint128 amount, uint40 initiatedAt);
    function receivers(address receiver, address token)
        external
        view
        returns (uint128 totalClaimed, uint128 totalSettled);
    function refundNonce(bytes32 channelId) external view returns (uint256);
    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount)
        external
        view
        returns (bytes32);
    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount)
        external
        view
        returns (bytes32);
    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims)
        external
        view
        returns (bytes32);
}

/// @title What brings a deposit
interface IDepositCollector {
    /// @notice Moves `amount` of the payer's `token` to the caller.
    function collect(
        address payer,
        address token,
        uint256 amount,
        bytes32 channelId,
        bytes calldata collectorData
    ) external;
}
