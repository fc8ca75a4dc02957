// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Waterfall} from "../till/Waterfall.sol";
import {LoanState} from "./IFacility.sol";

/// @notice What is kept of a loan, in memory; two or three words in storage, the rest is in its id. Interest owed at time `t` is
/// `principal × rate × t − offset`, in base units × parts per million × seconds of a year, exactly: every change of principal moves
/// the offset by what it would have borne until then, every payment by what it paid.
struct Loan {
    uint88 principal;
    uint88 drawn;
    uint24 rate;
    LoanState state;
    uint16 premiumBps;
    uint16 dscrBps;
    uint16 revenueBps;
    int152 offset;
    uint88 stake;
    // What reached debt, decaying. Once written off: what the stake lost and did not recover.
    uint88 trailing;
    uint32 rampEnd;
    uint32 maturity;
    // Last draw or repayment by hand: nothing is booked before it.
    uint32 since;
    // Epoch up to which the covenant was tested, and epochs since the loan was opened.
    uint32 epoch;
    uint16 age;
    uint8 good;
    bool sweeps;
    uint8 assetsLeft;
    // Whether its third word is in use.
    bool hasHistory;
}

/// @notice The same as it is stored, read and written at once. From the lowest bit: drawn 88, stake 88, rate 24, state 8, premium 16,
/// coverage 16, part of revenue 16; offset 152, ramp's end 32, maturity 32, since 32, assets left 8; principal 88, trailing 88,
/// epoch 32, age 16, good 8, sweeps 8.
/// A loan of which nothing happened yet but draws of one epoch owes all that was drawn, and was opened when it was last drawn: its third word stays
/// empty, and the first settlement or repayment pays for it. Used, it is never zero, because no epoch is.
struct LoanWords {
    uint256 terms;
    uint256 times;
    uint256 history;
}

using {load, save} for LoanWords global;

/// @dev Every cast cuts a field out of its word.
function load(LoanWords storage words, uint256 epochLength) view returns (Loan memory loan) {
    (uint256 a, uint256 b, uint256 c) = (words.terms, words.times, words.history);
    loan.drawn = uint88(a);
    loan.stake = uint88(a >> 88);
    loan.rate = uint24(a >> 176);
    loan.state = LoanState(uint8(a >> 200));
    loan.premiumBps = uint16(a >> 208);
    loan.dscrBps = uint16(a >> 224);
    loan.revenueBps = uint16(a >> 240);
    loan.offset = int152(uint152(b));
    loan.rampEnd = uint32(b >> 152);
    loan.maturity = uint32(b >> 184);
    loan.since = uint32(b >> 216);
    loan.assetsLeft = uint8(b >> 248);
    loan.hasHistory = c != 0;
    if (c == 0) {
        loan.principal = loan.drawn;
        loan.epoch = uint32(loan.since / epochLength);
        return loan;
    }
    loan.principal = uint88(c);
    loan.trailing = uint88(c >> 88);
    loan.epoch = uint32(c >> 176);
    loan.age = uint16(c >> 208);
    loan.good = uint8(c >> 224);
    loan.sweeps = uint8(c >> 232) != 0;
}

function save(LoanWords storage words, Loan memory loan, uint256 epochLength) {
    words.terms = uint256(loan.drawn) | uint256(loan.stake) << 88 | uint256(loan.rate) << 176
        | uint256(loan.state) << 200 | uint256(loan.premiumBps) << 208 | uint256(loan.dscrBps)
        << 224 | uint256(loan.revenueBps) << 240;
    words.times = uint256(uint152(loan.offset)) | uint256(loan.rampEnd) << 152
        | uint256(loan.maturity) << 184 | uint256(loan.since) << 216 | uint256(loan.assetsLeft)
        << 248;
    bool isNew = loan.principal == loan.drawn && loan.trailing == 0 && loan.age == 0
        && loan.epoch == loan.since / epochLength && loan.good == 0 && !loan.sweeps;
    if (isNew && !loan.hasHistory) return;
    words.history = uint256(loan.principal) | uint256(loan.trailing) << 88 | uint256(loan.epoch)
        << 176 | uint256(loan.age) << 208 | uint256(loan.good) << 224 | (loan.sweeps ? 1 << 232 : 0);
}

