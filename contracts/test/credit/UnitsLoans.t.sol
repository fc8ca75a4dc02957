// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {IAppraisals} from "../../src/credit/IAppraisals.sol";
import {IDesk, Terms} from "../../src/credit/IDesk.sol";
import {IFacility, LoanState, LoanStatus} from "../../src/credit/IFacility.sol";
import {Rank} from "../../src/credit/IRanks.sol";
import {IUnits, Position} from "../../src/credit/IUnits.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {UnitsNetwork} from "./UnitsNetwork.sol";

/// @notice Loans on units from their first draw to their end, and everyone who would like to keep the units and the money.
contract UnitsLoansTest is UnitsNetwork {
    uint256 private asset;
    bytes private _terms;
    Vault private below;

    function setUp() public {
        deployUnits();
        below = Vault(lower.senior());
        asset = pledgedUnits(lower, fund_, 200_000e6);
        _terms = abi.encode(unitTerms(asset, fund_));
    }

    function terms() private view returns (Terms memory) {
        return abi.decode(_terms, (Terms));
    }

    // ------------------------------------------------------------------ terms

    function test_borrow_onTheirValue() public {
        Terms memory t = terms();
        (uint256 capacity,) = desk.capacityOf(t);
        assertEq(capacity, valueOf(asset) * 8_000 / 10_000, "capacity");
        _refused(
            t,
            uint88(capacity) + 1,
            abi.encodeWithSelector(
                IDesk.BeyondCapacity.selector, desk.hashTerms(t), capacity + 1, capacity
            )
        );
        borrow(t, uint88(capacity));
        assertEq(balanceOf(fund_), capacity, "drawn");
        assertEq(desk.exposureTo(address(lower)), capacity, "exposure");
        assertEq(desk.facilitiesBehind().length, 1, "one behind");
        assertEq(desk.facilitiesBehind()[0], address(lower), "the lower one");
    }

    function test_error_unfit() public {
        bytes memory failure = abi.encodeWithSelector(IDesk.UnfitForUnits.selector, asset);
        Terms memory t = terms();
        t.revenueBps = 9_999;
        _refused(t, 1e6, failure);
        t = terms();
        t.multipleBps = 1;
        _refused(t, 1e6, failure);
        t = terms();
        (t.ltvBps, t.multipleBps) = (0, 10_000);
        _refused(t, 1e6, failure);
        // Costs before debt would let the operator have what the queue brings.
        vm.prank(fund_);
        till.setRunningCosts(asset, 1e6, 1e9);
        t = unitTerms(asset, fund_);
        _refused(t, 1e6, failure);
        // Opened without a draw, it is refused when it is drawn.
        borrow(t, 0);
        vm.prank(fund_);
        vm.expectRevert(failure);
        desk.draw(t, 1e6, 0, 0, "");
    }

    function test_error_mixed() public {
        // With a machine, in both orders; and with units of another facility.
        uint256 machine = registerMachine(fund_);
        appraised(machine, 100_000e6);
        vm.prank(fund_);
        till.setDebt(machine, address(facility));
        Terms memory t = terms();
        t.collateral = collateral(asset, machine);
        _refused(t, 1e6, abi.encodeWithSelector(IDesk.UnitsMixed.selector, machine));
        Facility other = _another();
        uint256 more = pledgedUnits(other, fund_, 10_000e6);
        t.collateral = collateral(machine, more);
        _refused(t, 1e6, abi.encodeWithSelector(IDesk.UnitsMixed.selector, more));
        t.collateral = collateral(asset, more);
        _refused(t, 1e6, abi.encodeWithSelector(IDesk.UnitsMixed.selector, more));
        // Two of one facility are fine.
        more = pledgedUnits(lower, fund_, 10_000e6);
        t.collateral = collateral(asset, more);
        borrow(t, 100_000e6);
        assertEq(desk.exposureTo(address(lower)), 100_000e6, "exposure");
    }

    function test_error_ownUnits() public {
        trust(upper);
        uint256 own = pledgedUnits(upper, fund_, 10_000e6);
        _refused(unitTerms(own, fund_), 1e6, abi.encodeWithSelector(IDesk.OwnUnits.selector, own));
    }

    /// @dev Nobody says what units are worth, before or after they are made.
    function test_error_appraised() public {
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.UnitsAppraised.selector, asset));
        this.appraise(asset);
        uint256 next = assets.count() + 1;
        vm.expectRevert(abi.encodeWithSignature("AssetUnknown(uint256)", next));
        this.appraise(next);
    }

    function appraise(uint256 asset_) external {
        appraised(asset_, 1_000_000e6);
    }

    /// @dev Both must know the facility behind: the till, and the panel that lenders chose. What is lent already goes on.
    function test_error_unlisted() public {
        bytes memory failure = abi.encodeWithSelector(IDesk.AppraisalExpired.selector, asset);
        vm.prank(admin);
        till.listDebt(address(lower), false);
        _refused(terms(), 1e6, failure);
        vm.prank(admin);
        till.listDebt(address(lower), true);
        borrow(terms(), 1e6);
        vm.prank(curator);
        appraisals.setAppraiser(panel, address(lower), false);
        vm.prank(fund_);
        vm.expectRevert(failure);
        desk.draw(terms(), 1e6, 0, 0, "");
        (uint88 value, bool fresh) = appraisals.valueOf(panel, asset);
        assertTrue(value > 0 && !fresh, "worth the same, and not fresh");
        assertEq(value, valueOf(asset), "worth the same");
        // A facility that nobody's panel took up.
        Facility stranger = make(bookRules(), lowerRules());
        lend(Vault(stranger.junior()), bold, 50_000e6);
        uint256 other = pledgedUnits(stranger, fund_, 10_000e6);
        _refused(
            unitTerms(other, fund_),
            1e6,
            abi.encodeWithSelector(IDesk.AppraisalExpired.selector, other)
        );
    }

    // ------------------------------------------------------------------ units and money

    function test_wrapBorrowUnwrap() public {
        borrow(terms(), 100_000e6);
        Position memory position = units.positionOf(asset);
        vm.startPrank(fund_);
        vm.expectRevert(
            abi.encodeWithSelector(IUnits.DebtOutstanding.selector, asset, address(upper))
        );
        units.unwrap(asset, 1, fund_);
        // Nor does a sale of the asset help.
        vm.expectRevert(
            abi.encodeWithSignature("DebtOutstanding(uint256,address)", asset, address(upper))
        );
        assets.transferFrom(fund_, saver, asset);
        till.setOperator(address(upper), true);
        upper.repay(desk.hashTerms(terms()), 100_000e6);
        units.unwrap(asset, position.held, fund_);
        assertEq(below.balanceOf(fund_), position.held, "after the last unit was repaid");
    }

    /// @dev A healthy loan: nobody but the owner asks for the units back, and what they bring is the lenders' first.
    function test_redeemWhileHealthy() public {
        bytes32 loan = borrow(terms(), 100_000e6);
        vm.prank(saver);
        vm.expectRevert(abi.encodeWithSelector(IUnits.NotOwner.selector, asset, saver));
        units.redeem(asset, 1);
        uint256 before = balanceOf(fund_);
        uint256 half = units.positionOf(asset).held / 2;
        vm.prank(fund_);
        units.redeem(asset, half);
        below.serve();
        uint256 amount = units.collect(asset);
        nextEpoch();
        till.settle(asset);
        LoanStatus memory status = upper.statusOf(loan);
        assertLe(status.principal, 100_000e6 - amount * 98 / 100, "repaid");
        assertEq(balanceOf(fund_), before, "nothing passed the debt by");
        // The rest pays it off, and what is left is the owner's.
        vm.prank(fund_);
        units.redeem(asset, half);
        below.serve();
        units.collect(asset);
        nextEpoch();
        till.settle(asset);
        assertTrue(upper.stateOf(loan) == LoanState.Closed, "closed");
        assertTrue(balanceOf(fund_) > before, "the rest");
    }

    /// @dev Once it is late, anyone sends all of it into the queue; a little that the owner asked for before does not keep the rest out.
    function test_redeemByAnyoneOnceLate() public {
        use(lower);
        machineLoan("x", 0, 540_000e6);
        machineLoan("y", 0, 540_000e6);
        use(upper);
        bytes32 loan = borrow(terms(), 150_000e6);
        uint256 held = units.positionOf(asset).held;
        vm.startPrank(saver);
        below.requestRedeem(below.balanceOf(saver), saver, saver);
        vm.stopPrank();
        vm.prank(fund_);
        units.redeem(asset, 1e12);
        // Somebody else comes between, so that the first request cannot grow.
        lend(below, bold, 1e6);
        vm.startPrank(bold);
        below.requestRedeem(below.balanceOf(bold), bold, bold);
        vm.stopPrank();
        vm.prank(fund_);
        vm.expectRevert();
        units.redeem(asset, 1e12);

        vm.warp(terms().maturity);
        fallBehind(terms(), 1);
        assertTrue(upper.stateOf(loan) == LoanState.Late, "late");
        vm.prank(vendor);
        assertEq(units.redeem(asset, 1), held - 1e12, "all of it, whatever was asked");
        Position memory position = units.positionOf(asset);
        assertEq(position.held, 0, "nothing held");
        assertEq(position.waiting, held, "all of it waits");
        vm.expectRevert(abi.encodeWithSelector(IUnits.ZeroShares.selector));
        units.redeem(asset, 1);
    }

    // ------------------------------------------------------------------ the lower one loses, the upper one defaults

    /// @dev The books of the lower facility are the appraisal: a loss there is seen here in the same second.
    function test_lowerLoses() public {
        use(lower);
        // A loan on revenue alone, which nobody will repay.
        Terms memory bad = _onRevenue(500_000e6);
        use(upper);
        bytes32 loan = borrow(terms(), 150_000e6);
        uint256 before = valueOf(asset);
        use(lower);
        fallBehind(bad, 3);
        assertTrue(lower.stateOf(desk.hashTerms(bad)) == LoanState.WrittenOff, "written off");
        use(upper);
        (, uint256 line) = lower.assetsOf(true);
        assertLe(
            valueOf(asset) * (below.totalSupply() + 1e6),
            units.positionOf(asset).held * (line + 1),
            "value"
        );
        assertLe(valueOf(asset), before * 85 / 100, "fell with the line");
        (uint256 capacity,) = desk.capacityOf(terms());
        assertLe(capacity, 150_000e6, "and its capacity");
        // Nothing more is lent, and in default the auction starts from there.
        vm.warp(terms().maturity);
        fallBehind(terms(), 2);
        LoanStatus memory status = upper.statusOf(loan);
        uint256 worth = valueOf(asset);
        assertEq(
            status.doubt,
            worth + status.stake < status.principal ? status.principal - worth - status.stake : 0,
            "in doubt beyond what the units carry"
        );
        fallBehind(terms(), 1);
        assertEq(
            auction.priceOf(address(upper), asset), valueOf(asset) * 12_000 / 10_000, "auction"
        );
    }

    /// @dev While lenders of the lower one run, the upper one defaults: what the queue pays is the taker's once the asset is for sale.
    function test_runWhileTheUpperDefaults() public {
        use(lower);
        Terms memory machine = machineLoan("x", 0, 580_000e6);
        machineLoan("y", 0, 540_000e6);
        use(upper);
        bytes32 loan = borrow(terms(), 150_000e6);
        uint256 shares = below.balanceOf(saver);
        vm.prank(saver);
        below.requestRedeem(shares, saver, saver);
        vm.warp(terms().maturity);
        fallBehind(terms(), 1);
        vm.prank(vendor);
        units.redeem(asset, 0);
        below.serve();
        fallBehind(terms(), 1);
        assertTrue(upper.stateOf(loan) == LoanState.Impaired, "impaired");
        // Money comes in below, and reaches both who wait, in order.
        fund(owner, 700_000e6);
        bytes32 first = lower.loanOf(machine.collateral[0].asset);
        bytes32 second = lower.loanOf(machine.collateral[0].asset + 1);
        vm.startPrank(owner);
        till.setOperator(address(lower), true);
        lower.repay(first, 700_000e6);
        vm.stopPrank();
        below.serve();
        Position memory position = units.positionOf(asset);
        assertEq(position.claimable, 0, "the saver was first");
        vm.expectRevert(abi.encodeWithSelector(IUnits.NothingToCollect.selector, asset));
        units.collect(asset);
        fallBehind(terms(), 1);
        assertTrue(upper.stateOf(loan) == LoanState.Defaulted, "in default");
        fund(owner, 700_000e6);
        vm.prank(owner);
        lower.repay(second, 700_000e6);
        below.serve();
        position = units.positionOf(asset);
        assertTrue(position.paid > 0, "paid");
        assertLe(position.paid, valueOf(asset), "and still worth it");
        bytes memory failure = abi.encodeWithSelector(IUnits.InAuction.selector, asset);
        vm.startPrank(fund_);
        vm.expectRevert(failure);
        units.collect(asset);
        vm.expectRevert(failure);
        units.redeem(asset, 1);
        vm.stopPrank();
        // The taker has all of it.
        _taken();
        uint256 amount = units.collect(asset);
        assertEq(amount, position.paid, "the taker's");
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(buyer), 1e12 - _paid + amount - amount / 100, "less the till's fee");
    }

    function test_takerUnwraps() public {
        borrow(terms(), 150_000e6);
        vm.warp(terms().maturity);
        fallBehind(terms(), 3);
        _taken();
        uint256 held = units.positionOf(asset).held;
        vm.prank(fund_);
        vm.expectRevert(abi.encodeWithSelector(IUnits.NotOwner.selector, asset, fund_));
        units.unwrap(asset, held, fund_);
        vm.prank(buyer);
        units.unwrap(asset, held, buyer);
        assertEq(below.balanceOf(buyer), held, "the taker's shares");
    }

    /// @dev A line that lost everything: units of it carry nothing, and all that was lent on them counts as one name.
    function test_zeroValueBelow() public {
        use(lower);
        Terms memory bad = _onRevenue(600_000e6);
        use(upper);
        bytes32 loan = borrow(terms(), 150_000e6);
        // All who can leave do; the rest is lost.
        use(lower);
        uint256 shares = senior.balanceOf(saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        senior.serve();
        fallBehind(bad, 3);
        senior.serve();
        (uint256 total,) = lower.conservative();
        assertLe(total, 1, "nothing left");
        use(upper);
        assertLe(valueOf(asset), 1, "worth nothing");
        assertEq(desk.throughOf(0), 150_000e6, "all that was lent");
        _refusedDraw(abi.encodeWithSelector(IDesk.BeyondCapacity.selector, loan, 150_000e6 + 1, 0));
        vm.warp(terms().maturity);
        fallBehind(terms(), 3);
        assertEq(auction.priceOf(address(upper), asset), 1, "from one unit");
        _taken();
        assertTrue(upper.stateOf(loan) == LoanState.WrittenOff, "written off");
        desk.harvest(terms());
        assertEq(desk.facilitiesBehind().length, 0, "and gone");
        assertEq(desk.throughOf(0), 0, "nothing through");
    }

    /// @dev Two facilities behind one another on the same units: anyone asks for them back once one of them waits, and nobody takes anything out
    /// while one of them sells.
    function test_ranks() public {
        use(make(bookRules(), upperRules()));
        capitalise();
        Facility second = facility;
        uint256 both = wrapped(lower, fund_, 200_000e6);
        Rank[] memory order = new Rank[](2);
        order[0] = Rank(address(upper), 80_000e6);
        order[1] = Rank(address(second), 50_000e6);
        vm.startPrank(fund_);
        till.setDebt(both, address(ranks));
        ranks.set(both, order);
        vm.stopPrank();
        use(upper);
        Terms memory ahead = unitTerms(both, fund_);
        ahead.limit = ahead.firstDraws = 80_000e6;
        ahead.rampEnd = ahead.maturity = uint32(block.timestamp) + 200 days;
        borrow(ahead, 80_000e6);
        use(second);
        Terms memory behind = unitTerms(both, fund_);
        behind.limit = behind.firstDraws = 50_000e6;
        behind.ahead = 80_000e6;
        behind.rampEnd = behind.maturity = uint32(block.timestamp) + 10 days;
        bytes32 loan = borrow(behind, 50_000e6);
        assertEq(desk.exposureTo(address(lower)), 50_000e6, "each counts its own");
        vm.prank(vendor);
        vm.expectRevert(abi.encodeWithSelector(IUnits.NotOwner.selector, both, vendor));
        units.redeem(both, 1);
        vm.warp(behind.maturity);
        fallBehind(behind, 1);
        uint256 held = units.positionOf(both).held;
        vm.prank(vendor);
        assertEq(units.redeem(both, 1), held, "anyone");
        fallBehind(behind, 2);
        assertTrue(second.stateOf(loan) == LoanState.Defaulted, "in default");
        below.serve();
        vm.expectRevert(abi.encodeWithSelector(IUnits.InAuction.selector, both));
        units.collect(both);
    }

    // ------------------------------------------------------------------ helpers

    uint256 private _paid;

    function _taken() private {
        fund(buyer, 1e12);
        _paid = auction.priceOf(address(upper), asset);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        auction.take(address(upper), asset, type(uint88).max, buyer);
        vm.stopPrank();
        assertEq(assets.ownerOf(asset), buyer, "taken");
    }

    /// @dev A loan of the facility in use on revenue that never comes again.
    function _onRevenue(uint88 amount) private returns (Terms memory bad) {
        uint256 machine = pledged(1e6);
        earn(machine, uint128(amount), 3);
        bad = termsOf(machine);
        (bad.ltvBps, bad.multipleBps, bad.dscrBps, bad.coverBps) = (0, 60_000, 0, 0);
        (bad.limit, bad.firstDraws) = (amount, amount);
        bad.rampEnd = uint32(block.timestamp);
        bad.maturity = bad.rampEnd + 1;
        borrow(bad, amount);
    }

    function _another() private returns (Facility other) {
        other = make(bookRules(), deskRules());
        lend(Vault(other.junior()), bold, 50_000e6);
        trust(other);
    }

    function _refused(Terms memory t, uint88 amount, bytes memory failure) private {
        bytes memory signature = signTerms(t);
        vm.prank(t.borrower);
        vm.expectRevert(failure);
        desk.borrow(t, signature, amount);
    }

    function _refusedDraw(bytes memory failure) private {
        vm.prank(fund_);
        vm.expectRevert(failure);
        desk.draw(terms(), 1, 0, 0, "");
    }
}
