// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {IRanks} from "../../src/credit/IRanks.sol";
import {LoanState, LoanStatus} from "../../src/credit/IFacility.sol";
import {Campaign} from "../base/Campaign.sol";
import {RanksHandler} from "./RanksHandler.sol";

/// @notice What must hold where facilities stand one behind the other. That nobody behind is paid before those in front, in a settlement and in
/// a sale, and that an order cannot turn against who has lent, is checked call by call in the handler.
contract RanksInvariantTest is Campaign {
    RanksHandler private _handler;
    IRanks private _ranks;

    function setUp() public {
        _handler = new RanksHandler();
        _ranks = IRanks(_handler.rankContract());
        _target(address(_handler));
    }

    function invariant_ranks() public view {
        Facility[2] memory both = _handler.facilities();
        uint256 held;
        for (uint256 i = 0; i < 2; ++i) {
            held += _ranks.heldFor(address(both[i]));
            _bookIsItsMoney(both[i]);
            _liensAreKept(both[i]);
        }
        assertEq(_handler.accountOf(address(_ranks)), held, "R1. what is held is here");
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("ranks", name, _handler.reached(name));
        }
    }

    /// @dev R2. Account and what the ranks hold are idle money and stakes; R3. the book is the sum of its loans.
    function _bookIsItsMoney(Facility one) private view {
        bytes32[] memory loans = _handler.loansOf(one);
        uint256 sum = one.value().idle + _handler.freeStake(one);
        uint256 principal;
        for (uint256 i = 0; i < loans.length; ++i) {
            LoanStatus memory status = one.statusOf(loans[i]);
            sum += status.stake;
            if (status.state < LoanState.WrittenOff) principal += status.principal;
        }
        uint256 has = _handler.accountOf(address(one)) + _ranks.heldFor(address(one));
        assertEq(has, sum, "R2. idle and stakes");
        assertEq(one.value().principal, principal, "R3. principal");
    }

    /// @dev R4. What is owed on an asset stands in its ranks, and these in its debt slot, within its cap.
    function _liensAreKept(Facility one) private view {
        for (uint256 asset = 1; asset <= _handler.assetCount(); ++asset) {
            if (!one.outstanding(asset)) continue;
            assertEq(_handler.debtOf(asset), address(_ranks), "R4. the slot");
            (bool stands, uint256 cap,) = _ranks.standingOf(asset, address(one));
            assertTrue(stands, "R4. the place");
            (uint88 drawn,) = one.drawnOf(one.loanOf(asset));
            assertTrue(
                drawn <= cap || one.stateOf(one.loanOf(asset)) == LoanState.WrittenOff,
                "R4. the cap"
            );
        }
    }
}
