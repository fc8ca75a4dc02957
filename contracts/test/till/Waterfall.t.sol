// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bucket, toBucket} from "../../src/till/Bucket.sol";
import {Waterfall} from "../../src/till/Waterfall.sol";
import {Test} from "../base/Test.sol";

contract WaterfallTest is Test {
    function testFuzz_partDown(uint128 amount, uint16 bps) public pure {
        bps = uint16(bound(bps, 0, 10_000));
        uint256 part = Waterfall.partDown(amount, bps);
        assertLe(part * 10_000, uint256(amount) * bps, "down");
        assertTrue((part + 1) * 10_000 > uint256(amount) * bps, "by less than one");
    }

    /// @dev Idle time in one step or in many: the same arrears.
    function testFuzz_accrue_anySteps(
        uint256 owed,
        uint128 perDay,
        uint128 cap,
        uint40 first,
        uint40 second
    ) public pure {
        owed = bound(owed, 0, uint256(cap) * 1 days);
        uint256 once = Waterfall.accrue(owed, perDay, cap, uint256(first) + second);
        uint256 twice =
            Waterfall.accrue(Waterfall.accrue(owed, perDay, cap, first), perDay, cap, second);
        assertEq(once, twice, "steps");
        assertLe(once, uint256(cap) * 1 days, "cap");
    }

    /// @dev Against the plain loop: never above it by rounding, and within one part in 2^40 of it.
    function testFuzz_decayDown_againstTheLoop(uint96 trailing, uint256 epochs) public pure {
        epochs = bound(epochs, 0, 300);
        uint256 expected = uint256(trailing) << 128;
        for (uint256 i = 0; i < epochs; ++i) {
            expected = expected * 29 / 30;
        }
        expected >>= 128;
        uint256 seen = Waterfall.decayDown(trailing, epochs);
        assertLe(seen, expected, "down");
        assertLe(expected - seen, (uint256(trailing) >> 40) + 1, "near");
    }

    function testFuzz_decayDown_bounds(uint96 trailing, uint256 epochs) public pure {
        uint256 seen = Waterfall.decayDown(trailing, epochs);
        assertLe(seen, trailing, "never grows");
        if (epochs == 0) assertEq(seen, trailing, "no time, no decay");
        if (epochs >= 4_096) assertEq(seen, 0, "gone");
    }

    function testFuzz_addSaturating(uint96 trailing, uint128 revenue) public pure {
        uint256 sum = uint256(trailing) + revenue;
        uint256 expected = sum > type(uint96).max ? type(uint96).max : sum;
        assertEq(Waterfall.addSaturating(trailing, revenue), expected, "sum");
    }

    function testFuzz_bucket(uint128 revenue, uint96 trailing, uint32 epoch) public pure {
        Bucket bucket = toBucket(revenue, trailing, epoch);
        assertEq(bucket.revenue(), revenue, "revenue");
        assertEq(bucket.trailing(), trailing, "trailing");
        assertEq(bucket.epoch(), epoch, "epoch");
    }
}
