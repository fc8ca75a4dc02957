// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {ITill} from "../till/ITill.sol";
import {Asset, IAssets, Kind} from "./IAssets.sol";

/// @title The register of assets
/// @dev Bounds: ids are counted from 1. Holds no money. Trusts the till, which deployed it and which it calls before a
/// change of owner or operator; a debt module that does not answer delays nothing but a change of owner while money waits
/// for it (`ITill.HeldForDebt`).
contract Assets is IAssets, ERC721 {
    struct Record {
        address operator;
        Kind kind;
        address device;
        address currency;
        bytes32 spec;
        string uri;
    }

    address public immutable till;

    uint256 public count;
    mapping(uint256 asset => Record) private _records;

    /// @param till_ The till that is settled before an asset changes hands or operator.
    constructor(address till_) ERC721("Millrace Assets", "MILL") {
        require(till_ != address(0), ZeroAddress());
        till = till_;
    }

    /// @inheritdoc IAssets
    function register(address owner, Asset calldata asset, string calldata uri)
        external
        returns (uint256 id)
    {
        require(
            owner != address(0) && asset.operator != address(0) && asset.currency != address(0),
            ZeroAddress()
        );
        id = ++count;
        _records[id] = Record({
            operator: asset.operator,
            kind: asset.kind,
            device: asset.device,
            currency: asset.currency,
            spec: asset.spec,
            uri: uri
        });
        emit AssetRegistered(
            id, owner, asset.operator, asset.kind, asset.device, asset.currency, asset.spec, uri
        );
        _mint(owner, id);
    }

    /// @inheritdoc IAssets
    function setOperator(uint256 asset, address operator) external {
        _known(asset);
        require(msg.sender == _ownerOf(asset), NotOwner(asset, msg.sender));
        require(operator != address(0), ZeroAddress());
        ITill(till).cut(asset, false);
        _records[asset].operator = operator;
        emit OperatorChanged(asset, operator);
    }

    /// @inheritdoc IAssets
    function setDevice(uint256 asset, address device) external {
        _requireOwnerOrOperator(asset);
        _records[asset].device = device;
        emit DeviceChanged(asset, device);
    }

    /// @inheritdoc IAssets
    function setSpec(uint256 asset, bytes32 spec, string calldata uri) external {
        _requireOwnerOrOperator(asset);
        Record storage record = _records[asset];
        record.spec = spec;
        record.uri = uri;
        emit SpecChanged(asset, spec, uri);
    }

    /// @inheritdoc IAssets
    function seize(uint256 asset, address to) external {
        _known(asset);
        require(to != address(0), ZeroAddress());
        ITill(till).seize(asset, msg.sender);
        emit AssetSeized(asset, msg.sender, to);
        super._update(to, asset, address(0));
    }

    /// @inheritdoc IAssets
    function get(uint256 asset) external view returns (Asset memory) {
        Record storage record = _known(asset);
        return Asset({
            operator: record.operator,
            kind: record.kind,
            device: record.device,
            currency: record.currency,
            spec: record.spec
        });
    }

    /// @inheritdoc IAssets
    function operatorOf(uint256 asset) external view returns (address) {
        return _known(asset).operator;
    }

    /// @inheritdoc IAssets
    function deviceOf(uint256 asset) external view returns (address device) {
        device = _records[asset].device;
        // A device may be zero, an operator never: only then is the second word worth its reading.
        if (device == address(0)) _known(asset);
    }

    /// @inheritdoc IAssets
    function currencyOf(uint256 asset) external view returns (address currency) {
        currency = _records[asset].currency;
        require(currency != address(0), AssetUnknown(asset));
    }

    /// @notice The metadata URI given at registration or by `setSpec`.
    function tokenURI(uint256 asset) public view override returns (string memory) {
        return _known(asset).uri;
    }

    /// @dev Every change of owner passes here. The till is settled while the register still names the seller.
    function _update(address to, uint256 asset, address auth) internal override returns (address) {
        address from = _ownerOf(asset);
        if (from != address(0)) {
            if (auth != address(0)) _checkAuthorized(from, auth, asset);
            ITill(till).cut(asset, from != to);
        }
        return super._update(to, asset, auth);
    }

    function _known(uint256 asset) private view returns (Record storage record) {
        record = _records[asset];
        require(record.operator != address(0), AssetUnknown(asset));
    }

    function _requireOwnerOrOperator(uint256 asset) private view {
        address operator = _known(asset).operator;
        require(
            msg.sender == operator || msg.sender == _ownerOf(asset),
            NotOwnerOrOperator(asset, msg.sender)
        );
    }
}
