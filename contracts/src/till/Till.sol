// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Assets} from "../assets/Assets.sol";
import {IAssets} from "../assets/IAssets.sol";
import {Accounts} from "./Accounts.sol";
import {Bucket, toBucket} from "./Bucket.sol";
import {Consents} from "./Consents.sol";
import {IDebt} from "./IDebt.sol";
import {Consent, ITill, Split, Terms, Upstream} from "./ITill.sol";
import {Waterfall} from "./Waterfall.sol";

/// @title The till
/// @dev Bounds: an epoch is 1 second to 366 days; a bucket, royalties and held money are below 2^128 each; the trailing
/// sum is held at 2^96 - 1; 8 upstream assets. Roundings: fee, upstream parts, running costs and shares are rounded down,
/// the owner gets what is left.
/// Trust: the register of assets, which this contract deploys. Nothing else: a token can only harm accounts in its own
/// currency, a debt module only delay what stands below it.
/// Outside calls: tokens in deposit and withdraw, the debt module in a settlement. Nothing that settles, changes terms or moves
/// tokens runs inside one of them. Transfers between accounts do, they touch nothing but two balances; and so does a payment into
/// a bucket of the current epoch, because a settlement empties its bucket before it calls and does not look at it again. When a
/// token fails the whole call fails; when the debt module fails, see `_askDebt`.
contract Till is Accounts, Consents {
    using SafeCast for uint256;

    /// @dev Everything the till knows of an asset. A payment touches the first two words.
    struct Book {
        Bucket bucket;
        // Terms that each settlement reads.
        address currency;
        uint16 feeBps;
        uint16 sharesBps;
        uint8 upstreamCount;
        bool hasCosts;
        bool hasDebt;
        bool holds;
        // Running costs. `owed` counts base units × seconds of a day.
        uint128 perDay;
        uint128 cap;
        uint216 owed;
        uint40 accruedAt;
        // What waits for the debt module, and the boundary it was last asked for.
        uint128 held;
        uint40 heldBoundary;
        address debt;
        address shares;
        // Royalties that wait to be pulled.
        uint128 royalties;
        // Upstream assets, three to a word: id in 64 bits, bps in 16.
        uint256[3] upstream;
    }

    /// @dev The fee now, and the fee that follows from `nextFrom` on.
    struct FeePlan {
        address account;
        uint16 bps;
        uint16 next;
        uint32 nextFrom;
    }

    uint16 public constant MAX_FEE_BPS = 250;
    uint256 public constant MAX_UPSTREAM = 8;
    /// @notice Epochs between the announcement of a fee and its first use.
    uint32 public constant FEE_DELAY = 7;
    /// @notice Gas that a debt module is given for `collect`, and for `outstanding`.
    uint256 public constant DEBT_GAS = 200_000;
    /// @dev More than is spent between the check of the gas and the call of the module.
    uint256 private constant CALL_GAS = 10_000;

    address public immutable assets;
    uint40 public immutable epochLength;

    address public admin;
    address private _offeredAdmin;
    FeePlan private _fee;
    mapping(address debt => bool) public isDebtListed;
    mapping(uint256 asset => Book) private _books;

    modifier onlyAdmin() {
        require(msg.sender == admin, NotAdmin(msg.sender));
        _;
    }

    /// @param admin_ Sets the fee within its cap and lists debt modules; receives the fee until it names another account.
    /// @param feeBps_ Fee from the first epoch on; at most `MAX_FEE_BPS`.
    /// @param epochLength_ Length of an epoch in seconds.
    constructor(address admin_, uint16 feeBps_, uint40 epochLength_) EIP712("Millrace Till", "1") {
        require(admin_ != address(0), ZeroAddress());
        require(feeBps_ <= MAX_FEE_BPS, BpsTooHigh(feeBps_, MAX_FEE_BPS));
        // Epoch zero must be over: it stands for a bucket that was never opened.
        require(
            epochLength_ > 0 && epochLength_ <= 366 days && block.timestamp >= epochLength_,
            EpochLengthInvalid(epochLength_)
        );
        epochLength = epochLength_;
        admin = admin_;
        _fee = FeePlan(admin_, feeBps_, feeBps_, 0);
        // The two know each other for good: the register's address follows from this one's.
        assets = address(new Assets(address(this)));
        emit AdminChanged(admin_);
        emit FeeAccountChanged(admin_);
        emit FeeChanged(feeBps_, 0);
    }

    // ------------------------------------------------------------------ pay, settle

    /// @inheritdoc ITill
    function pay(uint256 asset, uint128 amount) external returns (uint256 id) {
        require(amount > 0, ZeroAmount());
        Book storage book = _books[asset];
        id = uint160(_currency(asset, book));
        _debit(msg.sender, id, amount);
        (uint32 epoch, uint128 total) = _collect(asset, book, amount);
        emit Paid(asset, msg.sender, epoch, amount, total);
    }

    /// @inheritdoc ITill
    function pullRoyalties(uint256 asset) external inside returns (uint128 amount) {
        return _pull(asset, _books[asset]);
    }

    /// @inheritdoc ITill
    function settle(uint256 asset) external inside returns (Split memory) {
        Book storage book = _books[asset];
        Bucket bucket = book.bucket;
        if (bucket.revenue() > 0 && bucket.epoch() < _epoch()) {
            return _split(asset, book, _endOf(bucket.epoch()));
        }
        if (book.holds) return _release(asset, book);
        Split memory none;
        return none;
    }

    /// @inheritdoc ITill
    function cut(uint256 asset, bool transfer) external inside {
        require(msg.sender == assets, NotAssets(msg.sender));
        Book storage book = _books[asset];
        _cut(asset, book);
        if (!transfer) return;
        require(!book.holds, HeldForDebt(asset, book.held));
        require(!_isOutstanding(asset, book), DebtOutstanding(asset, book.debt));
    }

    /// @inheritdoc ITill
    function seize(uint256 asset, address by) external inside {
        require(msg.sender == assets, NotAssets(msg.sender));
        Book storage book = _books[asset];
        require(book.hasDebt && by == book.debt, NotLienholder(asset, by));
        _cut(asset, book);
        // What the module did not answer for is not its own any more.
        book.hasDebt = false;
        if (book.holds) _release(asset, book);
        book.debt = address(0);
        emit DebtChanged(asset, address(0));
    }

    // ------------------------------------------------------------------ terms of the waterfall

    /// @inheritdoc ITill
    function setUpstream(uint256 asset, Upstream[] calldata upstream, Consent[] calldata consents)
        external
        inside
    {
        Book storage book = _books[asset];
        address currency = _currency(asset, book);
        _requireMayRaise(asset, book);
        _cut(asset, book);
        require(!_isOutstanding(asset, book), DebtOutstanding(asset, book.debt));
        uint256 count = upstream.length;
        require(count <= MAX_UPSTREAM, UpstreamTooMany(count, MAX_UPSTREAM));

        uint256[3] memory words;
        uint256 previous;
        uint256 sum;
        for (uint256 i = 0; i < count; ++i) {
            (uint256 id, uint16 bps) = (upstream[i].asset, upstream[i].bps);
            require(id != asset && bps > 0, UpstreamInvalid(id, bps));
            require(id > previous, UpstreamUnsorted(previous, id));
            address theirs = IAssets(assets).currencyOf(id);
            require(theirs == currency, UpstreamCurrency(id, theirs, currency));
            sum += bps;
            // Ids are counted by the register: 64 bits are never reached.
            words[i / 3] |= (id << 16 | bps) << (i % 3 * 80);
            previous = id;
        }
        require(sum <= Waterfall.BPS, BpsTooHigh(sum, Waterfall.BPS));

        _requireConsents(asset, book, upstream, consents);
        book.upstreamCount = uint8(count);
        book.upstream = words;
        emit UpstreamChanged(asset, upstream);
    }

    /// @inheritdoc ITill
    function setRunningCosts(uint256 asset, uint128 perDay, uint128 cap) external inside {
        Book storage book = _books[asset];
        _currency(asset, book);
        bool raised = perDay > book.perDay || cap > book.cap;
        if (raised) _requireMayRaise(asset, book);
        else _requireOwner(asset);
        _cut(asset, book);
        require(!raised || !_isOutstanding(asset, book), CostsRaised(asset, book.perDay, book.cap));
        uint256 owed =
            Waterfall.accrue(book.owed, book.perDay, book.cap, block.timestamp - book.accruedAt);
        uint256 most = uint256(cap) * Waterfall.DAY;
        // At most 2^128 × 86,400: far below 2^216.
        book.owed = uint216(owed < most ? owed : most);
        book.accruedAt = uint40(block.timestamp);
        book.perDay = perDay;
        book.cap = cap;
        book.hasCosts = cap > 0;
        emit RunningCostsChanged(asset, perDay, cap);
    }

    /// @inheritdoc ITill
    function setDebt(uint256 asset, address debt) external inside {
        Book storage book = _books[asset];
        _currency(asset, book);
        if (debt == address(0)) _requireOwner(asset);
        else _requireMayRaise(asset, book);
        require(debt == address(0) || isDebtListed[debt], DebtNotListed(debt));
        _cut(asset, book);
        require(!_isOutstanding(asset, book), DebtOutstanding(asset, book.debt));
        // Nothing is owed any more: what waited for the module goes to the layers below.
        book.hasDebt = false;
        if (book.holds) _release(asset, book);
        book.debt = debt;
        book.hasDebt = debt != address(0);
        emit DebtChanged(asset, debt);
    }

    /// @inheritdoc ITill
    function setShares(uint256 asset, address shares, uint16 bps) external inside {
        Book storage book = _books[asset];
        _currency(asset, book);
        require(bps <= Waterfall.BPS, BpsTooHigh(bps, Waterfall.BPS));
        require((shares == address(0)) == (bps == 0), SharesInvalid(shares, bps));
        address current = book.shares;
        if (current == address(0) || msg.sender != current) {
            _requireOwner(asset);
            require(
                current == address(0) || (shares == current && bps >= book.sharesBps),
                SharesBound(asset, current, book.sharesBps)
            );
        }
        _cut(asset, book);
        require(!book.holds, HeldForDebt(asset, book.held));
        book.shares = shares;
        book.sharesBps = bps;
        emit SharesChanged(asset, shares, bps);
    }

    // ------------------------------------------------------------------ admin

    /// @inheritdoc ITill
    function setFee(uint16 bps) external onlyAdmin {
        require(bps <= MAX_FEE_BPS, BpsTooHigh(bps, MAX_FEE_BPS));
        uint32 now_ = _epoch();
        _fee.bps = _feeIn(now_);
        _fee.next = bps;
        _fee.nextFrom = now_ + FEE_DELAY;
        emit FeeChanged(bps, now_ + FEE_DELAY);
    }

    /// @inheritdoc ITill
    function setFeeAccount(address account) external onlyAdmin {
        require(account != address(0), ZeroAddress());
        _fee.account = account;
        emit FeeAccountChanged(account);
    }

    /// @inheritdoc ITill
    function listDebt(address debt, bool listed) external onlyAdmin {
        require(debt != address(0), ZeroAddress());
        isDebtListed[debt] = listed;
        emit DebtListed(debt, listed);
    }

    /// @inheritdoc ITill
    function offerAdmin(address to) external onlyAdmin {
        _offeredAdmin = to;
        emit AdminOffered(to);
    }

    /// @inheritdoc ITill
    function acceptAdmin() external {
        require(msg.sender == _offeredAdmin, NotOfferedAdmin(msg.sender));
        admin = msg.sender;
        delete _offeredAdmin;
        emit AdminChanged(msg.sender);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ITill
    function feeAccount() external view returns (address) {
        return _fee.account;
    }

    /// @inheritdoc ITill
    function feeBps() external view returns (uint16) {
        return _feeIn(_epoch());
    }

    /// @inheritdoc ITill
    function currentEpoch() external view returns (uint40) {
        return _epoch();
    }

    /// @inheritdoc ITill
    function bucketOf(uint256 asset) external view returns (uint40 epoch, uint128 amount) {
        Bucket bucket = _books[asset].bucket;
        return (bucket.epoch(), bucket.revenue());
    }

    /// @inheritdoc ITill
    function royaltiesOf(uint256 asset) external view returns (uint128) {
        return _books[asset].royalties;
    }

    /// @inheritdoc ITill
    function costsOwedOf(uint256 asset) external view returns (uint128) {
        Book storage book = _books[asset];
        uint256 owed =
            Waterfall.accrue(book.owed, book.perDay, book.cap, block.timestamp - book.accruedAt);
        return uint128(owed / Waterfall.DAY);
    }

    /// @inheritdoc ITill
    function heldOf(uint256 asset) external view returns (uint128) {
        return _books[asset].held;
    }

    /// @inheritdoc ITill
    function trailingRevenueOf(uint256 asset) external view returns (uint128) {
        Bucket bucket = _books[asset].bucket;
        (uint96 trailing, uint32 now_) = (bucket.trailing(), _epoch());
        if (bucket.epoch() < now_) trailing = Waterfall.addSaturating(trailing, bucket.revenue());
        return Waterfall.decayDown(trailing, now_ - bucket.epoch());
    }

    /// @inheritdoc ITill
    function termsOf(uint256 asset) external view returns (Terms memory terms) {
        Book storage book = _books[asset];
        terms.currency = book.currency;
        terms.costsPerDay = book.perDay;
        terms.costsCap = book.cap;
        terms.debt = book.debt;
        terms.shares = book.shares;
        terms.sharesBps = book.sharesBps;
        terms.upstream = new Upstream[](book.upstreamCount);
        for (uint256 i = 0; i < terms.upstream.length; ++i) {
            (terms.upstream[i].asset, terms.upstream[i].bps) = _upstreamAt(book, i);
        }
    }

    /// @inheritdoc ITill
    function lienOf(uint256 asset)
        external
        view
        returns (address debt, address currency, bytes32 above)
    {
        Book storage book = _books[asset];
        uint256 count = book.upstreamCount;
        uint256[] memory words = new uint256[]((count + 2) / 3);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = book.upstream[i];
        }
        above = keccak256(abi.encode(book.perDay, book.cap, count, abi.encodePacked(words)));
        return (book.debt, book.currency, above);
    }

    // ------------------------------------------------------------------ buckets

    function _collect(uint256 asset, Book storage book, uint128 amount)
        private
        returns (uint32 epoch, uint128 total)
    {
        epoch = _epoch();
        Bucket bucket = book.bucket;
        if (bucket.epoch() != epoch) bucket = _turn(asset, book, epoch);
        total = bucket.revenue() + amount;
        book.bucket = toBucket(total, bucket.trailing(), epoch);
    }

    /// @dev Opens the bucket of `epoch`, the old one settled first: what it pays to whom never depends on whether someone
    /// called `settle` in time.
    function _turn(uint256 asset, Book storage book, uint32 epoch) private inside returns (Bucket) {
        uint32 old = book.bucket.epoch();
        if (book.bucket.revenue() > 0) _split(asset, book, _endOf(old));
        uint16 bps = _feeIn(epoch);
        if (book.feeBps != bps) book.feeBps = bps;
        return toBucket(0, Waterfall.decayDown(book.bucket.trailing(), epoch - old), epoch);
    }

    function _pull(uint256 asset, Book storage book) private returns (uint128 amount) {
        amount = book.royalties;
        if (amount == 0) return 0;
        _currency(asset, book);
        book.royalties = 0;
        (uint32 epoch, uint128 total) = _collect(asset, book, amount);
        emit RoyaltyPulled(asset, epoch, amount, total);
    }

    /// @dev Ends the bucket at this second: royalties that wait belong to it.
    function _cut(uint256 asset, Book storage book) private {
        _pull(asset, book);
        Bucket bucket = book.bucket;
        if (bucket.revenue() > 0) {
            uint40 end = _endOf(bucket.epoch());
            _split(asset, book, end < block.timestamp ? end : uint40(block.timestamp));
        } else if (book.holds) {
            _release(asset, book);
        }
    }

    // ------------------------------------------------------------------ the waterfall

    /// @dev Empties the bucket into the layers. `boundary` is when what is due is evaluated.
    function _split(uint256 asset, Book storage book, uint40 boundary)
        private
        returns (Split memory split)
    {
        Bucket bucket = book.bucket;
        uint128 revenue = bucket.revenue();
        uint96 trailing = Waterfall.addSaturating(bucket.trailing(), revenue);
        book.bucket = toBucket(0, trailing, bucket.epoch());

        uint256 id = uint160(book.currency);
        split.fee = Waterfall.partDown(revenue, book.feeBps);
        if (split.fee > 0) _credit(_fee.account, id, split.fee);
        uint128 rest = revenue - split.fee;
        split.upstream = _creditUpstream(asset, book, rest);
        rest -= split.upstream;
        if (book.hasCosts) {
            split.costs = _takeCosts(book, boundary, rest);
            if (split.costs > 0) {
                _credit(IAssets(assets).operatorOf(asset), id, split.costs);
                rest -= split.costs;
            }
        }
        _settleBelow(asset, book, boundary, revenue, rest, split);
    }

    /// @dev Asks the debt module again for its answer on what is held.
    function _release(uint256 asset, Book storage book) private returns (Split memory split) {
        _settleBelow(asset, book, book.heldBoundary, 0, 0, split);
    }

    /// @dev Debt, shares and owner out of `rest` and of what was held.
    function _settleBelow(
        uint256 asset,
        Book storage book,
        uint40 boundary,
        uint128 revenue,
        uint128 rest,
        Split memory split
    ) private {
        if (book.holds) rest += book.held;
        bool answered = true;
        if (book.hasDebt && rest > 0) {
            address debt = book.debt;
            (answered, split.debt) = _askDebt(asset, debt, boundary, rest, revenue);
            if (!answered) {
                book.holds = true;
                book.held = rest;
                book.heldBoundary = boundary;
                emit DebtUnanswered(asset, debt, rest);
            } else if (split.debt > 0) {
                _credit(debt, uint160(book.currency), split.debt);
                rest -= split.debt;
            }
        }
        if (answered) (split.shares, split.owner) = _distribute(asset, book, rest);
        emit Settled(
            asset,
            book.bucket.epoch(),
            boundary,
            split.fee,
            split.upstream,
            split.costs,
            split.debt,
            split.shares,
            split.owner
        );
    }

    function _creditUpstream(uint256 asset, Book storage book, uint128 revenue)
        private
        returns (uint128 sum)
    {
        uint256 count = book.upstreamCount;
        for (uint256 i = 0; i < count; ++i) {
            (uint256 id, uint16 bps) = _upstreamAt(book, i);
            uint128 part = Waterfall.partDown(revenue, bps);
            if (part == 0) continue;
            sum += part;
            uint128 total = _books[id].royalties + part;
            _books[id].royalties = total;
            emit RoyaltyAccrued(asset, id, part, total);
        }
    }

    function _takeCosts(Book storage book, uint40 boundary, uint128 available)
        private
        returns (uint128 taken)
    {
        uint256 owed = Waterfall.accrue(book.owed, book.perDay, book.cap, boundary - book.accruedAt);
        uint256 due = owed / Waterfall.DAY;
        // Below `available`, or it is `available`; arrears are below 2^128 × 86,400.
        taken = due < available ? uint128(due) : available;
        book.owed = uint216(owed - taken * Waterfall.DAY);
        book.accruedAt = boundary;
    }

    /// @dev Calls the module with a fixed amount of gas and reads one word of its answer, however long that is. No answer
    /// is: a revert, less than a word, or more than was available.
    function _askDebt(
        uint256 asset,
        address debt,
        uint40 boundary,
        uint128 available,
        uint128 revenue
    ) private returns (bool answered, uint128 taken) {
        // A caller who sends little gas must not make the module fail: 1/64 of what is left stays here.
        uint256 needed = DEBT_GAS * 64 / 63 + CALL_GAS;
        require(gasleft() > needed, GasTooLow(gasleft(), needed));
        bytes memory data = abi.encodeCall(IDebt.collect, (asset, boundary, available, revenue));
        uint256 gas_ = DEBT_GAS;
        uint256 word;
        _outside = true;
        assembly ("memory-safe") {
            answered := call(gas_, debt, 0, add(data, 0x20), mload(data), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            word := mload(0x00)
        }
        _outside = false;
        if (!answered || word > available) return (false, 0);
        return (true, uint128(word));
    }

    /// @dev What is left after debt: shares, then the owner.
    function _distribute(uint256 asset, Book storage book, uint128 rest)
        private
        returns (uint128 toShares, uint128 toOwner)
    {
        if (book.holds) {
            book.holds = false;
            book.held = 0;
        }
        uint256 id = uint160(book.currency);
        toShares = Waterfall.partDown(rest, book.sharesBps);
        toOwner = rest - toShares;
        if (toShares > 0) _credit(book.shares, id, toShares);
        if (toOwner > 0) _credit(IAssets(assets).ownerOf(asset), id, toOwner);
    }

    // ------------------------------------------------------------------ terms

    /// @dev Currency of `asset`, kept at first use: it never changes.
    function _currency(uint256 asset, Book storage book) private returns (address currency) {
        currency = book.currency;
        if (currency == address(0)) {
            currency = IAssets(assets).currencyOf(asset);
            book.currency = currency;
        }
    }

    function _requireOwner(uint256 asset) private view {
        require(msg.sender == IAssets(assets).ownerOf(asset), NotOwner(asset, msg.sender));
    }

    /// @dev Who may put more above the shares: the owner while that slot is empty, then only who would pay for it.
    function _requireMayRaise(uint256 asset, Book storage book) private view {
        address shares = book.shares;
        if (shares == address(0)) _requireOwner(asset);
        else require(msg.sender == shares, SharesBound(asset, shares, book.sharesBps));
    }

    /// @dev A module that does not answer counts as owed.
    function _isOutstanding(uint256 asset, Book storage book) private view returns (bool) {
        if (!book.hasDebt) return false;
        address debt = book.debt;
        bytes memory data = abi.encodeCall(IDebt.outstanding, (asset));
        uint256 gas_ = DEBT_GAS;
        bool answered;
        uint256 word;
        assembly ("memory-safe") {
            answered := staticcall(gas_, debt, add(data, 0x20), mload(data), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            word := mload(0x00)
        }
        return !answered || word != 0;
    }

    function _upstreamAt(Book storage book, uint256 index)
        private
        view
        returns (uint256 id, uint16 bps)
    {
        uint256 entry = book.upstream[index / 3] >> (index % 3 * 80);
        return (uint64(entry >> 16), uint16(entry));
    }

    /// @dev One consent for each asset named, in order, then one for each that is dropped.
    function _requireConsents(
        uint256 asset,
        Book storage book,
        Upstream[] calldata upstream,
        Consent[] calldata consents
    ) private {
        bytes32 list = _hashUpstream(upstream);
        uint256 named = upstream.length;
        uint256 needed = named;
        // Both lists ascend: one walk finds what is dropped.
        uint256[] memory parties = new uint256[](named + book.upstreamCount);
        for (uint256 i = 0; i < named; ++i) {
            parties[i] = upstream[i].asset;
        }
        uint256 next;
        for (uint256 i = 0; i < book.upstreamCount; ++i) {
            (uint256 id,) = _upstreamAt(book, i);
            while (next < named && parties[next] < id) ++next;
            if (next == named || parties[next] != id) parties[needed++] = id;
        }
        require(consents.length == needed, ConsentCount(consents.length, needed));
        for (uint256 i = 0; i < needed; ++i) {
            address signer = IAssets(assets).ownerOf(parties[i]);
            _requireConsent(asset, list, parties[i], signer, consents[i]);
        }
    }

    // ------------------------------------------------------------------ time, fee

    function _epoch() private view returns (uint32) {
        return (block.timestamp / epochLength).toUint32();
    }

    /// @dev First second after `epoch`.
    function _endOf(uint32 epoch) private view returns (uint40) {
        return ((uint256(epoch) + 1) * epochLength).toUint40();
    }

    /// @dev A fee is announced for a later epoch and never changed for one that has begun, so a bucket's fee is known
    /// whenever it is opened.
    function _feeIn(uint32 epoch) private view returns (uint16) {
        return epoch < _fee.nextFrom ? _fee.bps : _fee.next;
    }
}
