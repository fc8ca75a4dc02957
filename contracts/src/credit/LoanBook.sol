// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFacility, LoanState, Value} from "./IFacility.sol";
import {VIRTUAL_SHARES} from "./IMakers.sol";
import {Loan, LoanMath, LoanWords} from "./Loan.sol";

/// @title All loans in a few numbers
/// @dev Interest owed to lenders by the whole book at time `t` is `rateSum × t − offset`, the same sum as over the loans and exactly
/// that: nothing is rounded until it is shown. A loan's terms in both sums are weighted by lenders' part of its interest. No function
/// here calls out.
abstract contract LoanBook is IFacility {
    using LoanMath for Loan;

    /// @dev In this order, because a draw and a payment then write two words and not three.
    struct Book {
        uint88 idle;
        // Base units × parts per million × bps.
        uint136 rateSum;
        bool seniorWaits;
        bool juniorWaits;
        // Money was collected that is still with the ranks.
        bool away;
        uint88 principal;
        // The same × seconds of a year: below 2^88 × 2^24 × 2^32 × 2^14.
        int168 offset;
        // What senior put in, and the same as above of its claim, without bps.
        uint88 seniorPrincipal;
        int168 seniorOffset;
        uint88 doubtful;
    }

    Book internal _book;
    mapping(bytes32 loan => LoanWords) private _loans;
    mapping(bytes32 loan => uint88) internal _doubtOf;

    uint24 internal immutable _seniorRate;
    uint16 internal immutable _minJuniorBps;
    uint256 internal immutable _epochLength;

    constructor(uint24 seniorRate, uint16 minJuniorBps, uint256 epochLength) {
        require(minJuniorBps < LoanMath.BPS, RulesInvalid());
        _seniorRate = seniorRate;
        _minJuniorBps = minJuniorBps;
        _epochLength = epochLength;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IFacility
    function value() public view returns (Value memory v) {
        // Each word is read once where nothing stands between its fields.
        (uint256 rateSum, int256 offset) = (_book.rateSum, _book.offset);
        (v.idle, v.principal, v.doubtful) = (_book.idle, _book.principal, _book.doubtful);
        (uint256 claimed, int256 claimOffset) = (_book.seniorPrincipal, _book.seniorOffset);
        // Below 2^136 × 2^32. The sum of what loans owe, each of which is not below zero.
        int256 raw = int256(rateSum * block.timestamp) - offset;
        v.interest = uint256(raw) / (LoanMath.UNIT * LoanMath.BPS);
        int256 claim = int256(claimed * _seniorRate * block.timestamp) - claimOffset;
        v.seniorClaim = claimed + (claim > 0 ? uint256(claim) / LoanMath.UNIT : 0);
    }

    /// @inheritdoc IFacility
    function assetsOf(bool senior_) external view returns (uint256 high, uint256 low) {
        Value memory v = value();
        high = v.idle + v.principal + v.interest;
        low = v.idle + v.principal - v.doubtful;
        uint256 seniorHigh = v.seniorClaim < high ? v.seniorClaim : high;
        uint256 seniorLow = v.seniorClaim < low ? v.seniorClaim : low;
        return senior_ ? (seniorHigh, seniorLow) : (high - seniorHigh, low - seniorLow);
    }

    /// @inheritdoc IFacility
    function roomFor(bool senior_) external view returns (uint256 room) {
        room = type(uint88).max - uint256(_book.idle) - _book.principal;
        if (!senior_ || _minJuniorBps == 0) return room;
        // Junior over its part of the whole is what the whole may be.
        (uint256 total, uint256 junior_) = conservative();
        uint256 most = junior_ * LoanMath.BPS / _minJuniorBps;
        if (most <= total) return 0;
        if (most - total < room) room = most - total;
    }

    // ------------------------------------------------------------------ lines

    /// @inheritdoc IFacility
    function conservative() public view returns (uint256 total, uint256 junior_) {
        Value memory v = value();
        total = v.idle + v.principal - v.doubtful;
        junior_ = v.seniorClaim < total ? total - v.seniorClaim : 0;
    }

    function _requireJunior(uint256 total, uint256 junior_) internal view {
        uint256 needed = total * _minJuniorBps / LoanMath.BPS;
        require(junior_ >= needed, JuniorTooThin(junior_, needed));
    }

    /// @dev What junior can take out and stay thick enough, rounded down.
    function _slackDown(uint256 total, uint256 junior_) internal view returns (uint256) {
        uint256 has = junior_ * LoanMath.BPS;
        uint256 needs = total * _minJuniorBps;
        return has > needs ? (has - needs) / (LoanMath.BPS - _minJuniorBps) : 0;
    }

    /// @dev Value of the book, if `amount` may leave it for a loan.
    function _requireLendable(uint88 amount) internal view returns (uint256 total) {
        require(amount <= _book.idle, IdleTooLow(amount, _book.idle));
        uint256 junior_;
        (total, junior_) = conservative();
        _requireJunior(total, junior_);
    }

    /// @dev Takes shares of a line out at the conservative price, as far as idle money and, for junior, subordination reach. Junior waits
    /// while senior does.
    function _exit(bool isSenior, uint256 shares, uint256 supply)
        internal
        returns (uint256 filled, uint88 paid)
    {
        (uint256 total, uint256 junior_) = conservative();
        uint256 line = isSenior ? total - junior_ : junior_;
        uint256 most = _book.idle;
        if (!isSenior) {
            uint256 slack = _book.seniorWaits ? 0 : _slackDown(total, junior_);
            if (slack < most) most = slack;
        }
        if (line > 0) {
            // The line and one unit are below 2^89, shares below 2^128.
            uint256 worth = shares * (line + 1) / supply;
            filled = worth <= most ? shares : most * supply / (line + 1);
            paid = uint88(filled * (line + 1) / supply);
        }
        if (isSenior) _book.seniorWaits = filled < shares;
        else _book.juniorWaits = filled < shares;
        _book.idle -= paid;
        if (isSenior && filled > 0) _removeSenior(filled, supply);
    }

    function _addSenior(uint88 amount) internal {
        _book.seniorPrincipal += amount;
        // Below 2^88 × 2^24 × 2^32.
        _book.seniorOffset += int168(int256(uint256(amount) * _seniorRate * block.timestamp));
    }

    /// @dev Reduces senior's claim with the shares that leave; rounded so that those that stay claim no less than before.
    function _removeSenior(uint256 filled, uint256 supply) internal {
        uint256 stay = supply - filled;
        if (stay == VIRTUAL_SHARES) {
            (_book.seniorPrincipal, _book.seniorOffset) = (0, 0);
            return;
        }
        uint256 before = _book.seniorPrincipal;
        uint256 later = (before * stay + supply - 1) / supply;
        // What accrued is split by itself: the offset, which reaches back to the beginning of time, would make a unit of principal
        // several units of claim.
        uint256 rateTime = uint256(_seniorRate) * block.timestamp;
        uint256 accrued = uint256(int256(before * rateTime) - _book.seniorOffset);
        accrued = (accrued * stay + supply - 1) / supply;
        // A part of what was there fits where it came from.
        _book.seniorPrincipal = uint88(later);
        _book.seniorOffset = int168(int256(later * rateTime) - int256(accrued));
    }

    // ------------------------------------------------------------------ loans

    function _load(bytes32 id) internal view returns (Loan memory) {
        return _loans[id].load(_epochLength);
    }

    function _save(bytes32 id, Loan memory loan) internal {
        _loans[id].save(loan, _epochLength);
    }

    /// @inheritdoc IFacility
    function stateOf(bytes32 id) public view returns (LoanState) {
        return LoanState(uint8(_loans[id].terms >> 200));
    }

    /// @inheritdoc IFacility
    function drawnOf(bytes32 id) external view returns (uint88 drawn, uint88 principal) {
        Loan memory loan = _load(id);
        return (loan.drawn, loan.principal);
    }

    /// @dev Adds `amount` of principal to a loan, out of idle money.
    function _lend(Loan memory loan, uint88 amount) internal {
        uint256 borne = uint256(amount) * loan.rate;
        uint256 weight = LoanMath.BPS - loan.premiumBps;
        loan.principal += amount;
        loan.drawn += amount;
        loan.offset += int152(int256(borne * block.timestamp));
        uint88 idle = _book.idle - amount;
        uint136 rateSum = _book.rateSum + uint136(borne * weight);
        uint88 principal = _book.principal + amount;
        int168 offset = _book.offset + int168(int256(borne * block.timestamp * weight));
        (_book.idle, _book.rateSum) = (idle, rateSum);
        (_book.principal, _book.offset) = (principal, offset);
    }

    /// @dev Books up to `amount`, interest first, as of `time`. Lenders get the interest less the premium, rounded up; the premium adds to
    /// the stake. Says whether all is paid by setting the state.
    function _apply(bytes32 id, Loan memory loan, uint256 amount, uint256 time)
        internal
        returns (uint88 interest, uint88 principal)
    {
        uint256 raw = loan.rawAt(time);
        uint256 owed = LoanMath.interestUp(raw);
        // Both below 2^88: interest is bounded by `amount`, which is what the loan wants or someone paid.
        interest = uint88(owed < amount ? owed : amount);
        uint256 rest = amount - interest;
        principal = rest < loan.principal ? uint88(rest) : loan.principal;

        uint256 rawPaid = interest * LoanMath.UNIT;
        if (rawPaid > raw) rawPaid = raw;
        uint256 borne = loan.accrues() ? uint256(principal) * loan.rate : 0;
        int256 moved = int256(rawPaid) - int256(borne * time);
        uint256 weight = LoanMath.BPS - loan.premiumBps;
        uint88 premium = uint88(uint256(interest) * loan.premiumBps / LoanMath.BPS);

        loan.offset += int152(moved);
        loan.principal -= principal;
        loan.stake += premium;
        _book.idle += interest - premium + principal;
        _book.principal -= principal;
        _move(moved, borne, weight);
        if (loan.state >= LoanState.Impaired) _lowerDoubt(id, loan.principal);

        if (loan.principal == 0 && interest == owed) {
            _enter(id, loan, LoanState.Closed);
        } else if (loan.state == LoanState.Late && loan.dueAt(time) == 0) {
            _enter(id, loan, LoanState.Live);
        }
    }

    /// @dev Stops interest: what is owed of it stays owed. What neither `worth` nor the stake carries is in doubt.
    function _impair(bytes32 id, Loan memory loan, uint256 worth) internal {
        uint256 carried = worth + loan.stake;
        uint88 doubt = carried < loan.principal ? uint88(loan.principal - carried) : 0;
        uint256 borne = uint256(loan.principal) * loan.rate;
        int256 moved = -int256(borne * block.timestamp);
        loan.offset += int152(moved);
        _move(moved, borne, LoanMath.BPS - loan.premiumBps);
        _enter(id, loan, LoanState.Impaired);
        _doubtOf[id] = doubt;
        _book.doubtful += doubt;
    }

    /// @dev Lets interest run again from now on.
    function _resume(bytes32 id, Loan memory loan) internal {
        uint256 borne = uint256(loan.principal) * loan.rate;
        uint256 weight = LoanMath.BPS - loan.premiumBps;
        int256 moved = int256(borne * block.timestamp);
        loan.offset += int152(moved);
        _move(moved, 0, weight);
        _book.rateSum += uint136(borne * weight);
        _lowerDoubt(id, 0);
        _enter(id, loan, LoanState.Live);
    }

    /// @dev Takes a loan whose interest stopped out of the book. The stake pays first; the rest is lenders' loss, junior's first because
    /// senior is what it claims.
    function _writeOff(bytes32 id, Loan memory loan) internal {
        uint256 claim = loan.principal + LoanMath.interestUp(loan.rawAt(block.timestamp));
        uint88 cover = claim < loan.stake ? uint88(claim) : loan.stake;
        _book.idle += cover;
        _book.principal -= loan.principal;
        _move(-int256(loan.offset), 0, LoanMath.BPS - loan.premiumBps);
        _lowerDoubt(id, 0);
        loan.offset = 0;
        loan.stake -= cover;
        loan.principal = _amount(claim - cover);
        loan.trailing = cover;
        emit WrittenOff(id, loan.principal, cover);
        _enter(id, loan, claim == cover && cover == 0 ? LoanState.Closed : LoanState.WrittenOff);
    }

    /// @dev Takes what comes in after the loss: lenders' part first, then what the stake paid.
    function _recover(bytes32 id, Loan memory loan, uint256 amount)
        internal
        returns (uint88 taken)
    {
        uint88 toLenders = amount < loan.principal ? uint88(amount) : loan.principal;
        amount -= toLenders;
        uint88 toStake = amount < loan.trailing ? uint88(amount) : loan.trailing;
        loan.principal -= toLenders;
        loan.trailing -= toStake;
        loan.stake += toStake;
        _book.idle += toLenders;
        emit Recovered(id, toLenders, toStake);
        if (loan.principal == 0 && loan.trailing == 0) _enter(id, loan, LoanState.Closed);
        return toLenders + toStake;
    }

    function _enter(bytes32 id, Loan memory loan, LoanState state) internal {
        loan.state = state;
        emit LoanStateChanged(id, state);
    }

    function _amount(uint256 amount) internal pure returns (uint88) {
        require(amount <= type(uint88).max, AmountTooHigh(amount));
        return uint88(amount);
    }

    /// @dev Moves the book's offset with a loan's, and takes out what bears no interest any more.
    function _move(int256 moved, uint256 borne, uint256 weight) private {
        _book.offset += int168(moved * int256(weight));
        _book.rateSum -= uint136(borne * weight);
    }

    function _lowerDoubt(bytes32 id, uint88 most) private {
        uint88 doubt = _doubtOf[id];
        if (doubt <= most) return;
        _doubtOf[id] = most;
        _book.doubtful -= doubt - most;
    }
}
