// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Asset, IAssets, Kind} from "../assets/IAssets.sol";
import {IDebt} from "../till/IDebt.sol";
import {ITill} from "../till/ITill.sol";
import {Holding} from "./Holding.sol";
import {IFacility, LoanState} from "./IFacility.sol";
import {IRanks, Rank} from "./IRanks.sol";
import {IUnits, Position} from "./IUnits.sol";
import {IVault} from "./IVault.sol";

/// @title Units
/// @dev Bounds: shares as in the vault, a value is held at 2^88 - 1. Roundings: value down. Holds no money: what the queue pays is in its
/// account in the till for the length of `collect`. Shares lie in an account of each asset; how many count stands here, so that a donation moves
/// nothing and is lost.
/// Trust: till, register and ranks; facilities that the till's admin lists, whose books say what shares are worth; the module in an asset's debt slot,
/// which its owner put there.
/// Outside calls: the vault, the till, the module in views. A module that does not answer counts as owed, and as not behind.
contract Units is IUnits {
    struct Book {
        address vault;
        // Where its shares lie and its first request stands; and where those go that are asked back while that one is open.
        address holding;
        address late;
        uint128 held;
    }

    /// @dev Gas for a question to the module in the debt slot, as the till gives.
    uint256 private constant DEBT_GAS = 200_000;

    ITill private immutable _till;
    IRanks private immutable _ranks;
    address public immutable assets;
    mapping(uint256 asset => Book) private _books;

    /// @param till_ Whose register, tills and list of facilities count.
    /// @param ranks_ Where several facilities stand behind one asset.
    constructor(ITill till_, IRanks ranks_) {
        _till = till_;
        _ranks = ranks_;
        assets = till_.assets();
    }

    // ------------------------------------------------------------------ wrap, add, unwrap

    /// @inheritdoc IUnits
    function wrap(address vault, uint256 shares) external returns (uint256 asset) {
        address facility = _requireListed(vault);
        address currency = IFacility(facility).currency();
        string memory json = string.concat('{"vault":"', Strings.toHexString(vault), '"}');
        asset = IAssets(assets)
            .register(
                msg.sender,
                Asset(address(this), Kind.Units, address(0), currency, keccak256(bytes(json))),
                ""
            );
        Book storage book = _books[asset];
        book.vault = vault;
        book.holding = address(new Holding(IVault(vault)));
        emit UnitsWrapped(asset, vault, msg.sender, shares);
        _take(book, shares);
    }

    /// @inheritdoc IUnits
    function add(uint256 asset, uint256 shares) external {
        Book storage book = _bookOf(asset);
        _requireListed(book.vault);
        _take(book, shares);
        emit UnitsAdded(asset, msg.sender, shares, book.held);
    }

    /// @inheritdoc IUnits
    function unwrap(uint256 asset, uint256 shares, address to) external {
        Book storage book = _bookOf(asset);
        _requireOwner(asset);
        address debt = _debtOf(asset);
        require(!_isOutstanding(asset, debt), DebtOutstanding(asset, debt));
        uint128 held = _leave(asset, book, shares);
        emit UnitsUnwrapped(asset, to, shares, held);
        IVault(book.vault).transferFrom(book.holding, to, shares);
    }

    // ------------------------------------------------------------------ redeem, collect

    /// @inheritdoc IUnits
    function redeem(uint256 asset, uint256 shares) external returns (uint256 asked) {
        Book storage book = _bookOf(asset);
        bool isBehind = _requireNotForSale(asset);
        if (isBehind) shares = book.held;
        else _requireOwner(asset);
        uint128 held = _leave(asset, book, shares);
        emit UnitsAskedBack(asset, msg.sender, shares, held);

        IVault vault = IVault(book.vault);
        address from = book.holding;
        // A borrower that asked for a little in good times must not keep the rest out of the queue in bad ones.
        if (isBehind && vault.pendingRedeemRequest(0, from) + vault.maxRedeem(from) > 0) {
            if (book.late == address(0)) book.late = address(new Holding(vault));
            vault.transferFrom(from, book.late, shares);
            from = book.late;
        }
        vault.requestRedeem(shares, from, from);
        return shares;
    }

    /// @inheritdoc IUnits
    function collect(uint256 asset) external returns (uint128 amount) {
        Book storage book = _bookOf(asset);
        _requireNotForSale(asset);
        IVault vault = IVault(book.vault);
        (uint256 shares, uint256 sum) = _claim(vault, book.holding);
        if (book.late != address(0)) {
            (uint256 more, uint256 brought) = _claim(vault, book.late);
            (shares, sum) = (shares + more, sum + brought);
        }
        require(shares > 0, NothingToCollect(asset));
        // What a vault pays is below 2^88. A few shares may bring nothing: they make room for the next request all the same.
        amount = uint128(sum);
        emit UnitsCollected(asset, shares, amount);
        if (amount > 0) _till.pay(asset, amount);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IUnits
    function valueOf(uint256 asset)
        external
        view
        returns (uint88 value, bool listed, address facility)
    {
        address vault = _books[asset].vault;
        if (vault == address(0)) return (0, false, address(0));
        Position memory position = positionOf(asset);
        // Waiting shares earn and lose like all others.
        uint256 worth = IVault(vault).convertToAssets(position.held + position.waiting);
        worth += position.paid;
        value = worth < type(uint88).max ? uint88(worth) : type(uint88).max;
        facility = IVault(vault).facility();
        listed = _till.isDebtListed(facility);
    }

    /// @inheritdoc IUnits
    function facilityOf(uint256 asset) external view returns (address) {
        address vault = _books[asset].vault;
        return vault == address(0) ? address(0) : IVault(vault).facility();
    }

    /// @inheritdoc IUnits
    function positionOf(uint256 asset) public view returns (Position memory position) {
        Book storage book = _bookOf(asset);
        position.vault = book.vault;
        position.held = book.held;
        _count(position, book.holding);
        if (book.late != address(0)) _count(position, book.late);
    }

    // ------------------------------------------------------------------ internals

    /// @dev Both name each other: a vault of a stranger can name a facility that is listed, and a facility anything.
    function _requireListed(address vault) private view returns (address facility) {
        facility = IVault(vault).facility();
        require(
            _till.isDebtListed(facility) && IFacility(facility).senior() == vault,
            VaultUnlisted(vault)
        );
    }

    function _take(Book storage book, uint256 shares) private {
        require(shares > 0, ZeroShares());
        // A vault's supply is below 2^128: what does not fit is not there.
        book.held += uint128(shares);
        IVault(book.vault).transferFrom(msg.sender, book.holding, shares);
    }

    function _leave(uint256 asset, Book storage book, uint256 shares)
        private
        returns (uint128 held)
    {
        require(shares > 0, ZeroShares());
        held = book.held;
        require(shares <= held, SharesTooFew(asset, held, shares));
        book.held = held -= uint128(shares);
    }

    function _claim(IVault vault, address holding) private returns (uint256 shares, uint256 sum) {
        shares = vault.maxRedeem(holding);
        if (shares > 0) sum = vault.redeemToTill(shares, address(this), holding);
    }

    function _count(Position memory position, address holding) private view {
        IVault vault = IVault(position.vault);
        position.waiting += vault.pendingRedeemRequest(0, holding);
        position.claimable += vault.maxRedeem(holding);
        position.paid += vault.maxWithdraw(holding);
    }

    function _bookOf(uint256 asset) private view returns (Book storage book) {
        book = _books[asset];
        require(book.vault != address(0), NotUnits(asset));
    }

    function _requireOwner(uint256 asset) private view {
        require(msg.sender == IAssets(assets).ownerOf(asset), NotOwner(asset, msg.sender));
    }

    function _debtOf(uint256 asset) private view returns (address debt) {
        (debt,,) = _till.lienOf(asset);
    }

    function _isOutstanding(uint256 asset, address debt) private view returns (bool) {
        if (debt == address(0)) return false;
        (bool answered, uint256 word) = _ask(debt, abi.encodeCall(IDebt.outstanding, (asset)));
        return !answered || word != 0;
    }

    /// @return isBehind Whether a loan on `asset` is late or impaired.
    function _requireNotForSale(uint256 asset) private view returns (bool isBehind) {
        address debt = _debtOf(asset);
        if (debt == address(0)) return false;
        if (debt != address(_ranks)) return _isBehind(asset, debt);
        Rank[] memory ranks = _ranks.ranksOf(asset);
        for (uint256 i = 0; i < ranks.length; ++i) {
            if (_isBehind(asset, ranks[i].facility)) isBehind = true;
        }
    }

    /// @dev No where a module keeps no loans as facilities do.
    function _isBehind(uint256 asset, address module) private view returns (bool) {
        (bool answered, uint256 word) = _ask(module, abi.encodeCall(IFacility.loanOf, (asset)));
        if (!answered || word == 0) return false;
        (answered, word) = _ask(module, abi.encodeCall(IFacility.stateOf, (bytes32(word))));
        if (!answered) return false;
        require(word != uint256(LoanState.Defaulted), InAuction(asset));
        return word == uint256(LoanState.Late) || word == uint256(LoanState.Impaired);
    }

    /// @dev One word of an answer; none is a revert or less than a word.
    function _ask(address module, bytes memory question)
        private
        view
        returns (bool answered, uint256 word)
    {
        uint256 gas_ = DEBT_GAS;
        assembly ("memory-safe") {
            answered := staticcall(gas_, module, add(question, 0x20), mload(question), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            word := mload(0x00)
        }
    }
}
