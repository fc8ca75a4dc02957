// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @notice What kind of thing earns.
enum Kind {
    Machine,
    Robot,
    Dataset,
    Model,
    Service,
    /// @dev Shares of a facility's senior line (`IUnits`). Anyone can register any kind: `IUnits.facilityOf` says which are.
    Units
}

/// @notice What the register knows of one asset.
/// @param operator Runs the asset and signs its offers.
/// @param kind What it is.
/// @param device Key of the machine itself: starts leases and signs receipts. Zero where there is no machine.
/// @param currency ERC-20 in which the asset is paid and settled; never changes.
/// @param spec keccak256 of the canonical JSON (RFC 8785) that describes the asset.
struct Asset {
    address operator;
    Kind kind;
    address device;
    address currency;
    bytes32 spec;
}

/// @title The register of assets: everything that earns
/// @notice An asset is an ERC-721 token. Its owner holds the equity and may be another contract; its operator runs
/// it. A transfer settles the asset's till first, so that what was earned stays with the seller. While a loan on it is outstanding only
/// the lender's module can move it: the debt slot of the till is the lien.
/// Ids are counted from 1.
interface IAssets is IERC721 {
    event AssetRegistered(
        uint256 indexed asset,
        address indexed owner,
        address indexed operator,
        Kind kind,
        address device,
        address currency,
        bytes32 spec,
        string uri
    );
    event OperatorChanged(uint256 indexed asset, address indexed operator);
    event DeviceChanged(uint256 indexed asset, address indexed device);
    event SpecChanged(uint256 indexed asset, bytes32 spec, string uri);
    /// @param by The module in the debt slot of the asset's till.
    event AssetSeized(uint256 indexed asset, address indexed by, address indexed to);

    /// @notice No asset has this id.
    error AssetUnknown(uint256 asset);
    /// @notice Only the owner may do this.
    error NotOwner(uint256 asset, address caller);
    /// @notice Only the owner or the operator may do this.
    error NotOwnerOrOperator(uint256 asset, address caller);
    /// @notice A needed address was zero.
    error ZeroAddress();

    /// @notice Registers an asset and mints it to `owner`.
    function register(address owner, Asset calldata asset, string calldata uri)
        external
        returns (uint256 id);
    /// @notice Names a new operator. Owner only. Every offer signed by the old operator is void from here on.
    function setOperator(uint256 asset, address operator) external;
    /// @notice Names a new device key. Owner or operator.
    function setDevice(uint256 asset, address device) external;
    /// @notice Replaces the description. Owner or operator.
    function setSpec(uint256 asset, bytes32 spec, string calldata uri) external;

    /// @notice Takes `asset` from its owner and clears the debt slot of its till. Only the module in that slot.
    function seize(uint256 asset, address to) external;

    /// @notice The record of `asset`; reverts if unknown.
    function get(uint256 asset) external view returns (Asset memory);
    function operatorOf(uint256 asset) external view returns (address);
    function deviceOf(uint256 asset) external view returns (address);
    function currencyOf(uint256 asset) external view returns (address);
    /// @notice Assets registered so far; the highest id.
    function count() external view returns (uint256);
    /// @notice The till that is settled before an asset changes hands.
    function till() external view returns (address);
}
