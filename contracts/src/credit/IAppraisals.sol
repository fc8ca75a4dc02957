// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A published depreciation curve: half of the value is lost each `halfLife` seconds, and a sale brings `haircutBps` less.
struct Curve {
    uint32 halfLife;
    uint16 haircutBps;
}

/// @notice What one appraiser signs: EIP-712 type
/// `Appraisal(uint256 panel,uint256 asset,uint88 value,uint32 asOf,uint32 expiry,uint32 curve)` in the domain "Millrace Appraisals",
/// version "1"; ERC-1271 accepted.
/// @param panel The panel it is given to.
/// @param asset The asset.
/// @param value Value at `asOf`, in base units of the asset's currency.
/// @param asOf Time of the appraisal, in seconds.
/// @param expiry Last second at which it counts as fresh.
/// @param curve Depreciation from `asOf` on.
struct Appraisal {
    uint256 panel;
    uint256 asset;
    uint88 value;
    uint32 asOf;
    uint32 expiry;
    uint32 curve;
}

/// @notice An appraisal with who signed it.
struct SignedAppraisal {
    Appraisal appraisal;
    address appraiser;
    bytes signature;
}

/// @title What assets are worth, by the median of signed appraisals
/// @notice A panel is a list of appraisers, a quorum and a curator, who can change the list. Its record of an asset is the
/// median of the last appraisals that a quorum signed; from then on it follows the published curve. Lenders choose a panel.
/// Units (`IUnits`) are worth what the books of their facility say, to every panel; they are fresh to a panel that lists this facility as
/// one of its appraisers, while the till lists it too.
interface IAppraisals {
    event CurvePublished(uint32 indexed curve, uint32 halfLife, uint16 haircutBps);
    event PanelCreated(uint256 indexed panel, address indexed curator, uint8 quorum);
    /// @param from First second at which the appraiser counts; zero where it was removed.
    event AppraiserChanged(uint256 indexed panel, address indexed appraiser, uint40 from);
    event Appraised(
        uint256 indexed panel,
        uint256 indexed asset,
        uint88 value,
        uint32 asOf,
        uint32 expiry,
        uint32 curve
    );
    event AppraisalVoided(uint256 indexed panel, uint256 indexed asset, address indexed by);

    error CurveInvalid(uint32 halfLife, uint16 haircutBps);
    error CurveUnknown(uint32 curve);
    error QuorumInvalid(uint8 quorum);
    error NotCurator(uint256 panel, address caller);
    /// @notice Only the curator or an appraiser of the panel may do this.
    error NotOfPanel(uint256 panel, address caller);
    /// @notice So many appraisals are needed, and nine at most.
    error AppraisalCount(uint256 given, uint256 quorum);
    /// @notice All must be of this panel, asset and curve.
    error AppraisalForeign(uint256 index);
    error AppraiserUnlisted(uint256 panel, address appraiser);
    error AppraiserTwice(address appraiser);
    /// @notice Appraisals must stand in ascending order of value.
    error AppraisalsUnsorted(uint256 index);
    error AppraisalSignatureInvalid(address appraiser);
    /// @notice Units are worth what their facility's books say: nobody appraises them.
    error UnitsAppraised(uint256 asset);
    /// @notice Of the future, expired, or not newer than the record.
    error AppraisalStale(uint32 asOf, uint32 expiry);

    /// @notice Publishes a curve, for good. Anyone.
    function publish(Curve calldata curve) external returns (uint32 id);
    /// @notice Makes a panel of the caller, who is its curator; appraisers named here count at once.
    function createPanel(address[] calldata appraisers, uint8 quorum)
        external
        returns (uint256 panel);
    /// @notice Adds an appraiser, who counts `DELAY` later, or removes one at once. Curator.
    function setAppraiser(uint256 panel, address appraiser, bool listed) external;
    /// @notice Records the median of appraisals in ascending order of value. Anyone. The record is as old as the oldest of
    /// them and expires with the first.
    function appraise(SignedAppraisal[] calldata signed) external returns (uint88 median);
    /// @notice Takes back what the panel said of `asset`. The curator or any of its appraisers.
    function void(uint256 panel, uint256 asset) external;

    /// @notice What `asset` is worth now by `panel`: the median after its curve, less the haircut; zero if it was never
    /// appraised.
    /// @return value In base units of the asset's currency.
    /// @return fresh Whether the appraisals have not expired.
    function valueOf(uint256 panel, uint256 asset) external view returns (uint88 value, bool fresh);
    /// @notice The same with the facility whose units the asset is made of; zero for any other asset.
    function worthOf(uint256 panel, uint256 asset)
        external
        view
        returns (uint88 value, bool fresh, address behind);
    /// @notice What makes assets of units.
    function units() external view returns (address);
    /// @notice The record itself; `asOf` is zero if there is none.
    function recordOf(uint256 panel, uint256 asset)
        external
        view
        returns (uint88 value, uint32 asOf, uint32 expiry, uint32 curve);
    function curveOf(uint32 id) external view returns (Curve memory);
    function panelOf(uint256 panel) external view returns (address curator, uint8 quorum);
    /// @notice First second at which an appraiser counts; zero if it does not.
    function countsFrom(uint256 panel, address appraiser) external view returns (uint40);
    function hashAppraisal(Appraisal calldata appraisal) external view returns (bytes32);
}
