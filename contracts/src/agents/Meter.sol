// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A bucket that leaks evenly
/// @dev It holds `capacity` and loses `capacity` a `period`. An outflow of `x` is allowed if it fits. So in any span of `T`
/// seconds at most `capacity × (1 + T / period)` leaves, and at one moment never more than `capacity`: windows that are aligned
/// would let twice that through within a second.
library Meter {
    /// @notice What is in the bucket at `time`, and since when. Loses less than one unit to rounding, against the one who spends.
    function leakDown(uint256 level, uint40 since, uint256 capacity, uint32 period, uint256 time)
        internal
        pure
        returns (uint256, uint40)
    {
        // A product of 88 and 40 bits.
        uint256 leaked = period == 0 ? 0 : capacity * (time - since) / period;
        if (leaked >= level) return (0, uint40(time));
        // While less than a unit has leaked the clock stands, or who spends often would never see any leak.
        if (leaked == 0) return (level, since);
        return (level - leaked, uint40(time));
    }

    /// @notice Room that is left.
    function left(uint256 level, uint256 capacity) internal pure returns (uint128) {
        return level < capacity ? uint128(capacity - level) : 0;
    }
}
