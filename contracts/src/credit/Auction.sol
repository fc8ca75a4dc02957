// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssets} from "../assets/IAssets.sol";
import {ITill} from "../till/ITill.sol";
import {Halving} from "./Halving.sol";
import {IAuction, ISeller, Lot} from "./IAuction.sol";

/// @title The auction
/// @dev Bounds: a price is below 2^88, a run ends after 8 half-lives at 1/256 of its start. Roundings: the price is rounded down.
/// Holds no money and no asset: a seller is trusted with its own lots only. Outside calls: the till, then the seller, after the lot was
/// deleted.
contract Auction is IAuction {
    uint256 public constant TAIL = 8;

    ITill private immutable _till;
    IAssets private immutable _assets;
    mapping(address seller => mapping(uint256 asset => Lot)) private _lots;

    /// @param till_ Where takers pay from.
    constructor(ITill till_) {
        _till = till_;
        _assets = IAssets(till_.assets());
    }

    /// @inheritdoc IAuction
    function start(uint256 asset, uint88 startPrice, uint32 halfLife) external {
        require(startPrice > 0 && halfLife > 0, LotInvalid(startPrice, halfLife));
        _start(msg.sender, asset, startPrice, halfLife, 1);
    }

    /// @inheritdoc IAuction
    function redo(address seller, uint256 asset) external {
        Lot memory lot = _lotOf(seller, asset);
        require(_isOver(lot), RunNotOver(asset));
        uint88 price = ISeller(seller).startPriceOf(asset);
        if (price == 0) {
            _cancel(seller, asset);
            return;
        }
        // An appraisal that nobody believes must not keep the asset from being sold.
        uint88 half = lot.startPrice > 1 ? lot.startPrice / 2 : 1;
        _start(seller, asset, price < half ? price : half, lot.halfLife, lot.runs + 1);
    }

    /// @inheritdoc IAuction
    function take(address seller, uint256 asset, uint88 maxPrice, address to)
        external
        returns (uint88 price)
    {
        Lot memory lot = _lotOf(seller, asset);
        require(!_isOver(lot), RunOver(asset));
        price = _priceOf(lot);
        require(price <= maxPrice, PriceAbove(price, maxPrice));
        delete _lots[seller][asset];
        emit AuctionTaken(seller, asset, to, msg.sender, price);
        _till.transferFrom(msg.sender, seller, uint160(_assets.currencyOf(asset)), price);
        ISeller(seller).deliver(asset, to, price);
    }

    /// @inheritdoc IAuction
    function cancel(uint256 asset) external {
        _lotOf(msg.sender, asset);
        _cancel(msg.sender, asset);
    }

    /// @inheritdoc IAuction
    function priceOf(address seller, uint256 asset) external view returns (uint88) {
        return _priceOf(_lotOf(seller, asset));
    }

    /// @inheritdoc IAuction
    function lotOf(address seller, uint256 asset) external view returns (Lot memory) {
        return _lots[seller][asset];
    }

    function _start(address seller, uint256 asset, uint88 price, uint32 halfLife, uint16 runs)
        private
    {
        _lots[seller][asset] = Lot(price, uint32(block.timestamp), halfLife, runs);
        emit AuctionStarted(seller, asset, price, halfLife, runs);
    }

    function _cancel(address seller, uint256 asset) private {
        delete _lots[seller][asset];
        emit AuctionCancelled(seller, asset);
    }

    function _lotOf(address seller, uint256 asset) private view returns (Lot memory lot) {
        lot = _lots[seller][asset];
        require(lot.startPrice > 0, LotUnknown(seller, asset));
    }

    function _isOver(Lot memory lot) private view returns (bool) {
        return block.timestamp - lot.startedAt >= TAIL * lot.halfLife;
    }

    function _priceOf(Lot memory lot) private view returns (uint88) {
        // At most the start price.
        return
            uint88(Halving.leftDown(lot.startPrice, block.timestamp - lot.startedAt, lot.halfLife));
    }
}
