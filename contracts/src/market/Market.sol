// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssets} from "../assets/IAssets.sol";
import {ITill} from "../till/ITill.sol";
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
        uint88 pricePerHour;
        LeaseState state;
        // Open: last second for the start. From the start on: the start.
        uint40 clock;
        // Seconds bought. The deposit is their price.
        uint40 duration;
        uint40 maxDuration;
        // First second that is not paid; set by stop or settle.
        uint40 stoppedAt;
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
    function open(
        Offer calldata offer,
        bytes calldata signature,
        uint40 duration
    ) external returns (bytes32 lease) {
        lease = hashOffer(offer);
        Record storage record = _leases[lease];
        require(record.state == LeaseState.None, LeaseExists(lease));
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
        require(
            !isCancelled(operator, offer.nonce), OfferCancelled(lease, operator, offer.nonce)
        );
        require(
            SignatureChecker.isValidSignatureNowCalldata(operator, lease, signature),
            OfferSignatureInvalid(lease, operator)
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
            device != address(0)
                && SignatureChecker.isValidSignatureNowCalldata(device, digest, signature),
            StartSignatureInvalid(lease, device)
        );
        _start(lease);
    }

    /// @inheritdoc IMarket
    function extend(bytes32 lease, uint40 added) external {
        Record storage record = _leases[lease];
        _requireRunning(lease, record);
        require(msg.sender == record.buyer, NotBuyer(lease, msg.sender));
        uint40 duration = record.duration;
        uint40 most = record.maxDuration;
        require(added > 0 && added <= most - duration, DurationInvalid(added, 1, most - duration));
        uint128 before = priceUp(record.pricePerHour, duration);
        duration += added;
        record.duration = duration;
        uint128 deposit = priceUp(record.pricePerHour, duration);
        emit LeaseExtended(lease, added, deposit, record.clock + duration);
        if (deposit > before) {
            uint256 id = uint160(assets.currencyOf(record.asset));
            till.transferFrom(msg.sender, address(this), id, deposit - before);
        }
    }

    // ------------------------------------------------------------------ stop, settle

    /// @inheritdoc IMarket
    function stop(bytes32 lease) external {
        Record storage record = _leases[lease];
        LeaseState state = record.state;
        uint40 now_ = uint40(block.timestamp);
        if (state == LeaseState.Open) {
            require(now_ <= record.clock, StartTooLate(lease, record.clock));
        } else {
            _requireRunning(lease, record);
        }
        bool byOperator = msg.sender != record.buyer;
        if (byOperator) {
            require(
                msg.sender == _operatorOf(lease, record), NotBuyerOrOperator(lease, msg.sender)
            );
        }
        record.state = LeaseState.Stopped;
        // Stopped before the start: no second is paid, and the clock, which held the end of the window, says so.
        if (state == LeaseState.Open) record.clock = 0;
        record.stoppedAt = now_;
        // Time was left, or this were refused above.
        if (byOperator && record.bonded) record.forfeited = true;
        emit LeaseStopped(lease, msg.sender, now_);
    }

    /// @inheritdoc IMarket
    function settle(bytes32 lease) external returns (uint128 earned, uint128 refunded) {
        Record storage record = _leases[lease];
        LeaseState state = record.state;
        require(state != LeaseState.None, LeaseUnknown(lease));
        require(state != LeaseState.Settled, LeaseSettledAlready(lease));
        bool forfeited = record.forfeited;
        uint40 clock = record.clock;
        uint128 deposit = priceUp(record.pricePerHour, record.duration);
        if (state == LeaseState.Open) {
            require(block.timestamp > clock, LeaseNotOver(lease, clock));
            // The device never came, on a machine that was reserved.
            forfeited = true;
            record.clock = 0;
            record.stoppedAt = clock + 1;
        } else {
            uint40 end = record.stoppedAt;
            if (state == LeaseState.Running) {
                end = clock + record.duration;
                require(block.timestamp >= end, LeaseNotOver(lease, end));
                record.stoppedAt = end;
            }
            // Stopped before the start, the clock is zero and nothing was earned.
            if (clock != 0) earned = priceDown(record.pricePerHour, end - clock);
        }
        refunded = deposit - earned;
        record.state = LeaseState.Settled;

        (uint256 asset, address buyer, bool bonded) = (record.asset, record.buyer, record.bonded);
        Bond memory bond;
        if (bonded) bond = _bonds[lease];
        emit LeaseSettled(lease, earned, refunded, forfeited ? bond.amount : 0);
        if (earned > 0) till.pay(asset, earned);
        if (refunded > 0 || bonded) {
            uint256 id = uint160(assets.currencyOf(asset));
            if (refunded > 0) till.transfer(buyer, id, refunded);
            if (bonded) till.transfer(forfeited ? buyer : bond.operator, id, bond.amount);
        }
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
        result.state = record.state;
        require(result.state != LeaseState.None, LeaseUnknown(lease));
        result.asset = record.asset;
        result.buyer = record.buyer;
        result.operator = _operatorOf(lease, record);
        result.pricePerHour = record.pricePerHour;
        result.deposit = priceUp(record.pricePerHour, record.duration);
        result.bond = _bonds[lease].amount;
        result.stoppedAt = record.stoppedAt;
        result.duration = record.duration;
        result.maxDuration = record.maxDuration;
        if (result.state == LeaseState.Open) {
            result.startBy = record.clock;
        } else if (record.clock != 0) {
            result.startedAt = record.clock;
            result.endsAt = record.clock + record.duration;
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
    function _book(
        bytes32 lease,
        Offer calldata offer,
        address operator,
        uint40 duration
    ) private {
        uint40 startBy = (block.timestamp + offer.startWindow).toUint40();
        _leases[lease] = Record({
            buyer: msg.sender,
            asset: uint64(offer.asset),
            bonded: offer.bond > 0,
            forfeited: false,
            pricePerHour: uint88(offer.pricePerHour),
            state: LeaseState.Open,
            clock: startBy,
            duration: duration,
            maxDuration: offer.maxDuration,
            stoppedAt: 0
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
        Record storage record = _leases[lease];
        require(record.state == LeaseState.Open, LeaseNotOpen(lease, record.state));
        require(block.timestamp <= record.clock, StartTooLate(lease, record.clock));
        uint40 now_ = uint40(block.timestamp);
        record.state = LeaseState.Running;
        record.clock = now_;
        emit LeaseStarted(lease, now_, now_ + record.duration);
    }

    function _requireRunning(bytes32 lease, Record storage record) private view {
        LeaseState state = record.state;
        require(state != LeaseState.None, LeaseUnknown(lease));
        require(state == LeaseState.Running, LeaseNotRunning(lease, state));
        uint40 end = record.clock + record.duration;
        require(block.timestamp < end, LeaseOver(lease, end));
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
