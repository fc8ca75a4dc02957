// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Signatures} from "../Signatures.sol";
import {IAssets} from "../assets/IAssets.sol";
import {ITill} from "../till/ITill.sol";
import {Clock, toClock} from "./Clock.sol";
import {IMarket, Lease, LeaseState, Offer} from "./IMarket.sol";

/// @title The market
/// @dev Bounds: price below 2^88 an hour, bond below 2^96, asset ids below 2^64 (the register counts them).
/// Roundings: the price locked is rounded up, what was earned is rounded down; the wei between goes back to the buyer.
/// Trust: the register of assets and the till; a signer that is a contract is only ever asked, never trusted with a call
/// that can write. Money: the market's account in the till holds the deposits and bonds of leases that are not settled,
/// and nothing else counts on it.
/// When an outside call fails the whole call fails; the till's own calls cannot be made to fail by a recipient.
contract Market is IMarket, EIP712 {
    using SafeCast for uint256;

    /// @dev Two words a lease, three with a bond.
    struct Record {
        address buyer;
        uint64 asset;
        bool bonded;
        bool forfeited;
        Clock clock;
    }

    struct Bond {
        address operator;
        uint96 amount;
    }

    bytes32 private constant OFFER_TYPEHASH = keccak256(
        "Offer(uint256 asset,address buyer,uint128 pricePerHour,uint128 bond,uint40 minDuration,uint40 maxDuration,uint40 startWindow,uint40 expiry,bytes32 spec,bytes32 terms,uint256 nonce)"
    );
    bytes32 private constant START_TYPEHASH = keccak256("Start(bytes32 lease)");

    ITill public immutable till;
    IAssets public immutable assets;

    mapping(bytes32 lease => Record) private _leases;
    mapping(bytes32 lease => Bond) private _bonds;
    mapping(address operator => uint64) public seriesOf;
    mapping(address operator => mapping(uint256 word => uint256 bits)) private _cancelled;

    /// @param till_ Holds the money; names the register of assets.
    constructor(ITill till_) EIP712("Millrace Market", "1") {
        till = till_;
        assets = IAssets(till_.assets());
    }

    // ------------------------------------------------------------------ open, start

    /// @inheritdoc IMarket
    function open(Offer calldata offer, bytes calldata signature, uint40 duration)
        external
        returns (bytes32 lease)
    {
        lease = hashOffer(offer);
        require(_leases[lease].clock.state() == LeaseState.None, LeaseExists(lease));
        require(block.timestamp <= offer.expiry, OfferExpired(lease, offer.expiry));
        require(
            offer.buyer == address(0) || offer.buyer == msg.sender,
            OfferForAnother(lease, offer.buyer, msg.sender)
        );
        require(
            duration > 0 && duration >= offer.minDuration && duration <= offer.maxDuration,
            DurationInvalid(duration, offer.minDuration, offer.maxDuration)
        );
        require(
            offer.pricePerHour <= type(uint88).max,
            PriceTooHigh(offer.pricePerHour, type(uint88).max)
        );
        require(offer.bond <= type(uint96).max, BondTooHigh(offer.bond, type(uint96).max));

        // Reverts for an asset that is unknown, so the id fits 64 bits.
        address operator = assets.operatorOf(offer.asset);
        require(!isCancelled(operator, offer.nonce), OfferCancelled(lease, operator, offer.nonce));
        require(
            Signatures.isValid(operator, lease, signature), OfferSignatureInvalid(lease, operator)
        );

        _book(lease, offer, operator, duration);
    }

    /// @inheritdoc IMarket
    function start(bytes32 lease) external {
        address device = _deviceOf(lease);
        require(msg.sender == device, NotDevice(lease, device, msg.sender));
        _start(lease);
    }

    /// @inheritdoc IMarket
    function startFor(bytes32 lease, bytes calldata signature) external {
        address device = _deviceOf(lease);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(START_TYPEHASH, lease)));
        require(
            device != address(0) && Signatures.isValid(device, digest, signature),
            StartSignatureInvalid(lease, device)
        );
        _start(lease);
    }

    /// @inheritdoc IMarket
    function extend(bytes32 lease, uint40 added) external {
        Record storage record = _leases[lease];
        Clock clock = record.clock;
        _requireRunning(lease, clock);
        require(msg.sender == record.buyer, NotBuyer(lease, msg.sender));
        uint40 left = clock.maxDuration() - clock.duration();
        require(added > 0 && added <= left, DurationInvalid(added, 1, left));
        uint128 before = priceUp(clock.pricePerHour(), clock.duration());
        clock = clock.withDuration(clock.duration() + added);
        record.clock = clock;
        uint128 deposit = priceUp(clock.pricePerHour(), clock.duration());
        emit LeaseExtended(lease, added, deposit, clock.endsAt());
        if (deposit > before) {
            uint256 id = uint160(assets.currencyOf(record.asset));
            till.transferFrom(msg.sender, address(this), id, deposit - before);
        }
    }

    // ------------------------------------------------------------------ stop, settle

    /// @inheritdoc IMarket
    function stop(bytes32 lease) external {
        Record storage record = _leases[lease];
        Clock clock = record.clock;
        uint40 now_ = uint40(block.timestamp);
        if (clock.state() == LeaseState.Open) {
            require(now_ <= clock.mark(), StartTooLate(lease, clock.mark()));
            // No second is paid, and the mark, which held the end of the window, says so.
            clock = clock.withMark(0);
        } else {
            _requireRunning(lease, clock);
        }
        record.clock = clock.withState(LeaseState.Stopped).withStoppedAt(now_);
        if (msg.sender != record.buyer) {
            require(msg.sender == _operatorOf(lease, record), NotBuyerOrOperator(lease, msg.sender));
            // Time was left, or this were refused above.
            if (record.bonded) record.forfeited = true;
        }
        emit LeaseStopped(lease, msg.sender, now_);
    }

    /// @inheritdoc IMarket
    function settle(bytes32 lease) external returns (uint128 earned, uint128 refunded) {
        Record storage record = _leases[lease];
        Clock clock = record.clock;
        require(clock.state() != LeaseState.None, LeaseUnknown(lease));
        require(clock.state() != LeaseState.Settled, LeaseSettledAlready(lease));
        bool late;
        if (clock.state() == LeaseState.Open) {
            uint40 startBy = clock.mark();
            require(block.timestamp > startBy, LeaseNotOver(lease, startBy));
            late = true;
            clock = clock.withMark(0).withStoppedAt(startBy + 1);
        } else if (clock.state() == LeaseState.Running) {
            require(block.timestamp >= clock.endsAt(), LeaseNotOver(lease, clock.endsAt()));
            clock = clock.withStoppedAt(clock.endsAt());
        }
        // Ended before the start, the mark is zero and nothing was earned.
        if (clock.mark() != 0) {
            earned = priceDown(clock.pricePerHour(), clock.stoppedAt() - clock.mark());
        }
        refunded = priceUp(clock.pricePerHour(), clock.duration()) - earned;
        record.clock = clock.withState(LeaseState.Settled);
        _payOut(lease, record, late, earned, refunded);
    }

    // ------------------------------------------------------------------ cancel

    /// @inheritdoc IMarket
    function cancel(uint256 nonce) external {
        require(!isCancelled(msg.sender, nonce), NonceSpent(msg.sender, nonce));
        _cancelled[msg.sender][nonce >> 8] |= 1 << (nonce & 0xff);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IMarket
    function cancelAll() external returns (uint64 series) {
        series = ++seriesOf[msg.sender];
        emit SeriesCancelled(msg.sender, series);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IMarket
    function get(bytes32 lease) external view returns (Lease memory result) {
        Record storage record = _leases[lease];
        Clock clock = record.clock;
        result.state = clock.state();
        require(result.state != LeaseState.None, LeaseUnknown(lease));
        result.asset = record.asset;
        result.buyer = record.buyer;
        result.operator = _operatorOf(lease, record);
        result.pricePerHour = clock.pricePerHour();
        result.deposit = priceUp(result.pricePerHour, clock.duration());
        result.bond = _bonds[lease].amount;
        result.stoppedAt = clock.stoppedAt();
        result.duration = clock.duration();
        result.maxDuration = clock.maxDuration();
        if (result.state == LeaseState.Open) {
            result.startBy = clock.mark();
        } else if (clock.mark() != 0) {
            result.startedAt = clock.mark();
            result.endsAt = clock.endsAt();
        }
    }

    /// @inheritdoc IMarket
    function isCancelled(address operator, uint256 nonce) public view returns (bool) {
        return nonce >> 192 != seriesOf[operator]
            || _cancelled[operator][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc IMarket
    function hashOffer(Offer calldata offer) public view returns (bytes32 lease) {
        return _hashTypedDataV4(keccak256(abi.encode(OFFER_TYPEHASH, offer)));
    }

    /// @inheritdoc IMarket
    function priceUp(uint128 pricePerHour, uint40 duration) public pure returns (uint128) {
        return Math.ceilDiv(uint256(pricePerHour) * duration, 1 hours).toUint128();
    }

    /// @inheritdoc IMarket
    function priceDown(uint128 pricePerHour, uint40 duration) public pure returns (uint128) {
        return (uint256(pricePerHour) * duration / 1 hours).toUint128();
    }

    // ------------------------------------------------------------------ internals

    /// @dev Stores the lease, then locks its price and its bond.
    function _book(bytes32 lease, Offer calldata offer, address operator, uint40 duration) private {
        uint40 startBy = (block.timestamp + offer.startWindow).toUint40();
        _leases[lease] = Record({
            buyer: msg.sender,
            asset: uint64(offer.asset),
            bonded: offer.bond > 0,
            forfeited: false,
            clock: toClock(uint88(offer.pricePerHour), offer.maxDuration, duration, startBy)
        });
        uint128 deposit = priceUp(offer.pricePerHour, duration);
        _emitOpened(lease, offer, operator, deposit, startBy, duration);
        uint256 id = uint160(assets.currencyOf(offer.asset));
        if (deposit > 0) till.transferFrom(msg.sender, address(this), id, deposit);
        if (offer.bond > 0) {
            _bonds[lease] = Bond(operator, uint96(offer.bond));
            till.transferFrom(operator, address(this), id, offer.bond);
        }
    }

    function _emitOpened(
        bytes32 lease,
        Offer calldata offer,
        address operator,
        uint128 deposit,
        uint40 startBy,
        uint40 duration
    ) private {
        emit LeaseOpened(
            lease,
            offer.asset,
            msg.sender,
            operator,
            offer.pricePerHour,
            deposit,
            offer.bond,
            startBy,
            duration,
            offer.spec,
            offer.terms
        );
    }

    function _start(bytes32 lease) private {
        Clock clock = _leases[lease].clock;
        require(clock.state() == LeaseState.Open, LeaseNotOpen(lease, clock.state()));
        require(block.timestamp <= clock.mark(), StartTooLate(lease, clock.mark()));
        clock = clock.withState(LeaseState.Running).withMark(uint40(block.timestamp));
        _leases[lease].clock = clock;
        emit LeaseStarted(lease, clock.mark(), clock.endsAt());
    }

    /// @dev What was earned goes to the asset, the rest and a forfeited bond to the buyer.
    function _payOut(
        bytes32 lease,
        Record storage record,
        bool late,
        uint128 earned,
        uint128 refunded
    ) private {
        (address buyer, uint256 asset, bool bonded) = (record.buyer, record.asset, record.bonded);
        Bond memory bond;
        // A reserved machine that never came, or that was taken away early, owes its bond.
        bool forfeited = bonded && (late || record.forfeited);
        if (bonded) bond = _bonds[lease];
        emit LeaseSettled(lease, earned, refunded, forfeited ? bond.amount : 0);
        uint256 id;
        if (earned > 0) id = till.pay(asset, earned);
        if (refunded > 0 || bonded) {
            if (id == 0) id = uint160(assets.currencyOf(asset));
            if (refunded > 0) till.transfer(buyer, id, refunded);
            if (bonded) till.transfer(forfeited ? buyer : bond.operator, id, bond.amount);
        }
    }

    function _requireRunning(bytes32 lease, Clock clock) private view {
        LeaseState state = clock.state();
        require(state != LeaseState.None, LeaseUnknown(lease));
        require(state == LeaseState.Running, LeaseNotRunning(lease, state));
        require(block.timestamp < clock.endsAt(), LeaseOver(lease, clock.endsAt()));
    }

    function _deviceOf(bytes32 lease) private view returns (address) {
        uint256 asset = _leases[lease].asset;
        require(asset != 0, LeaseUnknown(lease));
        return assets.deviceOf(asset);
    }

    /// @dev Who put up the bond answers for it whoever operates the asset later.
    function _operatorOf(bytes32 lease, Record storage record) private view returns (address) {
        return record.bonded ? _bonds[lease].operator : assets.operatorOf(record.asset);
    }
}
