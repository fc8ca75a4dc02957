// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One word with all that is kept of a channel, read and written at once. From the top: deposit (96 bits), claimed
/// (96), epoch (24), closesAt (40).
type Purse is uint256;

using PurseLibrary for Purse global;

/// @notice A purse that was just opened.
function toPurse(uint96 deposit, uint24 epoch) pure returns (Purse) {
    return Purse.wrap(uint256(deposit) << 160 | uint256(epoch) << 40);
}

/// @title What a channel's purse holds
/// @dev Every cast below cuts a field out of the word.
library PurseLibrary {
    /// @notice A channel is open while it has a deposit: none is opened without one, and a close takes it out.
    function isOpen(Purse purse) internal pure returns (bool) {
        return Purse.unwrap(purse) >> 160 != 0;
    }

    function deposit(Purse purse) internal pure returns (uint96) {
        return uint96(Purse.unwrap(purse) >> 160);
    }

    function claimed(Purse purse) internal pure returns (uint96) {
        return uint96(Purse.unwrap(purse) >> 64);
    }

    function epoch(Purse purse) internal pure returns (uint24) {
        return uint24(Purse.unwrap(purse) >> 40);
    }

    /// @notice First second at which the close can be finalized; zero where none was requested.
    function closesAt(Purse purse) internal pure returns (uint40) {
        return uint40(Purse.unwrap(purse));
    }

    function withDeposit(Purse purse, uint96 to) internal pure returns (Purse) {
        return Purse.wrap(Purse.unwrap(purse) & type(uint160).max | uint256(to) << 160);
    }

    function withClaimed(Purse purse, uint96 to) internal pure returns (Purse) {
        return
            Purse.wrap(Purse.unwrap(purse) & ~(uint256(type(uint96).max) << 64) | uint256(to) << 64);
    }

    function withClosesAt(Purse purse, uint40 to) internal pure returns (Purse) {
        return Purse.wrap(Purse.unwrap(purse) & ~uint256(type(uint40).max) | to);
    }

    /// @notice The empty purse of the next epoch.
    function closed(Purse purse) internal pure returns (Purse) {
        // No channel is opened in the last epoch, so the next one fits.
        return toPurse(0, purse.epoch() + 1);
    }
}
