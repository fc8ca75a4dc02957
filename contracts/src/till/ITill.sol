// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

/// @notice One upstream asset and its part of the revenue after the fee.
struct Upstream {
    uint256 asset;
    uint16 bps;
}

/// @notice Consent of one upstream owner to be named by `asset` (EIP-712, ERC-1271 accepted).
struct Consent {
    uint40 deadline;
    uint256 nonce;
    bytes signature;
}

/// @notice What one settlement paid to each layer, in the asset's currency.
struct Split {
    uint128 fee;
    uint128 upstream;
    uint128 costs;
    uint128 debt;
    uint128 shares;
    uint128 owner;
}

/// @title The till: the only holder of money
/// @notice Accounts are ERC-6909 balances whose id is `uint160(token)`. An asset's revenue is collected in a bucket for
/// the current epoch and, once the epoch is over, split in a fixed order:
/// fee, upstream royalties, running costs, debt, shares, owner.
interface ITill is IERC6909 {
    event Deposited(address indexed token, address indexed from, address indexed to, uint256 amount);
    event Withdrawn(address indexed token, address indexed from, address indexed to, uint256 amount);
    /// @param total Revenue of the epoch so far, this payment included.
    event Paid(uint256 indexed asset, address indexed payer, uint40 epoch, uint128 amount, uint128 total);
    /// @param boundary Time at which what was due was evaluated: the end of the bucket's epoch, or a transfer's time.
    event Settled(
        uint256 indexed asset,
        uint40 epoch,
        uint40 boundary,
        uint128 fee,
        uint128 upstream,
        uint128 costs,
        uint128 debt,
        uint128 shares,
        uint128 owner
    );
    event RoyaltyAccrued(uint256 indexed asset, uint256 indexed upstream, uint128 amount);
    event RoyaltyPulled(uint256 indexed asset, uint128 amount, uint128 total);
    event UpstreamChanged(uint256 indexed asset, Upstream[] upstream);
    event RunningCostsChanged(uint256 indexed asset, uint128 perDay, uint128 cap);
    event DebtChanged(uint256 indexed asset, address indexed debt);
    event SharesChanged(uint256 indexed asset, address indexed shares, uint16 bps);
    event DebtUnanswered(uint256 indexed asset, address indexed debt, uint128 held);

    /// @notice Puts `amount` of `token` from the caller's wallet into `to`'s account.
    function deposit(address token, address to, uint256 amount) external;
    /// @notice Deposit by ERC-2612 permit of `from` in one transaction; anyone may send it, the account of `from` is credited.
    function depositWithPermit(address token, address from, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;
    /// @notice Deposit by ERC-3009 `receiveWithAuthorization` of `from`; anyone may send it, the account of `from` is credited.
    function depositWithAuthorization(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
    /// @notice Pays `amount` of `token` out of the caller's account to the wallet `to`.
    function withdraw(address token, address to, uint256 amount) external;

    /// @notice Pays revenue to `asset` from the caller's account. O(1).
    function pay(uint256 asset, uint128 amount) external;
    /// @notice Splits what `asset` collected in epochs that are over. Anyone, any time, any number of times.
    function settle(uint256 asset) external returns (Split memory);
    /// @notice Moves royalties accrued to `asset` by assets built from it into its bucket of the current epoch.
    function pullRoyalties(uint256 asset) external returns (uint128 amount);

    /// @notice Names the upstream assets (at most 8). Owner only, not while debt is outstanding; one consent per upstream owner.
    function setUpstream(uint256 asset, Upstream[] calldata upstream, Consent[] calldata consents) external;
    /// @notice Sets running costs owed to the operator: `perDay` accrues by the second, arrears never exceed `cap`.
    function setRunningCosts(uint256 asset, uint128 perDay, uint128 cap) external;
    /// @notice Fills or clears the debt slot. Owner only; the module must be listed, and must agree to be cleared.
    function setDebt(uint256 asset, address debt) external;
    /// @notice Fills or clears the shares slot: `bps` of what is left after debt goes to the account of `shares`.
    function setShares(uint256 asset, address shares, uint16 bps) external;

    function epochLength() external view returns (uint40);
    function currentEpoch() external view returns (uint40);
    /// @notice Revenue collected in the open bucket, and the epoch it belongs to.
    function bucketOf(uint256 asset) external view returns (uint40 epoch, uint128 amount);
    /// @notice Decaying sum of revenue (see README of the noun), as of the last epoch that is over.
    function trailingRevenueOf(uint256 asset) external view returns (uint128);
    /// @notice Everything each layer of `asset` was ever paid.
    function paidOf(uint256 asset) external view returns (Split memory);
}
