// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDebt} from "../till/IDebt.sol";
import {ISeller} from "./IAuction.sol";

/// @notice Where a loan stands.
enum LoanState {
    None,
    Live,
    /// @dev More than one grace behind: everything is swept.
    Late,
    /// @dev Two: interest stops.
    Impaired,
    /// @dev Three: its assets are in the auction.
    Defaulted,
    /// @dev Out of the book at a loss; what still comes in is a recovery.
    WrittenOff,
    Closed
}

/// @notice A loan at this second.
/// @param principal Owed. Once written off: what lenders lost and did not recover.
/// @param drawn Drawn in all. Once written off: what the stake lost and did not recover.
/// @param interest Owed, rounded up.
/// @param due Principal and interest due now.
/// @param stake First loss behind this loan, premiums included.
/// @param trailing Decaying sum of what reached debt, as of the last epoch that was settled.
/// @param doubt Part of the principal that no sale is expected to bring.
/// @param isSwept Whether the covenant sweeps.
struct LoanStatus {
    LoanState state;
    uint88 principal;
    uint88 drawn;
    uint88 interest;
    uint88 due;
    uint88 stake;
    uint88 trailing;
    uint88 doubt;
    bool isSwept;
    uint8 assetsLeft;
}

/// @notice What the book must know of a loan.
/// @param isRanked Whether it stands in the ranks, where a settlement has gas for two loans and none to spare: what others put off
/// until the first settlement it writes at once.
struct Opening {
    uint24 rate;
    uint16 premiumBps;
    uint16 dscrBps;
    uint16 revenueBps;
    uint32 rampEnd;
    uint32 maturity;
    bool isRanked;
}

/// @notice A draw that the desk agreed to.
/// @param amount Base units.
/// @param to Account that gets it.
/// @param underwriter Whose free stake is locked as far as the loan's own falls short.
/// @param needed Stake that the loan needs from here on.
struct Draw {
    uint88 amount;
    address to;
    address underwriter;
    uint256 needed;
}

/// @notice Rules of a book, fixed when it is made.
/// @param currency ERC-20 that is lent.
/// @param seniorRate What senior claims, in parts per million a year on what it put in.
/// @param minJuniorBps Junior's least part of the conservative value.
/// @param grace Seconds between two steps from late to default; three epochs or more.
/// @param panel Whose appraisals count.
/// @param auctionBps Start of an auction, as a part of the appraised value.
/// @param auctionHalfLife Seconds in which its price halves.
/// @param bounty What a step of `poke` pays, out of the loan's stake.
struct BookRules {
    address currency;
    uint24 seniorRate;
    uint16 minJuniorBps;
    uint32 grace;
    uint32 panel;
    uint16 auctionBps;
    uint32 auctionHalfLife;
    uint88 bounty;
}

/// @notice The book at this second.
/// @param idle Money that is not lent.
/// @param principal Owed by loans that are not written off.
/// @param interest Owed to lenders by them, rounded down.
/// @param doubtful Part of the principal that no sale is expected to bring.
/// @param seniorClaim What senior may claim at most.
struct Value {
    uint256 idle;
    uint256 principal;
    uint256 interest;
    uint256 doubtful;
    uint256 seniorClaim;
}

/// @title A facility: one loan book, with senior, junior and the underwriters' first loss
/// @notice Fills the debt slot of the tills of the assets it lends on; that slot is its lien. Lenders come and leave through its two
/// vaults. The optimistic value counts interest that is owed and all principal, the conservative one neither interest nor doubtful
/// principal. Senior is `min(claim, value)`, junior is the rest.
interface IFacility is IDebt, ISeller {
    event Drawn(bytes32 indexed loan, address indexed to, uint88 amount, uint88 principal);
    /// @param from Asset whose revenue paid; zero for money from an account.
    /// @param since Time from which the principal that was paid bears no interest.
    event Repaid(
        bytes32 indexed loan, uint256 indexed from, uint88 interest, uint88 principal, uint40 since
    );
    event SweepChanged(bytes32 indexed loan, bool sweeps);
    event LoanStateChanged(bytes32 indexed loan, LoanState state);
    event BountyPaid(bytes32 indexed loan, address indexed to, uint88 amount);
    /// @param price What the asset brought, less what those before this facility got.
    /// @param surplus What went on to those behind it, and to the owner.
    event Sold(
        bytes32 indexed loan,
        uint256 indexed asset,
        address indexed to,
        uint88 price,
        uint88 surplus
    );
    /// @param loss What lenders lost.
    /// @param cover What the stake paid.
    event WrittenOff(bytes32 indexed loan, uint88 loss, uint88 cover);
    event Recovered(bytes32 indexed loan, uint88 toLenders, uint88 toStake);
    event StakeChanged(address indexed underwriter, uint88 free);
    event StakeLocked(bytes32 indexed loan, uint88 locked);
    event Funded(bool indexed senior, uint88 amount);
    event Left(bool indexed senior, uint256 shares, uint88 amount);

