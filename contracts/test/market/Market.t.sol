// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssets} from "../../src/assets/IAssets.sol";
import {IMarket, Lease, LeaseState, Offer} from "../../src/market/IMarket.sol";
import {Market} from "../../src/market/Market.sol";
import {ITill} from "../../src/till/ITill.sol";
import {Network} from "../base/Network.sol";
import {Signer} from "../base/Signers.sol";

contract MarketTest is Network {
    bytes32 private constant START_TYPEHASH = keccak256("Start(bytes32 lease)");
    uint256 private constant HOUR_PRICE = 3.6e6; // 1,000 a second
    uint256 private asset;

    function setUp() public override {
        super.setUp();
        asset = registerMachine();
        fund(buyer, 1e12);
        fund(operator, 1e12);
        vm.prank(buyer);
        till.setOperator(address(market), true);
        vm.prank(operator);
        till.setOperator(address(market), true);
    }

    // ------------------------------------------------------------------ the whole way

    function testFuzz_lifecycle(uint128 price, uint40 duration, uint256 used) public {
        Offer memory offer = offerOf(asset);
        offer.pricePerHour = price = uint128(bound(price, 0, 1e10));
        duration = uint40(bound(duration, 60, 86_400));
        used = bound(used, 0, 100_000);
        bytes32 lease = _open(offer, duration);
        uint256 deposit = (uint256(price) * duration + 3_599) / 3_600;
        assertEq(balanceOf(address(market)), deposit, "deposit");
        assertEq(balanceOf(buyer), 1e12 - deposit, "buyer");
        vm.prank(device);
        market.start(lease);
        vm.warp(block.timestamp + used);
        if (used < duration) {
            vm.prank(buyer);
            market.stop(lease);
        } else {
            used = duration;
        }
        (uint128 earned, uint128 refunded) = market.settle(lease);
        assertEq(earned, uint256(price) * used / 3_600, "earned, rounded down");
        assertEq(uint256(earned) + refunded, deposit, "earned + refunded == deposited");
        assertEq(balanceOf(address(market)), 0, "nothing stays");
        assertEq(balanceOf(buyer), 1e12 - earned, "buyer");
        (, uint128 revenue) = till.bucketOf(asset);
        assertEq(revenue, earned, "the asset's till");
    }

    function test_events() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 7;
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.expectEmit(address(market));
        emit IMarket.LeaseOpened(
            lease,
            asset,
            buyer,
            operator,
            offer.pricePerHour,
            100_000,
            7,
            GENESIS + 60,
            100,
            offer.spec,
            offer.terms
        );
        vm.prank(buyer);
        market.open(offer, signature, 100);
        vm.warp(GENESIS + 10);
        vm.expectEmit(address(market));
        emit IMarket.LeaseStarted(lease, GENESIS + 10, GENESIS + 110);
        vm.prank(device);
        market.start(lease);
        vm.expectEmit(address(market));
        emit IMarket.LeaseExtended(lease, 50, 150_000, GENESIS + 160);
        vm.prank(buyer);
        market.extend(lease, 50);
        vm.warp(GENESIS + 20);
        vm.expectEmit(address(market));
        emit IMarket.LeaseStopped(lease, operator, GENESIS + 20);
        vm.prank(operator);
        market.stop(lease);
        vm.expectEmit(address(market));
        emit IMarket.LeaseSettled(lease, 10_000, 140_000, 7);
        market.settle(lease);
    }

    function test_get() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 7;
        bytes32 lease = _open(offer, 100);
        Lease memory seen = market.get(lease);
        assertTrue(seen.state == LeaseState.Open, "open");
        assertEq(seen.asset, asset, "asset");
        assertEq(seen.buyer, buyer, "buyer");
        assertEq(seen.operator, operator, "operator");
        assertEq(seen.pricePerHour, HOUR_PRICE, "price");
        assertEq(seen.deposit, 100_000, "deposit");
        assertEq(seen.bond, 7, "bond");
        assertEq(seen.startBy, GENESIS + 60, "start by");
        assertEq(uint256(seen.startedAt) + seen.endsAt + seen.stoppedAt, 0, "not yet");
        assertEq(seen.duration, 100, "duration");
        assertEq(seen.maxDuration, 86_400, "longest");
        vm.prank(device);
        market.start(lease);
        seen = market.get(lease);
        assertTrue(seen.state == LeaseState.Running, "running");
        assertEq(seen.startBy, 0, "started");
        assertEq(seen.startedAt, GENESIS, "start");
        assertEq(seen.endsAt, GENESIS + 100, "end");
        vm.warp(GENESIS + 100);
        market.settle(lease);
        seen = market.get(lease);
        assertTrue(seen.state == LeaseState.Settled, "settled");
        assertEq(seen.stoppedAt, GENESIS + 100, "dry");
        assertEq(seen.startedAt, GENESIS, "still readable");
    }

    // ------------------------------------------------------------------ open

    function test_open_atTheEdges() public {
        Offer memory offer = offerOf(asset);
        offer.buyer = buyer;
        vm.warp(offer.expiry);
        _open(offer, offer.maxDuration);
        offer.nonce = 1;
        _open(offer, offer.minDuration);
    }

    function test_open_free() public {
        Offer memory offer = offerOf(asset);
        offer.pricePerHour = 0;
        bytes32 lease = _open(offer, 60);
        vm.prank(device);
        market.start(lease);
        vm.warp(block.timestamp + 60);
        (uint128 earned, uint128 refunded) = market.settle(lease);
        assertEq(earned + refunded, 0, "free");
    }

    function test_error_open() public {
        Offer memory offer = offerOf(asset);
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.startPrank(buyer);

        vm.expectRevert(abi.encodeWithSelector(IMarket.DurationInvalid.selector, 59, 60, 86_400));
        market.open(offer, signature, 59);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.DurationInvalid.selector, 86_401, 60, 86_400)
        );
        market.open(offer, signature, 86_401);

        market.open(offer, signature, 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseExists.selector, lease));
        market.open(offer, signature, 60);

        offer.minDuration = 0;
        lease = market.hashOffer(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.DurationInvalid.selector, 0, 0, 86_400));
        market.open(offer, signature, 0);

        offer.pricePerHour = type(uint88).max + uint128(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarket.PriceTooHigh.selector, offer.pricePerHour, type(uint88).max
            )
        );
        market.open(offer, signature, 60);
        offer.pricePerHour = type(uint88).max;
        offer.bond = type(uint96).max + uint128(1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.BondTooHigh.selector, offer.bond, type(uint96).max)
        );
        market.open(offer, signature, 60);

        offer = offerOf(asset);
        offer.buyer = owner;
        lease = market.hashOffer(offer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferForAnother.selector, lease, owner, buyer)
        );
        market.open(offer, signature, 60);

        offer = offerOf(asset + 1);
        vm.expectRevert(abi.encodeWithSelector(IAssets.AssetUnknown.selector, asset + 1));
        market.open(offer, signature, 60);

        offer = offerOf(asset);
        offer.startWindow = type(uint40).max;
        lease = market.hashOffer(offer);
        signature = sign(OPERATOR_KEY, lease);
        vm.expectRevert(
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector,
                40,
                uint256(type(uint40).max) + GENESIS
            )
        );
        market.open(offer, signature, 60);

        offer = offerOf(asset);
        offer.nonce = 99;
        lease = market.hashOffer(offer);
        signature = sign(OPERATOR_KEY, lease);
        vm.warp(offer.expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferExpired.selector, lease, offer.expiry));
        market.open(offer, signature, 60);
    }

    function test_error_open_withoutMoney() public {
        Offer memory offer = offerOf(asset);
        offer.pricePerHour = 1e13;
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        vm.expectRevert(
            abi.encodeWithSelector(
                ITill.ERC6909InsufficientBalance.selector, buyer, 1e12, 1e13, dollarId
            )
        );
        vm.prank(buyer);
        market.open(offer, signature, 3_600);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITill.ERC6909InsufficientAllowance.selector, address(market), 0, 1e13, dollarId
            )
        );
        vm.prank(owner);
        market.open(offer, signature, 3_600);
    }

    /// @dev Any change of any field makes another offer that nobody signed.
    function testFuzz_error_OfferSignatureInvalid(uint256 field, uint256 value) public {
        Offer memory offer = offerOf(asset);
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        field = field % 10;
        value = bound(value, 1, 1_000);
        if (field == 0) offer.asset = registerMachine();
        if (field == 1) offer.buyer = buyer;
        if (field == 2) offer.pricePerHour -= uint128(value);
        if (field == 3) offer.bond += uint128(value);
        if (field == 4) offer.minDuration -= uint40(value % 60 + 1) % 60 + 1;
        if (field == 5) offer.maxDuration += uint40(value);
        if (field == 6) offer.startWindow += uint40(value);
        if (field == 7) offer.expiry += uint40(value);
        if (field == 8) offer.spec = bytes32(value);
        if (field == 9) offer.nonce += value;
        bytes32 lease = market.hashOffer(offer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferSignatureInvalid.selector, lease, operator)
        );
        vm.prank(buyer);
        market.open(offer, signature, 120);
    }

    function test_signature_ofAnotherKind() public {
        Offer memory offer = offerOf(asset);
        bytes32 lease = market.hashOffer(offer);
        bytes memory wrong =
            abi.encodeWithSelector(IMarket.OfferSignatureInvalid.selector, lease, operator);
        vm.startPrank(buyer);
        bytes[4] memory bad =
            [bytes(""), new bytes(65), mirrored(sign(OPERATOR_KEY, lease)), sign(BUYER_KEY, lease)];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(wrong);
            market.open(offer, bad[i], 60);
        }
    }

    function test_replay_onAnotherChainOrMarket() public {
        Offer memory offer = offerOf(asset);
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        Market other = new Market(till);
        vm.startPrank(buyer);
        bytes32 lease = other.hashOffer(offer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferSignatureInvalid.selector, lease, operator)
        );
        other.open(offer, signature, 60);
        vm.chainId(10);
        lease = market.hashOffer(offer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferSignatureInvalid.selector, lease, operator)
        );
        market.open(offer, signature, 60);
    }

    function testFuzz_contractOperator(uint256 mood) public {
        Signer signer = new Signer();
        vm.prank(owner);
        assets.setOperator(asset, address(signer));
        Offer memory offer = offerOf(asset);
        bytes32 lease = market.hashOffer(offer);
        signer.set(Signer.Mood(mood % 6), lease);
        vm.prank(buyer);
        if (mood % 6 != 0) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMarket.OfferSignatureInvalid.selector, lease, address(signer)
                )
            );
        }
        market.open{gas: 3_000_000}(offer, "what it likes", 60);
    }

    /// @dev An account with delegated code (EIP-7702) still signs with its key.
    function test_delegatedOperator() public {
        vm.etch(operator, abi.encodePacked(hex"ef0100", address(new Signer())));
        _open(offerOf(asset), 60);
    }

    function test_newOperator_voidsTheOldOnesOffers() public {
        Offer memory offer = offerOf(asset);
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.prank(owner);
        assets.setOperator(asset, buyer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferSignatureInvalid.selector, lease, buyer)
        );
        vm.prank(buyer);
        market.open(offer, signature, 60);
    }

    // ------------------------------------------------------------------ cancel

    function testFuzz_cancel(uint256 nonce, uint256 other) public {
        nonce = nonce & type(uint192).max;
        other = other & type(uint192).max;
        vm.expectEmit(address(market));
        emit IMarket.NonceCancelled(operator, nonce);
        vm.prank(operator);
        market.cancel(nonce);
        assertTrue(market.isCancelled(operator, nonce), "cancelled");
        if (other != nonce) assertTrue(!market.isCancelled(operator, other), "and no other");
        assertTrue(!market.isCancelled(buyer, nonce), "nor another's");
        Offer memory offer = offerOf(asset);
        offer.nonce = nonce;
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.OfferCancelled.selector, lease, operator, nonce)
        );
        vm.prank(buyer);
        market.open(offer, signature, 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NonceSpent.selector, operator, nonce));
        vm.prank(operator);
        market.cancel(nonce);
    }

    function test_cancelAll() public {
        Offer memory offer = offerOf(asset);
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.expectEmit(address(market));
        emit IMarket.SeriesCancelled(operator, 1);
        vm.prank(operator);
        assertEq(market.cancelAll(), 1, "series");
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferCancelled.selector, lease, operator, 5));
        vm.prank(buyer);
        market.open(offer, signature, 60);
        offer.nonce = 1 << 192 | 5;
        _open(offer, 60);
        // A series that has not begun is as void as one that is over.
        assertTrue(market.isCancelled(operator, 2 << 192), "later series");
    }

    // ------------------------------------------------------------------ start

    function test_start_inTheLastSecond() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.warp(GENESIS + 60);
        vm.prank(device);
        market.start(lease);
        assertEq(market.get(lease).endsAt, GENESIS + 120, "the clock starts at the start");
    }

    function test_startFor() public {
        bytes32 lease = _open(offerOf(asset), 60);
        bytes memory signature = sign(DEVICE_KEY, _startDigest(lease));
        market.startFor(lease, signature);
        assertTrue(market.get(lease).state == LeaseState.Running, "running");
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.LeaseNotOpen.selector, lease, LeaseState.Running)
        );
        market.startFor(lease, signature);
    }

    function test_error_start() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotDevice.selector, lease, device, operator));
        vm.prank(operator);
        market.start(lease);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.StartSignatureInvalid.selector, lease, device)
        );
        market.startFor(lease, sign(OPERATOR_KEY, _startDigest(lease)));
        vm.startPrank(device);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.start("x");
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.startFor("x", "");
        vm.warp(GENESIS + 61);
        vm.expectRevert(abi.encodeWithSelector(IMarket.StartTooLate.selector, lease, GENESIS + 60));
        market.start(lease);
    }

    function test_error_startFor_withoutDevice() public {
        vm.prank(owner);
        assets.setDevice(asset, address(0));
        bytes32 lease = _open(offerOf(asset), 60);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.StartSignatureInvalid.selector, lease, address(0))
        );
        market.startFor(lease, new bytes(65));
    }

    // ------------------------------------------------------------------ extend

    function testFuzz_extend_costsNoMoreThanOpeningLonger(uint40 first, uint40 added) public {
        first = uint40(bound(first, 60, 86_399));
        added = uint40(bound(added, 1, 86_400 - first));
        Offer memory offer = offerOf(asset);
        offer.pricePerHour = 1_234_567;
        bytes32 lease = _open(offer, first);
        vm.prank(device);
        market.start(lease);
        vm.prank(buyer);
        market.extend(lease, added);
        assertEq(balanceOf(address(market)), market.priceUp(1_234_567, first + added), "the same");
    }

    function test_error_extend() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.startPrank(buyer);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.LeaseNotRunning.selector, lease, LeaseState.Open)
        );
        market.extend(lease, 1);
        vm.stopPrank();
        vm.prank(device);
        market.start(lease);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotBuyer.selector, lease, owner));
        vm.prank(owner);
        market.extend(lease, 1);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.DurationInvalid.selector, 86_341, 1, 86_340));
        market.extend(lease, 86_341);
        vm.expectRevert(abi.encodeWithSelector(IMarket.DurationInvalid.selector, 0, 1, 86_340));
        market.extend(lease, 0);
        vm.warp(GENESIS + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseOver.selector, lease, GENESIS + 60));
        market.extend(lease, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.extend("x", 1);
    }

    // ------------------------------------------------------------------ stop and settle

    function test_stop_beforeTheStart_givesEverythingBack() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 500;
        bytes32 lease = _open(offer, 60);
        vm.prank(buyer);
        market.stop(lease);
        assertEq(market.get(lease).startedAt, 0, "never started");
        (uint128 earned, uint128 refunded) = market.settle(lease);
        assertEq(earned, 0, "earned");
        assertEq(refunded, 60_000, "refunded");
        assertEq(balanceOf(operator), 1e12, "the bond as well");
        assertEq(balanceOf(buyer), 1e12, "all");
    }

    function test_neverStarted_givesEverythingBack_andTheBond() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 500;
        bytes32 lease = _open(offer, 60);
        vm.warp(GENESIS + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseNotOver.selector, lease, GENESIS + 60));
        market.settle(lease);
        vm.warp(GENESIS + 61);
        market.settle(lease);
        assertEq(balanceOf(buyer), 1e12 + 500, "all and the bond");
        assertEq(balanceOf(operator), 1e12 - 500, "lost");
        assertEq(market.get(lease).startedAt, 0, "never started");
        assertEq(market.get(lease).stoppedAt, GENESIS + 61, "over");
    }

    function test_operatorStops_andLosesTheBond() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 500;
        bytes32 lease = _open(offer, 60);
        // Who operates the asset now is not who put up the bond.
        vm.prank(owner);
        assets.setOperator(asset, owner);
        vm.prank(device);
        market.start(lease);
        vm.warp(GENESIS + 59);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotBuyerOrOperator.selector, lease, owner));
        vm.prank(owner);
        market.stop(lease);
        vm.prank(operator);
        market.stop(lease);
        market.settle(lease);
        assertEq(balanceOf(buyer), 1e12 - 59_000 + 500, "a second back, and the bond");
        assertEq(balanceOf(operator), 1e12 - 500, "lost");
    }

    function test_bondComesBackAtTheEnd() public {
        Offer memory offer = offerOf(asset);
        offer.bond = 500;
        bytes32 lease = _open(offer, 60);
        assertEq(balanceOf(operator), 1e12 - 500, "locked");
        vm.prank(device);
        market.start(lease);
        vm.warp(GENESIS + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseOver.selector, lease, GENESIS + 60));
        vm.prank(operator);
        market.stop(lease);
        market.settle(lease);
        assertEq(balanceOf(operator), 1e12, "back");
    }

    function test_stop_byTheOperatorOfToday_withoutBond() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.prank(owner);
        assets.setOperator(asset, owner);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.NotBuyerOrOperator.selector, lease, operator)
        );
        vm.prank(operator);
        market.stop(lease);
        vm.prank(owner);
        market.stop(lease);
        market.settle(lease);
        assertEq(balanceOf(buyer), 1e12, "all back");
    }

    function test_error_stop() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.stop("x");
        vm.warp(GENESIS + 61);
        vm.expectRevert(abi.encodeWithSelector(IMarket.StartTooLate.selector, lease, GENESIS + 60));
        market.stop(lease);
        vm.warp(GENESIS);
        market.stop(lease);
        vm.expectRevert(
            abi.encodeWithSelector(IMarket.LeaseNotRunning.selector, lease, LeaseState.Stopped)
        );
        market.stop(lease);
    }

    function test_error_settle() public {
        bytes32 lease = _open(offerOf(asset), 60);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.settle("x");
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseUnknown.selector, bytes32("x")));
        market.get("x");
        vm.prank(device);
        market.start(lease);
        vm.warp(GENESIS + 59);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseNotOver.selector, lease, GENESIS + 60));
        market.settle(lease);
        vm.warp(GENESIS + 60);
        market.settle(lease);
        vm.expectRevert(abi.encodeWithSelector(IMarket.LeaseSettledAlready.selector, lease));
        market.settle(lease);
    }

    // ------------------------------------------------------------------ price

    function testFuzz_price(uint88 pricePerHour, uint40 duration) public view {
        uint256 exact = uint256(pricePerHour) * duration;
        uint256 up = market.priceUp(pricePerHour, duration);
        uint256 down = market.priceDown(pricePerHour, duration);
        assertTrue(up * 3_600 >= exact && up * 3_600 < exact + 3_600, "up");
        assertTrue(down * 3_600 <= exact && down * 3_600 + 3_600 > exact, "down");
    }

    function _open(Offer memory offer, uint40 duration) private returns (bytes32 lease) {
        lease = market.hashOffer(offer);
        bytes memory signature = sign(OPERATOR_KEY, lease);
        vm.prank(buyer);
        assertEq(market.open(offer, signature, duration), lease, "the offer's digest");
    }

    function _startDigest(bytes32 lease) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Millrace Market"),
                keccak256("1"),
                31337,
                address(market)
            )
        );
        return keccak256(
            abi.encodePacked("\x19\x01", domain, keccak256(abi.encode(START_TYPEHASH, lease)))
        );
    }
}
