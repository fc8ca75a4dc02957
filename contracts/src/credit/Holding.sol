// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVault} from "./IVault.sol";

/// @title Where the shares of one asset of units lie
/// @dev An account of its own, because a vault keeps one request of each controller. It can do nothing: who made it may do everything with its
/// shares, and there is nothing else in it.
contract Holding {
    constructor(IVault vault) {
        vault.setOperator(msg.sender, true);
        vault.approve(msg.sender, type(uint256).max);
    }
}
