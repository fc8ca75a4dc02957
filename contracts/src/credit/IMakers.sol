// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {DeskRules} from "./IDesk.sol";
import {IRanks} from "./IRanks.sol";

/// @dev Shares that a vault counts and nobody has: a price cannot be moved far by being the first.
uint256 constant VIRTUAL_SHARES = 1e6;

/// @title Makes vaults, so that a facility need not carry their code
interface IVaults {
    /// @notice Makes the two vaults of the calling facility. Anyone; they trust whoever called.
    function create(address currency) external returns (address senior, address junior);
}

/// @title Makes desks
interface IDesks {
    /// @notice The ranks that its desks and their facilities know.
    function ranks() external view returns (IRanks);
    /// @notice Makes the desk of the calling facility.
    /// @param panel Whose appraisals count.
    function create(
        uint32 panel,
        address currency,
        address curator,
        address[] calldata underwriters,
        DeskRules calldata rules
    ) external returns (address desk);
}
