// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Halving} from "../../src/credit/Halving.sol";
import {LoanState} from "../../src/credit/IFacility.sol";
import {Loan, LoanMath} from "../../src/credit/Loan.sol";
import {Waterfall} from "../../src/till/Waterfall.sol";
import {Test} from "../base/Test.sol";

/// @notice The arithmetic of `vectors/loans.json`, which the SDK is held against too. Every row is a list of words.
contract CreditVectorsTest is Test {
    using LoanMath for Loan;

    string private _json;

    function setUp() public {
        _json = vm.readFile("../vectors/loans.json");
    }

    function test_vectors_halving() public view {
        uint256 count;
        for (; _exists(".halving.rows", count); ++count) {
            uint256[] memory row = _row(".halving.rows", count);
            assertEq(Halving.leftDown(row[0], row[1], row[2]), row[3], "left");
        }
        assertEq(count, 24, "halvings");
    }

    function test_vectors_decay() public view {
        uint256 count;
        for (; _exists(".decay.rows", count); ++count) {
            uint256[] memory row = _row(".decay.rows", count);
            assertEq(Waterfall.decayDown(uint96(row[0]), row[1]), row[2], "left");
        }
        assertEq(count, 13, "decays");
    }

    function test_vectors_loans() public view {
        uint256 count;
        for (; _exists(".loans.rows", count); ++count) {
            uint256[] memory row = _row(".loans.rows", count);
            Loan memory loan = _loan(row);
            uint256 time = row[10];
            uint256 raw = loan.rawAt(time);
            assertEq(raw, row[13], "raw");
            assertEq(LoanMath.interestUp(raw), row[14], "interest");
            assertEq(loan.planDown(time), row[15], "plan");
            assertEq(loan.dueAt(time), row[16], "due");
            assertEq(loan.wanted(time, row[11]), row[17], "wanted");
            assertEq(loan.serviceUp(row[12]), row[18], "service");
        }
        assertEq(count, 33, "loans");
    }

    function test_vectors_coverage() public view {
        Loan memory loan = _loan(vm.parseJsonUintArray(_json, ".coverage.loan"));
        uint256[] memory begun = vm.parseJsonUintArray(_json, ".coverage.begun");
        loan.trailing = uint88(begun[0]);
        loan.epoch = uint32(begun[1]);
        loan.age = uint16(begun[2]);
        loan.good = uint8(begun[3]);
        loan.sweeps = begun[4] == 1;
        uint256 epochLength = vm.parseJsonUint(_json, ".coverage.epochLength");
        uint256 count;
        for (; _exists(".coverage.rows", count); ++count) {
            uint256[] memory row = _row(".coverage.rows", count);
            bool before = loan.sweeps;
            bool changed = loan.observe(uint32(row[0]), row[1], epochLength);
            assertEq(loan.trailing, row[2], "trailing");
            assertEq(loan.epoch, row[3], "epoch");
            assertEq(loan.age, row[4], "age");
            assertEq(loan.good, row[5], "good");
            assertEq(loan.sweeps ? 1 : 0, row[6], "sweeps");
            assertTrue(changed == (before != loan.sweeps), "changed");
        }
        assertEq(count, 100, "steps");
    }

    function _loan(uint256[] memory row) private pure returns (Loan memory loan) {
        loan.principal = uint88(row[0]);
        loan.drawn = uint88(row[1]);
        loan.rate = uint24(row[2]);
        loan.offset = int152(int256(row[3]));
        loan.state = row[4] == 1 ? LoanState.Live : LoanState.Impaired;
        loan.rampEnd = uint32(row[5]);
        loan.maturity = uint32(row[6]);
        loan.revenueBps = uint16(row[7]);
        loan.dscrBps = uint16(row[8]);
        loan.sweeps = row[9] == 1;
    }

    function _exists(string memory list, uint256 index) private view returns (bool) {
        return vm.keyExistsJson(_json, _key(list, index));
    }

    function _row(string memory list, uint256 index) private view returns (uint256[] memory) {
        return vm.parseJsonUintArray(_json, _key(list, index));
    }

    function _key(string memory list, uint256 index) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }
}
