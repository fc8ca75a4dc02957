// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Till} from "../../src/till/Till.sol";
import {Campaign} from "../base/Campaign.sol";
import {TillHandler} from "./TillHandler.sol";

/// @notice The invariants of `src/till/README.md`, in its order.
contract TillInvariantTest is Campaign {
    TillHandler private _handler;
    Till private _till;

    function setUp() public {
        vm.warp(20_000 days);
        _handler = new TillHandler();
        _till = _handler.till();
        _target(address(_handler));
    }

    function invariant_till() public view {
        _allMoneyIsSomewhere();
        _nothingIsPaidTwice();
        _costsAreNeverOverpaid();
        _royaltiesAreKept();
        _heldOnlyForAModule();
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("till", name, _handler.reached(name));
        }
    }

    /// @dev 1. Accounts, buckets, royalties and held money are the tokens held; donations are out of reach.
    function _allMoneyIsSomewhere() private view {
        uint256 sum;
        for (uint256 i = 0; i < _handler.accountCount(); ++i) {
            sum += _handler.balanceOf(_handler.accounts(i));
        }
        for (uint256 asset = 1; asset <= _handler.ASSETS(); ++asset) {
            (, uint128 bucket) = _till.bucketOf(asset);
            sum += bucket + _till.royaltiesOf(asset) + _till.heldOf(asset);
        }
        assertEq(sum, _handler.deposited(), "accounts, buckets, royalties, held");
        assertEq(
            _handler.dollar().balanceOf(address(_till)),
            _handler.deposited() + _handler.donated(),
            "tokens"
        );
    }

    /// @dev 2. What an asset's layers were paid is what was paid in, less its bucket and what is held.
    function _nothingIsPaidTwice() private view {
        for (uint256 asset = 1; asset <= _handler.ASSETS(); ++asset) {
            (, uint128 bucket) = _till.bucketOf(asset);
            assertEq(
                _handler.paidOut(asset) + bucket + _till.heldOf(asset),
                _handler.paidIn(asset),
                "paid in and out"
            );
        }
    }

    /// @dev 3 is checked at each settlement by the handler. 4. No layer is paid more than was due to it.
    function _costsAreNeverOverpaid() private view {
        for (uint256 asset = 1; asset <= _handler.ASSETS(); ++asset) {
            assertLe(_handler.costsPaid(asset), _handler.costsDue(asset), "running costs");
            assertLe(_till.costsOwedOf(asset), _till.termsOf(asset).costsCap, "arrears and cap");
        }
    }

    /// @dev 5. Royalties accrued are those pulled and those that wait.
    function _royaltiesAreKept() private view {
        for (uint256 asset = 1; asset <= _handler.ASSETS(); ++asset) {
            assertEq(
                _handler.pulled(asset) + _till.royaltiesOf(asset),
                _handler.accrued(asset),
                "royalties"
            );
        }
    }

    /// @dev 6. Money is held only while a module is in the slot.
    function _heldOnlyForAModule() private view {
        for (uint256 asset = 1; asset <= _handler.ASSETS(); ++asset) {
            if (_till.heldOf(asset) > 0) {
                assertTrue(_till.termsOf(asset).debt != address(0), "someone to wait for");
            }
        }
    }
}
