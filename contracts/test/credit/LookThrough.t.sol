// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {DeskRules, IDesk, Terms} from "../../src/credit/IDesk.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {UnitsNetwork} from "./UnitsNetwork.sol";

/// @notice Concentration through units: names that hide below, cycles, towers.
contract LookThroughTest is UnitsNetwork {
    function setUp() public {
        deployUnits();
    }

    /// @dev One debtor, called by three names, half of it hidden behind two facilities: the bound adds it up.
    function test_spreadOverTwoFacilities() public {
        Facility other = _facility();
        use(lower);
        machineLoan("debtor", 0, 330_000e6);
        use(other);
        machineLoan("the same", 0, 330_000e6);
        use(upper);
        Terms memory t = unitTerms(pledgedUnits(lower, fund_, 300_000e6), fund_);
        borrow(t, 200_000e6);
        t = unitTerms(pledgedUnits(other, saver, 300_000e6), saver);
        borrow(t, 200_000e6);
        // Through both: 200,000 of 1,300,000 each, on 330,000 of one name.
        uint256 each = _ceil(uint256(200_000e6) * 330_000e6, 1_300_000e6);
        assertEq(desk.throughOf(0), 2 * each, "through");
        assertEq(desk.throughOf(1), 0, "no cluster below");
        // Of a half of a million, that leaves less for any name here.
        uint256 most = 500_000e6 - 2 * each;
        t = termsOf(pledged(1_000_000e6));
        (t.limit, t.firstDraws, t.dscrBps) = (500_000e6, 500_000e6, 0);
        _refused(
            t,
            uint88(most + 1),
            abi.encodeWithSelector(
                IDesk.TooConcentrated.selector, OBLIGOR, 500_000e6 + 1, 500_000e6
            )
        );
        // The same amount, spread over two names, is too few bets.
        (uint256 bets, uint256 squares) = desk.betsOf(0);
        assertEq(bets, uint256(1_000_000e6) * 1_000_000e6 * 100 / squares, "bets");
        assertTrue(squares > 2 * uint256(200_000e6) * 200_000e6, "with what is below");
        // What is below grew since: only what is drawn from now on is judged.
        use(lower);
        machineLoan("debtor", 0, 100_000e6);
        use(upper);
        assertTrue(desk.throughOf(0) > 2 * each, "seen at once");
    }

    /// @dev Units may hide the largest name here: it is judged although it does not grow.
    function test_error_largestAndUnits() public {
        use(lower);
        machineLoan("x", "H100", 300_000e6);
        use(upper);
        machineLoan("y", "H100", 480_000e6);
        uint256 asset = pledgedUnits(lower, fund_, 300_000e6);
        Terms memory t = unitTerms(asset, fund_);
        // 480,000 in steps of 2^16, up, and the part of 300,000 that 200,000 of 1,300,000 have.
        uint256 through = _ceil(uint256(200_000e6) * 300_000e6, 1_300_000e6);
        uint256 largest = _ceil(480_000e6, 65_536) * 65_536;
        bytes32 key = bytes32(uint256(uint160(address(lower))));
        _refused(
            t,
            200_000e6,
            abi.encodeWithSelector(
                IDesk.TooConcentrated.selector, key, largest + through, 500_000e6
            )
        );
        borrow(t, 50_000e6);
        // A name that this desk never heard of, on the same cluster, by a cluster's rule.
        assertEq(desk.throughOf(1), desk.throughOf(0), "the same book");
    }

    function test_error_fewBets() public {
        use(lower);
        machineLoan("x", 0, 550_000e6);
        use(upper);
        machineLoan("y", 0, 380_000e6);
        Terms memory t = unitTerms(pledgedUnits(lower, fund_, 400_000e6), fund_);
        uint256 norm = _root(uint256(380_000e6) ** 2 + uint256(280_000e6) ** 2)
            + _ceil(uint256(280_000e6) * 550_000e6, 1_400_000e6);
        uint256 bets = uint256(1_000_000e6) ** 2 * 100 / norm ** 2;
        assertLe(bets, 299, "too few");
        _refused(t, 280_000e6, abi.encodeWithSelector(IDesk.TooFewBets.selector, 0, bets, 300));
        borrow(t, 250_000e6);
    }

    function test_cycle() public {
        uint256 asset = pledgedUnits(lower, fund_, 100_000e6);
        borrow(unitTerms(asset, fund_), 50_000e6);
        // The lower one would lend on the upper one's units.
        trust(upper);
        use(lower);
        asset = pledgedUnits(upper, saver, 100_000e6);
        _refused(
            unitTerms(asset, saver),
            1e6,
            abi.encodeWithSelector(IDesk.TooDeep.selector, address(upper))
        );
    }

    /// @dev Two deep and no deeper. Where it grew deeper below afterwards, what is lent already counts whole, and the facility goes on.
    function test_tower() public {
        Facility third = _facility();
        Facility fourth = _facility();
        use(lower);
        machineLoan("x", 0, 200_000e6);
        use(third);
        borrow(unitTerms(pledgedUnits(lower, fund_, 100_000e6), fund_), 50_000e6);
        use(upper);
        borrow(unitTerms(pledgedUnits(third, fund_, 100_000e6), fund_), 50_000e6);
        // Fifty of 1,100, of what the third has itself and through the lower one.
        uint256 below = _ceil(uint256(50_000e6) * 200_000e6, 1_100_000e6);
        uint256 own = 50_000e6;
        assertEq(desk.throughOf(0), _ceil(50_000e6 * (own + below), 1_100_000e6), "two deep");
        trust(upper);
        use(fourth);
        _refused(
            unitTerms(pledgedUnits(upper, saver, 100_000e6), saver),
            1e6,
            abi.encodeWithSelector(IDesk.TooDeep.selector, address(upper))
        );
        // Now the lowest one lends on units itself.
        use(lower);
        borrow(unitTerms(pledgedUnits(fourth, bold, 100_000e6), bold), 50_000e6);
        use(upper);
        (uint256 norm, bool whole) = IDesk(third.desk()).normOf(0, 1);
        assertTrue(whole, "counted whole");
        assertTrue(norm > own + below, "and more than before");
        machineLoan("z", 0, 10_000e6);
        uint256 more = pledgedUnits(third, saver, 10_000e6);
        _refused(
            unitTerms(more, saver),
            1e6,
            abi.encodeWithSelector(IDesk.TooDeep.selector, address(third))
        );
    }

    function test_error_tooMany() public {
        for (uint256 i = 0; i < 4; ++i) {
            Facility one = _facility();
            use(upper);
            borrow(unitTerms(pledgedUnits(one, fund_, 20_000e6), fund_), 10_000e6);
        }
        Terms memory t = unitTerms(pledgedUnits(lower, fund_, 20_000e6), fund_);
        _refused(t, 1e6, abi.encodeWithSelector(IDesk.TooManyBehind.selector, address(lower), 4));
        assertEq(desk.facilitiesBehind().length, 4, "four");
    }

    /// @dev What a loan counted goes when it is over and harvested, or paid off by another.
    function test_exposureGoesAway() public {
        use(lower);
        machineLoan("x", 0, 200_000e6);
        Facility other = _facility();
        use(upper);
        Terms memory t = unitTerms(pledgedUnits(lower, fund_, 100_000e6), fund_);
        borrow(t, 50_000e6);
        borrow(unitTerms(pledgedUnits(other, saver, 100_000e6), saver), 50_000e6);
        vm.prank(fund_);
        desk.draw(t, 10_000e6, 0, 0, "");
        assertEq(desk.exposureTo(address(lower)), 60_000e6, "both draws");
        // On a new loan, on the same units.
        Terms memory later = t;
        later.nonce++;
        later.rate = 100_000;
        bytes memory signature = signTerms(later);
        t = unitTerms(t.collateral[0].asset, fund_);
        vm.prank(fund_);
        desk.refinance(t, later, signature);
        assertEq(desk.exposureTo(address(lower)), 60_000e6, "once");
        fund(fund_, 60_000e6);
        vm.startPrank(fund_);
        till.setOperator(address(upper), true);
        upper.repay(desk.hashTerms(later), 60_000e6);
        vm.stopPrank();
        assertEq(desk.exposureTo(address(lower)), 60_000e6, "until it is harvested");
        desk.harvest(later);
        assertEq(desk.exposureTo(address(lower)), 0, "gone");
        address[] memory behind = desk.facilitiesBehind();
        assertTrue(behind.length == 1 && behind[0] == address(other), "the other stays");
    }

    // ------------------------------------------------------------------ helpers

    function _facility() private returns (Facility one) {
        one = make(bookRules(), upperRules());
        use(one);
        capitalise();
        trust(one);
    }

    function _refused(Terms memory t, uint88 amount, bytes memory failure) private {
        bytes memory signature = signTerms(t);
        vm.prank(t.borrower);
        vm.expectRevert(failure);
        desk.borrow(t, signature, amount);
    }

    function _ceil(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }

    /// @dev Rounded up.
    function _root(uint256 x) private pure returns (uint256 root) {
        root = 1 << 128;
        while (true) {
            uint256 next = (root + x / root) / 2;
            if (next >= root) break;
            root = next;
        }
        if (root * root < x) ++root;
    }
}