    error RulesInvalid();
    error NotTill(address caller);
    error NotDesk(address caller);
    error NotVault(address caller);
    error NotAuction(address caller);
    error NotRanks(address caller);
    error LoanUnknown(bytes32 loan);
    error LoanExists(bytes32 loan);
    /// @notice Not in this state.
    error LoanNotIn(bytes32 loan, LoanState state);
    error LoanSwept(bytes32 loan);
    error RampOver(bytes32 loan, uint32 rampEnd);
    error AssetSecuresLoan(uint256 asset, bytes32 loan);
    error IdleTooLow(uint256 amount, uint256 idle);
    /// @notice Lenders wait for more money than is idle: they go first.
    error LendersWait();
    error JuniorTooThin(uint256 junior, uint256 needed);
    error StakeTooLow(address underwriter, uint256 free, uint256 needed);
    error NothingToDo(bytes32 loan);
    error ZeroAmount();
    error AmountTooHigh(uint256 amount);

    // ------------------------------------------------------------------ repay, stake

    /// @notice Pays up to `amount` from the caller's account in the till, interest first. Anyone, any time; the caller has made the
    /// facility its operator there.
    /// @return paid At most what is owed.
    function repay(bytes32 loan, uint88 amount) external returns (uint88 paid);
    /// @notice Lets interest run again on an impaired loan of which nothing is due any more. Anyone.
    function restore(bytes32 loan) external;
    /// @notice Moves money from the caller's account in the till into its free stake.
    function stake(uint88 amount) external;
    /// @notice Moves free stake back.
    function unstake(uint88 amount) external;

    // ------------------------------------------------------------------ desk

    /// @notice Opens a loan on `assets`, and draws unless the amount is zero. Only the desk.
    /// @return total Value of the book, which a draw does not change.
    function open(
        bytes32 loan,
        Opening calldata opening,
        uint256[] calldata assets,
        Draw calldata first
    ) external returns (uint256 total);
    /// @notice Draws more. Only the desk.
    /// @return total Value of the book.
    function lend(bytes32 loan, Draw calldata more) external returns (uint256 total);
    /// @notice Books a loan that is not in default as paid, with money that does not move: the desk lends the same sum again in the
    /// same transaction. Only the desk.
    /// @return owed Principal and interest.
    function payOff(bytes32 loan) external returns (uint88 owed);
    /// @notice Takes a loan that is behind one step on. Only the desk, after it settled the tills.
    /// @param worth What its assets are worth.
    /// @param isSecured Whether they are sold in default.
    /// @param poker Who gets the bounty.
    function step(bytes32 loan, uint256 worth, bool isSecured, address poker)
        external
        returns (LoanState);
    /// @notice Puts an asset of a loan in default into the auction. Only the desk.
    function offer(uint256 asset) external;
    /// @notice Frees stake beyond `needed`, or all of it where the loan is over. Only the desk.
    /// @return freed What went to the free stake of `underwriter`.
    /// @return drawn What the loan counted in concentration and does not any more.
    function free(bytes32 loan, uint256 needed, address underwriter)
        external
        returns (uint88 freed, uint88 drawn);

    // ------------------------------------------------------------------ ranks

    /// @notice Lets an asset go that was sold to `to`, and books up to `most` of its price; a loan that was sound and is not paid off by that
    /// stops bearing interest, and is written off if this was its last asset. Only the ranks.
    /// @param sells Whether the sale is this facility's own, of a loan in default.
    /// @return paid What the ranks pay for it.
    /// @return owed What the loan on it owed.
    function release(uint256 asset, address to, uint88 most, bool sells)
        external
        returns (uint88 paid, uint256 owed);

    // ------------------------------------------------------------------ vaults

    /// @notice Books money that a vault put into the facility's account. Only a vault.
    function fund(uint256 amount) external;
    /// @notice Pays leaving shares at the conservative price, as far as money and subordination reach, into the vault's account. Only a
    /// vault.
    /// @param shares All that waits.
    /// @param supply Shares of the vault, virtual ones included.
    function exit(uint256 shares, uint256 supply) external returns (uint256 filled, uint88 paid);
    /// @notice Says that lenders of the calling vault wait. Only a vault.
    function setWaiting() external;

    // ------------------------------------------------------------------ views

    function senior() external view returns (address);
    function junior() external view returns (address);
    /// @notice Where loans are agreed.
    function desk() external view returns (address);
    function currency() external view returns (address);
    function rules() external view returns (BookRules memory);
    function freeStakeOf(address underwriter) external view returns (uint88);
    function value() external view returns (Value memory);
    /// @notice What the lines are worth. Both conservative values are at most the optimistic ones.
    function assetsOf(bool senior_) external view returns (uint256 optimistic, uint256 conservative);
    /// @notice Most that a line takes in now.
    function roomFor(bool senior_) external view returns (uint256);
    function statusOf(bytes32 loan) external view returns (LoanStatus memory);
    function loanOf(uint256 asset) external view returns (bytes32);
    function stateOf(bytes32 loan) external view returns (LoanState);
    function drawnOf(bytes32 loan) external view returns (uint88 drawn, uint88 principal);
    /// @notice Total and junior at the conservative price.
    function conservative() external view returns (uint256 total, uint256 junior_);
}
