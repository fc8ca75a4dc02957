// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITill} from "../till/ITill.sol";
import {Desk} from "./Desk.sol";
import {IAppraisals} from "./IAppraisals.sol";
import {DeskRules} from "./IDesk.sol";
import {IFacility} from "./IFacility.sol";
import {IDesks} from "./IMakers.sol";

/// @title The maker of desks
contract Desks is IDesks {
    ITill private immutable _till;
    IAppraisals private immutable _appraisals;

    constructor(ITill till_, IAppraisals appraisals_) {
        _till = till_;
        _appraisals = appraisals_;
    }

    /// @inheritdoc IDesks
    function create(
        uint32 panel,
        address currency,
        address curator,
        address[] calldata underwriters,
        DeskRules calldata rules
    ) external returns (address) {
        return address(
            new Desk(
                _till,
                _appraisals,
                IFacility(msg.sender),
                panel,
                currency,
                curator,
                underwriters,
                rules
            )
        );
    }
}
