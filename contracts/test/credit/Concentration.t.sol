// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CreditNetwork} from "./CreditNetwork.sol";
import {Sheet, Stock} from "./Sheet.sol";

/// @notice The bound against what it bounds, computed exactly: a facility that lends on units of two others, one of which lends on units of
/// a fourth, all with the same few debtors.
contract ConcentrationTest is CreditNetwork {
    uint256 private constant NAMES = 4;
    uint256 private constant MOST = 1e6;

    /// @dev One facility: what each name owes it, what it is worth, and what the one above lent on its units.
    struct Book {
        Stock stock;
        Sheet sheet;
        uint256[NAMES] owes;
        uint256 value;
        uint256 lent;
    }

    bytes32[3] private _none;
    Stock[4] private _stocks;
    Sheet[4] private _sheets;

    function setUp() public {
        deploy();
        deployCredit();
        for (uint256 i = 0; i < 4; ++i) {
            _stocks[i] = new Stock();
            _sheets[i] = new Sheet(till, appraisals, _stocks[i]);
        }
    }

    /// @dev Never understates: for each name, and for the sum of squares, however deep it looks.
    function testFuzz_boundHolds(uint256 seed) public {
        Book[4] memory books;
        for (uint256 i = 0; i < 4; ++i) {
            books[i] = _book(seed, i);
        }
        _lend(books[1], books[3], seed, 4);
        _lend(books[0], books[1], seed, 5);
        _lend(books[0], books[2], seed, 6);
        _requireNames(books);
        _requireNorms(books);
    }

    function _requireNames(Book[4] memory books) private view {
        uint256 through = books[0].sheet.throughOf(0);
        assertLe(through, books[1].lent + books[2].lent, "never more than what was lent");
        uint256 scale = books[1].value * books[2].value * books[3].value;
        for (uint256 i = 0; i < NAMES; ++i) {
            assertLe(_exact(books, i), (books[0].owes[i] + through) * scale, "a name");
        }
    }

    function _requireNorms(Book[4] memory books) private view {
        (uint256 norm, bool whole) = books[0].sheet.normOf(0, 2);
        assertTrue(!whole, "not too deep");
        (uint256 shallow, bool cut) = books[1].sheet.normOf(0, 0);
        assertTrue(cut, "cut off");
        uint256 squares;
        uint256 left;
        for (uint256 i = 0; i < NAMES; ++i) {
            squares += _exact(books, i) ** 2;
            left += _behind(books, i) ** 2;
        }
        norm *= books[1].value * books[2].value * books[3].value;
        assertLe(squares, norm ** 2, "squares");
        assertLe(left, (shallow * books[3].value) ** 2, "squares, cut off");
    }

    /// @dev What truly hangs on a name, in units of one over the product of the values of the three below.
    function _exact(Book[4] memory books, uint256 name) private pure returns (uint256 sum) {
        (Book memory left, Book memory right) = (books[1], books[2]);
        uint256 deep = books[3].value;
        sum = books[0].owes[name] * left.value * right.value * deep;
        sum += left.lent * _behind(books, name) * right.value;
        sum += right.lent * right.owes[name] * left.value * deep;
    }

    /// @dev The same of the left one, in units of one over the value of the deep one.
    function _behind(Book[4] memory books, uint256 name) private pure returns (uint256) {
        Book memory deep = books[3];
        return books[1].owes[name] * deep.value + deep.lent * deep.owes[name];
    }

    /// @dev What is kept in one word is what the names add up to, whatever comes and goes, and no name is above the largest.
    function testFuzz_word(uint256 seed, uint8 steps) public {
        Sheet sheet = _sheets[0];
        uint256[NAMES] memory owes;
        for (uint256 i = 0; i < steps; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 name = random % NAMES;
            uint88 amount = uint88((random >> 8) % (1 << 80 >> (random >> 250)));
            if (random >> 128 & 1 == 0 || owes[name] == 0) {
                if (amount == 0) continue;
                sheet.expose(_name(name), _none, amount, address(0));
                owes[name] += amount;
            } else {
                amount = uint88(amount % (owes[name] + 1));
                sheet.unexpose(_name(name), _none, amount, address(0));
                owes[name] -= amount;
            }
            _requireWord(sheet, owes);
        }
    }

    function _requireWord(Sheet sheet, uint256[NAMES] memory owes) private view {
        uint256 squares;
        uint256 largest;
        for (uint256 i = 0; i < NAMES; ++i) {
            assertEq(sheet.exposureOf(0, _name(i)), owes[i], "exposure");
            squares += owes[i] ** 2;
            if (owes[i] > largest) largest = owes[i];
        }
        // `_words` begins in slot 4.
        uint256 word = uint256(vm.load(address(sheet), bytes32(uint256(4))));
        assertEq(word & (1 << 178) - 1, squares, "squares");
        assertLe(largest, (word >> 178) << 16, "largest");
    }

    function _book(uint256 seed, uint256 index) private returns (Book memory book) {
        (book.stock, book.sheet) = (_stocks[index], _sheets[index]);
        for (uint256 i = 0; i < NAMES; ++i) {
            uint256 amount = _random(seed, index * NAMES + i) % MOST;
            if (amount == 0) continue;
            book.sheet.expose(_name(i), _none, uint88(amount), address(0));
            book.owes[i] = amount;
            book.value += amount;
        }
        book.value += 1 + _random(seed, 100 + index) % MOST;
    }

    /// @dev `above` lends on units of `below` to one of the names, which owes it as any other.
    function _lend(Book memory above, Book memory below, uint256 seed, uint256 index) private {
        below.stock.set(address(below.sheet), below.value);
        uint256 name = _random(seed, 200 + index) % NAMES;
        below.lent = 1 + _random(seed, 300 + index) % below.value;
        above.sheet.expose(_name(name), _none, uint88(below.lent), address(below.stock));
        above.owes[name] += below.lent;
        above.value += below.lent;
    }

    function _random(uint256 seed, uint256 index) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, index)));
    }

    function _name(uint256 index) private pure returns (bytes32) {
        return bytes32(index + 1);
    }
}
