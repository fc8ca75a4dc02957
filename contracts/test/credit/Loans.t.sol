// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../src/credit/IDesk.sol";
import {LoanState, LoanStatus, Value} from "../../src/credit/IFacility.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice A loan from its first draw to its end, in good times and in bad.
contract LoansTest is CreditNetwork {
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

    function test_borrow_paysTheVendor() public view {
        assertEq(balanceOf(vendor), 50_000e6, "vendor");
        assertEq(balanceOf(owner), 0, "borrower");
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(status.principal, 50_000e6, "principal");
        assertEq(uint256(status.state), uint256(LoanState.Live), "state");
        Value memory v = facility.value();
        assertEq(v.idle, 950_000e6, "idle");
        assertEq(v.principal, 50_000e6, "lent");
        // Within 70 % of 75 % of the value nothing need be covered.
        assertEq(status.stake, 0, "stake");
    }

    function test_ramp_takesInterestOnly() public {
        earn(asset, 100e6, 90);
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(status.principal, 50_000e6, "no principal in the ramp");
        assertEq(status.interest, 0, "interest is paid");
        assertEq(status.due, 0, "nothing due");
        // 90 days at 14 %: 1,726.03; a tenth of it is the underwriter's.
        assertLe(172_602_700, status.stake, "premium");
        assertLe(status.stake, 172_602_800, "premium");
        // 99 a day after the fee, less the interest: the borrower's.
        assertEq(
            balanceOf(owner) + status.stake + facility.value().idle - 950_000e6, 99e6 * 90, "all"
        );
    }

    function test_amortises_byThePlan() public {
        earn(asset, 200e6, 90 + 365);
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(status.principal, 25_000e6, "half after half of the time");
        assertEq(status.due, 0, "nothing due");
        earn(asset, 200e6, 365);
        status = facility.statusOf(loan);
        assertEq(uint256(status.state), uint256(LoanState.Closed), "closed at maturity");
        assertEq(facility.value().principal, 0, "book");
        assertEq(facility.value().interest, 0, "book");
        assertTrue(!facility.outstanding(asset), "free");
        vm.prank(owner);
        till.setDebt(asset, address(0));
        vm.prank(owner);
        assets.transferFrom(owner, buyer, asset);
        assertEq(uint256(desk.harvest(terms())), status.stake, "the premium is the underwriter's");
        assertEq(uint256(desk.exposureOf(0, OBLIGOR)), 0, "nothing hangs on it");
    }

    function test_lien_holdsTheAsset() public {
        vm.prank(owner);
        (bool done,) =
            address(assets).call(abi.encodeCall(assets.transferFrom, (owner, buyer, asset)));
        assertTrue(!done, "not while a loan is outstanding");
        vm.prank(owner);
        (done,) = address(till).call(abi.encodeCall(till.setDebt, (asset, address(0))));
        assertTrue(!done, "nor is the slot cleared");
    }

    function test_sweep_beginsAndEnds() public {
        earn(asset, 200e6, 100);
        assertTrue(!facility.statusOf(loan).isSwept, "covered");
        uint256 before = balanceOf(owner);
        // The customer leaves: 30 a day do not cover 68 a day and interest.
        earn(asset, 30e6, 60);
        assertTrue(facility.statusOf(loan).isSwept, "swept");
        before = balanceOf(owner);
        earn(asset, 30e6, 5);
        assertEq(balanceOf(owner), before, "the owner gets nothing");
        uint88 principal = facility.statusOf(loan).principal;
        // It comes back: everything goes to the debt until two good tests.
        earn(asset, 400e6, 40);
        assertTrue(!facility.statusOf(loan).isSwept, "over");
        assertTrue(facility.statusOf(loan).principal < principal, "swept down");
        assertTrue(balanceOf(owner) > before, "and the owner earns again");
    }

    function test_default_isSoldWithASurplus() public {
        earn(asset, 200e6, 100);
        _toDefault();
        // 100,000 lose half in two years and a quarter by the haircut; the auction starts at 1.2 times that.
        fund(buyer, 200_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        uint88 price = auction.take(address(facility), asset, type(uint88).max, buyer);
        vm.stopPrank();
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(uint256(status.state), uint256(LoanState.Closed), "paid in full");
        assertEq(assets.ownerOf(asset), buyer, "sold");
        assertEq(till.termsOf(asset).debt, address(0), "without a lien");
        assertTrue(price > 50_000e6, "above the debt");
        assertEq(facility.value().principal, 0, "book");
        assertTrue(balanceOf(owner) > price - 55_000e6, "the surplus is the borrower's");
    }

    function test_default_atALoss() public {
        earn(asset, 200e6, 100);
        (uint256 juniorBefore,) = facility.assetsOf(false);
        _toDefault();
        vm.warp(block.timestamp + 6 days);
        fund(buyer, 200_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        uint88 price = auction.take(address(facility), asset, type(uint88).max, buyer);
        vm.stopPrank();
        LoanStatus memory status = facility.statusOf(loan);
        assertEq(uint256(status.state), uint256(LoanState.WrittenOff), "written off");
        assertTrue(price < 20_000e6, "three half-lives");
        (uint256 seniorNow,) = facility.assetsOf(true);
        assertEq(seniorNow, facility.value().seniorClaim, "senior is whole");
        (uint256 juniorNow,) = facility.assetsOf(false);
        assertTrue(juniorNow < juniorBefore, "junior is not");
        // What the borrower still pays is lenders' first.
        fund(owner, 1_000e6);
        vm.startPrank(owner);
        till.setOperator(address(facility), true);
        facility.repay(loan, 1_000e6);
        (uint256 recovered,) = facility.assetsOf(false);
        assertEq(recovered - juniorNow, 1_000e6, "recovered");
    }

    function test_queue_isServedInParts() public {
        uint256 shares = senior.balanceOf(saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        senior.serve();
        assertEq(senior.pendingRedeemRequest(0, saver), 0, "idle money is enough");
        vm.prank(saver);
        uint256 assets_ = senior.redeem(shares, saver, saver);
        assertEq(dollar.balanceOf(saver), assets_, "in its wallet");
        assertLe(assets_, 700_000e6, "no more than was put in");
        assertLe(700_000e6 - 1, assets_, "and no less than a unit");
    }

    /// @dev Whoever settles when: a loan settled each epoch and its twin, settled two epochs later, owe the same and have paid the same.
    function test_collect_isAsOfTheBoundary() public {
        uint256 twin = pledged(100_000e6);
        Terms memory t = termsOf(twin);
        vm.warp(block.timestamp - block.timestamp % DAY);
        bytes32 other = borrow(t, 50_000e6);
        loan = _again(50_000e6);
        for (uint256 i = 0; i < 40; ++i) {
            pay(buyer, asset, 2_000e6);
            pay(buyer, twin, 2_000e6);
            nextEpoch();
            till.settle(asset);
            vm.warp(block.timestamp + 2 * DAY + 7 hours);
            till.settle(twin);
        }
        LoanStatus memory a = facility.statusOf(loan);
        LoanStatus memory b = facility.statusOf(other);
        assertEq(a.interest, b.interest, "interest");
        assertEq(a.principal, b.principal, "principal");
        assertEq(a.trailing, b.trailing, "trailing");
        assertEq(a.stake, b.stake, "premium");
    }

    /// @dev It takes two good tests to end a sweep, and a bad one in between starts the count again.
    function test_sweep_takesTwoGoodTests() public {
        earn(asset, 200e6, 100);
        earn(asset, 20e6, 60);
        assertTrue(facility.statusOf(loan).isSwept, "swept");
        // One epoch so good that the average is covered by it, then none: the next test is good, the one after that the second.
        earn(asset, 4_000e6, 1);
        assertTrue(facility.statusOf(loan).isSwept, "not tested yet");
        earn(asset, 20e6, 1);
        assertTrue(facility.statusOf(loan).isSwept, "one good test");
        earn(asset, 20e6, 1);
        assertTrue(!facility.statusOf(loan).isSwept, "two");
    }

    /// @dev Principal that no sale is expected to bring is not paid to those that leave.
    function test_doubt_isNotPaidToThoseThatLeave() public {
        appraisedLow(10_000e6);
        vm.warp(uint256(terms().rampEnd) + 40 days);
        desk.poke(terms());
        desk.poke(terms());
        LoanStatus memory status = facility.statusOf(loan);
        assertTrue(status.doubt > 40_000e6, "most of it is in doubt");
        (uint256 high, uint256 low) = facility.assetsOf(false);
        assertTrue(low <= high - status.doubt, "junior bears it");
        uint256 shares = junior.balanceOf(bold) / 2;
        vm.startPrank(bold);
        junior.requestRedeem(shares, bold, bold);
        junior.serve();
        uint256 claimable = junior.maxRedeem(bold);
        uint256 got = junior.redeemToTill(claimable, bold, bold);
        vm.stopPrank();
        assertLe(got * (2 * shares), low * claimable + 2 * shares, "the low price");
    }

    function test_lastSenior_leavesNoClaim() public {
        uint256 shares = senior.balanceOf(saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        vm.warp(block.timestamp + 100 days);
        senior.serve();
        assertEq(facility.value().seniorClaim, 0, "nothing is left to claim");
        lend(senior, saver, 100_000e6);
        shares = senior.balanceOf(saver) / 2;
        uint256 claimable = senior.maxRedeem(saver);
        vm.prank(saver);
        senior.redeemToTill(claimable, saver, saver);
        vm.prank(saver);
        senior.requestRedeem(shares, saver, saver);
        senior.serve();
        uint256 claim = facility.value().seniorClaim;
        assertTrue(claim >= 50_000e6 && claim <= 50_000e6 + 2, "half of it");
    }

    function appraisedLow(uint88 value) private {
        vm.warp(block.timestamp + 1);
        appraised(asset, value);
    }

    /// @dev Pays the loan off and opens one like its twin.
    function _again(uint88 amount) private returns (bytes32) {
        fund(owner, 100_000e6);
        vm.startPrank(owner);
        till.setOperator(address(facility), true);
        facility.repay(loan, type(uint88).max);
        vm.stopPrank();
        Terms memory t = termsOf(asset);
        t.nonce = 99;
        return borrow(t, amount);
    }

    function _toDefault() private {
        LoanState[3] memory states = [LoanState.Late, LoanState.Impaired, LoanState.Defaulted];
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 11 days);
            assertEq(uint256(desk.poke(terms())), uint256(states[i]), "one step");
        }
    }
}
