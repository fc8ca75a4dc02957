// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LoanState} from "./IFacility.sol";

/// @notice An asset that secures a loan, and what is paid before debt in its till (`ITill.lienOf`): terms that were changed after
/// the underwriter signed make the loan impossible.
struct Collateral {
    uint256 asset;
    bytes32 above;
}

/// @notice All that a loan is. Its id is the EIP-712 hash of this in the domain "Millrace Desk", version "1"; the underwriter signs it,
/// the borrower takes it by calling `borrow`. Amounts are in base units of the facility's currency, rates in parts per million a year of
/// 365 days, times in seconds, bps in ten-thousandths.
/// @param collateral 1 to 8 assets in ascending order.
/// @param clusters What it hangs on: hardware generation, customer, region. Zero for none.
/// @param borrower Owner of the assets; draws, and gets what an auction leaves over.
/// @param underwriter Whose stake takes the first loss; a listed one.
/// @param vendor Account that draws are paid to; zero for the borrower's own.
/// @param limit Most that can be drawn in all.
/// @param firstDraws What can be drawn before the underwriter releases more.
/// @param ahead What others may draw on the same assets and are paid before: the sum of their caps in the ranks. Zero for a first lien.
/// @param rate Interest on principal; interest bears none.
/// @param premiumBps The underwriter's part of the interest that is paid.
/// @param rampEnd Until then only interest is due, nothing is late, and money can be drawn.
/// @param maturity From the ramp's end to here the principal is repaid in equal parts by the second.
/// @param revenueBps Part of what reaches debt that is taken even ahead of the plan.
/// @param dscrBps Coverage below which everything is swept to debt; zero for no covenant.
/// @param ltvBps Part of the appraised value that is lent on; zero for a loan that is not secured by a sale.
/// @param multipleBps Part of the trailing revenue that is lent on.
/// @param coverBps Stake needed for each unit of principal above `ltvBps` of the value.
/// @param obligor Who owes, in the curator's list of names. Not zero.
/// @param expiry Last second at which the loan can be opened.
/// @param nonce Makes two loans with the same terms two loans.
struct Terms {
    Collateral[] collateral;
    bytes32[3] clusters;
    address borrower;
    address underwriter;
    address vendor;
    uint88 limit;
    uint88 firstDraws;
    uint88 ahead;
    uint24 rate;
    uint16 premiumBps;
    uint32 rampEnd;
    uint32 maturity;
    uint16 revenueBps;
    uint16 dscrBps;
    uint16 ltvBps;
    uint32 multipleBps;
    uint16 coverBps;
    bytes32 obligor;
    uint32 expiry;
    uint256 nonce;
}

/// @notice What a desk may agree to, fixed when it is made.
/// @param maxLtvBps Most that terms may lend on an appraisal.
/// @param maxMultipleBps Most that terms may lend on trailing revenue.
/// @param minCoverBps Least cover that terms may have.
/// @param maxObligorBps Largest part of the value that one obligor may have drawn.
/// @param maxClusterBps Largest part of the value that may hang on one cluster.
/// @param minObligorBets Least effective number of obligors, × 100: the value squared over the sum of squares, so that
/// money that is not lent counts as spread.
/// @param minClusterBets The same for clusters, each of the three kinds by itself.
/// @param maxRamp Most seconds from today to a ramp's end.
/// @param maxTerm Most seconds from today to a maturity. Not zero.
/// @param evidencePanel Panel of `Appraisals` that says how much of an asset's trailing revenue came from outside: no more is
/// lent on, and nothing without its word. `type(uint32).max` for none.
struct DeskRules {
    uint16 maxLtvBps;
    uint32 maxMultipleBps;
    uint16 minCoverBps;
    uint16 maxObligorBps;
    uint16 maxClusterBps;
    uint32 minObligorBets;
    uint32 minClusterBets;
    uint32 maxRamp;
    uint32 maxTerm;
    uint32 evidencePanel;
}

/// @title The desk of a facility: where loans are agreed, drawn and called
/// @notice Checks terms, signatures, values, revenue and concentration; the facility keeps the book. A loan is all that it is by its
/// terms, which come with each call.
interface IDesk {
    event LoanOpened(
        bytes32 indexed loan, address indexed borrower, address indexed underwriter, Terms terms
    );
    event UnderwriterChanged(address indexed underwriter, uint40 from);
    event CuratorOffered(address indexed to);
    event CuratorChanged(address indexed curator);

