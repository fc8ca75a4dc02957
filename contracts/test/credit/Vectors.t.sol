// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Halving} from "../../src/credit/Halving.sol";
import {Terms} from "../../src/credit/IDesk.sol";
import {LoanState, Value} from "../../src/credit/IFacility.sol";
import {Loan, LoanMath} from "../../src/credit/Loan.sol";
import {Waterfall} from "../../src/till/Waterfall.sol";
import {Test} from "../base/Test.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

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

/// @notice The other direction: `vectors/solidity.json` is written here, and read by tests of TypeScript. Where it is out of date the test
/// leaves what it should be in `cache/reach/solidity.json`, and fails.
contract SolidityVectorsTest is CreditNetwork {
    using LoanMath for Loan;

    string private _text;
    uint256 private _drawn;
    uint256 private _seed;

    function test_written() public {
        _text =
            '{\n  "about": "Written by contracts/test/credit/Vectors.t.sol. Every cell is a word of 256 bits in decimal digits; a negative offset is its complement of two.",\n  "halving": [';
        _halvings();
        _text = string.concat(_text, '\n  ],\n  "loans": [');
        _loans();
        _text = string.concat(_text, '\n  ],\n  "lines": [');
        _lines();
        _text = string.concat(_text, "\n  ]\n}\n");
        if (keccak256(bytes(_text)) == keccak256(bytes(vm.readFile("../vectors/solidity.json")))) {
            return;
        }
        vm.writeFile("./cache/reach/solidity.json", _text);
        assertTrue(false, "vectors/solidity.json is out of date");
    }

    // ------------------------------------------------------------------ amount, elapsed, half-life, left

    function _halvings() private {
        for (uint256 i = 0; i < 32; ++i) {
            uint256[] memory row = new uint256[](4);
            row[0] = _pickAmount();
            row[1] = _pick(2 ** 32);
            row[2] = 1 + _pick(i < 8 ? 2 ** 8 : 2 ** 27);
            row[3] = Halving.leftDown(row[0], row[1], row[2]);
            _add(row, i == 0);
        }
    }

    // ------------------------------------------------------------------ a loan, time, available, epoch length; raw, interest, plan, due, wanted, service

    function _loans() private {
        for (uint256 i = 0; i < 40; ++i) {
            Loan memory loan;
            loan.drawn = uint88(_pickAmount());
            loan.principal = uint88(uint256(loan.drawn) * (1 + _pick(1_000)) / 1_000);
            loan.rate = uint24(_pick(2 ** 21));
            loan.state = _pick(4) > 0 ? LoanState.Live : LoanState.Impaired;
            uint256 since = 1_800_000_000 + _pick(YEAR);
            loan.rampEnd = uint32(1_800_000_000 + _pick(YEAR));
            loan.maturity = loan.rampEnd + uint32(_pick(4 * uint256(YEAR)));
            loan.revenueBps = uint16(_pick(10_001));
            loan.dscrBps = uint16(_pick(20_000));
            loan.sweeps = _pick(4) == 0;
            loan.offset = int152(int256(uint256(loan.principal) * loan.rate * since))
                - int152(int256(_pick(2 ** 100)));
            _add(_rowOf(loan, since + _pick(3 * uint256(YEAR))), i == 0);
        }
    }

    function _rowOf(Loan memory loan, uint256 time) private returns (uint256[] memory row) {
        row = new uint256[](19);
        row[0] = loan.principal;
        row[1] = loan.drawn;
        row[2] = loan.rate;
        row[3] = uint256(int256(loan.offset));
        row[4] = loan.state == LoanState.Live ? 1 : 0;
        row[5] = loan.rampEnd;
        row[6] = loan.maturity;
        row[7] = loan.revenueBps;
        row[8] = loan.dscrBps;
        row[9] = loan.sweeps ? 1 : 0;
        row[10] = time;
        row[11] = _pickAmount();
        row[12] = 1 + _pick(7 days);
        row[13] = loan.rawAt(time);
        row[14] = LoanMath.interestUp(row[13]);
        row[15] = loan.planDown(time);
        row[16] = loan.dueAt(time);
        row[17] = loan.wanted(time, row[11]);
        row[18] = loan.serviceUp(row[12]);
    }

    // ------------------------------------------------------------------ time, idle, principal, interest, doubt, claim; senior, junior: high and low

    /// @dev Two lines through a loan that earns, falters, is sold for next to nothing, and takes junior and a part of senior with it.
    function _lines() private {
        deploy();
        deployCredit();
        lend(junior, bold, 30_000e6);
        lend(senior, saver, 100_000e6);
        _addLines();
        uint256 asset = pledged(120_000e6);
        Terms memory terms = termsOf(asset);
        borrow(terms, 60_000e6);
        for (uint256 month = 0; month < 4; ++month) {
            _addLines();
            earn(asset, month < 3 ? 100e6 : 0, 30);
        }
        for (uint256 step = 0; step < 3; ++step) {
            vm.warp(block.timestamp + 11 days);
            desk.poke(terms);
            _addLines();
        }
        vm.warp(block.timestamp + 15 days);
        fund(buyer, 10_000e6);
        vm.startPrank(buyer);
        till.setOperator(address(auction), true);
        auction.take(address(facility), asset, 10_000e6, buyer);
        vm.stopPrank();
        _addLines();
        vm.warp(block.timestamp + YEAR);
        _addLines();
    }

    function _addLines() private {
        Value memory v = facility.value();
        uint256[] memory row = new uint256[](10);
        row[0] = block.timestamp;
        row[1] = v.idle;
        row[2] = v.principal;
        row[3] = v.interest;
        row[4] = v.doubtful;
        row[5] = v.seniorClaim;
        (row[6], row[7]) = facility.assetsOf(true);
        (row[8], row[9]) = facility.assetsOf(false);
        _add(row, _drawn == 0);
        ++_drawn;
    }

    // ------------------------------------------------------------------ text

    function _add(uint256[] memory row, bool isFirst) private {
        string memory line = isFirst ? "\n    [" : ",\n    [";
        for (uint256 i = 0; i < row.length; ++i) {
            line = string.concat(line, i == 0 ? '"' : ', "', vm.toString(row[i]), '"');
        }
        _text = string.concat(_text, line, "]");
    }

    function _pickAmount() private returns (uint256) {
        return _pick(2 ** 30) * 10 ** _pick(8) + _pick(1_000_000);
    }

    function _pick(uint256 below) private returns (uint256) {
        return uint256(keccak256(abi.encode(++_seed))) % below;
    }
}
