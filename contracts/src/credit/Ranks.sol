// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssets} from "../assets/IAssets.sol";
import {IDebt} from "../till/IDebt.sol";
import {ITill} from "../till/ITill.sol";
import {IFacility} from "./IFacility.sol";
import {IRanks, Rank} from "./IRanks.sol";

/// @title Ranks
/// @dev Bounds: two facilities an asset: their dearest answer takes 164,000 of the 200,000 gas that the till gives a debt module. Trust: facilities that the till lists. Money: what
/// was collected and not forwarded yet is here, counted for each facility; the till pays after it asked, so it cannot be passed on
/// at once. Outside calls: facilities from `collect`, which call nobody there; in a sale the register, which has the till settle, then
/// facilities, which book it, after the order was deleted.
contract Ranks is IRanks {
    uint256 public constant MOST = 2;

    ITill private immutable _till;
    IAssets private immutable _assets;
    mapping(uint256 asset => Rank[]) private _ranks;
    mapping(address facility => uint256) public heldFor;

    /// @param till_ Holds the money; its admin lists this contract as a debt module.
    constructor(ITill till_) {
        _till = till_;
        _assets = IAssets(till_.assets());
    }

    // ------------------------------------------------------------------ the order

    /// @inheritdoc IRanks
    function set(uint256 asset, Rank[] calldata ranks) external {
        require(msg.sender == _assets.ownerOf(asset), NotOwner(asset, msg.sender));
        uint256 count = ranks.length;
        require(count <= MOST, RanksTooMany(count, MOST));
        // Up to the last that has something outstanding, the new order is the old one without some that have not.
        Rank[] memory old = _ranks[asset];
        uint256 bound = old.length;
        while (bound > 0 && !_isOutstanding(old[bound - 1].facility, asset)) --bound;
        uint256 kept;
        for (uint256 i = 0; i < bound; ++i) {
            if (kept < count && _isSame(ranks[kept], old[i])) {
                ++kept;
            } else {
                require(!_isOutstanding(old[i].facility, asset), RankBound(asset, old[i].facility));
            }
        }
        address currency = _assets.currencyOf(asset);
        delete _ranks[asset];
        for (uint256 i = 0; i < count; ++i) {
            address facility = ranks[i].facility;
            require(
                _till.isDebtListed(facility) && facility != address(this)
                    && IFacility(facility).currency() == currency
                    && (i == 0 || facility != ranks[0].facility),
                RankInvalid(facility)
            );
            _ranks[asset].push(ranks[i]);
        }
        emit Ranked(asset, ranks);
    }

    /// @inheritdoc IRanks
    function drop(uint256 asset, address facility) external {
        Rank[] storage ranks = _ranks[asset];
        uint256 count = ranks.length;
        bool allowed = msg.sender == _assets.ownerOf(asset);
        uint256 place = count;
        for (uint256 i = 0; i < count; ++i) {
            if (ranks[i].facility == facility) place = i;
            else if (msg.sender == IFacility(ranks[i].facility).desk()) allowed = true;
        }
        require(allowed, NotOwner(asset, msg.sender));
        require(place < count, NotRanked(asset, facility));
        require(!_isOutstanding(facility, asset), RankBound(asset, facility));
        for (uint256 i = place; i + 1 < count; ++i) {
            ranks[i] = ranks[i + 1];
        }
        ranks.pop();
        emit Ranked(asset, ranks);
    }

    // ------------------------------------------------------------------ the debt slot

    /// @inheritdoc IDebt
    function collect(uint256 asset, uint40 boundary, uint128 available, uint128 revenue)
        external
        returns (uint128 taken)
    {
        require(msg.sender == address(_till), NotTill(msg.sender));
        Rank[] storage ranks = _ranks[asset];
        uint256 count = ranks.length;
        for (uint256 i = 0; i < count; ++i) {
            address facility = ranks[i].facility;
            uint128 left = available - taken;
            uint128 part = IDebt(facility).collect(asset, boundary, left, revenue);
            require(part <= left, Overdrawn(facility));
            if (part == 0) continue;
            taken += part;
            heldFor[facility] += part;
            emit Collected(asset, facility, part);
        }
    }

    /// @inheritdoc IDebt
    function outstanding(uint256 asset) external view returns (bool) {
        Rank[] storage ranks = _ranks[asset];
        uint256 count = ranks.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_isOutstanding(ranks[i].facility, asset)) return true;
        }
        return false;
    }

    /// @inheritdoc IRanks
    function forward(address facility) external returns (uint256 amount) {
        amount = heldFor[facility];
        if (amount == 0) return 0;
        heldFor[facility] = 0;
        emit Forwarded(facility, amount);
        _till.transfer(facility, uint160(IFacility(facility).currency()), amount);
    }

    // ------------------------------------------------------------------ a sale

    /// @inheritdoc IRanks
    function sell(uint256 asset, address to, uint88 price) external {
        address owner = _assets.ownerOf(asset);
        uint256 id = uint160(_assets.currencyOf(asset));
        // The last revenue of the owner's time is collected for everybody.
        _assets.seize(asset, to);
        Rank[] memory ranks = _ranks[asset];
        delete _ranks[asset];
        emit Ranked(asset, new Rank[](0));
        uint88 left = price;
        bool sold;
        for (uint256 i = 0; i < ranks.length; ++i) {
            address facility = ranks[i].facility;
            bool sells = facility == msg.sender;
            (uint88 paid, uint256 owed) = IFacility(facility).release(asset, to, left, sells);
            sold = sold || sells;
            require(sold || paid == owed, PriceBelowRanks(asset, facility, owed, left));
            left -= paid;
            if (paid > 0) _till.transfer(facility, id, paid);
        }
        require(sold, NotRanked(asset, msg.sender));
        if (left > 0) _till.transfer(owner, id, left);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IRanks
    function ranksOf(uint256 asset) external view returns (Rank[] memory) {
        return _ranks[asset];
    }

    /// @inheritdoc IRanks
    function standingOf(uint256 asset, address facility)
        external
        view
        returns (bool ranked, uint256 cap, uint256 ahead)
    {
        Rank[] storage ranks = _ranks[asset];
        uint256 count = ranks.length;
        for (uint256 i = 0; i < count; ++i) {
            Rank memory one = ranks[i];
            if (one.facility == facility) return (true, one.cap, ahead);
            ahead += one.cap;
        }
        return (false, 0, ahead);
    }

    function _isOutstanding(address facility, uint256 asset) private view returns (bool) {
        return IDebt(facility).outstanding(asset);
    }

    function _isSame(Rank calldata one, Rank memory other) private pure returns (bool) {
        return one.facility == other.facility && one.cap == other.cap;
    }
}
