// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {DeskRules, Terms} from "../../src/credit/IDesk.sol";
import {Rank} from "../../src/credit/IRanks.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice Two facilities that stand one behind the other on the assets of `owner`.
abstract contract RanksNetwork is CreditNetwork {
    uint88 internal constant FIRST_CAP = 40_000e6;
    uint88 internal constant SECOND_CAP = 20_000e6;
    Facility internal first;
    Facility internal second;

    /// @dev After `deployCredit`: both have the same rules, lenders and underwriter.
    function deployRanks() internal {
        DeskRules memory loose = deskRules();
        (loose.maxObligorBps, loose.maxClusterBps) = (10_000, 10_000);
        (loose.minObligorBets, loose.minClusterBets) = (0, 0);
        first = make(bookRules(), loose);
        second = make(bookRules(), loose);
        use(first);
        capitalise();
        use(second);
        capitalise();
    }

    function use(Facility one) internal {
        facility = one;
        useFacility();
    }

    /// @notice A machine of `owner`, appraised, with the ranks in its debt slot and both facilities in them.
    function ranked(uint88 value) internal returns (uint256 asset) {
        asset = registerMachine();
        appraised(asset, value);
        vm.startPrank(owner);
        till.setDebt(asset, address(ranks));
        ranks.set(asset, bothRanks());
        vm.stopPrank();
    }

    function bothRanks() internal view returns (Rank[] memory order) {
        order = new Rank[](2);
        order[0] = Rank(address(first), FIRST_CAP);
        order[1] = Rank(address(second), SECOND_CAP);
    }

    function rankOf(Facility one, uint88 cap) internal pure returns (Rank[] memory order) {
        order = new Rank[](1);
        order[0] = Rank(address(one), cap);
    }

    /// @notice Terms of one of them on an asset, up to its cap.
    function rankedTerms(Facility one, uint256 asset) internal view returns (Terms memory terms) {
        terms = termsOf(asset);
        terms.limit = one == first ? FIRST_CAP : SECOND_CAP;
        terms.firstDraws = terms.limit;
        terms.ahead = one == first ? 0 : FIRST_CAP;
        terms.ltvBps = 8_000;
        terms.dscrBps = 0;
    }

    function lendOn(Facility one, uint256 asset, uint88 amount) internal returns (bytes32) {
        use(one);
        return borrow(rankedTerms(one, asset), amount);
    }
}
