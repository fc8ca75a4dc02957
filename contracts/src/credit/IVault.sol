// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575} from "./IERC7540.sol";

/// @title A line of a facility as a token: senior or junior
/// @notice ERC-4626 with deposits at once at the optimistic price, and with redemptions by request (ERC-7540): shares wait in one queue,
/// first in first out, are paid in parts as money comes in, each at the conservative price of that moment, and can then be claimed.
/// Waiting shares earn and lose like all others; a request cannot be called back. A controller has one request at a time.
interface IVault is IERC4626, IERC7540Operator, IERC7540Redeem, IERC7575 {
    /// @notice Shares of the queue that were paid, and what for.
    event QueuePaid(uint256 shares, uint256 assets, uint256 waiting);

    error ZeroShares();
    /// @notice Only the controller, or its operator, may do this.
    error NotController(address controller, address caller);
    /// @notice The last request of this controller is not claimed yet.
    error RequestOpen(address controller);
    error ClaimTooHigh(uint256 asked, uint256 claimable);
    /// @notice Asynchronous: nobody can say today what a request will bring.
    error NoPreview();
    /// @notice This line lost everything: new money would pay for what the old lost.
    error LineWipedOut();
    error SlippageTooHigh(uint256 got, uint256 least);

    /// @notice The facility whose line this is.
    function facility() external view returns (address);
    /// @notice Deposit from the caller's account in the till, where it has made the vault its operator.
    function depositFromTill(uint256 assets, address receiver) external returns (uint256 shares);
    /// @notice Pays the queue as far as money reaches. Anyone.
    function serve() external returns (uint256 shares, uint256 assets);
    /// @notice Claims like `redeem`, into `receiver`'s account in the till.
    function redeemToTill(uint256 shares, address receiver, address controller)
        external
        returns (uint256 assets);
    /// @notice Shares that were ever put into the queue, and those of them that were paid.
    function queue() external view returns (uint256 requested, uint256 paid);
}
