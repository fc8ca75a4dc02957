// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What loses half of itself in a fixed time
/// @notice Exact at every half-life and linear in between: never rises, needs no exponential, and is the same to the unit in
/// any language. Depreciation curves and auction prices are made of it.
library Halving {
    /// @notice What is left of `amount` after `elapsed` seconds, rounded down.
    function leftDown(uint256 amount, uint256 elapsed, uint256 halfLife)
        internal
        pure
        returns (uint256)
    {
        uint256 halvings = elapsed / halfLife;
        if (halvings > 255) return 0;
        uint256 left = amount >> halvings;
        // Rounded up, so that what is left is rounded down.
        uint256 part = elapsed % halfLife;
        return left - (left * part + 2 * halfLife - 1) / (2 * halfLife);
    }
}
