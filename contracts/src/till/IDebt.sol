// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What fills the debt slot of a till: a loan book
/// @notice The till calls `collect` in the middle of a settlement with what is available to debt and moves the
/// amount that comes back into the module's account. A module that reverts or takes more than was available cannot stop the
/// till: what it could have taken is held back from shares and owner until it answers.
interface IDebt {
    /// @notice Books a repayment. Only the till calls this.
    /// @param asset The asset that secures the loan.
    /// @param boundary Time at which what is due is evaluated.
    /// @param available Most that may be taken, in the asset's currency.
    /// @param revenue Revenue of the epoch that is settled, before any layer.
    /// @return taken What the loan takes; at most `available`.
    function collect(uint256 asset, uint40 boundary, uint128 available, uint128 revenue)
        external
        returns (uint128 taken);

    /// @notice Whether a loan on `asset` is outstanding. While it is, the slot cannot be cleared nor upstream parts be changed.
    function outstanding(uint256 asset) external view returns (bool);
}
