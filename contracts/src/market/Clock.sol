// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LeaseState} from "./IMarket.sol";

/// @notice One word with all that changes in a lease, read and written at once. From the top: price an hour (88 bits), longest
/// duration (40), duration bought (40), end (40), mark (40), state (8).
type Clock is uint256;

using ClockLibrary for Clock global;

/// @notice The clock of a lease that was just opened.
function toClock(uint88 price, uint40 most, uint40 duration, uint40 startBy) pure returns (Clock) {
    return Clock.wrap(
        uint256(price) << 168 | uint256(most) << 128 | uint256(duration) << 88 | uint256(startBy)
            << 8 | uint256(LeaseState.Open)
    );
}

/// @title What a lease's clock shows
/// @dev Every cast below cuts a field out of the word.
library ClockLibrary {
    uint256 private constant FORTY = type(uint40).max;

    function state(Clock clock) internal pure returns (LeaseState) {
        return LeaseState(uint8(Clock.unwrap(clock)));
    }

    /// @notice Open: last second for the start. Later: the start, or zero where there was none.
    function mark(Clock clock) internal pure returns (uint40) {
        return uint40(Clock.unwrap(clock) >> 8);
    }

    /// @notice First second that is not paid; zero until the lease is stopped or settled.
    function stoppedAt(Clock clock) internal pure returns (uint40) {
        return uint40(Clock.unwrap(clock) >> 48);
    }

    /// @notice Seconds bought. The deposit is their price.
    function duration(Clock clock) internal pure returns (uint40) {
        return uint40(Clock.unwrap(clock) >> 88);
    }

    function maxDuration(Clock clock) internal pure returns (uint40) {
        return uint40(Clock.unwrap(clock) >> 128);
    }

    function pricePerHour(Clock clock) internal pure returns (uint88) {
        return uint88(Clock.unwrap(clock) >> 168);
    }

    /// @notice First second after those bought. Only for a lease that was started.
    function endsAt(Clock clock) internal pure returns (uint40) {
        return clock.mark() + clock.duration();
    }

    function withState(Clock clock, LeaseState to) internal pure returns (Clock) {
        return Clock.wrap(Clock.unwrap(clock) & ~uint256(0xff) | uint256(to));
    }

    function withMark(Clock clock, uint40 to) internal pure returns (Clock) {
        return Clock.wrap(Clock.unwrap(clock) & ~(FORTY << 8) | uint256(to) << 8);
    }

    function withStoppedAt(Clock clock, uint40 to) internal pure returns (Clock) {
        return Clock.wrap(Clock.unwrap(clock) & ~(FORTY << 48) | uint256(to) << 48);
    }

    function withDuration(Clock clock, uint40 to) internal pure returns (Clock) {
        return Clock.wrap(Clock.unwrap(clock) & ~(FORTY << 88) | uint256(to) << 88);
    }
}