/// @title The arithmetic of one loan
/// @notice Pure: the same numbers in `packages/sdk`, checked by the same vectors.
library LoanMath {
    uint256 internal constant BPS = 10_000;
    /// @dev Parts per million × seconds of a year: what divides raw interest.
    uint256 internal constant UNIT = 1_000_000 * 365 days;
    /// @dev Good tests in a row that end a sweep.
    uint8 internal constant GOOD = 2;
    uint96 private constant ONE = 1 << 64;

    /// @notice Interest owed at `time` in raw units, never below zero.
    function rawAt(Loan memory loan, uint256 time) internal pure returns (uint256) {
        // Below 2^88 × 2^24 × 2^32.
        int256 borne =
            accrues(loan) ? int256(uint256(loan.principal) * loan.rate * time) : int256(0);
        int256 raw = borne - loan.offset;
        return raw > 0 ? uint256(raw) : 0;
    }

    /// @notice Interest stops at impairment.
    function accrues(Loan memory loan) internal pure returns (bool) {
        return loan.state == LoanState.Live || loan.state == LoanState.Late;
    }

    function interestUp(uint256 raw) internal pure returns (uint256) {
        return (raw + UNIT - 1) / UNIT;
    }

    /// @notice Principal that the plan leaves outstanding at `time`, rounded down.
    function planDown(Loan memory loan, uint256 time) internal pure returns (uint256) {
        if (time >= loan.maturity) return 0;
        if (time <= loan.rampEnd) return loan.drawn;
        return uint256(loan.drawn) * (loan.maturity - time) / (loan.maturity - loan.rampEnd);
    }

    /// @notice Due at `time`: interest, and principal ahead of which the plan is.
    function dueAt(Loan memory loan, uint256 time) internal pure returns (uint256) {
        uint256 plan = planDown(loan, time);
        uint256 behind = loan.principal > plan ? loan.principal - plan : 0;
        return interestUp(rawAt(loan, time)) + behind;
    }

    /// @notice Whether what was due at `time` is still not paid. In the ramp nothing is late.
    function isOverdueSince(Loan memory loan, uint256 time) internal pure returns (bool) {
        if (time < loan.rampEnd) return false;
        return loan.principal > planDown(loan, time) || rawAt(loan, time) >= UNIT;
    }

    /// @notice What a settlement takes of `available`.
    function wanted(Loan memory loan, uint256 time, uint256 available)
        internal
        pure
        returns (uint256 amount)
    {
        uint256 owed = interestUp(rawAt(loan, time)) + loan.principal;
        if (loan.state != LoanState.Live || loan.sweeps) return owed;
        amount = dueAt(loan, time);
        uint256 part = available * loan.revenueBps / BPS;
        if (part > amount) amount = part;
        if (amount > owed) amount = owed;
    }

    /// @notice Books what reached debt in `epoch`. The first time that an epoch is seen, coverage is tested on all epochs before it:
    /// what is known of them is whole, so the order within an epoch and the number of cuts do not matter.
    /// @return changed Whether the sweep began or ended.
    function observe(Loan memory loan, uint32 epoch, uint256 available, uint256 epochLength)
        internal
        pure
        returns (bool changed)
    {
        uint256 trailing = loan.trailing;
        if (epoch > loan.epoch) {
            uint32 gap = epoch - loan.epoch;
            trailing = Waterfall.decayDown(uint96(trailing), gap - 1);
            uint256 age = uint256(loan.age) + gap;
            loan.age = age < type(uint16).max ? uint16(age) : type(uint16).max;
            loan.epoch = epoch;
            if (loan.dscrBps > 0 && uint256(epoch) * epochLength >= loan.rampEnd) {
                changed = _test(loan, trailing, age, epochLength);
            }
            trailing = Waterfall.decayDown(uint96(trailing), 1);
        } else if (epoch < loan.epoch) {
            // An asset that is settled after another of the same loan.
            if (available > type(uint88).max) available = type(uint88).max;
            available = Waterfall.decayDown(uint96(available), loan.epoch - epoch);
        }
        trailing += available;
        loan.trailing = trailing < type(uint88).max ? uint88(trailing) : type(uint88).max;
    }

    /// @notice Debt service over as many epochs as the trailing sum stands for.
    function serviceUp(Loan memory loan, uint256 epochLength) internal pure returns (uint256) {
        uint256 time = Waterfall.TRAILING_EPOCHS * epochLength;
        uint256 interest = interestUp(uint256(loan.principal) * loan.rate * time);
        if (loan.maturity <= loan.rampEnd) return interest;
        uint256 term = loan.maturity - loan.rampEnd;
        uint256 part = (uint256(loan.drawn) * time + term - 1) / term;
        return interest + (part < loan.principal ? part : loan.principal);
    }

    function _test(Loan memory loan, uint256 trailing, uint256 age, uint256 epochLength)
        private
        pure
        returns (bool changed)
    {
        // A young sum stands for fewer epochs: scaled to what it would tend to.
        uint256 weight = ONE - Waterfall.decayDown(ONE, age);
        bool covered = trailing * ONE / weight * BPS >= serviceUp(loan, epochLength) * loan.dscrBps;
        if (!covered) {
            changed = !loan.sweeps;
            loan.sweeps = true;
            loan.good = 0;
        } else if (loan.sweeps && ++loan.good == GOOD) {
            changed = true;
            loan.sweeps = false;
            loan.good = 0;
        }
    }
}
