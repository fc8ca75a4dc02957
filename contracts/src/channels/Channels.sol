// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Signatures} from "../Signatures.sol";
import {IAssets} from "../assets/IAssets.sol";
import {ITill} from "../till/ITill.sol";
import {Channel, ChannelState, Claim, IChannels, Voucher} from "./IChannels.sol";
import {Purse, toPurse} from "./Purse.sol";

/// @title Channels
/// @dev Bounds: a deposit is below 2^96 in an epoch, a channel has 2^24 - 1 epochs, a tick chain 4096 words, a close takes
/// 15 minutes to 30 days. Roundings: none.
/// Trust: the register of assets and the till. A token can only harm channels in its own currency. Money: the account of this
/// contract in the till holds the deposits of open channels less what was claimed, and nothing else counts on it.
/// What a channel is stands in its id and comes as calldata; only its purse is stored, one word. A channel that was opened
/// had clean fields, so a struct with dirty bits hashes to an id that is not open.
/// Outside calls: the till, after everything was stored. A deposit by authorization runs the token first and looks at the
/// purse only then. Accounts that are paid are never called; an asset's till may ask its debt module, which cannot fail a payment.
contract Channels is IChannels, EIP712 {
    using SafeCast for uint256;

    bytes32 private constant CHANNEL_TYPEHASH = keccak256(
        "Channel(address payer,address signer,address payee,uint256 asset,address currency,uint40 closeDelay,bytes32 salt)"
    );
    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 channel,uint64 epoch,uint128 cumulative,bytes32 anchor,uint64 tickPrice,uint32 maxTicks,bytes32 terms)"
    );
    bytes32 private constant OPEN_TYPEHASH =
        keccak256("Open(bytes32 channel,uint64 epoch,uint128 amount,uint40 deadline)");
    bytes32 private constant CLOSE_TYPEHASH =
        keccak256("Close(bytes32 channel,uint64 epoch,uint128 claimed,uint40 deadline)");

    uint128 public constant MAX_DEPOSIT = type(uint96).max;
    uint32 public constant MAX_TICKS = 4_096;
    uint40 public constant MIN_CLOSE_DELAY = 15 minutes;
    uint40 public constant MAX_CLOSE_DELAY = 30 days;

    ITill private immutable _till;
    IAssets private immutable _assets;

    mapping(bytes32 id => Purse) private _purses;

    /// @param till_ Holds the money; names the register of assets.
    constructor(ITill till_) EIP712("Millrace Channels", "1") {
        _till = till_;
        _assets = IAssets(till_.assets());
    }

    // ------------------------------------------------------------------ open, top up

    /// @inheritdoc IChannels
    function open(Channel calldata channel, uint128 amount) external returns (bytes32 id) {
        id = hashChannel(channel);
        require(msg.sender == channel.payer, NotPayer(id, msg.sender));
        _open(id, channel, amount);
        _till.transferFrom(msg.sender, address(this), uint160(channel.currency), amount);
    }

    /// @inheritdoc IChannels
    function openFor(
        Channel calldata channel,
        uint128 amount,
        uint40 deadline,
        bytes calldata signature
    ) external returns (bytes32 id) {
        id = hashChannel(channel);
        require(block.timestamp <= deadline, OpenExpired(id, deadline));
        bytes32 digest = hashOpen(id, _purses[id].epoch(), amount, deadline);
        address payer = channel.payer;
        require(Signatures.isValid(payer, digest, signature), OpenSignatureInvalid(id, payer));
        _open(id, channel, amount);
        _till.transferFrom(payer, address(this), uint160(channel.currency), amount);
    }

    /// @inheritdoc IChannels
    function openWithAuthorization(
        Channel calldata channel,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 authorizationSalt,
        bytes calldata signature
    ) external returns (bytes32 id) {
        id = hashChannel(channel);
        bytes32 reason = _reason(id, _purses[id].epoch(), authorizationSalt);
        uint256 credited = _pull(channel, amount, validAfter, validBefore, reason, signature);
        _open(id, channel, credited);
    }

    /// @inheritdoc IChannels
    function topUp(Channel calldata channel, uint128 amount) external {
        bytes32 id = hashChannel(channel);
        _topUp(id, amount, msg.sender == channel.payer);
        _till.transferFrom(msg.sender, address(this), uint160(channel.currency), amount);
    }

    /// @inheritdoc IChannels
    function topUpWithAuthorization(
        Channel calldata channel,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 authorizationSalt,
        bytes calldata signature
    ) external {
        bytes32 id = hashChannel(channel);
        bytes32 reason = _reason(id, _purses[id].epoch(), authorizationSalt);
        uint256 credited = _pull(channel, amount, validAfter, validBefore, reason, signature);
        _topUp(id, credited, false);
    }

    // ------------------------------------------------------------------ claim

    /// @inheritdoc IChannels
    function claim(Claim[] calldata claims) external returns (uint256 paid) {
        bytes32 domain = _domainSeparatorV4();
        uint256 count = claims.length;
        require(count > 0, NothingToClaim(0, 0, 0));
        uint256 due;
        bytes32 account = _accountOf(claims[0].channel);
        for (uint256 i = 0; i < count; ++i) {
            Claim calldata next = claims[i];
            bytes32 other = _accountOf(next.channel);
            if (other != account) {
                paid += due;
                _pay(claims[i - 1].channel, due);
                (account, due) = (other, 0);
            }
            due += _claim(domain, next);
        }
        paid += due;
        _pay(claims[count - 1].channel, due);
        if (paid == 0) _refuse(domain, claims[0]);
    }

    // ------------------------------------------------------------------ close

    /// @inheritdoc IChannels
    function close(Claim calldata last) external {
        bytes32 domain = _domainSeparatorV4();
        bytes32 id = _hashChannel(domain, last.channel);
        address payee = _closerOf(last.channel);
        require(msg.sender == payee, NotPayee(id, payee, msg.sender));
        (Purse purse, uint256 due) = _takeLast(domain, id, last);
        _end(id, last.channel, purse, due);
    }

    /// @inheritdoc IChannels
    function closeFor(Claim calldata last, uint40 deadline, bytes calldata signature) external {
        bytes32 domain = _domainSeparatorV4();
        bytes32 id = _hashChannel(domain, last.channel);
        require(block.timestamp <= deadline, CloseExpired(id, deadline));
        (Purse purse, uint256 due) = _takeLast(domain, id, last);
        bytes32 digest = hashClose(id, purse.epoch(), purse.claimed(), deadline);
        address payee = _closerOf(last.channel);
        require(Signatures.isValid(payee, digest, signature), CloseSignatureInvalid(id, payee));
        _end(id, last.channel, purse, due);
    }

    /// @inheritdoc IChannels
    function requestClose(Channel calldata channel) external returns (uint40 closesAt) {
        bytes32 id = hashChannel(channel);
        require(
            msg.sender == channel.payer || msg.sender == channel.signer, NotPayer(id, msg.sender)
        );
        Purse purse = _opened(id);
        require(purse.closesAt() == 0, CloseRequestedAlready(id, purse.closesAt()));
        closesAt = (block.timestamp + channel.closeDelay).toUint40();
        _purses[id] = purse.withClosesAt(closesAt);
        emit CloseRequested(id, closesAt);
    }

    /// @inheritdoc IChannels
    function finalizeClose(Channel calldata channel) external returns (uint128 refunded) {
        bytes32 id = hashChannel(channel);
        Purse purse = _opened(id);
        uint40 closesAt = purse.closesAt();
        require(closesAt != 0, CloseNotRequested(id));
        require(block.timestamp >= closesAt, CloseTooEarly(id, closesAt));
        return _end(id, channel, purse, 0);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IChannels
    function till() external view returns (address) {
        return address(_till);
    }

    /// @inheritdoc IChannels
    function get(bytes32 id) external view returns (ChannelState memory) {
        Purse purse = _purses[id];
        return ChannelState(purse.deposit(), purse.claimed(), purse.epoch(), purse.closesAt());
    }

    /// @inheritdoc IChannels
    function hashChannel(Channel calldata channel) public view returns (bytes32 id) {
        return _hashChannel(_domainSeparatorV4(), channel);
    }

    /// @inheritdoc IChannels
    function hashVoucher(bytes32 id, Voucher calldata voucher) external view returns (bytes32) {
        return _hashVoucher(_domainSeparatorV4(), id, voucher);
    }

    /// @inheritdoc IChannels
    function hashOpen(bytes32 id, uint64 epoch, uint128 amount, uint40 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(OPEN_TYPEHASH, id, epoch, amount, deadline)));
    }

    /// @inheritdoc IChannels
    function hashClose(bytes32 id, uint64 epoch, uint128 claimed, uint40 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(CLOSE_TYPEHASH, id, epoch, claimed, deadline)));
    }

    /// @inheritdoc IChannels
    function authorizationNonce(bytes32 id, uint64 epoch, bytes32 authorizationSalt)
        external
        view
        returns (bytes32)
    {
        return _till.pullNonce(address(this), _reason(id, epoch, authorizationSalt));
    }

    // ------------------------------------------------------------------ internals: deposits

    function _open(bytes32 id, Channel calldata channel, uint256 amount) private {
        Purse purse = _purses[id];
        require(!purse.isOpen(), ChannelExists(id));
        uint24 epoch = purse.epoch();
        require(epoch < type(uint24).max, EpochsExhausted(id));
        require(amount > 0 && amount <= MAX_DEPOSIT, AmountInvalid(amount, MAX_DEPOSIT));
        _requireValid(id, channel);
        _purses[id] = toPurse(uint96(amount), epoch);
        emit ChannelOpened(
            id,
            channel.payer,
            channel.signer,
            channel.payee,
            channel.asset,
            channel.currency,
            channel.closeDelay,
            channel.salt,
            epoch,
            uint128(amount)
        );
    }

    function _topUp(bytes32 id, uint256 amount, bool callsOff) private {
        Purse purse = _opened(id);
        uint96 deposit = purse.deposit();
        uint256 max = MAX_DEPOSIT - deposit;
        require(amount > 0 && amount <= max, AmountInvalid(amount, max));
        // Together at most what was compared with.
        deposit += uint96(amount);
        purse = purse.withDeposit(deposit);
        if (callsOff) purse = purse.withClosesAt(0);
        _purses[id] = purse;
        emit ChannelToppedUp(id, uint128(amount), deposit, purse.closesAt());
    }

    function _pull(
        Channel calldata channel,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 reason,
        bytes calldata signature
    ) private returns (uint256 credited) {
        return _till.pullWithAuthorization(
            channel.currency, channel.payer, amount, validAfter, validBefore, reason, signature
        );
    }

    /// @dev The till and this contract cannot be paid: claims and refunds would fail, or stay here.
    function _requireValid(bytes32 id, Channel calldata channel) private view {
        (address payer, address payee, uint256 asset) =
            (channel.payer, channel.payee, channel.asset);
        uint40 delay = channel.closeDelay;
        require(
            payer != address(0) && channel.signer != address(0)
                && (payee == address(0)) == (asset != 0) && delay >= MIN_CLOSE_DELAY
                && delay <= MAX_CLOSE_DELAY && payer != address(_till) && payee != address(_till)
                && payer != address(this) && payee != address(this),
            ChannelInvalid(id)
        );
        if (asset == 0) return;
        address expected = _assets.currencyOf(asset);
        require(channel.currency == expected, CurrencyInvalid(id, channel.currency, expected));
    }

    function _opened(bytes32 id) private view returns (Purse purse) {
        purse = _purses[id];
        require(purse.isOpen(), ChannelUnknown(id));
    }

    /// @dev An epoch's money only: an authorization that was kept cannot open the channel again.
    function _reason(bytes32 id, uint64 epoch, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(id, epoch, salt));
    }

    // ------------------------------------------------------------------ internals: claims

    function _claim(bytes32 domain, Claim calldata claim_) private returns (uint256 due) {
        bytes32 id = _hashChannel(domain, claim_.channel);
        Purse purse;
        (purse, due) = _take(domain, id, claim_);
        if (due == 0) return 0;
        _purses[id] = purse;
        emit ChannelClaimed(id, uint128(due), purse.claimed());
    }

    function _takeLast(bytes32 domain, bytes32 id, Claim calldata last)
        private
        view
        returns (Purse purse, uint256 due)
    {
        if (last.signature.length == 0) return (_opened(id), 0);
        return _take(domain, id, last);
    }

    /// @dev What a claim brings, and the purse after it, which is not stored yet. A deposit that does not cover the voucher
    /// is paid as far as it goes: a payee that lost a top-up to a reorganisation still gets the rest.
    function _take(bytes32 domain, bytes32 id, Claim calldata claim_)
        private
        view
        returns (Purse purse, uint256 due)
    {
        purse = _opened(id);
        uint256 worth = _worth(domain, id, purse.epoch(), claim_);
        uint256 deposit = purse.deposit();
        if (worth > deposit) worth = deposit;
        uint256 claimed = purse.claimed();
        if (worth <= claimed) return (purse, 0);
        due = worth - claimed;
        // At most the deposit.
        purse = purse.withClaimed(uint96(worth));
    }

    /// @dev What the signer promised, whatever the deposit.
    function _worth(bytes32 domain, bytes32 id, uint24 epoch, Claim calldata claim_)
        private
        view
        returns (uint256 worth)
    {
        Voucher calldata voucher = claim_.voucher;
        require(voucher.epoch == epoch, VoucherEpoch(id, voucher.epoch, epoch));
        address signer = claim_.channel.signer;
        // By the key only: what a contract says of a signature it may take back.
        require(
            Signatures.isByKey(signer, _hashVoucher(domain, id, voucher), claim_.signature),
            VoucherSignatureInvalid(id, signer)
        );
        worth = voucher.cumulative;
        uint32 ticks = claim_.ticks;
        if (ticks == 0) return worth;
        uint32 max = voucher.maxTicks < MAX_TICKS ? voucher.maxTicks : MAX_TICKS;
        require(ticks <= max, TicksTooMany(id, ticks, max));
        require(_walk(claim_.word, ticks) == voucher.anchor, TickInvalid(id, ticks));
        worth += uint256(ticks) * voucher.tickPrice;
    }

    /// @dev The word that is `steps` hashes after `word`.
    function _walk(bytes32 word, uint256 steps) private pure returns (bytes32 end) {
        assembly ("memory-safe") {
            mstore(0x00, word)
            // Four at a time: a loop costs more than a hash.
            for {} gt(steps, 3) { steps := sub(steps, 4) } {
                mstore(0x00, keccak256(0x00, 0x20))
                mstore(0x00, keccak256(0x00, 0x20))
                mstore(0x00, keccak256(0x00, 0x20))
                mstore(0x00, keccak256(0x00, 0x20))
            }
            for {} steps { steps := sub(steps, 1) } { mstore(0x00, keccak256(0x00, 0x20)) }
            end := mload(0x00)
        }
    }

    /// @dev Says why a list brought nothing, by its first claim.
    function _refuse(bytes32 domain, Claim calldata claim_) private view {
        bytes32 id = _hashChannel(domain, claim_.channel);
        Purse purse = _purses[id];
        revert NothingToClaim(id, _worth(domain, id, purse.epoch(), claim_), purse.claimed());
    }

    // ------------------------------------------------------------------ internals: payments

    function _end(bytes32 id, Channel calldata channel, Purse purse, uint256 due)
        private
        returns (uint128 refunded)
    {
        uint96 claimed = purse.claimed();
        refunded = purse.deposit() - claimed;
        _purses[id] = purse.closed();
        emit ChannelClosed(id, purse.epoch(), claimed, refunded);
        _pay(channel, due);
        if (refunded > 0) _till.transfer(channel.payer, uint160(channel.currency), refunded);
    }

    function _pay(Channel calldata channel, uint256 amount) private {
        if (amount == 0) return;
        uint256 asset = channel.asset;
        if (asset == 0) _till.transfer(channel.payee, uint160(channel.currency), amount);
        // Each claim is below 2^96, and no transaction holds 2^32 of them.
        else _till.pay(asset, uint128(amount));
    }

    /// @dev Who may give up what is not claimed: the payee; for an asset who operates it now.
    function _closerOf(Channel calldata channel) private view returns (address) {
        return channel.asset == 0 ? channel.payee : _assets.operatorOf(channel.asset);
    }

    // ------------------------------------------------------------------ internals: hashes

    /// @dev Where a claim is paid: the hash of payee, asset and currency, which stand side by side in a channel.
    function _accountOf(Channel calldata channel) private pure returns (bytes32 account) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(channel, 0x40), 0x60)
            account := keccak256(free, 0x60)
        }
    }

    function _hashChannel(bytes32 domain, Channel calldata channel)
        private
        pure
        returns (bytes32 id)
    {
        bytes32 typehash = CHANNEL_TYPEHASH;
        // The words of the struct are the words that EIP-712 hashes; memory is used and not kept, as a list may be long.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), channel, 0xe0)
            id := keccak256(free, 0x100)
        }
        return _hashTyped(domain, id);
    }

    function _hashVoucher(bytes32 domain, bytes32 id, Voucher calldata voucher)
        private
        pure
        returns (bytes32 digest)
    {
        bytes32 typehash = VOUCHER_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mstore(add(free, 0x20), id)
            calldatacopy(add(free, 0x40), voucher, 0xc0)
            digest := keccak256(free, 0x100)
        }
        return _hashTyped(domain, digest);
    }

    function _hashTyped(bytes32 domain, bytes32 hash) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domain)
            mstore(add(free, 0x22), hash)
            digest := keccak256(free, 0x42)
        }
    }
}
