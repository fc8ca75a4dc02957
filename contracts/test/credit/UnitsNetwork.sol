// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Collateral, DeskRules, Terms} from "../../src/credit/IDesk.sol";
import {Facility} from "../../src/credit/Facility.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice Two facilities with money in them: `lower` lends on machines, `upper` on units of it. What a loan does is done by the one in use.
abstract contract UnitsNetwork is CreditNetwork {
    address internal immutable fund_ = address(0xF0DD);

    Facility internal lower;
    Facility internal upper;

    function deployUnits() internal {
        deploy();
        deployCredit();
        use(make(bookRules(), lowerRules()));
        capitalise();
        lower = facility;
        trust(lower);
        use(make(bookRules(), upperRules()));
        capitalise();
        upper = facility;
    }

    /// @notice The panel takes the books of `one` for its units; that counts a week later.
    function trust(Facility one) internal {
        vm.prank(curator);
        appraisals.setAppraiser(panel, address(one), true);
        vm.warp(block.timestamp + 7 days);
    }

    function use(Facility one) internal {
        facility = one;
        useFacility();
    }

    /// @dev All on one name, and no stake needed.
    function lowerRules() internal pure returns (DeskRules memory rules) {
        rules = deskRules();
        (rules.maxObligorBps, rules.maxClusterBps) = (10_000, 10_000);
        (rules.minObligorBets, rules.minClusterBets, rules.minCoverBps) = (0, 0, 0);
    }

    /// @dev One name may be half of the book, and so may all that lies behind units.
    function upperRules() internal pure returns (DeskRules memory rules) {
        rules = deskRules();
        rules.maxClusterBps = 5_000;
    }

    /// @notice `who` lends `amount` senior to `one` and makes an asset of its shares.
    function wrapped(Facility one, address who, uint256 amount) internal returns (uint256 asset) {
        Vault vault = Vault(one.senior());
        uint256 shares = lend(vault, who, amount);
        vm.startPrank(who);
        vault.approve(address(units), type(uint256).max);
        asset = units.wrap(address(vault), shares);
        vm.stopPrank();
    }

    /// @notice The same with the facility in use in its debt slot.
    function pledgedUnits(Facility one, address who, uint256 amount)
        internal
        returns (uint256 asset)
    {
        asset = wrapped(one, who, amount);
        vm.prank(who);
        till.setDebt(asset, address(facility));
    }

    /// @notice A loan of `who` on units: interest only for three months, then due.
    function unitTerms(uint256 asset, address who) internal view returns (Terms memory terms) {
        terms = termsOf(asset);
        terms.borrower = who;
        terms.vendor = address(0);
        terms.limit = terms.firstDraws = 400_000e6;
        terms.expiry = uint32(block.timestamp) + 60 days;
        terms.maturity = terms.rampEnd;
        (terms.multipleBps, terms.dscrBps, terms.revenueBps) = (0, 0, 10_000);
        terms.ltvBps = 8_000;
        terms.clusters[0] = 0;
        terms.obligor = bytes32(uint256(uint160(who)));
    }

    /// @notice A machine of the network's owner behind a loan of the facility in use, drawn.
    function machineLoan(bytes32 obligor, bytes32 cluster, uint88 amount)
        internal
        returns (Terms memory terms)
    {
        terms = termsOf(pledged(amount * 2));
        (terms.obligor, terms.clusters[0]) = (obligor, cluster);
        (terms.limit, terms.firstDraws, terms.dscrBps) = (amount, amount, 0);
        borrow(terms, amount);
    }

    function valueOf(uint256 asset) internal view returns (uint256 value) {
        (value,,) = units.valueOf(asset);
    }

    /// @notice Takes a loan on from where it is: late, impaired, default.
    function fallBehind(Terms memory terms, uint256 steps) internal {
        for (uint256 i = 0; i < steps; ++i) {
            vm.warp(block.timestamp + 11 days);
            desk.poke(terms);
        }
    }

    function collateral(uint256 a, uint256 b) internal view returns (Collateral[] memory both) {
        both = new Collateral[](2);
        (,, bytes32 above) = till.lienOf(a);
        both[0] = Collateral(a, above);
        (,, above) = till.lienOf(b);
        both[1] = Collateral(b, above);
    }
}
