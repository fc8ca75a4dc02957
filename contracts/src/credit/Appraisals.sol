// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Signatures} from "../Signatures.sol";
import {IAssets} from "../assets/IAssets.sol";
import {Halving} from "./Halving.sol";
import {Appraisal, Curve, IAppraisals, SignedAppraisal} from "./IAppraisals.sol";
import {IUnits} from "./IUnits.sol";

/// @title Appraisals
/// @dev Bounds: a value is below 2^88, a panel's record is the median of at most 9, a half-life is a day or more. Roundings:
/// value down, haircut up; of an even number of appraisals the lower middle one counts. Holds no money. Trust: appraisers within their
/// panel, as far as a quorum of them agrees; the register, and for what it made itself `Units`. Outside calls: these, and signers that are
/// contracts, in a view.
contract Appraisals is IAppraisals, EIP712 {
    struct Panel {
        address curator;
        uint8 quorum;
    }

    /// @dev One word, the curve beside its id: a curve never changes, and a value is read more often than it is recorded.
    struct Record {
        uint88 value;
        uint32 asOf;
        uint32 expiry;
        uint32 curve;
        uint32 halfLife;
        uint16 haircutBps;
    }

    bytes32 private constant APPRAISAL_TYPEHASH = keccak256(
        "Appraisal(uint256 panel,uint256 asset,uint88 value,uint32 asOf,uint32 expiry,uint32 curve)"
    );
    uint256 private constant BPS = 10_000;
    uint256 public constant MOST = 9;
    /// @notice Seconds after which an appraiser that was added counts.
    uint40 public constant DELAY = 7 days;

    address public immutable units;
    IAssets private immutable _assets;
    uint32 private _curveCount;
    mapping(uint32 id => Curve) private _curves;
    Panel[] private _panels;
    mapping(uint256 panel => mapping(address appraiser => uint40)) public countsFrom;
    mapping(uint256 panel => mapping(uint256 asset => Record)) private _records;

    /// @param units_ What makes assets of units, which value themselves.
    constructor(IUnits units_) EIP712("Millrace Appraisals", "1") {
        units = address(units_);
        _assets = IAssets(units_.assets());
    }

    /// @inheritdoc IAppraisals
    function publish(Curve calldata curve) external returns (uint32 id) {
        require(
            curve.halfLife >= 1 days && curve.haircutBps <= BPS,
            CurveInvalid(curve.halfLife, curve.haircutBps)
        );
        // Four billion curves do not fit into blocks.
        id = _curveCount++;
        _curves[id] = curve;
        emit CurvePublished(id, curve.halfLife, curve.haircutBps);
    }

    /// @inheritdoc IAppraisals
    function createPanel(address[] calldata appraisers, uint8 quorum)
        external
        returns (uint256 panel)
    {
        require(quorum > 0 && quorum <= MOST, QuorumInvalid(quorum));
        panel = _panels.length;
        _panels.push(Panel(msg.sender, quorum));
        emit PanelCreated(panel, msg.sender, quorum);
        for (uint256 i = 0; i < appraisers.length; ++i) {
            _set(panel, appraisers[i], uint40(block.timestamp));
        }
    }

    /// @inheritdoc IAppraisals
    function setAppraiser(uint256 panel, address appraiser, bool listed) external {
        require(
            panel < _panels.length && msg.sender == _panels[panel].curator,
            NotCurator(panel, msg.sender)
        );
        _set(panel, appraiser, listed ? uint40(block.timestamp) + DELAY : 0);
    }

    /// @inheritdoc IAppraisals
    function appraise(SignedAppraisal[] calldata signed) external returns (uint88 median) {
        uint256 count = signed.length;
        require(count > 0 && count <= MOST, AppraisalCount(count, MOST));
        Appraisal calldata first = signed[0].appraisal;
        (uint256 panel, uint256 asset, uint32 curve) = (first.panel, first.asset, first.curve);
        require(panel < _panels.length, AppraisalForeign(0));
        uint8 quorum = _panels[panel].quorum;
        require(count >= quorum, AppraisalCount(count, quorum));
        require(curve < _curveCount, CurveUnknown(curve));
        _requireAppraisable(asset);
        (uint32 asOf, uint32 expiry) = (type(uint32).max, type(uint32).max);
        for (uint256 i = 0; i < count; ++i) {
            Appraisal calldata one = signed[i].appraisal;
            require(
                one.panel == panel && one.asset == asset && one.curve == curve, AppraisalForeign(i)
            );
            require(i == 0 || one.value >= signed[i - 1].appraisal.value, AppraisalsUnsorted(i));
            require(
                one.asOf <= block.timestamp && one.expiry >= block.timestamp,
                AppraisalStale(one.asOf, one.expiry)
            );
            _requireSigned(panel, signed, i);
            if (one.asOf < asOf) asOf = one.asOf;
            if (one.expiry < expiry) expiry = one.expiry;
        }
        Record storage record = _records[panel][asset];
        require(asOf > record.asOf, AppraisalStale(asOf, expiry));
        median = signed[(count - 1) / 2].appraisal.value;
        Curve memory shape = _curves[curve];
        _records[panel][asset] =
            Record(median, asOf, expiry, curve, shape.halfLife, shape.haircutBps);
        emit Appraised(panel, asset, median, asOf, expiry, curve);
    }

    /// @inheritdoc IAppraisals
    function void(uint256 panel, uint256 asset) external {
        require(
            panel < _panels.length
                && (msg.sender == _panels[panel].curator || _counts(panel, msg.sender)),
            NotOfPanel(panel, msg.sender)
        );
        // What was signed before this second cannot be recorded again.
        _records[panel][asset] = Record(0, uint32(block.timestamp), 0, 0, 0, 0);
        emit AppraisalVoided(panel, asset, msg.sender);
    }

    /// @inheritdoc IAppraisals
    function valueOf(uint256 panel, uint256 asset)
        external
        view
        returns (uint88 value, bool fresh)
    {
        (value, fresh,) = worthOf(panel, asset);
    }

    /// @inheritdoc IAppraisals
    function worthOf(uint256 panel, uint256 asset)
        public
        view
        returns (uint88 value, bool fresh, address behind)
    {
        Record memory record = _records[panel][asset];
        // Units are never appraised, so that what was is not asked for.
        if (record.value == 0) {
            (value, fresh, behind) = IUnits(units).valueOf(asset);
            fresh = fresh && _counts(panel, behind);
            return (value, fresh, behind);
        }
        uint256 left =
            Halving.leftDown(record.value, block.timestamp - record.asOf, record.halfLife);
        // At most what was appraised.
        value = uint88(left * (BPS - record.haircutBps) / BPS);
        fresh = block.timestamp <= record.expiry;
    }

    /// @inheritdoc IAppraisals
    function recordOf(uint256 panel, uint256 asset)
        external
        view
        returns (uint88 value, uint32 asOf, uint32 expiry, uint32 curve)
    {
        Record memory record = _records[panel][asset];
        return (record.value, record.asOf, record.expiry, record.curve);
    }

    /// @inheritdoc IAppraisals
    function curveOf(uint32 id) external view returns (Curve memory) {
        require(id < _curveCount, CurveUnknown(id));
        return _curves[id];
    }

    /// @inheritdoc IAppraisals
    function panelOf(uint256 panel) external view returns (address curator, uint8 quorum) {
        if (panel >= _panels.length) return (address(0), 0);
        return (_panels[panel].curator, _panels[panel].quorum);
    }

    /// @inheritdoc IAppraisals
    function hashAppraisal(Appraisal calldata appraisal) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(APPRAISAL_TYPEHASH, appraisal)));
    }

    /// @dev What is not registered yet may become units.
    function _requireAppraisable(uint256 asset) private view {
        _assets.currencyOf(asset);
        require(IUnits(units).facilityOf(asset) == address(0), UnitsAppraised(asset));
    }

    function _requireSigned(uint256 panel, SignedAppraisal[] calldata signed, uint256 index)
        private
        view
    {
        address appraiser = signed[index].appraiser;
        require(_counts(panel, appraiser), AppraiserUnlisted(panel, appraiser));
        for (uint256 i = 0; i < index; ++i) {
            require(signed[i].appraiser != appraiser, AppraiserTwice(appraiser));
        }
        require(
            Signatures.isValid(
                appraiser, hashAppraisal(signed[index].appraisal), signed[index].signature
            ),
            AppraisalSignatureInvalid(appraiser)
        );
    }

    function _counts(uint256 panel, address appraiser) private view returns (bool) {
        uint40 from = countsFrom[panel][appraiser];
        return from != 0 && block.timestamp >= from;
    }

    function _set(uint256 panel, address appraiser, uint40 from) private {
        countsFrom[panel][appraiser] = from;
        emit AppraiserChanged(panel, appraiser, from);
    }
}
