// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDebt} from "../../src/till/IDebt.sol";

/// @notice The plainest honest debt module: each asset owes a sum, and takes what there is until it is paid.
contract Loan is IDebt {
    mapping(uint256 asset => uint128) public owed;

    function lend(uint256 asset, uint128 amount) external {
        owed[asset] += amount;
    }

    function collect(uint256 asset, uint40, uint128 available, uint128)
        external
        returns (uint128 taken)
    {
        uint128 due = owed[asset];
        taken = due < available ? due : available;
        owed[asset] = due - taken;
    }

    function outstanding(uint256 asset) external view returns (bool) {
        return owed[asset] > 0;
    }
}
