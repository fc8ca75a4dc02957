// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The till's arithmetic
/// @notice Pure functions without a state. Every rounding is down and stands in the name: what a layer
/// above loses to a fraction stays in the flow and reaches the layers below, so the last wei is the owner's.
library Waterfall {
    uint256 internal constant BPS = 10_000;
    /// @dev Running costs in arrears are kept in units of one base unit × one second, so that no second is rounded.
    uint256 internal constant DAY = 1 days;
    /// @dev Number of epochs whose revenue the trailing sum stands for: a steady revenue of R an epoch tends to 30 R.
    uint256 internal constant TRAILING_EPOCHS = 30;
    uint256 private constant ONE = 1 << 64;
    uint256 private constant KEPT = ONE * (TRAILING_EPOCHS - 1) / TRAILING_EPOCHS;

    /// @notice `bps` of `amount`.
    function partDown(uint128 amount, uint256 bps) internal pure returns (uint128) {
        // At most 10,000 bps: the result is no larger than the amount.
        return uint128(uint256(amount) * bps / BPS);
    }

    /// @notice Arrears after `elapsed` seconds more, in base units × seconds of a day.
    function accrue(uint256 owed, uint128 perDay, uint128 cap, uint256 elapsed)
        internal
        pure
        returns (uint256)
    {
        uint256 next = owed + uint256(perDay) * elapsed;
        uint256 most = uint256(cap) * DAY;
        return next < most ? next : most;
    }

    /// @notice `trailing` after `epochs` epochs without revenue: times (29/30) to that power.
    /// At most 12 rounds, whatever the number of epochs.
    function decayDown(uint96 trailing, uint256 epochs) internal pure returns (uint96) {
        if (trailing == 0 || epochs == 0) return trailing;
        // (29/30)^4096 < 2^-200: nothing is left of any 96-bit number.
        if (epochs >= 4096) return 0;
        uint256 factor = ONE;
        uint256 base = KEPT;
        while (true) {
            if (epochs & 1 == 1) factor = factor * base >> 64;
            epochs >>= 1;
            if (epochs == 0) break;
            base = base * base >> 64;
        }
        // The factor is below one: the result is no larger than before.
        return uint96(uint256(trailing) * factor >> 64);
    }

    /// @notice `trailing + revenue`, held at the largest number that fits.
    function addSaturating(uint96 trailing, uint128 revenue) internal pure returns (uint96) {
        uint256 sum = uint256(trailing) + revenue;
        return sum < type(uint96).max ? uint96(sum) : type(uint96).max;
    }
}
