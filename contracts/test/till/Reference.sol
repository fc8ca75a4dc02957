// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The till as one would first write it down: every epoch of every asset is walked through, one after the other, with
/// no packing, no closed form and no laziness. What the real till must agree with.
contract Reference {
    struct Book {
        uint256 revenue;
        uint256 trailing; // times 2^128
        uint256 epoch;
        uint256 fee;
        uint256 perDay;
        uint256 cap;
        uint256 owed; // times 86,400
        uint256 accruedAt;
        uint256 loan;
        uint256 sharesBps;
        uint256 royalties;
        address owner;
        address operator;
        uint256[] upstream;
        uint256[] bps;
    }

    uint256 private immutable _length;
    address private immutable _admin;
    address private immutable _loan;
    address private immutable _shares;
    mapping(uint256 asset => Book) private _books;
    mapping(address account => uint256) public balanceOf;
    uint256[] private _feeFrom;
    uint256[] private _feeBps;

    constructor(uint256 length, address admin, address loan, address shares, uint256 fee) {
        (_length, _admin, _loan, _shares) = (length, admin, loan, shares);
        setFee(0, fee);
    }

    /// @notice Trailing revenue, costs in arrears and royalties that wait, as of the last boundary.
    function stateOf(uint256 asset)
        external
        view
        returns (uint256 trailing, uint256 owed, uint256 royalties)
    {
        Book storage book = _books[asset];
        return (book.trailing >> 128, book.owed / 86_400, book.royalties);
    }

    function open(uint256 asset, address owner, address operator) external {
        Book storage book = _books[asset];
        book.owner = owner;
        book.operator = operator;
        book.epoch = block.timestamp / _length;
        book.fee = _feeIn(book.epoch);
        book.accruedAt = block.timestamp;
    }

    function setFee(uint256 from, uint256 bps) public {
        _feeFrom.push(from);
        _feeBps.push(bps);
    }

    function pay(uint256 asset, uint256 amount) external {
        advance(asset);
        _books[asset].revenue += amount;
    }

    function pull(uint256 asset) public {
        advance(asset);
        _books[asset].revenue += _books[asset].royalties;
        _books[asset].royalties = 0;
    }

    function cut(uint256 asset) public {
        pull(asset);
        _close(asset, block.timestamp);
    }

    function setOwner(uint256 asset, address to) external {
        cut(asset);
        _books[asset].owner = to;
    }

    function setOperator(uint256 asset, address to) external {
        cut(asset);
        _books[asset].operator = to;
    }

    function setCosts(uint256 asset, uint256 perDay, uint256 cap) external {
        cut(asset);
        Book storage book = _books[asset];
        book.perDay = perDay;
        book.cap = cap;
        if (book.owed > cap * 86_400) book.owed = cap * 86_400;
    }

    function setShares(uint256 asset, uint256 bps) external {
        cut(asset);
        _books[asset].sharesBps = bps;
    }

    function setUpstream(uint256 asset, uint256 upstream, uint256 bps) external {
        _books[asset].upstream.push(upstream);
        _books[asset].bps.push(bps);
    }

    function lend(uint256 asset, uint256 amount) external {
        _books[asset].loan += amount;
    }

    /// @notice Walks through every epoch that ended since the last look.
    function advance(uint256 asset) public {
        Book storage book = _books[asset];
        while ((book.epoch + 1) * _length <= block.timestamp) {
            _close(asset, (book.epoch + 1) * _length);
            book.epoch += 1;
            book.fee = _feeIn(book.epoch);
            book.trailing = book.trailing * 29 / 30;
        }
    }

    function _close(uint256 asset, uint256 boundary) private {
        Book storage book = _books[asset];
        book.owed += book.perDay * (boundary - book.accruedAt);
        if (book.owed > book.cap * 86_400) book.owed = book.cap * 86_400;
        book.accruedAt = boundary;

        uint256 rest = book.revenue;
        book.trailing += rest << 128;
        book.revenue = 0;
        uint256 fee = rest * book.fee / 10_000;
        balanceOf[_admin] += fee;
        rest -= fee;
        uint256 base = rest;
        for (uint256 i = 0; i < book.upstream.length; ++i) {
            uint256 part = base * book.bps[i] / 10_000;
            _books[book.upstream[i]].royalties += part;
            rest -= part;
        }
        uint256 costs = _min(book.owed / 86_400, rest);
        book.owed -= costs * 86_400;
        balanceOf[book.operator] += costs;
        rest -= costs;
        uint256 debt = _min(book.loan, rest);
        book.loan -= debt;
        balanceOf[_loan] += debt;
        rest -= debt;
        uint256 shares = rest * book.sharesBps / 10_000;
        balanceOf[_shares] += shares;
        balanceOf[book.owner] += rest - shares;
    }

    function _feeIn(uint256 epoch) private view returns (uint256 bps) {
        for (uint256 i = 0; i < _feeFrom.length; ++i) {
            if (_feeFrom[i] <= epoch) bps = _feeBps[i];
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
