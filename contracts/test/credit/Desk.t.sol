// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Collateral, DeskRules, IDesk, Terms} from "../../src/credit/IDesk.sol";
import {Curve} from "../../src/credit/IAppraisals.sol";
import {BookRules, IFacility, LoanState} from "../../src/credit/IFacility.sol";
import {ITill} from "../../src/till/ITill.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice Everything that a desk refuses, and why.
contract DeskTest is CreditNetwork {
    uint256 private asset;
    bytes private _terms;

    function setUp() public {
        deploy();
        deployCredit();
        capitalise();
        asset = pledged(100_000e6);
        _keep(termsOf(asset));
    }

    function terms() private view returns (Terms memory) {
        return abi.decode(_terms, (Terms));
    }

    // ------------------------------------------------------------------ terms

    function test_error_borrower() public {
        Terms memory t = terms();
        bytes memory signature = signTerms(t);
        bytes memory failure =
            abi.encodeWithSelector(IDesk.NotBorrower.selector, desk.hashTerms(t), buyer);
        vm.prank(buyer);
        vm.expectRevert(failure);
        desk.borrow(t, signature, 1);
        borrow(t, 1e6);
        vm.prank(buyer);
        vm.expectRevert(failure);
        desk.draw(t, 1, 0, 0, "");
        _refused(t, 1, abi.encodeWithSelector(IFacility.LoanExists.selector, desk.hashTerms(t)));
    }

    /// @dev Every field is signed: one that changes makes another loan.
    function test_error_signature() public {
        bytes memory signature = signTerms(terms());
        Terms memory t = terms();
        t.rate++;
        _forged(t, signature);
        t = terms();
        t.clusters[2] = "x";
        _forged(t, signature);
        t = terms();
        t.collateral[0].above = "x";
        _forged(t, signature);
        t = terms();
        t.nonce++;
        _forged(t, signature);
        t = terms();
        t.vendor = owner;
        _forged(t, signature);
        t = terms();
        vm.warp(t.expiry + 1);
        _refused(
            t, 1, abi.encodeWithSelector(IDesk.TermsExpired.selector, desk.hashTerms(t), t.expiry)
        );
        t.expiry += 2;
        t.underwriter = vm.addr(7);
        _refused(t, 1, abi.encodeWithSelector(IDesk.UnderwriterUnlisted.selector, vm.addr(7)));
    }

    /// @dev All that a loan is can be read from the log.
    function test_log_tellsTheTerms() public {
        Terms memory t = terms();
        uint256 second = pledged(50_000e6);
        Collateral[] memory two = new Collateral[](2);
        (two[0], two[1]) = (t.collateral[0], termsOf(second).collateral[0]);
        t.collateral = two;
        bytes memory signature = signTerms(t);
        bytes32 id = desk.hashTerms(t);
        vm.expectEmit(address(desk));
        emit IDesk.LoanOpened(id, owner, underwriter, t);
        vm.prank(owner);
        desk.borrow(t, signature, 0);
    }

    /// @dev A list that stands elsewhere than where encoders put it is the same list, and would be logged in part.
    function test_error_encoding() public {
        Terms memory t = terms();
        bytes memory call_ = abi.encodeCall(desk.borrow, (t, signTerms(t), 1e6));
        uint256 start = 4 + 3 * 32;
        uint256 end = call_.length - start;
        call_ = abi.encodePacked(call_, uint256(1), t.collateral[0].asset, t.collateral[0].above);
        assembly ("memory-safe") {
            mstore(add(add(call_, 0x20), start), end)
        }
        vm.prank(owner);
        (bool done, bytes memory why) = address(desk).call(call_);
        assertTrue(!done, "refused");
        bytes memory failure =
            abi.encodeWithSelector(IDesk.TermsInvalid.selector, desk.hashTerms(t));
        assertEq(keccak256(why), keccak256(failure), "the error");
    }

    function test_error_terms() public {
        Terms memory t = terms();
        t.obligor = 0;
        _invalid(t);
        t = terms();
        t.premiumBps = 10_001;
        _invalid(t);
        t = terms();
        t.revenueBps = 10_001;
        _invalid(t);
        t = terms();
        t.rampEnd = t.maturity + 1;
        _invalid(t);
        t = terms();
        (t.rampEnd, t.maturity) = (uint32(block.timestamp), uint32(block.timestamp));
        _invalid(t);
        t = terms();
        t.firstDraws = t.limit + 1;
        _invalid(t);
        t = terms();
        (t.ltvBps, t.coverBps) = (8_001, 2_000);
        _beyond(t);
        t = terms();
        t.multipleBps = 60_001;
        _beyond(t);
        t = terms();
        t.coverBps = 999;
        _beyond(t);
        t = terms();
        t.maturity = uint32(block.timestamp) + 5 * YEAR + 1;
        _beyond(t);
        t = terms();
        t.rampEnd = uint32(block.timestamp) + 365 days + 1;
        _beyond(t);
    }

    function test_error_pledge() public {
        uint256 other = registerMachine();
        appraised(other, 100_000e6);
        Terms memory t = termsOf(other);
        _refused(t, 1, abi.encodeWithSelector(IDesk.AssetNotPledged.selector, other));
        // An operator who raises its costs after the underwriter looked.
        t = terms();
        vm.prank(owner);
        till.setRunningCosts(asset, 1e6, 1e9);
        (,, bytes32 above) = till.lienOf(asset);
        _refused(t, 1, abi.encodeWithSelector(IDesk.AboveChanged.selector, asset, above));
        vm.prank(owner);
        till.setRunningCosts(asset, 0, 0);
        borrow(t, 1e6);
        // The same asset for a second loan.
        t.nonce++;
        Terms memory first = terms();
        _refused(
            t,
            1,
            abi.encodeWithSelector(
                IFacility.AssetSecuresLoan.selector, asset, desk.hashTerms(first)
            )
        );
    }

    // ------------------------------------------------------------------ how much

    function test_error_capacity() public {
        Terms memory t = terms();
        bytes32 id = desk.hashTerms(t);
        _refused(
            t,
            52_500e6 + 1,
            abi.encodeWithSelector(IDesk.BeyondCapacity.selector, id, 52_500e6 + 1, 52_500e6)
        );
        (uint256 capacity, uint256 worth) = desk.capacityOf(t);
        assertTrue(capacity == 52_500e6 && worth == 52_500e6, "70 % of 75 %");
        _refused(
            t,
            60_000e6 + 1,
            abi.encodeWithSelector(IDesk.BeyondReleased.selector, id, 60_000e6 + 1, 60_000e6)
        );
        vm.warp(block.timestamp + 181 days);
        t.expiry = uint32(block.timestamp);
        t.maturity += YEAR;
        _refused(t, 1, abi.encodeWithSelector(IDesk.AppraisalExpired.selector, asset));
    }

    /// @dev Lent on revenue too, above the value, against the underwriter's stake.
    function test_revenue_carriesMore_forAStake() public {
        earn(asset, 1_000e6, 30);
        Terms memory t = terms();
        t.expiry = uint32(block.timestamp);
        t.firstDraws = t.limit;
        (uint256 capacity, uint256 worth) = desk.capacityOf(t);
        assertTrue(capacity > worth + 36_000e6, "twice the trailing revenue");
        bytes32 id = borrow(t, 60_000e6);
        uint256 needed = (60_000e6 - worth + 4) / 5;
        assertEq(facility.statusOf(id).stake, needed, "a fifth of what the value does not carry");
        assertEq(facility.freeStakeOf(underwriter), 50_000e6 - needed, "locked");
        vm.prank(underwriter);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFacility.StakeTooLow.selector, underwriter, 50_000e6 - needed, 50_000e6
            )
        );
        facility.unstake(50_000e6);
    }

    /// @dev Revenue that nobody vouches for is not lent on, and no more of it than somebody does.
    function test_evidence() public {
        address[] memory examiners = new address[](2);
        (examiners[0], examiners[1]) = (vm.addr(APPRAISER_KEY), vm.addr(APPRAISER_KEY + 1));
        uint256 values = panel;
        DeskRules memory rules = deskRules();
        rules.evidencePanel = uint32(appraisals.createPanel(examiners, 2));
        _reopen(bookRules(), rules);
        earn(asset, 1_000e6, 30);
        Terms memory t = terms();
        t.expiry = uint32(block.timestamp);
        _refused(t, 1, abi.encodeWithSelector(IDesk.EvidenceExpired.selector, asset));
        // A loan on the machine alone needs none.
        t.multipleBps = 0;
        borrow(t, 0);
        vm.prank(owner);
        desk.cancel(t);
        t.multipleBps = 20_000;
        t.nonce++;
        (panel, curve) = (rules.evidencePanel, appraisals.publish(Curve(YEAR, 0)));
        appraised(asset, 5_000e6);
        (uint256 capacity, uint256 worth) = desk.capacityOf(t);
        assertEq(capacity, worth + 10_000e6, "twice what is vouched for");
        appraisedAgain(500_000e6);
        (capacity, worth) = desk.capacityOf(t);
        assertEq(
            capacity, worth + 2 * uint256(till.trailingRevenueOf(asset)), "never more than came"
        );
        vm.warp(block.timestamp + 181 days);
        panel = values;
        appraised(asset, 100_000e6);
        t.expiry = uint32(block.timestamp);
        t.rampEnd = t.expiry;
        _refused(t, 1, abi.encodeWithSelector(IDesk.EvidenceExpired.selector, asset));
    }

    /// @dev A loan that was opened and never drawn holds its asset until its borrower calls it off.
    function test_cancel() public {
        Terms memory t = terms();
        bytes32 id = borrow(t, 0);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IDesk.NotBorrower.selector, id, buyer));
        desk.cancel(t);
        vm.warp(t.maturity + 1);
        vm.startPrank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(facility))
        );
        till.setDebt(asset, address(0));
        desk.cancel(t);
        assertEq(uint256(facility.stateOf(id)), uint256(LoanState.Closed), "over");
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, id, LoanState.Closed));
        desk.cancel(t);
        till.setDebt(asset, address(0));
        vm.stopPrank();
    }

    /// @dev Nothing is written off by calling it off.
    function test_error_cancel() public {
        Terms memory t = terms();
        bytes32 id = borrow(t, 1e6);
        vm.warp(block.timestamp + 365 days);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDesk.LoanOwes.selector, id, 1_140_000));
        desk.cancel(t);
        assertEq(facility.statusOf(id).principal, 1e6, "as it was");
    }

    function test_error_stake() public {
        earn(asset, 2_000e6, 30);
        Terms memory t = terms();
        (t.expiry, t.ltvBps) = (uint32(block.timestamp), 0);
        vm.prank(underwriter);
        facility.unstake(50_000e6);
        _refused(
            t,
            50_000e6,
            abi.encodeWithSelector(IFacility.StakeTooLow.selector, underwriter, 0, 10_000e6)
        );
    }

    function test_draws_byRelease() public {
        appraisedAgain(300_000e6);
        Terms memory t = terms();
        bytes32 id = borrow(t, 60_000e6);
        uint40 deadline = uint40(block.timestamp) + 100;
        bytes memory release = sign(UNDERWRITER_KEY, desk.hashRelease(id, 80_000e6, deadline));
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDesk.ZeroAmount.selector));
        desk.draw(t, 0, 0, 0, "");
        vm.expectRevert(
            abi.encodeWithSelector(IDesk.ReleaseSignatureInvalid.selector, id, underwriter)
        );
        desk.draw(t, 1, 80_001e6, deadline, release);
        vm.expectRevert(
            abi.encodeWithSelector(IDesk.BeyondReleased.selector, id, 80_000e6 + 1, 80_000e6)
        );
        desk.draw(t, 20_000e6 + 1, 80_000e6, deadline, release);
        vm.expectRevert(
            abi.encodeWithSelector(IDesk.BeyondReleased.selector, id, 60_000e6 + 1, 60_000e6)
        );
        desk.draw(t, 1, 0, 0, "");
        desk.draw(t, 20_000e6, 80_000e6, deadline, release);
        // A release is a sum in all: it cannot be used again.
        vm.expectRevert(
            abi.encodeWithSelector(IDesk.BeyondReleased.selector, id, 80_000e6 + 1, 80_000e6)
        );
        desk.draw(t, 1, 80_000e6, deadline, release);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IDesk.ReleaseExpired.selector, id, deadline));
        desk.draw(t, 1, 90_000e6, deadline, release);
        vm.stopPrank();
        assertEq(balanceOf(vendor), 80_000e6, "all to the vendor");
    }

    function test_error_drawsEndWithTheRamp() public {
        Terms memory t = terms();
        bytes32 id = borrow(t, 1e6);
        vm.warp(t.rampEnd);
        appraised(asset, 100_000e6);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IFacility.RampOver.selector, id, t.rampEnd));
        desk.draw(t, 1e6, 0, 0, "");
        vm.warp(t.rampEnd + 11 days);
        desk.poke(t);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IFacility.LoanNotIn.selector, id, LoanState.Late));
        desk.draw(t, 1e6, 0, 0, "");
    }

    // ------------------------------------------------------------------ concentration

    function test_error_concentration() public {
        BookRules memory book = bookRules();
        DeskRules memory rules = deskRules();
        rules.maxObligorBps = 200;
        _reopen(book, rules);
        Terms memory t = terms();
        _refused(
            t,
            20_000e6 + 1,
            abi.encodeWithSelector(IDesk.TooConcentrated.selector, OBLIGOR, 20_000e6 + 1, 20_000e6)
        );
        borrow(t, 20_000e6);
        (uint256 bets, uint256 squares) = desk.betsOf(0);
        assertEq(squares, 20_000e6 ** 2, "squares");
        assertEq(bets, 50 * 50 * 100, "1,000,000 over 20,000, squared");

        // A million over the square root of a hundred: no cluster above 100,000 if it is alone.
        rules = deskRules();
        rules.minClusterBets = 10_000;
        _reopen(book, rules);
        vm.warp(block.timestamp + 1);
        appraised(asset, 1_000_000e6);
        t = terms();
        (t.limit, t.firstDraws) = (200_000e6, 200_000e6);
        _refused(
            t,
            100_000e6 + 1e6,
            abi.encodeWithSelector(
                IDesk.TooFewBets.selector,
                1,
                uint256(1e12) * 1e12 * 100 / (uint256(100_001e6) ** 2),
                10_000
            )
        );
        borrow(t, 100_000e6);
    }

    // ------------------------------------------------------------------ curator

    function test_error_curator() public {
        vm.expectRevert(abi.encodeWithSelector(IDesk.NotCurator.selector, address(this)));
        desk.setUnderwriter(buyer, true);
        vm.expectRevert(abi.encodeWithSelector(IDesk.NotCurator.selector, address(this)));
        desk.offerCurator(buyer);
        vm.expectRevert(abi.encodeWithSelector(IDesk.NotCurator.selector, address(this)));
        desk.acceptCurator();
        vm.startPrank(curator);
        desk.setUnderwriter(buyer, true);
        assertEq(desk.signsFrom(buyer), block.timestamp + 7 days, "later");
        desk.setUnderwriter(underwriter, false);
        desk.offerCurator(buyer);
        vm.stopPrank();
        vm.prank(buyer);
        desk.acceptCurator();
        assertEq(desk.curator(), buyer, "handed over");
        Terms memory t = terms();
        _refused(t, 1, abi.encodeWithSelector(IDesk.UnderwriterUnlisted.selector, underwriter));
        t.underwriter = buyer;
        bytes memory signature = sign(BUYER_KEY, desk.hashTerms(t));
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDesk.UnderwriterUnlisted.selector, buyer));
        desk.borrow(t, signature, 1);
    }

    function test_error_rules() public {
        BookRules memory book = bookRules();
        DeskRules memory rules = deskRules();
        rules.maxLtvBps = 10_001;
        _noFacility(book, rules, IDesk.RulesInvalid.selector);
        rules = deskRules();
        rules.maxTerm = 0;
        _noFacility(book, rules, IDesk.RulesInvalid.selector);
        rules = deskRules();
        rules.maxObligorBps = 0;
        _noFacility(book, rules, IDesk.RulesInvalid.selector);
        rules = deskRules();
        book.grace = 3 days - 1;
        _noFacility(book, rules, IFacility.RulesInvalid.selector);
        book = bookRules();
        book.minJuniorBps = 10_000;
        _noFacility(book, rules, IFacility.RulesInvalid.selector);
        book = bookRules();
        book.auctionBps = 0;
        _noFacility(book, rules, IFacility.RulesInvalid.selector);
        assertEq(desk.rules().maxObligorBps, 5_000, "rules");
        assertEq(
            keccak256(abi.encode(facility.rules())), keccak256(abi.encode(bookRules())), "book"
        );
        assertEq(desk.facility(), address(facility), "facility");
    }

    function test_harvest_leavesNothingToDo() public {
        Terms memory t = terms();
        bytes32 id = borrow(t, 10_000e6);
        vm.expectRevert(abi.encodeWithSelector(IDesk.NothingToDo.selector, id));
        desk.harvest(t);
    }

    // ------------------------------------------------------------------ helpers

    function appraisedAgain(uint88 value) private {
        vm.warp(block.timestamp + 1);
        appraised(asset, value);
    }

    function _keep(Terms memory t) private {
        _terms = abi.encode(t);
    }

    function _refused(Terms memory t, uint88 amount, bytes memory failure) private {
        bytes memory signature = signTerms(t);
        vm.prank(owner);
        vm.expectRevert(failure);
        desk.borrow(t, signature, amount);
    }

    function _forged(Terms memory t, bytes memory signature) private {
        bytes memory failure = abi.encodeWithSelector(
            IDesk.TermsSignatureInvalid.selector, desk.hashTerms(t), underwriter
        );
        vm.prank(owner);
        vm.expectRevert(failure);
        desk.borrow(t, signature, 1);
    }

    function _invalid(Terms memory t) private {
        _refused(t, 1, abi.encodeWithSelector(IDesk.TermsInvalid.selector, desk.hashTerms(t)));
    }

    function _beyond(Terms memory t) private {
        _refused(t, 1, abi.encodeWithSelector(IDesk.TermsBeyondRules.selector, desk.hashTerms(t)));
    }

    function _reopen(BookRules memory book, DeskRules memory rules) private {
        facility = make(book, rules);
        useFacility();
        capitalise();
        asset = pledged(100_000e6);
        _keep(termsOf(asset));
    }

    function _noFacility(BookRules memory book, DeskRules memory rules, bytes4 why) private {
        vm.expectRevert(abi.encodeWithSelector(why));
        this.tryMake(book, rules);
    }

    function tryMake(BookRules memory book, DeskRules memory rules) external {
        make(book, rules);
    }
}
