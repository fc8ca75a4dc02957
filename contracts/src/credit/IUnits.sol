// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Shares of a senior line that stand for an asset. All are base units of the vault.
/// @param vault Whose shares.
/// @param held Shares that are not asked back.
/// @param waiting Shares that wait in the vault's queue.
/// @param claimable Shares that the queue paid and that were not collected.
/// @param paid What it paid for them, in base units of the currency, rounded down.
struct Position {
    address vault;
    uint256 held;
    uint256 waiting;
    uint256 claimable;
    uint256 paid;
}

/// @title Units: what is lent to one facility as an asset that another can lend on
/// @notice Turns shares of a facility's senior line into an asset of the register (kind `Units`), whose till earns what the line's queue
/// pays. Such an asset is pledged, lent on, impaired and auctioned like a machine; what it is worth needs no appraiser: the books of
/// its facility say it. Only senior: a junior share can be worth a hundred in the morning and nothing at noon.
interface IUnits {
    event UnitsWrapped(
        uint256 indexed asset, address indexed vault, address indexed owner, uint256 shares
    );
    event UnitsAdded(uint256 indexed asset, address indexed by, uint256 shares, uint256 held);
    event UnitsUnwrapped(uint256 indexed asset, address indexed to, uint256 shares, uint256 held);
    event UnitsAskedBack(uint256 indexed asset, address indexed by, uint256 shares, uint256 held);
    /// @param amount What went into the asset's till.
    event UnitsCollected(uint256 indexed asset, uint256 shares, uint128 amount);

    /// @notice Not the senior line of a facility that the till lists.
    error VaultUnlisted(address vault);
    /// @notice This asset is not made of units.
    error NotUnits(uint256 asset);
    error NotOwner(uint256 asset, address caller);
    error ZeroShares();
    error SharesTooFew(uint256 asset, uint256 held, uint256 asked);
    /// @notice Not while a loan on the asset is outstanding, or while its module does not answer.
    error DebtOutstanding(uint256 asset, address debt);
    /// @notice What is in the auction is sold as it is: nothing is taken out of it under the taker's hands.
    error InAuction(uint256 asset);
    error NothingToCollect(uint256 asset);

    /// @notice Makes an asset of the caller out of `shares` of `vault`, which it has approved this contract to move.
    function wrap(address vault, uint256 shares) external returns (uint256 asset);
    /// @notice Adds shares of the same vault from the caller: a loan on the asset stands better. Anyone.
    function add(uint256 asset, uint256 shares) external;
    /// @notice Takes shares out to `to`. Owner, while no loan on the asset is outstanding.
    function unwrap(uint256 asset, uint256 shares, address to) external;
    /// @notice Puts shares into the vault's queue. Owner, unless the asset is in the auction. Where the loan on it is late or impaired anyone
    /// may, and all that is held goes, whatever was asked: lenders need not wait for the borrower.
    /// @return asked Shares that went.
    function redeem(uint256 asset, uint256 shares) external returns (uint256 asked);
    /// @notice Claims what the queue paid and pays it into the asset's till, whose waterfall pays the debt. Anyone, unless the asset is
    /// in the auction.
    function collect(uint256 asset) external returns (uint128 amount);

    /// @notice What all shares that stand for the asset are worth; zero for other assets.
    /// @return value At the conservative price, in base units of the currency, rounded down; with what was paid and not collected.
    /// @return listed Whether the till still lists the facility behind it.
    /// @return facility As `facilityOf`.
    function valueOf(uint256 asset)
        external
        view
        returns (uint88 value, bool listed, address facility);
    /// @notice The facility whose line stands behind the asset; zero for other assets.
    function facilityOf(uint256 asset) external view returns (address);
    function positionOf(uint256 asset) external view returns (Position memory);
    /// @notice The register of assets.
    function assets() external view returns (address);
}
