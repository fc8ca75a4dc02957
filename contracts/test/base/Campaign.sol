// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";

/// @notice An invariant campaign: one function that checks every invariant after each step, so that the campaign runs once and
/// not once an invariant; and counters of the states it reached, written at the end of each run for `test.mjs` to sum up.
abstract contract Campaign is Test {
    address private _handler;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = _handler;
    }

    function _target(address handler) internal {
        _handler = handler;
    }

    function _write(string memory noun, string memory name, uint256 count) internal {
        vm.writeLine(
            string.concat("cache/reach/", noun, ".txt"),
            string.concat(name, " ", vm.toString(count))
        );
    }
}
