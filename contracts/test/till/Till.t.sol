// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, IAssets, Kind} from "../../src/assets/IAssets.sol";
import {Consent, ITill, Split, Terms, Upstream} from "../../src/till/ITill.sol";
import {Till} from "../../src/till/Till.sol";
import {Loan} from "../base/Loan.sol";
import {Network} from "../base/Network.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";

contract TillTest is Network {
    address private constant SHARES = address(0x5A4E5);
    uint256 private asset;

    function setUp() public override {
        super.setUp();
        asset = registerMachine();
    }

    // ------------------------------------------------------------------ pay

    function testFuzz_pay(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, type(uint128).max - 1));
        second = uint128(bound(second, 1, type(uint128).max - first));
        pay(buyer, asset, first);
        fund(buyer, second);
        vm.expectEmit(address(till));
        emit ITill.Paid(asset, buyer, uint40(GENESIS / DAY), second, first + second);
        vm.prank(buyer);
        uint256 id = till.pay(asset, second);
        (uint40 epoch, uint128 amount) = till.bucketOf(asset);
        assertEq(id, dollarId, "id");
        assertEq(epoch, till.currentEpoch(), "epoch");
        assertEq(amount, uint256(first) + second, "bucket");
        assertEq(balanceOf(buyer), 0, "payer");
    }

    function test_error_pay() public {
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITill.ZeroAmount.selector));
        till.pay(asset, 0);
        vm.expectRevert(abi.encodeWithSelector(IAssets.AssetUnknown.selector, asset + 1));
        till.pay(asset + 1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.ERC6909InsufficientBalance.selector, buyer, 0, 1, dollarId)
        );
        till.pay(asset, 1);
    }

    // ------------------------------------------------------------------ settle

    function testFuzz_settle_feeAndOwner(uint128 amount) public {
        amount = uint128(bound(amount, 1, type(uint128).max));
        pay(buyer, asset, amount);
        Split memory none = till.settle(asset);
        assertEq(none.fee + none.owner, 0, "the epoch is not over");
        nextEpoch();
        Split memory split = till.settle(asset);
        uint256 fee = uint256(amount) * FEE_BPS / 10_000;
        assertEq(split.fee, fee, "fee");
        assertEq(split.owner, amount - fee, "owner");
        assertEq(balanceOf(admin), fee, "fee account");
        assertEq(balanceOf(owner), amount - fee, "owner's account");
        none = till.settle(asset);
        assertEq(none.fee + none.owner, 0, "once");
    }

    /// @dev Every layer, with numbers worked out by hand.
    function test_settle_allLayers() public {
        uint256 dataset = registerMachine();
        uint256 model = registerMachine();
        Loan loan = _fillAll(_list(dataset, 500, model, 1_000));
        loan.lend(asset, 50e6);
        nextEpoch();
        pay(buyer, asset, 1_000e6);
        nextEpoch();
        vm.expectEmit(address(till));
        emit ITill.Settled(
            asset,
            till.currentEpoch() - 1,
            uint40(block.timestamp),
            10e6, // 1 % of 1,000
            148.5e6, // 5 % and 10 % of 990
            20e6, // two days at 10
            50e6,
            385.75e6, // half of 990 - 148.5 - 20 - 50
            385.75e6
        );
        till.settle(asset);
        assertEq(balanceOf(admin), 10e6, "fee");
        assertEq(till.royaltiesOf(dataset), 49.5e6, "dataset");
        assertEq(till.royaltiesOf(model), 99e6, "model");
        assertEq(balanceOf(operator), 20e6, "operator");
        assertEq(balanceOf(address(loan)), 50e6, "loan");
        assertEq(balanceOf(SHARES), 385.75e6, "shares");
        assertEq(balanceOf(owner), 385.75e6, "owner");
    }

    function test_settle_nothingPassesALayerInArrears() public {
        Loan loan = _fillAll(new Upstream[](0));
        loan.lend(asset, 100e6);
        nextEpoch();
        // Costs are 20 by the end of this epoch; 10 net comes in.
        pay(buyer, asset, 10e6);
        nextEpoch();
        Split memory split = till.settle(asset);
        assertEq(split.fee, 0.1e6, "fee");
        assertEq(split.costs, 9.9e6, "costs");
        assertEq(split.debt + split.shares + split.owner, 0, "nothing below");
        assertEq(till.costsOwedOf(asset), 10.1e6, "arrears");
        pay(buyer, asset, 100e6);
        nextEpoch();
        split = till.settle(asset);
        assertEq(split.costs, 20.1e6, "arrears and a day");
        assertEq(split.debt, 78.9e6, "debt takes what there is");
        assertEq(split.shares + split.owner, 0, "nothing below");
        assertEq(loan.owed(asset), 21.1e6, "still owed");
    }

    function test_settle_costsAreCapped() public {
        vm.prank(owner);
        till.setRunningCosts(asset, 10e6, 25e6);
        vm.warp(GENESIS + 1_000 days);
        assertEq(till.costsOwedOf(asset), 25e6, "cap");
        pay(buyer, asset, 100e6);
        nextEpoch();
        assertEq(till.settle(asset).costs, 25e6, "no more than the cap");
        assertEq(till.costsOwedOf(asset), 0, "paid");
        vm.warp(block.timestamp + 1 days);
        assertEq(till.costsOwedOf(asset), 10e6, "accrues again");
    }

    /// @dev Costs accrue by the second without a rounding, however often they are looked at or paid.
    function testFuzz_costsAreExact(uint128 perDay, uint256 seed) public {
        perDay = uint128(bound(perDay, 1, 1e30));
        vm.prank(owner);
        till.setRunningCosts(asset, perDay, type(uint128).max);
        uint256 paid;
        for (uint256 i = 0; i < 8; ++i) {
            uint128 amount = uint128(bound(uint256(keccak256(abi.encode(seed, i))), 1, 2 * perDay));
            pay(buyer, asset, amount);
            if (seed >> i & 1 == 1) vm.warp(block.timestamp + 1 + seed % 5_000_000);
            else nextEpoch();
            paid += till.settle(asset).costs;
        }
        uint256 end = block.timestamp - block.timestamp % DAY;
        uint256 due = uint256(perDay) * (end - GENESIS) / DAY;
        assertLe(paid, due, "never more than due");
        assertEq(paid + till.costsOwedOf(asset), _dueNow(perDay), "and what is owed");
    }

    function _dueNow(uint128 perDay) private view returns (uint256) {
        return uint256(perDay) * (block.timestamp - GENESIS) / DAY;
    }

    function test_pay_inALaterEpoch_settlesFirst() public {
        pay(buyer, asset, 100e6);
        nextEpoch();
        vm.warp(block.timestamp + 5 days + 3 hours);
        pay(buyer, asset, 7e6);
        assertEq(balanceOf(owner), 99e6, "the old bucket was settled");
        (, uint128 amount) = till.bucketOf(asset);
        assertEq(amount, 7e6, "the new one is new");
    }

    // ------------------------------------------------------------------ cuts: what was earned stays with the seller

    function testFuzz_transfer_settlesFirst(uint128 before, uint128 later, uint32 wait) public {
        before = uint128(bound(before, 1, 1e30));
        later = uint128(bound(later, 1, 1e30));
        pay(buyer, asset, before);
        vm.warp(block.timestamp + bound(wait, 0, 3 days));
        address heir = address(0x4E14);
        vm.prank(owner);
        assets.transferFrom(owner, heir, asset);
        pay(buyer, asset, later);
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(owner), before - before * FEE_BPS / 10_000, "seller");
        assertEq(balanceOf(heir), later - later * FEE_BPS / 10_000, "buyer");
    }

    function test_transfer_pullsRoyaltiesFirst() public {
        uint256 service = registerMachine();
        vm.prank(owner);
        till.setUpstream(service, _list(asset, 5_000), new Consent[](1));
        pay(buyer, service, 100e6);
        nextEpoch();
        till.settle(service);
        assertEq(till.royaltiesOf(asset), 49.5e6, "waits");
        vm.prank(owner);
        assets.transferFrom(owner, address(0x4E14), asset);
        assertEq(till.royaltiesOf(asset), 0, "pulled");
        // 49.5 of the service's own and 49.5 less 1 % of the royalties.
        assertEq(balanceOf(owner), 49.5e6 + 49.005e6, "seller");
        assertEq(balanceOf(address(0x4E14)), 0, "buyer");
    }

    function test_setOperator_paysTheOldOneFirst() public {
        vm.startPrank(owner);
        till.setRunningCosts(asset, 24e6, 100e6);
        vm.stopPrank();
        pay(buyer, asset, 100e6);
        vm.warp(GENESIS + 6 hours);
        vm.prank(owner);
        assets.setOperator(asset, address(0x0E3));
        assertEq(balanceOf(operator), 6e6, "six hours");
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(operator), 6e6, "no more");
        assertEq(balanceOf(address(0x0E3)), 18e6, "eighteen hours");
    }

    function test_error_cut() public {
        vm.expectRevert(abi.encodeWithSelector(ITill.NotAssets.selector, address(this)));
        till.cut(asset, false);
    }

    // ------------------------------------------------------------------ royalties

    function test_royalties_runDownTheLineage_inCyclesToo() public {
        uint256 model = registerMachine();
        uint256 dataset = registerMachine();
        vm.startPrank(owner);
        till.setUpstream(asset, _list(model, 5_000), new Consent[](1));
        till.setUpstream(model, _list(dataset, 5_000), new Consent[](1));
        till.setUpstream(dataset, _list(asset, 5_000), new Consent[](1));
        vm.stopPrank();
        pay(buyer, asset, 100e6);
        for (uint256 i = 0; i < 6; ++i) {
            nextEpoch();
            uint256[3] memory cycle = [asset, model, dataset];
            till.settle(cycle[i % 3]);
            till.pullRoyalties(cycle[(i + 1) % 3]);
        }
        _assertSolvent(cycle3(asset, model, dataset));
        assertTrue(balanceOf(owner) > 80e6, "half remains at every hop");
    }

    function cycle3(uint256 a, uint256 b, uint256 c) private pure returns (uint256[] memory ids) {
        ids = new uint256[](3);
        (ids[0], ids[1], ids[2]) = (a, b, c);
    }

    function _assertSolvent(uint256[] memory ids) private view {
        uint256 sum = balanceOf(owner) + balanceOf(admin);
        for (uint256 i = 0; i < ids.length; ++i) {
            (, uint128 amount) = till.bucketOf(ids[i]);
            sum += amount + till.royaltiesOf(ids[i]) + till.heldOf(ids[i]);
        }
        assertEq(sum, dollar.balanceOf(address(till)), "all money is somewhere");
    }

    function test_pullRoyalties_ofNothing() public {
        assertEq(till.pullRoyalties(asset), 0, "nothing");
        (uint40 epoch,) = till.bucketOf(asset);
        assertEq(epoch, 0, "touches nothing");
    }

    // ------------------------------------------------------------------ trailing revenue

    function test_trailingRevenue_tendsToThirtyEpochs() public {
        for (uint256 i = 0; i < 400; ++i) {
            pay(buyer, asset, 1e6);
            nextEpoch();
        }
        uint256 trailing = till.trailingRevenueOf(asset);
        assertLe(trailing, 29e6, "29 R at the start of an epoch, from below");
        assertTrue(trailing > 28.99e6, "and near it");
    }

    function testFuzz_trailingRevenue_ignoresWhoSettlesWhen(uint256 seed, uint128 amount) public {
        amount = uint128(bound(amount, 1, 1e24));
        uint256 twin = registerMachine();
        for (uint256 i = 0; i < 6; ++i) {
            pay(buyer, asset, amount);
            pay(buyer, twin, amount);
            vm.warp(block.timestamp + bound(uint256(keccak256(abi.encode(seed, i))), 0, 40 days));
            if (seed >> i & 1 == 1) till.settle(asset);
            assertEq(till.trailingRevenueOf(asset), till.trailingRevenueOf(twin), "the same");
        }
        vm.warp(block.timestamp + 4_096 days);
        assertEq(till.trailingRevenueOf(asset), 0, "fades");
    }

    function test_trailingRevenue_saturates() public {
        pay(buyer, asset, type(uint128).max);
        nextEpoch();
        uint256 most = type(uint96).max;
        assertLe(till.trailingRevenueOf(asset), most, "fits");
        assertTrue(till.trailingRevenueOf(asset) > most / 2, "and is large");
    }

    // ------------------------------------------------------------------ fee

    function testFuzz_fee_appliesToBucketsOpenedAfterTheDelay(uint256 wait, bool settled) public {
        uint40 from = till.currentEpoch() + 7;
        vm.expectEmit(address(till));
        emit ITill.FeeChanged(250, from);
        vm.prank(admin);
        till.setFee(250);
        wait = bound(wait, 0, 20);
        vm.warp(GENESIS + wait * DAY);
        assertEq(till.feeBps(), wait < 7 ? FEE_BPS : 250, "fee now");
        pay(buyer, asset, 10_000);
        vm.warp(block.timestamp + 30 days);
        // Whether it is settled on time or by the next payment: the fee is that of the bucket's epoch.
        if (settled) till.settle(asset);
        pay(buyer, asset, 1);
        assertEq(balanceOf(admin), wait < 7 ? 100 : 250, "fee taken");
    }

    function test_admin() public {
        vm.startPrank(admin);
        till.setFeeAccount(address(0xFEE));
        assertEq(till.feeAccount(), address(0xFEE), "fee account");
        till.listDebt(address(1), true);
        assertTrue(till.isDebtListed(address(1)), "listed");
        till.listDebt(address(1), false);
        assertTrue(!till.isDebtListed(address(1)), "unlisted");
        till.setFee(50);
        vm.warp(GENESIS + 7 days);
        till.setFee(60);
        assertEq(till.feeBps(), 50, "the first change holds until the second begins");
        till.offerAdmin(buyer);
        vm.stopPrank();
        assertEq(till.admin(), admin, "an offer is no change");
        vm.prank(buyer);
        till.acceptAdmin();
        assertEq(till.admin(), buyer, "taken");
    }

    function test_error_admin() public {
        bytes memory notAdmin = abi.encodeWithSelector(ITill.NotAdmin.selector, address(this));
        vm.expectRevert(notAdmin);
        till.setFee(1);
        vm.expectRevert(notAdmin);
        till.setFeeAccount(buyer);
        vm.expectRevert(notAdmin);
        till.listDebt(buyer, true);
        vm.expectRevert(notAdmin);
        till.offerAdmin(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITill.NotOfferedAdmin.selector, address(this)));
        till.acceptAdmin();
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(ITill.BpsTooHigh.selector, 251, 250));
        till.setFee(251);
        vm.expectRevert(abi.encodeWithSelector(ITill.ZeroAddress.selector));
        till.setFeeAccount(address(0));
        vm.expectRevert(abi.encodeWithSelector(ITill.ZeroAddress.selector));
        till.listDebt(address(0), true);
    }

    function test_error_constructor() public {
        vm.expectRevert(abi.encodeWithSelector(ITill.ZeroAddress.selector));
        new Till(address(0), 0, DAY);
        vm.expectRevert(abi.encodeWithSelector(ITill.BpsTooHigh.selector, 251, 250));
        new Till(admin, 251, DAY);
        vm.expectRevert(abi.encodeWithSelector(ITill.EpochLengthInvalid.selector, 0));
        new Till(admin, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ITill.EpochLengthInvalid.selector, 366 days + 1));
        new Till(admin, 0, 366 days + 1);
        vm.warp(DAY - 1);
        vm.expectRevert(abi.encodeWithSelector(ITill.EpochLengthInvalid.selector, DAY));
        new Till(admin, 0, DAY);
    }

    // ------------------------------------------------------------------ terms

    function test_termsOf() public {
        Upstream[] memory list = _list(registerMachine(), 1, registerMachine(), 2);
        Loan loan = _fillAll(list);
        Terms memory terms = till.termsOf(asset);
        assertEq(terms.currency, address(dollar), "currency");
        assertEq(terms.costsPerDay, 10e6, "costs");
        assertEq(terms.costsCap, 100e6, "cap");
        assertEq(terms.debt, address(loan), "debt");
        assertEq(terms.shares, SHARES, "shares");
        assertEq(terms.sharesBps, 5_000, "bps");
        assertEq(terms.upstream.length, 2, "upstream");
        assertEq(terms.upstream[1].asset, list[1].asset, "second");
        assertEq(terms.upstream[1].bps, 2, "its part");
    }

    /// @dev New terms never reach back: what was paid before is split by the old ones.
    function test_terms_cutFirst() public {
        pay(buyer, asset, 100e6);
        vm.warp(GENESIS + 1 hours);
        vm.startPrank(owner);
        till.setShares(asset, SHARES, 10_000);
        vm.stopPrank();
        assertEq(balanceOf(owner), 99e6, "what came before");
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(SHARES), 99e6, "what came after");
    }

    function test_error_NotOwner() public {
        bytes memory notOwner = abi.encodeWithSelector(ITill.NotOwner.selector, asset, buyer);
        vm.startPrank(buyer);
        vm.expectRevert(notOwner);
        till.setUpstream(asset, new Upstream[](0), new Consent[](0));
        vm.expectRevert(notOwner);
        till.setRunningCosts(asset, 1, 1);
        vm.expectRevert(notOwner);
        till.setRunningCosts(asset, 0, 0);
        vm.expectRevert(notOwner);
        till.setDebt(asset, address(1));
        vm.expectRevert(notOwner);
        till.setDebt(asset, address(0));
        vm.expectRevert(notOwner);
        till.setShares(asset, SHARES, 1);
    }

    function test_error_setUpstream() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.UpstreamTooMany.selector, 9, 8));
        till.setUpstream(asset, new Upstream[](9), new Consent[](9));
        vm.expectRevert(abi.encodeWithSelector(ITill.UpstreamInvalid.selector, asset, 1));
        till.setUpstream(asset, _list(asset, 1), new Consent[](1));
        uint256 other = registerMachine();
        vm.expectRevert(abi.encodeWithSelector(ITill.UpstreamInvalid.selector, other, 0));
        till.setUpstream(asset, _list(other, 0), new Consent[](1));
        vm.expectRevert(abi.encodeWithSelector(ITill.UpstreamUnsorted.selector, other, other));
        till.setUpstream(asset, _list(other, 1, other, 1), new Consent[](2));
        uint256 third = registerMachine();
        vm.expectRevert(abi.encodeWithSelector(ITill.BpsTooHigh.selector, 10_001, 10_000));
        till.setUpstream(asset, _list(other, 10_000, third, 1), new Consent[](2));
        vm.expectRevert(abi.encodeWithSelector(IAssets.AssetUnknown.selector, third + 1));
        till.setUpstream(asset, _list(third + 1, 1), new Consent[](1));
        TestDollar euro = new TestDollar();
        uint256 foreign =
            assets.register(owner, Asset(operator, Kind.Model, address(0), address(euro), 0), "");
        vm.expectRevert(
            abi.encodeWithSelector(
                ITill.UpstreamCurrency.selector, foreign, address(euro), address(dollar)
            )
        );
        till.setUpstream(asset, _list(foreign, 1), new Consent[](1));
    }

    function test_error_setShares() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.BpsTooHigh.selector, 10_001, 10_000));
        till.setShares(asset, SHARES, 10_001);
        vm.expectRevert(abi.encodeWithSelector(ITill.SharesInvalid.selector, address(0), 1));
        till.setShares(asset, address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(ITill.SharesInvalid.selector, SHARES, 0));
        till.setShares(asset, SHARES, 0);
    }

    /// @dev Once the slot is filled, the owner can only give more; everything else is the shares' own to do.
    function test_shares_areProtectedFromTheOwner() public {
        uint256 other = registerMachine();
        vm.startPrank(owner);
        till.setRunningCosts(asset, 5, 50);
        till.setShares(asset, SHARES, 100);
        till.setShares(asset, SHARES, 200);
        bytes memory bound_ = abi.encodeWithSelector(ITill.SharesBound.selector, asset, SHARES, 200);
        vm.expectRevert(bound_);
        till.setShares(asset, SHARES, 199);
        vm.expectRevert(bound_);
        till.setShares(asset, address(0), 0);
        vm.expectRevert(bound_);
        till.setShares(asset, owner, 200);
        vm.expectRevert(bound_);
        till.setRunningCosts(asset, 6, 50);
        vm.expectRevert(bound_);
        till.setRunningCosts(asset, 5, 51);
        vm.expectRevert(bound_);
        till.setUpstream(asset, _list(other, 1), new Consent[](1));
        vm.expectRevert(bound_);
        till.setDebt(asset, address(1));
        till.setRunningCosts(asset, 5, 49);
        till.setDebt(asset, address(0));
        vm.stopPrank();
        vm.startPrank(SHARES);
        till.setRunningCosts(asset, 6, 60);
        till.setShares(asset, SHARES, 1);
        till.setShares(asset, address(0), 0);
    }

    // ------------------------------------------------------------------ helpers

    function _fillAll(Upstream[] memory list) private returns (Loan loan) {
        loan = new Loan();
        vm.prank(admin);
        till.listDebt(address(loan), true);
        vm.startPrank(owner);
        till.setUpstream(asset, list, new Consent[](list.length));
        till.setRunningCosts(asset, 10e6, 100e6);
        till.setDebt(asset, address(loan));
        till.setShares(asset, SHARES, 5_000);
        vm.stopPrank();
    }

    function _list(uint256 a, uint16 bps) private pure returns (Upstream[] memory list) {
        list = new Upstream[](1);
        list[0] = Upstream(a, bps);
    }

    function _list(uint256 a, uint16 aBps, uint256 b, uint16 bBps)
        private
        pure
        returns (Upstream[] memory list)
    {
        list = new Upstream[](2);
        list[0] = Upstream(a, aBps);
        list[1] = Upstream(b, bBps);
    }
}
