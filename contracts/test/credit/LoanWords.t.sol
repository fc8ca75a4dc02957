// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LoanState} from "../../src/credit/IFacility.sol";
import {Loan, LoanWords} from "../../src/credit/Loan.sol";
import {Test} from "../base/Test.sol";

/// @notice A loan comes out of its words as it went in, with a third word and without.
contract LoanWordsTest is Test {
    uint256 private constant EPOCH = 1 days;
    uint256 private constant STATE = uint256(type(uint8).max) << 200;
    uint256 private constant STATES = uint256(type(LoanState).max) + 1;

    LoanWords private _words;

    function testFuzz_words(uint256 terms, uint256 times, uint256 history) public {
        terms = terms & ~STATE | (terms >> 200 & 0xff) % STATES << 200;
        // 232 bits of fields, and a word for yes or no.
        history &= (1 << 233) - 1;
        _words = LoanWords(terms, times, history);
        Loan memory loan = _words.load(EPOCH);
        _words = LoanWords(0, 0, 0);
        _words.save(loan, EPOCH);
        assertEq(_words.terms, terms, "terms");
        assertEq(_words.times, times, "times");
        assertEq(_words.history, history, "history");
    }

    /// @dev Any of what it holds brings the third word into being, and it stays when that is gone.
    function testFuzz_history(uint256 terms, uint256 times, uint256 what) public {
        // Not the first day of time, nor the last: the epoch is counted up and down.
        times = times & ~(uint256(type(uint32).max) << 216)
            | bound(times >> 216 & type(uint32).max, EPOCH, type(uint32).max) << 216;
        _words = LoanWords(terms & ~STATE, times, 0);
        Loan memory loan = _requireSame(_words.load(EPOCH));
        assertEq(_words.history, 0, "no third word");
        assertEq(loan.principal, loan.drawn, "all is owed");
        _change(loan, what % 6, 1);
        loan = _requireSame(loan);
        assertTrue(_words.history != 0, "a third word");
        _change(loan, what % 6, 0);
        _requireSame(loan);
        assertTrue(_words.history != 0, "for good");
    }

    function _change(Loan memory loan, uint256 what, uint8 to) private pure {
        if (what == 0) loan.principal = loan.drawn ^ to;
        else if (what == 1) loan.trailing = to;
        else if (what == 2) loan.epoch = uint32(loan.since / EPOCH) + to;
        else if (what == 3) loan.age = to;
        else if (what == 4) loan.good = to;
        else loan.sweeps = to == 1;
    }

    function _requireSame(Loan memory loan) private returns (Loan memory again) {
        _words.save(loan, EPOCH);
        again = _words.load(EPOCH);
        loan.hasHistory = again.hasHistory;
        assertEq(keccak256(abi.encode(again)), keccak256(abi.encode(loan)), "the same loan");
    }
}
