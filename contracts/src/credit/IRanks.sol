// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDebt} from "../till/IDebt.sol";

/// @notice A facility's place on an asset.
/// @param facility A debt module that the till lists, in the asset's currency.
/// @param cap Most that its loan on the asset may draw in all; what stands behind it counts on no more.
struct Rank {
    address facility;
    uint88 cap;
}

/// @title Several facilities on one asset, one behind the other
/// @notice Fills the debt slot of a till for facilities that agreed on an order: each is offered what those before it leave. An order
/// that somebody has lent on can lose whoever has nothing outstanding and grow at its end, and change in no other way. Of a sale
/// those before the seller are paid in full or it does not happen; those behind it get what is left, then the owner.
interface IRanks is IDebt {
    event Ranked(uint256 indexed asset, Rank[] ranks);
    event Collected(uint256 indexed asset, address indexed facility, uint128 amount);
    event Forwarded(address indexed facility, uint256 amount);

    error NotTill(address caller);
    error NotOwner(uint256 asset, address caller);
    error RanksTooMany(uint256 count, uint256 most);
    /// @notice Not a debt module that the till lists in the asset's currency, or named twice.
    error RankInvalid(address facility);
    /// @notice Something is outstanding there: its place, its cap and what stands before it stay.
    error RankBound(uint256 asset, address facility);
    error NotRanked(uint256 asset, address caller);
    /// @notice A facility answered with more than it was offered.
    error Overdrawn(address facility);
    /// @notice The price does not pay in full what stands before the seller.
    error PriceBelowRanks(uint256 asset, address facility, uint256 owed, uint256 left);

    /// @notice Says who stands on an asset, first to last. The asset's owner.
    function set(uint256 asset, Rank[] calldata ranks) external;
    /// @notice Takes out a facility with nothing outstanding. The asset's owner, or the desk of another facility on it.
    function drop(uint256 asset, address facility) external;
    /// @notice Has the asset delivered to `to`, who has paid `price`, and hands the price, which the caller moved here before, to who it
    /// belongs to. Only a facility on the asset, for a loan in default.
    function sell(uint256 asset, address to, uint88 price) external;
    /// @notice Moves what was collected for a facility into its account in the till. Anyone; a facility does it before it pays.
    function forward(address facility) external returns (uint256 amount);

    function ranksOf(uint256 asset) external view returns (Rank[] memory);
    /// @notice Where a facility stands on an asset.
    /// @return ranked Whether it does.
    /// @return cap Its own cap.
    /// @return ahead The caps before it.
    function standingOf(uint256 asset, address facility)
        external
        view
        returns (bool ranked, uint256 cap, uint256 ahead);
    /// @notice Collected for a facility and still here.
    function heldFor(address facility) external view returns (uint256);
}
