// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lease, LeaseState, Offer} from "../../src/market/IMarket.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice Opens, starts, extends, stops, settles and cancels at random, with a memory of what each lease may cost.
contract MarketHandler is Deployment {
    struct Entry {
        uint256 deposited;
        uint256 price;
        uint256 bond;
        uint256 startedAt;
        uint256 stoppedAt;
        uint256 endsAt;
        address buyer;
        bool settled;
        bool bondLost;
    }

    uint256 public asset;
    bytes32[] public leases;
    mapping(bytes32 lease => Entry) private _entries;
    uint256 public bondsLost;
    uint256 private _nonce;

    string[] public reachNames = [
        "opened",
        "bonded",
        "started",
        "extended",
        "stoppedByBuyer",
        "stoppedByOperator",
        "stoppedBeforeStart",
        "neverStarted",
        "ranDry",
        "settled",
        "cancelledRefused",
        "reopenedRefused",
        "lateStartRefused"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deploy();
        asset = registerMachine();
        fund(operator, 1e15);
        for (uint256 i = 0; i < 3; ++i) {
            fund(_buyer(i), 1e15);
            vm.prank(_buyer(i));
            till.setOperator(address(market), true);
        }
        vm.prank(operator);
        till.setOperator(address(market), true);
    }

    function open(uint256 who, uint128 price, uint128 bond, uint40 duration) external {
        Offer memory offer = offerOf(asset);
        offer.pricePerHour = uint128(bound(price, 0, 1e10));
        offer.bond = bond % 2 == 0 ? 0 : uint128(bound(bond, 1, 1e9));
        offer.nonce = ++_nonce;
        duration = uint40(bound(duration, 60, 20_000));
        bytes32 lease = market.hashOffer(offer);
        bytes memory data =
            abi.encodeCall(market.open, (offer, sign(OPERATOR_KEY, lease), duration));
        if (price % 7 == 0) {
            vm.prank(operator);
            market.cancel(offer.nonce);
            assertTrue(!_try(_buyer(who), data), "a cancelled offer was opened");
            reached["cancelledRefused"]++;
            return;
        }
        assertTrue(_try(_buyer(who), data), "opens");
        assertTrue(!_try(_buyer(who), data), "an offer was opened twice");
        reached["reopenedRefused"]++;
        leases.push(lease);
        Entry storage entry = _entries[lease];
        entry.deposited = market.priceUp(offer.pricePerHour, duration);
        entry.price = offer.pricePerHour;
        entry.bond = offer.bond;
        entry.buyer = _buyer(who);
        reached["opened"]++;
        if (offer.bond > 0) reached["bonded"]++;
    }

    function start(uint256 index) external {
        (bytes32 lease, Lease memory seen) = _lease(index);
        if (seen.state != LeaseState.Open) return;
        bool done = _try(device, abi.encodeCall(market.start, (lease)));
        assertTrue(done == (block.timestamp <= seen.startBy), "start and its window");
        if (!done) {
            reached["lateStartRefused"]++;
            return;
        }
        _entries[lease].startedAt = block.timestamp;
        _entries[lease].endsAt = block.timestamp + seen.duration;
        reached["started"]++;
    }

    function extend(uint256 index, uint40 added) external {
        (bytes32 lease, Lease memory seen) = _lease(index);
        if (seen.state != LeaseState.Running || block.timestamp >= seen.endsAt) return;
        if (seen.duration + 5_000 > seen.maxDuration) return;
        added = uint40(bound(added, 1, 5_000));
        uint256 before = balanceOf(seen.buyer);
        assertTrue(_try(seen.buyer, abi.encodeCall(market.extend, (lease, added))), "extends");
        _entries[lease].deposited += before - balanceOf(seen.buyer);
        _entries[lease].endsAt += added;
        reached["extended"]++;
    }

    function stop(uint256 index, bool byOperator) external {
        (bytes32 lease, Lease memory seen) = _lease(index);
        bool open_ = seen.state == LeaseState.Open && block.timestamp <= seen.startBy;
        bool running = seen.state == LeaseState.Running && block.timestamp < seen.endsAt;
        bool done = _try(byOperator ? operator : seen.buyer, abi.encodeCall(market.stop, (lease)));
        assertTrue(done == (open_ || running), "stop and the state");
        if (!done) return;
        _entries[lease].stoppedAt = block.timestamp;
        if (byOperator) _entries[lease].bondLost = true;
        reached[byOperator ? "stoppedByOperator" : "stoppedByBuyer"]++;
        if (open_) reached["stoppedBeforeStart"]++;
    }

    function settle(uint256 index, address caller) external {
        (bytes32 lease, Lease memory seen) = _lease(index);
        Entry storage entry = _entries[lease];
        bool late = seen.state == LeaseState.Open && block.timestamp > seen.startBy;
        bool dry = seen.state == LeaseState.Running && block.timestamp >= seen.endsAt;
        uint256 revenue = _revenue();
        uint256 before = balanceOf(entry.buyer);
        vm.prank(caller);
        (bool done, bytes memory result) =
            address(market).call(abi.encodeCall(market.settle, (lease)));
        assertTrue(
            done == (late || dry || seen.state == LeaseState.Stopped), "settle and the state"
        );
        if (!done) return;
        (uint128 earned, uint128 refunded) = abi.decode(result, (uint128, uint128));
        uint256 bond = late || entry.bondLost ? entry.bond : 0;
        uint256 end = entry.stoppedAt != 0 ? entry.stoppedAt : entry.endsAt;
        uint256 used = entry.startedAt == 0 ? 0 : end - entry.startedAt;
        assertEq(uint256(earned) + refunded, entry.deposited, "1. earned + refunded == deposited");
        assertEq(earned, entry.price * used / 3_600, "2. earned is price x seconds, rounded down");
        assertEq(_revenue(), revenue + earned, "3. the asset's till has what was earned");
        assertEq(balanceOf(entry.buyer), before + refunded + bond, "4. the buyer has the rest");
        entry.settled = true;
        bondsLost += bond;
        reached["settled"]++;
        if (late) reached["neverStarted"]++;
        if (dry) reached["ranDry"]++;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + (time % 5 == 0 ? time % 30_000 : time % 50));
    }

    function leaseCount() external view returns (uint256) {
        return leases.length;
    }

    /// @notice Deposit and bond of a lease that is not settled.
    function liveOf(bytes32 lease) external view returns (uint256 deposited, uint256 bond) {
        Entry storage entry = _entries[lease];
        if (!entry.settled) (deposited, bond) = (entry.deposited, entry.bond);
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function locked() external view returns (uint256) {
        return balanceOf(address(market));
    }

    function operatorsMoney() external view returns (uint256) {
        return balanceOf(operator);
    }

    function _try(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(market).call(data);
    }

    /// @dev All that was ever earned: what settled buckets paid out, and the open one.
    function _revenue() private view returns (uint256 amount) {
        (, amount) = till.bucketOf(asset);
        amount += balanceOf(owner) + balanceOf(admin);
    }

    function _lease(uint256 index) private view returns (bytes32 lease, Lease memory seen) {
        if (leases.length == 0) return (0, seen);
        lease = leases[index % leases.length];
        seen = market.get(lease);
    }

    function _buyer(uint256 who) private pure returns (address) {
        return address(uint160(0xB000 + who % 3));
    }
}
