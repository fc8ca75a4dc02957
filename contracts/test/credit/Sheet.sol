// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Desk} from "../../src/credit/Desk.sol";
import {IAppraisals} from "../../src/credit/IAppraisals.sol";
import {DeskRules} from "../../src/credit/IDesk.sol";
import {IFacility} from "../../src/credit/IFacility.sol";
import {IRanks} from "../../src/credit/IRanks.sol";
import {ITill} from "../../src/till/ITill.sol";

/// @notice What a desk above asks of a facility, as it is told.
contract Stock {
    address public desk;
    uint256 public total;

    function set(address desk_, uint256 total_) external {
        (desk, total) = (desk_, total_);
    }

    function conservative() external view returns (uint256, uint256) {
        return (total, 0);
    }
}

/// @notice A desk whose exposures are written by hand. Its rules refuse nothing.
contract Sheet is Desk {
    uint256 public constant VALUE = 1 << 88;

    constructor(ITill till, IAppraisals appraisals, Stock stock)
        Desk(
            till,
            appraisals,
            IRanks(address(0)),
            IFacility(address(stock)),
            0,
            address(1),
            address(this),
            new address[](0),
            DeskRules(0, 0, 0, 10_000, 10_000, 0, 0, 0, 1, type(uint32).max)
        )
    {}

    function expose(bytes32 name, bytes32[3] calldata clusters, uint88 amount, address behind)
        external
    {
        _expose(name, clusters, amount, VALUE, behind);
    }

    function unexpose(bytes32 name, bytes32[3] calldata clusters, uint88 amount, address behind)
        external
    {
        _unexpose(name, clusters, amount, behind);
    }
}
