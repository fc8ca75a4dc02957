// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Desk} from "../../src/credit/Desk.sol";
import {Facility} from "../../src/credit/Facility.sol";
import {Collateral, IDesk, Terms} from "../../src/credit/IDesk.sol";
import {IFacility, LoanState, LoanStatus} from "../../src/credit/IFacility.sol";
import {IRanks, Rank} from "../../src/credit/IRanks.sol";
import {IDebt} from "../../src/till/IDebt.sol";
import {ITill, Split} from "../../src/till/ITill.sol";
import {RanksNetwork} from "./RanksNetwork.sol";

/// @notice Answers as a facility would, and with more than it was offered.
contract GreedyFacility is IDebt {
    address public currency;

    constructor(address currency_) {
        currency = currency_;
    }

    function collect(uint256, uint40, uint128 available, uint128) external pure returns (uint128) {
        return available + 1;
    }

    function outstanding(uint256) external pure returns (bool) {
        return false;
    }
}

/// @notice Two facilities on one asset: who is paid first, who may sell, what may change, and who tries otherwise.
contract RanksTest is RanksNetwork {
    uint256 private asset;
    uint32 private opened;

    function setUp() public {
        deploy();
        deployCredit();
        deployRanks();
        asset = ranked(100_000e6);
        opened = uint32(block.timestamp);
    }

    // ------------------------------------------------------------------ revenue

    /// @dev The second gets what the first leaves, and nothing before.
    function test_settle_firstThenSecond() public {
        (bytes32 one, bytes32 two) = _bothLent();
        vm.warp(uint256(_rampEnd()) + 30 days);
        pay(buyer, asset, 3_000e6);
        // The boundary is the epoch's end: what is due then, and no later.
        nextEpoch();
        uint256 due = first.statusOf(one).due;
        uint256 before = balanceOf(owner);
        Split memory split = till.settle(asset);
        assertEq(split.debt, 2_970e6, "all of it");
        assertEq(balanceOf(owner), before, "nothing for the owner");
        assertEq(ranks.heldFor(address(first)), due, "the first has its due");
        assertEq(
            ranks.heldFor(address(second)), split.debt - ranks.heldFor(address(first)), "the rest"
        );
        assertEq(
            balanceOf(address(ranks)),
            ranks.heldFor(address(first)) + ranks.heldFor(address(second)),
            "it is here"
        );
        assertTrue(second.statusOf(two).due > 0, "which was not enough");
        // Less than the first is owed: nothing for the second.
        uint256 held = ranks.heldFor(address(second));
        vm.warp(block.timestamp + 30 days);
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        assertEq(ranks.heldFor(address(second)), held, "nothing");
    }

    /// @dev A facility gets its money before it pays anything out.
    function test_forward_beforeItPays() public {
        (bytes32 one,) = _bothLent();
        use(first);
        vm.startPrank(saver);
        senior.requestRedeem(senior.balanceOf(saver), saver, saver);
        vm.stopPrank();
        vm.warp(uint256(_rampEnd()) + 300 days);
        pay(buyer, asset, 20_000e6);
        nextEpoch();
        till.settle(asset);
        uint256 held = ranks.heldFor(address(first));
        assertTrue(held > 10_000e6, "collected");
        uint256 account = balanceOf(address(first));
        (, uint256 paid) = senior.serve();
        assertEq(ranks.heldFor(address(first)), 0, "forwarded");
        assertEq(balanceOf(address(first)), account + held - paid, "paid out of all");
        assertEq(first.value().principal, first.statusOf(one).principal, "book");
        assertEq(ranks.forward(address(first)), 0, "once");
    }

    /// @dev The dearest answer: for the first time, out of cold storage, two loans that were in doubt are paid off at once.
    function test_gas_isWithinTheTills() public {
        (bytes32 one, bytes32 two) = _bothLent();
        Terms memory t = _signed(first);
        Terms memory u = _signed(second);
        vm.warp(uint256(_rampEnd()) + 40 days);
        appraised(asset, 1);
        for (uint256 i = 0; i < 2; ++i) {
            use(first);
            desk.poke(t);
            use(second);
            desk.poke(u);
        }
        assertTrue(first.statusOf(one).doubt > 0 && second.statusOf(two).doubt > 0, "in doubt");
        vm.cool(address(ranks));
        vm.cool(address(first));
        vm.cool(address(second));
        vm.prank(address(till));
        uint256 before = gasleft();
        uint128 taken = ranks.collect(asset, uint40(block.timestamp), 100_000e6, 100_000e6);
        uint256 spent = before - gasleft();
        assertTrue(taken > 50_000e6, "both are paid off");
        assertTrue(!ranks.outstanding(asset), "both");
        assertLe(spent, till.DEBT_GAS() * 9 / 10, "well within the gas of a debt module");
    }

    function test_outstanding_whileOneIs() public {
        assertTrue(!ranks.outstanding(asset), "nobody");
        lendOn(second, asset, 1e6);
        assertTrue(ranks.outstanding(asset), "the second");
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(ranks))
        );
        till.setDebt(asset, address(0));
    }

    // ------------------------------------------------------------------ how much

    /// @dev All that stands on an asset is measured against it: 80 % of 75,000, less what the first may draw.
    function test_capacity_isWhatTheFirstLeaves() public {
        use(second);
        Terms memory t = rankedTerms(second, asset);
        (uint256 capacity, uint256 worth) = desk.capacityOf(t);
        assertTrue(capacity == 20_000e6 && worth == 20_000e6, "60,000 less 40,000");
        t.ahead = 70_000e6;
        (capacity, worth) = desk.capacityOf(t);
        assertTrue(capacity == 0 && worth == 0, "nothing is left");
    }

    function test_error_terms() public {
        use(second);
        Terms memory t = rankedTerms(second, asset);
        bytes32 id;
        t.ahead = 0;
        _refused(
            t, abi.encodeWithSelector(IDesk.AheadChanged.selector, desk.hashTerms(t), FIRST_CAP)
        );
        t = rankedTerms(second, asset);
        t.limit = SECOND_CAP + 1;
        id = desk.hashTerms(t);
        _refused(t, abi.encodeWithSelector(IDesk.BeyondCap.selector, id, SECOND_CAP));
        vm.prank(owner);
        ranks.set(asset, rankOf(first, FIRST_CAP));
        t = rankedTerms(second, asset);
        _refused(t, abi.encodeWithSelector(IDesk.AssetNotPledged.selector, asset));
        // Terms of a first lien do not name what is not there.
        use(first);
        t = rankedTerms(first, asset);
        t.ahead = 1;
        _refused(t, abi.encodeWithSelector(IDesk.AheadChanged.selector, desk.hashTerms(t), 0));
    }

    // ------------------------------------------------------------------ the order

    /// @dev What somebody lent on stays as it is.
    function test_error_set_whileLent() public {
        lendOn(second, asset, 1e6);
        Rank[] memory order = bothRanks();
        bytes memory bound_ =
            abi.encodeWithSelector(IRanks.RankBound.selector, asset, address(second));
        order[0].cap++;
        _refusedSet(order, bound_);
        order = bothRanks();
        order[1].cap--;
        _refusedSet(order, bound_);
        order = bothRanks();
        (order[0], order[1]) = (order[1], order[0]);
        vm.prank(owner);
        // Nobody lent on the first place: it may go behind.
        ranks.set(asset, order);
        order = bothRanks();
        _refusedSet(order, bound_);
        _refusedSet(new Rank[](0), bound_);
        vm.prank(owner);
        ranks.set(asset, rankOf(second, SECOND_CAP));
        (bool stands, uint256 cap, uint256 ahead) = ranks.standingOf(asset, address(second));
        assertTrue(stands && cap == SECOND_CAP && ahead == 0, "alone");
    }

    function test_error_set() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotOwner.selector, asset, buyer));
        ranks.set(asset, bothRanks());
        Rank[] memory order = new Rank[](3);
        _refusedSet(order, abi.encodeWithSelector(IRanks.RanksTooMany.selector, 3, 2));
        order = bothRanks();
        order[1].facility = address(first);
        _refusedSet(order, abi.encodeWithSelector(IRanks.RankInvalid.selector, address(first)));
        order[1].facility = address(ranks);
        _refusedSet(order, abi.encodeWithSelector(IRanks.RankInvalid.selector, address(ranks)));
        vm.prank(admin);
        till.listDebt(address(second), false);
        order = bothRanks();
        _refusedSet(order, abi.encodeWithSelector(IRanks.RankInvalid.selector, address(second)));
        vm.prank(admin);
        till.listDebt(address(second), true);
        GreedyFacility foreign = new GreedyFacility(address(0xE4));
        vm.prank(admin);
        till.listDebt(address(foreign), true);
        order[1].facility = address(foreign);
        _refusedSet(order, abi.encodeWithSelector(IRanks.RankInvalid.selector, address(foreign)));
    }

    function test_error_drop() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotOwner.selector, asset, buyer));
        ranks.drop(asset, address(first));
        lendOn(first, asset, 1e6);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IRanks.RankBound.selector, asset, address(first)));
        ranks.drop(asset, address(first));
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotRanked.selector, asset, buyer));
        ranks.drop(asset, buyer);
        ranks.drop(asset, address(second));
        assertEq(ranks.ranksOf(asset).length, 1, "one is left");
        vm.stopPrank();
    }

    // ------------------------------------------------------------------ who calls

    function test_error_callers() public {
        _bothLent();
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotTill.selector, address(this)));
        ranks.collect(asset, 1, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IFacility.NotRanks.selector, address(this)));
        first.release(asset, buyer, 1, false);
        vm.expectRevert(abi.encodeWithSelector(IFacility.NotTill.selector, address(this)));
        first.collect(asset, 1, 1, 1);
        // A stranger that sells what is not its own.
        (bool done,) = address(ranks).call(abi.encodeCall(ranks.sell, (asset, address(this), 0)));
        assertTrue(!done && assets.ownerOf(asset) == owner, "a stranger sold it");
        uint256 other = ranked(100_000e6);
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotRanked.selector, other, address(this)));
        ranks.sell(other, address(this), 0);
        // Nor does a facility sell what is sound, at whatever price.
        fund(address(ranks), 90_000e6);
        bytes32 id = first.loanOf(asset);
        vm.prank(address(first));
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, id, LoanState.Live));
        ranks.sell(asset, address(this), 90_000e6);
    }

    /// @dev A listed module that asks for more than it was offered is no answer: the till holds the money.
    function test_error_overdrawn() public {
        GreedyFacility greedy = new GreedyFacility(address(dollar));
        vm.prank(admin);
        till.listDebt(address(greedy), true);
        Rank[] memory order = bothRanks();
        order[1].facility = address(greedy);
        vm.prank(owner);
        ranks.set(asset, order);
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        assertEq(till.heldOf(asset), 99e6, "held");
        vm.prank(address(till));
        vm.expectRevert(abi.encodeWithSelector(IRanks.Overdrawn.selector, address(greedy)));
        ranks.collect(asset, uint40(block.timestamp), 1, 1);
        vm.prank(owner);
        ranks.set(asset, bothRanks());
        till.settle(asset);
        assertEq(balanceOf(owner), 99e6, "nothing is lost");
    }

    // ------------------------------------------------------------------ sales

    /// @dev The first sells: it is paid, the second gets what is left, and loses the rest though it was sound.
    function test_firstSells() public {
        (bytes32 one, bytes32 two) = _bothLent();
        _toDefault(first);
        appraisedAgain(48_000e6);
        use(first);
        uint88 price = _takeAt(first, 42_500e6);
        assertEq(assets.ownerOf(asset), buyer, "sold");
        assertEq(uint256(first.stateOf(one)), uint256(LoanState.Closed), "the first is paid");
        LoanStatus memory status = second.statusOf(two);
        assertEq(uint256(status.state), uint256(LoanState.WrittenOff), "the second is not");
        assertTrue(status.principal > 0 && status.principal < 20_000e6, "it got what was left");
        assertEq(second.value().principal, 0, "out of the book");
        assertEq(second.loanOf(asset), bytes32(0), "and the asset is not its own");
        assertEq(balanceOf(address(ranks)), _heldForBoth(), "nothing stays here");
        assertTrue(price > 30_000e6, "price");
        assertEq(ranks.ranksOf(asset).length, 0, "no order is left");
    }

    /// @dev The second sells: only at a price that pays the first.
    function test_secondSells_afterTheFirstIsPaid() public {
        bytes32 one = lendOn(first, asset, 30_000e6);
        bytes32 two = lendOn(second, asset, 20_000e6);
        _repayDue(first, one);
        _toDefault(second);
        use(second);
        fund(buyer, 1_000_000e6);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        // Long after the start the price no longer pays the first.
        uint256 start = block.timestamp;
        vm.warp(start + 10 days);
        (bool done, bytes memory failure) = _tryTake(second);
        assertTrue(!done, "below the first");
        assertEq(bytes32(bytes4(failure)), bytes32(IRanks.PriceBelowRanks.selector), "why");
        vm.warp(start);
        uint256 before = balanceOf(owner);
        (done,) = _tryTake(second);
        assertTrue(done, "sold");
        assertEq(uint256(first.stateOf(one)), uint256(LoanState.Closed), "the first is paid");
        assertEq(uint256(second.stateOf(two)), uint256(LoanState.Closed), "and the second");
        assertTrue(balanceOf(owner) > before, "and the owner has the rest");
        assertEq(balanceOf(address(ranks)), _heldForBoth(), "nothing stays here");
    }

    /// @dev A loan of the second on two machines, of which the first sells one: it bears no interest, and nothing is drawn on what is gone.
    function test_firstSells_oneOfTwo() public {
        uint256 other = ranked(100_000e6);
        use(second);
        Terms memory t = rankedTerms(second, asset);
        t.collateral = new Collateral[](2);
        (,, bytes32 above) = till.lienOf(asset);
        t.collateral[0] = Collateral(asset, above);
        t.collateral[1] = Collateral(other, above);
        (t.limit, t.firstDraws, t.ahead) = (40_000e6, 40_000e6, 80_000e6);
        bytes32 two = borrow(t, 30_000e6);
        bytes32 one = lendOn(first, asset, 30_000e6);
        _repayDue(second, two);
        _toDefault(first);
        _repayDue(second, two);
        appraisedAgain(30_000e6);
        use(first);
        _takeAt(first, 20_000e6);
        assertEq(uint256(first.stateOf(one)), uint256(LoanState.WrittenOff), "at a loss");
        LoanStatus memory status = second.statusOf(two);
        assertEq(uint256(status.state), uint256(LoanState.Impaired), "the second looks again");
        assertEq(status.assetsLeft, 1, "one is left");
        vm.warp(block.timestamp + 30 days);
        assertEq(second.statusOf(two).interest, status.interest, "no interest");
        use(second);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDesk.AssetGone.selector, asset));
        desk.draw(t, 1e6, 0, 0, "");
    }

    // ------------------------------------------------------------------ taking over

    /// @dev The second pays the first off and takes its place, in one step.
    function test_takeOver() public {
        bytes32 one = lendOn(first, asset, 30_000e6);
        vm.warp(block.timestamp + 60 days);
        vm.prank(owner);
        ranks.set(asset, _withSecondUpTo(FIRST_CAP));
        use(second);
        Terms memory t = rankedTerms(first, asset);
        t.expiry = uint32(block.timestamp);
        bytes memory signature = signTerms(t);
        uint256 owed = uint256(first.statusOf(one).principal) + first.statusOf(one).interest;
        bytes memory failure =
            abi.encodeWithSelector(IDesk.NotBorrower.selector, desk.hashTerms(t), buyer);
        vm.prank(buyer);
        vm.expectRevert(failure);
        desk.takeOver(address(first), one, t, signature);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDesk.AssetNotPledged.selector, asset));
        desk.takeOver(address(buyer), one, t, signature);
        bytes32 two = desk.takeOver(address(first), one, t, signature);
        vm.stopPrank();
        assertEq(uint256(first.stateOf(one)), uint256(LoanState.Closed), "the first is paid");
        assertEq(second.statusOf(two).principal, owed, "by the second");
        assertEq(first.value().idle, 1_000_000e6 + owed - 30_000e6 - _premium(one), "in money");
        (bool stands,, uint256 ahead) = ranks.standingOf(asset, address(second));
        assertTrue(stands && ahead == 0, "and it stands first");
        assertEq(balanceOf(address(desk)), 0, "the desk holds nothing");
        assertEq(
            till.allowance(address(desk), address(first), uint160(address(dollar))),
            0,
            "nor can it be taken from"
        );
        assertEq(second.loanOf(asset), two, "secured");
    }

    /// @dev Who is not behind it, or would still stand behind another, takes nothing over.
    function test_error_takeOver() public {
        bytes32 one = lendOn(first, asset, 30_000e6);
        use(second);
        Terms memory t = rankedTerms(second, asset);
        bytes memory signature = signTerms(t);
        // 20,000 do not pay 30,000 off.
        bytes memory failure = abi.encodeWithSelector(
            IDesk.BeyondReleased.selector, desk.hashTerms(t), 30_000e6, 20_000e6
        );
        vm.startPrank(owner);
        vm.expectRevert(failure);
        desk.takeOver(address(first), one, t, signature);
        ranks.set(asset, rankOf(first, FIRST_CAP));
        vm.stopPrank();
        t = rankedTerms(first, asset);
        signature = signTerms(t);
        vm.prank(owner);
        // The desk of a facility that is not on the asset may not touch the order.
        vm.expectRevert(abi.encodeWithSelector(IRanks.NotOwner.selector, asset, address(desk)));
        desk.takeOver(address(first), one, t, signature);
        assertEq(first.statusOf(one).principal, 30_000e6, "as it was");
    }

    // ------------------------------------------------------------------ helpers

    function _withSecondUpTo(uint88 cap) private view returns (Rank[] memory order) {
        order = bothRanks();
        order[1].cap = cap;
    }

    function _premium(bytes32 one) private view returns (uint256) {
        return first.statusOf(one).stake;
    }

    function _bothLent() private returns (bytes32 one, bytes32 two) {
        one = lendOn(first, asset, 30_000e6);
        two = lendOn(second, asset, 20_000e6);
    }

    function _rampEnd() private view returns (uint32) {
        return opened + 90 days;
    }

    function _heldForBoth() private view returns (uint256) {
        return ranks.heldFor(address(first)) + ranks.heldFor(address(second));
    }

    function appraisedAgain(uint88 value) private {
        vm.warp(block.timestamp + 1);
        appraised(asset, value);
    }

    function _toDefault(Facility one) private {
        use(one);
        Terms memory t = _signed(one);
        vm.warp(uint256(t.rampEnd) + 40 days);
        for (uint256 i = 0; i < 3; ++i) {
            desk.poke(t);
        }
    }

    /// @dev As they were signed on the first day.
    function _signed(Facility one) private view returns (Terms memory t) {
        t = rankedTerms(one, asset);
        (t.rampEnd, t.maturity) = (_rampEnd(), _rampEnd() + 2 * YEAR);
        t.expiry = opened + 1 days;
    }

    function _repayDue(Facility one, bytes32 id) private {
        fund(buyer, 1_000_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(one), true);
        uint88 due = one.statusOf(id).due;
        if (due > 0) one.repay(id, due);
        vm.stopPrank();
    }

    function _takeAt(Facility one, uint88 most) private returns (uint88 price) {
        fund(buyer, 1_000_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        while (auction.priceOf(address(one), asset) > most) vm.warp(block.timestamp + 1 hours);
        price = auction.take(address(one), asset, most, buyer);
        vm.stopPrank();
    }

    function _tryTake(Facility one) private returns (bool done, bytes memory failure) {
        vm.prank(buyer);
        (done, failure) = address(auction)
            .call(abi.encodeCall(auction.take, (address(one), asset, type(uint88).max, buyer)));
    }

    function _refused(Terms memory t, bytes memory failure) private {
        bytes memory signature = signTerms(t);
        vm.prank(owner);
        vm.expectRevert(failure);
        desk.borrow(t, signature, 1);
    }

    function _refusedSet(Rank[] memory order, bytes memory failure) private {
        vm.prank(owner);
        vm.expectRevert(failure);
        ranks.set(asset, order);
    }
}
