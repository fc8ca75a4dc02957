// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Collateral, DeskRules, IDesk, Terms} from "../../src/credit/IDesk.sol";
import {
    BookRules,
    Draw,
    IFacility,
    LoanState,
    LoanStatus,
    Opening
} from "../../src/credit/IFacility.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice The book by itself: who may call what, its limits, and attacks on lenders and borrowers.
contract FacilityTest is CreditNetwork {
    uint256 private asset;
    bytes private _terms;
    bytes32 private loan;

    function setUp() public {
        deploy();
        deployCredit();
        capitalise();
        asset = pledged(100_000e6);
        _terms = abi.encode(termsOf(asset));
        loan = borrow(terms(), 50_000e6);
    }

    function terms() private view returns (Terms memory) {
        return abi.decode(_terms, (Terms));
    }

    function test_error_callers() public {
        Draw memory one = Draw(1, buyer, underwriter, 0);
        Opening memory opening;
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IFacility.NotTill.selector, buyer));
        facility.collect(asset, 1, 1, 1);
        bytes memory failure = abi.encodeWithSelector(IFacility.NotDesk.selector, buyer);
        vm.expectRevert(failure);
        facility.open("x", opening, new uint256[](0), one);
        vm.expectRevert(failure);
        facility.lend(loan, one);
        vm.expectRevert(failure);
        facility.step(loan, 0, false, buyer);
        vm.expectRevert(failure);
        facility.payOff(loan);
        vm.expectRevert(failure);
        facility.offer(asset);
        vm.expectRevert(failure);
        facility.free(loan, 0, buyer);
        failure = abi.encodeWithSelector(IFacility.NotVault.selector, buyer);
        vm.expectRevert(failure);
        facility.fund(1);
        vm.expectRevert(failure);
        facility.exit(1, 1);
        vm.expectRevert(failure);
        facility.setWaiting();
        vm.expectRevert(abi.encodeWithSelector(IFacility.NotAuction.selector, buyer));
        facility.deliver(asset, buyer, 1);
    }

    function test_error_states() public {
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanUnknown.selector, bytes32("x")));
        facility.repay("x", 1);
        vm.expectRevert(abi.encodeWithSelector(IFacility.ZeroAmount.selector));
        facility.repay(loan, 0);
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Live));
        facility.restore(loan);
        vm.expectRevert(abi.encodeWithSelector(IFacility.NothingToDo.selector, loan));
        desk.poke(terms());
        _repay(owner, type(uint88).max);
        vm.expectRevert(
            abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Closed)
        );
        facility.repay(loan, 1);
        Terms memory t = terms();
        vm.expectRevert(abi.encodeWithSelector(IFacility.NothingToDo.selector, loan));
        desk.poke(t);
    }

    function test_error_swept() public {
        appraisedAgain();
        earn(asset, 200e6, 90);
        earn(asset, 10e6, 60);
        assertTrue(facility.statusOf(loan).isSwept, "swept");
        appraised(asset, 300_000e6);
        Terms memory t = terms();
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Live));
        desk.harvest(t);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanSwept.selector, loan));
        desk.draw(t, 1, 0, 0, "");
    }

    /// @dev Any stranger can pay, no more than is owed, at any time; interest stops with the principal.
    function test_repay_byAnyone() public {
        vm.warp(block.timestamp + 365 days);
        LoanStatus memory before = facility.statusOf(loan);
        assertEq(before.interest, 7_000e6, "14 % of 50,000");
        _repay(buyer, 10_000e6);
        LoanStatus memory later = facility.statusOf(loan);
        assertEq(later.interest, 0, "interest first");
        assertEq(later.principal, 47_000e6, "then principal");
        assertEq(later.stake, 700e6, "a tenth of the interest is the underwriter's");
        _repay(buyer, type(uint88).max);
        assertEq(balanceOf(buyer), type(uint88).max - uint256(47_000e6), "no more than is owed");
        vm.warp(block.timestamp + 365 days);
        assertEq(facility.value().interest, 0, "and nothing after");
        assertEq(facility.value().idle, 1_006_300e6, "lenders' part of the interest");
    }

    function test_error_lending() public {
        BookRules memory rules = bookRules();
        rules.minJuniorBps = 3_000;
        // Senior up to seven tenths; then its claim grows, and junior is thinner than it must be.
        facility = make(rules, deskRules());
        useFacility();
        capitalise();
        Terms memory t = _second();
        vm.warp(block.timestamp + 1 days);
        (uint256 total, uint256 low) = facility.conservative();
        _refused(
            t, 1e6, abi.encodeWithSelector(IFacility.JuniorTooThin.selector, low, total * 3 / 10)
        );
        lend(junior, bold, 1_000e6);
        borrow(t, 1e6);
        fund(saver, 10_000e6);
        (total, low) = facility.conservative();
        uint256 room = senior.maxDeposit(saver);
        vm.prank(saver);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFacility.JuniorTooThin.selector, low, (total + room + 4) * 3 / 10
            )
        );
        senior.depositFromTill(room + 4, saver);
        vm.prank(saver);
        senior.depositFromTill(room, saver);
    }

    function test_error_idle() public {
        appraisedAgain();
        uint256 shares = senior.balanceOf(saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        senior.serve();
        shares = junior.balanceOf(bold) * 7 / 10;
        vm.prank(bold);
        junior.requestRedeem(shares, bold, bold);
        junior.serve();
        Terms memory t = _second();
        uint256 idle = facility.value().idle;
        _refused(t, 50_000e6, abi.encodeWithSelector(IFacility.IdleTooLow.selector, 50_000e6, idle));
    }

    function test_error_amount() public {
        uint256 much = type(uint88).max;
        fund(bold, much);
        uint256 sum = much + 1_000_000e6;
        vm.prank(bold);
        vm.expectRevert(abi.encodeWithSelector(IFacility.AmountTooHigh.selector, sum));
        junior.depositFromTill(much, bold);
        uint256 room = junior.maxDeposit(bold);
        vm.prank(bold);
        junior.depositFromTill(room, bold);
        assertEq(junior.maxDeposit(bold), 0, "full");
    }

    // ------------------------------------------------------------------ attacks

    /// @dev Money thrown at the facility's account, at the till or at a vault moves no price.
    function test_attack_donation() public {
        (uint256 high, uint256 low) = facility.assetsOf(false);
        fund(address(facility), 1_000_000e6);
        fund(address(junior), 1_000_000e6);
        dollar.mint(address(till), 1_000_000e6);
        dollar.mint(address(junior), 1_000_000e6);
        (uint256 highLater, uint256 lowLater) = facility.assetsOf(false);
        assertTrue(high == highLater && low == lowLater, "what accounts hold is not looked at");
    }

    /// @dev The first depositor of a new line cannot take from the second by any sum it puts in first.
    function testFuzz_attack_firstDepositor(uint256 first, uint256 second) public {
        facility = make(bookRules(), deskRules());
        useFacility();
        first = bound(first, 1, 1e15);
        second = bound(second, 1e6, 1e15);
        lend(junior, buyer, first);
        fund(address(facility), 1e15);
        uint256 shares = lend(junior, bold, second);
        (, uint256 low) = facility.assetsOf(false);
        uint256 worth = shares * (low + 1) / (junior.totalSupply() + 1e6);
        assertLe(second, worth + 2, "the second keeps what it put in");
    }

    /// @dev Interest is in the price before it is paid: who comes for the settlement and leaves after it gains nothing.
    function test_attack_sandwichOfASettlement() public {
        pay(buyer, asset, 2_000e6);
        nextEpoch();
        uint256 put = 500_000e6;
        uint256 shares = lend(junior, buyer, put);
        till.settle(asset);
        vm.prank(buyer);
        junior.requestRedeem(shares, buyer, buyer);
        junior.serve();
        uint256 claimable = junior.maxRedeem(buyer);
        vm.prank(buyer);
        uint256 got = junior.redeemToTill(claimable, buyer, buyer);
        // A unit of interest that the borrower is charged up to.
        assertLe(got * shares, (put + 1) * claimable, "no gain");
    }

    /// @dev An underwriter who sees the default coming cannot take its stake away.
    function test_attack_underwriterLeavesFirst() public {
        earn(asset, 2_000e6, 30);
        Terms memory t = _second();
        (t.ltvBps, t.multipleBps, t.rampEnd) = (0, 60_000, uint32(block.timestamp));
        (,, bytes32 above) = till.lienOf(t.collateral[0].asset);
        t.collateral[0].above = above;
        earn(t.collateral[0].asset, 2_000e6, 5);
        t.expiry = uint32(block.timestamp);
        bytes32 id = borrow(t, 50_000e6);
        uint88 locked = facility.statusOf(id).stake;
        assertEq(locked, 10_000e6, "a fifth");
        vm.expectRevert(abi.encodeWithSelector(IDesk.NothingToDo.selector, id));
        desk.harvest(t);
        uint256 before = _worth();
        vm.warp(block.timestamp + 11 days);
        desk.poke(t);
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, id, LoanState.Late));
        desk.harvest(t);
        vm.warp(block.timestamp + 22 days);
        desk.poke(t);
        assertEq(uint256(desk.poke(t)), uint256(LoanState.WrittenOff), "unsecured");
        uint256 later = _worth();
        assertTrue(before - later < 41_000e6, "the stake paid first");
        assertEq(facility.statusOf(id).stake, 0, "all of it");
        // The lien stays: what the machine earns later is lenders' loss first, then the stake's.
        uint88 lost = facility.statusOf(id).principal;
        earn(t.collateral[0].asset, 20_000e6, 3);
        assertEq(uint256(facility.stateOf(id)), uint256(LoanState.Closed), "made good");
        assertTrue(_worth() >= later + lost, "lenders");
        assertEq(uint256(desk.harvest(t)), 10_000e6 - 10e6, "the stake is back, less two bounties");
    }

    /// @dev A borrower who pays in the last second is not sold.
    function test_attack_curedBeforeTheSale() public {
        _toDefault();
        fund(buyer, 200_000e6);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        _repay(owner, type(uint88).max);
        vm.prank(buyer);
        vm.expectRevert(
            abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Closed)
        );
        auction.take(address(facility), asset, type(uint88).max, buyer);
        assertEq(assets.ownerOf(asset), owner, "kept");
        vm.warp(block.timestamp + 30 days);
        auction.redo(address(facility), asset);
        assertEq(auction.lotOf(address(facility), asset).startPrice, 0, "the lot is gone");
    }

    /// @dev What the machine earned until the sale pays the debt; what it earns after is the buyer's.
    function test_take_cutsTheRevenue() public {
        _toDefault();
        pay(buyer, asset, 1_000e6);
        fund(buyer, 200_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        LoanStatus memory before = facility.statusOf(loan);
        uint88 price = auction.take(address(facility), asset, type(uint88).max, buyer);
        vm.stopPrank();
        assertEq(
            balanceOf(owner), uint256(price) + 990e6 - before.principal - before.interest, "surplus"
        );
        pay(buyer, asset, 1_000e6);
        uint256 has = balanceOf(buyer);
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(buyer) - has, 990e6, "the new owner's");
    }

    /// @dev Late, and back, and late: nothing is lost, and a step takes its time.
    function test_states_oneGraceEach() public {
        Terms memory t = terms();
        vm.warp(t.rampEnd + 10 days);
        desk.poke(t);
        vm.expectRevert(abi.encodeWithSelector(IFacility.NothingToDo.selector, loan));
        desk.poke(t);
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(status.due, status.principal + status.interest, "late: everything is due");
        uint256 due = status.interest + 1_000e6;
        _repay(owner, uint88(due));
        assertEq(uint256(facility.stateOf(loan)), uint256(LoanState.Live), "caught up");
        vm.warp(t.rampEnd + 90 days);
        desk.poke(t);
        desk.poke(t);
        status = facility.statusOf(loan);
        assertEq(uint256(status.state), uint256(LoanState.Impaired), "impaired");
        vm.warp(block.timestamp + 1 days);
        assertEq(facility.statusOf(loan).interest, status.interest, "no interest any more");
        _repay(owner, uint88(status.interest + status.principal / 2));
        facility.restore(loan);
        assertEq(uint256(facility.stateOf(loan)), uint256(LoanState.Live), "restored");
        vm.warp(block.timestamp + 1 days);
        assertTrue(facility.statusOf(loan).interest > 0, "interest again");
        assertTrue(facility.statusOf(loan).isSwept, "swept until it shows two good epochs");
    }

    function test_loan_onTwoMachines() public {
        uint256 a = pledged(100_000e6);
        uint256 b = pledged(100_000e6);
        Terms memory t = termsOf(a);
        Terms memory other = termsOf(b);
        Terms memory both = termsOf(a);
        both.collateral = new Collateral[](2);
        both.collateral[0] = t.collateral[0];
        both.collateral[1] = other.collateral[0];
        both.rampEnd = uint32(block.timestamp);
        bytes32 id = borrow(both, 60_000e6);
        assertTrue(facility.outstanding(a) && facility.outstanding(b), "both");
        earn(a, 100e6, 2);
        earn(b, 100e6, 2);
        assertTrue(facility.statusOf(id).principal < 60_000e6, "both pay");
        vm.warp(block.timestamp + 40 days);
        desk.poke(both);
        desk.poke(both);
        desk.poke(both);
        assertEq(facility.statusOf(id).assetsLeft, 2, "both are sold");
        fund(buyer, 1_000_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        vm.warp(block.timestamp + 4 days);
        auction.take(address(facility), a, type(uint88).max, buyer);
        assertEq(facility.statusOf(id).assetsLeft, 1, "one is left");
        auction.take(address(facility), b, type(uint88).max, buyer);
        vm.stopPrank();
        assertTrue(facility.stateOf(id) >= LoanState.WrittenOff, "over");
    }

    /// @dev A late loan is made good by a longer one: no money moves, the stake and the name are free for the new one.
    function test_refinance() public {
        Terms memory t = terms();
        vm.warp(t.rampEnd + 40 days);
        desk.poke(t);
        appraised(asset, 200_000e6);
        Terms memory next = termsOf(asset);
        (next.rate, next.nonce, next.expiry) = (100_000, 77, uint32(block.timestamp));
        LoanStatus memory before = facility.statusOf(loan);
        uint256 owed = uint256(before.principal) + before.interest;
        uint256 idle = facility.value().idle;
        uint256 held = balanceOf(address(facility));
        bytes memory signature = signTerms(next);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IDesk.NotBorrower.selector, loan, buyer));
        desk.refinance(t, next, signature);
        vm.prank(owner);
        bytes32 id = desk.refinance(t, next, signature);
        assertEq(uint256(facility.stateOf(loan)), uint256(LoanState.Closed), "the old one");
        LoanStatus memory status = facility.statusOf(id);
        assertEq(status.principal, owed, "the new one");
        assertEq(uint256(status.state), uint256(LoanState.Live), "live");
        assertEq(facility.loanOf(asset), id, "on the same machine");
        assertEq(balanceOf(address(facility)), held, "no money moved");
        // The underwriter's part of the interest left the book for its stake.
        assertEq(idle - facility.value().idle, uint256(before.interest) / 10, "premium");
        assertEq(facility.value().principal, owed, "book");
        assertEq(desk.exposureOf(0, OBLIGOR), owed, "counted once");
        assertEq(facility.freeStakeOf(underwriter), 50_000e6 + before.interest / 10, "stake");
        next = _third(next);
        signature = signTerms(next);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Closed)
        );
        desk.refinance(t, next, signature);
    }

    /// @dev Whoever asks for a few units back cannot hold borrowers up: it is paid, and money is lent.
    function test_whoWaits_isPaidBeforeADraw() public {
        uint256 dust = 1e6;
        vm.prank(saver);
        senior.requestRedeem(dust, saver, saver);
        vm.prank(bold);
        junior.requestRedeem(dust, bold, bold);
        borrow(_second(), 1e6);
        assertEq(senior.maxRedeem(saver), dust, "senior was paid");
        assertEq(junior.maxRedeem(bold), dust, "and junior");
        // More than is there: nothing is lent until it is.
        Terms memory t = termsOf(pledged(2_000_000e6));
        (t.limit, t.firstDraws) = (500_000e6, 500_000e6);
        borrow(t, 440_000e6);
        uint256 shares = senior.balanceOf(saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        t = _second();
        t.nonce = 99;
        _refused(t, 1e6, abi.encodeWithSelector(IFacility.LendersWait.selector));
    }

    /// @dev What a loan is paid off with on paper is no money for those who wait.
    function test_refinance_whileLendersWait() public {
        DeskRules memory loose = deskRules();
        (loose.maxObligorBps, loose.maxClusterBps) = (10_000, 10_000);
        (loose.minObligorBets, loose.minClusterBets) = (0, 0);
        facility = make(bookRules(), loose);
        useFacility();
        capitalise();
        asset = pledged(100_000e6);
        _terms = abi.encode(termsOf(asset));
        borrow(terms(), 50_000e6);
        Terms memory big = termsOf(pledged(2_000_000e6));
        (big.limit, big.firstDraws) = (500_000e6, 500_000e6);
        borrow(big, 450_000e6);
        vm.startPrank(saver);
        senior.requestRedeem(senior.balanceOf(saver), saver, saver);
        vm.stopPrank();
        senior.serve();
        assertEq(facility.value().idle, 0, "all of it paid out");
        uint256 held = balanceOf(address(facility));
        uint256 waits = senior.pendingRedeemRequest(0, saver);
        Terms memory next = _third(terms());
        next.expiry = uint32(block.timestamp);
        bytes memory signature = signTerms(next);
        Terms memory t = terms();
        vm.prank(owner);
        desk.refinance(t, next, signature);
        assertEq(balanceOf(address(facility)), held, "no money moved");
        assertEq(senior.pendingRedeemRequest(0, saver), waits, "nobody was paid with nothing");
        assertEq(facility.value().idle, 0, "nor is there any");
    }

    function test_refinance_notInDefault() public {
        _toDefault();
        appraised(asset, 200_000e6);
        Terms memory next = _third(termsOf(asset));
        next.expiry = uint32(block.timestamp);
        bytes memory signature = signTerms(next);
        Terms memory t = terms();
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IFacility.LoanNotIn.selector, loan, LoanState.Defaulted)
        );
        desk.refinance(t, next, signature);
    }

    // ------------------------------------------------------------------ helpers

    function _third(Terms memory t) private pure returns (Terms memory) {
        t.nonce = 78;
        return t;
    }

    function appraisedAgain() private {
        vm.warp(block.timestamp + 1);
        appraised(asset, 100_000e6);
    }

    function _worth() private view returns (uint256) {
        (uint256 seniorHigh,) = facility.assetsOf(true);
        (uint256 juniorHigh,) = facility.assetsOf(false);
        return seniorHigh + juniorHigh;
    }

    /// @dev Terms on another machine.
    function _second() private returns (Terms memory) {
        return termsOf(pledged(100_000e6));
    }

    function _refused(Terms memory t, uint88 amount, bytes memory failure) private {
        bytes memory signature = signTerms(t);
        vm.prank(owner);
        vm.expectRevert(failure);
        desk.borrow(t, signature, amount);
    }

    function _repay(address who, uint88 amount) private {
        fund(who, amount);
        vm.startPrank(who);
        till.setOperator(address(facility), true);
        facility.repay(loan, amount);
        vm.stopPrank();
    }

    function _toDefault() private {
        Terms memory t = terms();
        vm.warp(t.rampEnd + 40 days);
        for (uint256 i = 0; i < 3; ++i) {
            desk.poke(t);
        }
    }
}
