// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {
    BatchVoucher,
    ChannelConfig,
    IBatchSettlement,
    IDepositCollector,
    VoucherClaim
} from "./IBatchSettlement.sol";

/// @title Stand-in for x402's contract of scheme `batch-settlement` on local chains
/// @notice Behaves to clients, servers and facilitators as the contract at 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003 of
/// public chains. Written to its public interface, for chains that have none.
/// @dev Nothing of it hangs on where its code was made: no immutable, no constructor.
/// A channel's balance is all that was put in and not taken back; of it `totalClaimed` is the receiver's. What is claimed
/// stays here until `settle`. Who collects a deposit is the caller's choice and may call back: a guard, and the balance is
/// compared before and after. Fees on transfer are refused by that; tokens whose balances move by themselves are not for it.
contract BatchSettlement is IBatchSettlement, Multicall, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct ChannelState {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct Withdrawal {
        uint128 amount;
        uint40 initiatedAt;
    }

    struct Receiver {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 private constant VOUCHER_TYPEHASH =
        keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 private constant REFUND_TYPEHASH =
        keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
    bytes32 private constant CLAIM_ENTRY_TYPEHASH =
        keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
    bytes32 private constant CLAIM_BATCH_TYPEHASH = keccak256(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
    );

    uint40 public constant MIN_WITHDRAW_DELAY = 15 minutes;
    uint40 public constant MAX_WITHDRAW_DELAY = 30 days;

    mapping(bytes32 channelId => ChannelState) public channels;
    mapping(bytes32 channelId => Withdrawal) public pendingWithdrawals;
    mapping(bytes32 channelId => uint256) public refundNonce;
    mapping(address receiver => mapping(address token => Receiver)) public receivers;

    // ------------------------------------------------------------------ deposit

    /// @inheritdoc IBatchSettlement
    function deposit(
        ChannelConfig calldata config,
        uint128 amount,
        address collector,
        bytes calldata collectorData
    ) external nonReentrant {
        require(
            config.payer != address(0) && config.receiver != address(0)
                && config.receiverAuthorizer != address(0) && config.token != address(0),
            InvalidChannel()
        );
        uint40 delay = config.withdrawDelay;
        require(
            delay >= MIN_WITHDRAW_DELAY && delay <= MAX_WITHDRAW_DELAY, WithdrawDelayOutOfRange()
        );
        require(amount > 0, ZeroDeposit());
        require(collector != address(0), InvalidCollector());

        bytes32 id = getChannelId(config);
        ChannelState storage channel = channels[id];
        uint128 before = channel.balance;
        require(amount <= type(uint128).max - before, DepositOverflow());
        channel.balance = before + amount;
        if (before == 0 && channel.totalClaimed == 0) emit ChannelCreated(id, config);
        emit Deposited(id, msg.sender, amount, before + amount);

        IERC20 token = IERC20(config.token);
        uint256 held = token.balanceOf(address(this));
        IDepositCollector(collector).collect(config.payer, config.token, amount, id, collectorData);
        require(token.balanceOf(address(this)) == held + amount, DepositCollectionFailed());
    }

    // ------------------------------------------------------------------ claim, settle

    /// @inheritdoc IBatchSettlement
    function claim(VoucherClaim[] calldata voucherClaims) external nonReentrant {
        require(voucherClaims.length > 0, EmptyBatch());
        for (uint256 i = 0; i < voucherClaims.length; ++i) {
            require(_isReceiving(voucherClaims[i].voucher.channel), NotAuthorizedToClaim());
            _claim(voucherClaims[i]);
        }
    }

    /// @inheritdoc IBatchSettlement
    function claimWithSignature(
        VoucherClaim[] calldata voucherClaims,
        bytes calldata authorizerSignature
    ) external nonReentrant {
        require(voucherClaims.length > 0, EmptyBatch());
        address authorizer = voucherClaims[0].voucher.channel.receiverAuthorizer;
        _requireSigned(authorizer, getClaimBatchDigest(voucherClaims), authorizerSignature);
        for (uint256 i = 0; i < voucherClaims.length; ++i) {
            require(
                voucherClaims[i].voucher.channel.receiverAuthorizer == authorizer,
                NotReceiverAuthorizer()
            );
            _claim(voucherClaims[i]);
        }
    }

    /// @inheritdoc IBatchSettlement
    function settle(address receiver, address token) external nonReentrant {
        Receiver storage account = receivers[receiver][token];
        uint128 amount = account.totalClaimed - account.totalSettled;
        if (amount == 0) return;
        account.totalSettled = account.totalClaimed;
        emit Settled(receiver, token, msg.sender, amount);
        IERC20(token).safeTransfer(receiver, amount);
    }

    // ------------------------------------------------------------------ withdraw, refund

    /// @inheritdoc IBatchSettlement
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external {
        require(_isPaying(config), InvalidChannel());
        require(amount > 0, NothingToWithdraw());
        bytes32 id = getChannelId(config);
        require(pendingWithdrawals[id].initiatedAt == 0, WithdrawalAlreadyPending());
        require(amount <= _available(id), WithdrawAmountExceedsAvailable());
        pendingWithdrawals[id] = Withdrawal(amount, uint40(block.timestamp));
        emit WithdrawInitiated(id, amount, uint40(block.timestamp) + config.withdrawDelay);
    }

    /// @inheritdoc IBatchSettlement
    function finalizeWithdraw(ChannelConfig calldata config) external nonReentrant {
        require(_isPaying(config), NotAuthorizedToFinalizeWithdraw());
        bytes32 id = getChannelId(config);
        Withdrawal memory withdrawal = pendingWithdrawals[id];
        require(withdrawal.initiatedAt != 0, WithdrawalNotPending());
        require(
            block.timestamp >= uint256(withdrawal.initiatedAt) + config.withdrawDelay,
            WithdrawDelayNotElapsed()
        );
        delete pendingWithdrawals[id];
        uint128 amount = _least(withdrawal.amount, _available(id));
        channels[id].balance -= amount;
        emit WithdrawFinalized(id, msg.sender, amount);
        if (amount > 0) IERC20(config.token).safeTransfer(config.payer, amount);
    }

    /// @inheritdoc IBatchSettlement
    function refund(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        require(_isReceiving(config), NotAuthorizedToRefund());
        _refund(getChannelId(config), config, amount);
    }

    /// @inheritdoc IBatchSettlement
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external nonReentrant {
        bytes32 id = getChannelId(config);
        require(nonce == refundNonce[id], InvalidRefundNonce());
        _requireSigned(
            config.receiverAuthorizer,
            getRefundDigest(id, nonce, amount),
            receiverAuthorizerSignature
        );
        _refund(id, config, amount);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IBatchSettlement
    function getChannelId(ChannelConfig calldata config) public view returns (bytes32) {
        return _hash(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    /// @inheritdoc IBatchSettlement
    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount)
        public
        view
        returns (bytes32)
    {
        return _hash(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)));
    }

    /// @inheritdoc IBatchSettlement
    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount)
        public
        view
        returns (bytes32)
    {
        return _hash(keccak256(abi.encode(REFUND_TYPEHASH, channelId, nonce, amount)));
    }

    /// @inheritdoc IBatchSettlement
    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims)
        public
        view
        returns (bytes32)
    {
        bytes32[] memory entries = new bytes32[](voucherClaims.length);
        for (uint256 i = 0; i < voucherClaims.length; ++i) {
            BatchVoucher calldata voucher = voucherClaims[i].voucher;
            entries[i] = keccak256(
                abi.encode(
                    CLAIM_ENTRY_TYPEHASH,
                    getChannelId(voucher.channel),
                    voucher.maxClaimableAmount,
                    voucherClaims[i].totalClaimed
                )
            );
        }
        bytes32 list = keccak256(abi.encodePacked(entries));
        return _hash(keccak256(abi.encode(CLAIM_BATCH_TYPEHASH, list)));
    }

    // ------------------------------------------------------------------ internals

    /// @dev A claim that brings nothing more is passed over, signature and all.
    function _claim(VoucherClaim calldata claim_) private {
        ChannelConfig calldata config = claim_.voucher.channel;
        bytes32 id = getChannelId(config);
        ChannelState storage channel = channels[id];
        uint128 total = claim_.totalClaimed;
        uint128 before = channel.totalClaimed;
        if (total <= before) return;
        require(total <= claim_.voucher.maxClaimableAmount, ClaimExceedsCeiling());
        require(total <= channel.balance, ClaimExceedsBalance());
        bytes32 digest = getVoucherDigest(id, claim_.voucher.maxClaimableAmount);
        if (config.payerAuthorizer == address(0)) {
            _requireSigned(config.payer, digest, claim_.signature);
        } else {
            (address signer, ECDSA.RecoverError failure,) =
                ECDSA.tryRecoverCalldata(digest, claim_.signature);
            require(
                failure == ECDSA.RecoverError.NoError && signer == config.payerAuthorizer,
                InvalidSignature()
            );
        }
        channel.totalClaimed = total;
        receivers[config.receiver][config.token].totalClaimed += total - before;
        emit Claimed(id, msg.sender, total - before, total);
    }

    /// @dev The nonce moves even where nothing is left, so that no signature is ever used twice.
    function _refund(bytes32 id, ChannelConfig calldata config, uint128 asked) private {
        require(asked > 0, ZeroRefund());
        ++refundNonce[id];
        uint128 amount = _least(asked, _available(id));
        if (amount == 0) return;
        channels[id].balance -= amount;
        Withdrawal memory withdrawal = pendingWithdrawals[id];
        if (amount >= withdrawal.amount) delete pendingWithdrawals[id];
        else pendingWithdrawals[id].amount = withdrawal.amount - amount;
        emit Refunded(id, msg.sender, amount);
        IERC20(config.token).safeTransfer(config.payer, amount);
    }

    function _available(bytes32 id) private view returns (uint128) {
        return channels[id].balance - channels[id].totalClaimed;
    }

    function _least(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }

    function _isReceiving(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.receiver || msg.sender == config.receiverAuthorizer;
    }

    function _isPaying(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.payer || msg.sender == config.payerAuthorizer;
    }

    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) private view {
        require(
            SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature),
            InvalidSignature()
        );
    }

    function _hash(bytes32 fields) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256("x402 Batch Settlement"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, fields));
    }
}
