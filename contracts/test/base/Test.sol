// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice What a test needs of Forge: its cheatcodes, comparisons that say what was seen, and bounds for fuzzed numbers.
abstract contract Test {
    /// @dev Forge answers at the address made of this name.
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Tells Forge's runner that this contract holds tests.
    bool public constant IS_TEST = true;

    error NotEqual(string what, uint256 seen, uint256 expected);
    error NotEqualAddress(string what, address seen, address expected);
    error NotEqualBytes(string what, bytes32 seen, bytes32 expected);
    error NotAtMost(string what, uint256 seen, uint256 most);
    error NotTrue(string what);

    function assertEq(uint256 seen, uint256 expected, string memory what) internal pure {
        require(seen == expected, NotEqual(what, seen, expected));
    }

    function assertEq(address seen, address expected, string memory what) internal pure {
        require(seen == expected, NotEqualAddress(what, seen, expected));
    }

    function assertEq(bytes32 seen, bytes32 expected, string memory what) internal pure {
        require(seen == expected, NotEqualBytes(what, seen, expected));
    }

    function assertLe(uint256 seen, uint256 most, string memory what) internal pure {
        require(seen <= most, NotAtMost(what, seen, most));
    }

    function assertTrue(bool seen, string memory what) internal pure {
        require(seen, NotTrue(what));
    }

    /// @notice `x` folded into `[min, max]`, the edges met more often than by chance.
    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        if (x >= min && x <= max) return x;
        if (x == type(uint256).max) return max;
        if (x == 0) return min;
        uint256 size = max - min;
        return size == type(uint256).max ? x : min + x % (size + 1);
    }
}
