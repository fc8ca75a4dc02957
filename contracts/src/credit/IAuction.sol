// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Who sells through the auction
interface ISeller {
    /// @notice Hands `asset` over to `to`, who has paid `price` into the seller's account in the till. Only the auction calls this.
    function deliver(uint256 asset, address to, uint88 price) external;
    /// @notice Price at which a run starts again that nobody took; zero if there is nothing to sell any more.
    function startPriceOf(uint256 asset) external view returns (uint88);
}

/// @notice One lot as it stands.
/// @param startPrice Price at `startedAt`; zero if there is no such lot.
/// @param startedAt Time, in seconds.
/// @param halfLife Seconds in which the price halves.
/// @param runs How often it was started.
struct Lot {
    uint88 startPrice;
    uint32 startedAt;
    uint32 halfLife;
    uint16 runs;
}

/// @title Dutch auctions of assets with their revenue
/// @notice The price halves each half-life and falls linearly in between. The asset stays with its owner until someone pays; its
/// revenue goes on being settled. A run that nobody took ends after `TAIL` half-lives and can be started again by anyone.
interface IAuction {
    event AuctionStarted(
        address indexed seller,
        uint256 indexed asset,
        uint88 startPrice,
        uint32 halfLife,
        uint16 runs
    );
    event AuctionTaken(
        address indexed seller,
        uint256 indexed asset,
        address indexed to,
        address taker,
        uint88 price
    );
    event AuctionCancelled(address indexed seller, uint256 indexed asset);

    error LotUnknown(address seller, uint256 asset);
    error LotInvalid(uint88 startPrice, uint32 halfLife);
    /// @notice The price stands above what the taker offered.
    error PriceAbove(uint88 price, uint88 maxPrice);
    /// @notice This run is over: start it again.
    error RunOver(uint256 asset);
    /// @notice This run is not over yet.
    error RunNotOver(uint256 asset);

    /// @notice Offers an asset of the caller, which must be able to deliver it; a lot that is open starts again.
    function start(uint256 asset, uint88 startPrice, uint32 halfLife) external;
    /// @notice Starts a run again that nobody took, at the seller's price and at most half of the last start; ends it where
    /// there is nothing to sell any more. Anyone.
    function redo(address seller, uint256 asset) external;
    /// @notice Pays the price of this second from the caller's account in the till and has `asset` delivered to `to`. The caller must
    /// have made the auction its operator in the till.
    /// @return price What was paid; at most `maxPrice`.
    function take(address seller, uint256 asset, uint88 maxPrice, address to)
        external
        returns (uint88 price);
    /// @notice Ends a lot of the caller.
    function cancel(uint256 asset) external;

    /// @notice The price at this second.
    function priceOf(address seller, uint256 asset) external view returns (uint88);
    function lotOf(address seller, uint256 asset) external view returns (Lot memory);
}