    error RulesInvalid();
    error NotCurator(address caller);
    error NotBorrower(bytes32 loan, address caller);
    error TermsInvalid(bytes32 loan);
    /// @notice Terms go beyond a rule of the facility.
    error TermsBeyondRules(bytes32 loan);
    error TermsExpired(bytes32 loan, uint32 expiry);
    error TermsSignatureInvalid(bytes32 loan, address underwriter);
    error ReleaseSignatureInvalid(bytes32 loan, address underwriter);
    error ReleaseExpired(bytes32 loan, uint40 deadline);
    error UnderwriterUnlisted(address underwriter);
    /// @notice The asset is not the borrower's, not in the facility's currency, or this facility is not in the debt slot of its till, by
    /// itself or in the ranks.
    error AssetNotPledged(uint256 asset);
    /// @notice Others may draw more or less before this facility than the terms say.
    error AheadChanged(bytes32 loan, uint256 ahead);
    /// @notice The terms' limit is above the facility's caps in the ranks.
    error BeyondCap(bytes32 loan, uint256 cap);
    /// @notice An asset of the loan was sold by a facility before this one.
    error AssetGone(uint256 asset);
    /// @notice What is paid before debt is not what the terms say.
    error AboveChanged(uint256 asset, bytes32 above);
    /// @notice The panel says nothing of the asset any more; of units, it does not list their facility.
    error AppraisalExpired(uint256 asset);
    /// @notice Nobody vouches any more for where the asset's revenue came from, and the facility asks for it.
    error EvidenceExpired(uint256 asset);
    /// @notice Something was drawn and is owed: repay it.
    error LoanOwes(bytes32 loan, uint88 owed);
    /// @notice More than value and revenue carry.
    error BeyondCapacity(bytes32 loan, uint256 principal, uint256 capacity);
    error BeyondReleased(bytes32 loan, uint256 drawn, uint256 released);
    /// @param key The name; for a draw on units the address of the facility behind them, whose debtors may be any of those here.
    error TooConcentrated(bytes32 key, uint256 exposure, uint256 most);
    /// @param bets Effective number × 100.
    error TooFewBets(uint256 kind, uint256 bets, uint256 least);
    /// @notice A facility does not lend on what is lent to itself.
    error OwnUnits(uint256 asset);
    /// @notice Units of one facility stand alone behind a loan: with nothing else, and with no other's.
    error UnitsMixed(uint256 asset);
    /// @notice A loan on units lends on their value alone, and everything they bring repays it: `ltvBps` above zero, `multipleBps` zero,
    /// `revenueBps` 10,000, and nothing in the till before debt.
    error UnfitForUnits(uint256 asset);
    /// @notice Behind this facility are others that have others behind them, or this one.
    error TooDeep(address facility);
    error TooManyBehind(address facility, uint256 most);
    error ZeroAmount();
    /// @notice Nothing to free.
    error NothingToDo(bytes32 loan);

    /// @notice Opens a loan by the underwriter's signature and draws `amount`, which may be zero. Borrower. Each asset's owner has
    /// put the facility into the debt slot before (`ITill.setDebt`).
    function borrow(Terms calldata terms, bytes calldata signature, uint88 amount)
        external
        returns (bytes32 loan);
    /// @notice Draws more. Borrower, until the ramp's end. Beyond `firstDraws` the underwriter's EIP-712 signature of
    /// `Release(bytes32 loan,uint88 total,uint40 deadline)` says how much may be drawn in all.
    function draw(
        Terms calldata terms,
        uint88 amount,
        uint88 total,
        uint40 deadline,
        bytes calldata release
    ) external;
    /// @notice Pays the loan of `old` off with a new one, on the underwriter's signature, in one step and without money in between: better terms, a
    /// longer plan, a late loan made good. Borrower of both; not in default. Everything that `borrow` asks is asked of the new one.
    /// @return loan The new loan, of which what was owed is drawn.
    function refinance(Terms calldata old, Terms calldata terms, bytes calldata signature)
        external
        returns (bytes32 loan);
    /// @notice Pays a loan of another facility before this one in the ranks off with a new one here, in one step, and takes its place. The
    /// terms' `ahead` leaves the other out. Borrower, owner of the assets; everything that `borrow` asks is asked.
    /// @param old The other facility, which stands in the ranks of each asset of the terms.
    /// @param oldLoan Its loan; not written off.
    /// @return loan The new loan, of which what was owed there is drawn.
    function takeOver(address old, bytes32 oldLoan, Terms calldata terms, bytes calldata signature)
        external
        returns (bytes32 loan);
    /// @notice Calls a loan off of which nothing is drawn, which frees its assets. Borrower, at any time.
    function cancel(Terms calldata terms) external;
    /// @notice Settles the tills of a loan that is behind and takes it one step on, for a bounty: late, impaired, default. Anyone.
    function poke(Terms calldata terms) external returns (LoanState);
    /// @notice Frees stake beyond what the loan needs now, all of it where the loan is over, and with that what it counted in
    /// concentration. Anyone; it goes to the underwriter.
    function harvest(Terms calldata terms) external returns (uint88 freed);
    /// @notice Lists an underwriter, who may sign `DELAY` later, or unlists one at once. Curator.
    function setUnderwriter(address underwriter, bool listed) external;
    function offerCurator(address to) external;
    function acceptCurator() external;

    function facility() external view returns (address);
    function rules() external view returns (DeskRules memory);
    function curator() external view returns (address);
    /// @notice First second at which an underwriter may sign; zero for never.
    function signsFrom(address underwriter) external view returns (uint40);
    /// @notice What can be lent on the terms now, by value and revenue, and the part of it that the value carries.
    function capacityOf(Terms calldata terms)
        external
        view
        returns (uint256 capacity, uint256 worth);
    /// @notice Drawn by an obligor (kind 0) or on a cluster (kinds 1 to 3), loans that are not harvested included.
    function exposureOf(uint256 kind, bytes32 key) external view returns (uint88);
    /// @notice Drawn on units of a facility, loans that are not harvested included.
    function exposureTo(address facility_) external view returns (uint88);
    /// @notice Facilities whose units secure loans here; at most four.
    function facilitiesBehind() external view returns (address[] memory);
    /// @notice Most that may hang on any one name of a kind through these facilities, whatever their curators call it.
    function throughOf(uint256 kind) external view returns (uint256);
    /// @notice What a desk above asks.
    /// @param levels How deep to look; below that all that was lent counts as one name.
    /// @return norm Root of the sum of squares of all exposures of a kind, those behind included, rounded up.
    /// @return whole Whether it came to that.
    function normOf(uint256 kind, uint256 levels) external view returns (uint256 norm, bool whole);
    /// @notice Effective number of obligors or clusters × 100, and the sum of squares behind it, both with the facilities behind counted
    /// as if all that may hang on one name did.
    function betsOf(uint256 kind) external view returns (uint256 bets, uint256 squares);
    function hashTerms(Terms calldata terms) external view returns (bytes32);
    function hashRelease(bytes32 loan, uint88 total, uint40 deadline)
        external
        view
        returns (bytes32);
}
