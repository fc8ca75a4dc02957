// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITill} from "../till/ITill.sol";
import {Desk} from "./Desk.sol";
import {IAppraisals} from "./IAppraisals.sol";
import {DeskRules} from "./IDesk.sol";
import {IDesks} from "./IMakers.sol";
import {IRanks} from "./IRanks.sol";
import {KeptCode} from "./KeptCode.sol";

/// @title The maker of desks
contract Desks is IDesks {
    ITill private immutable _till;
    IAppraisals private immutable _appraisals;
    IRanks public immutable ranks;
    address private immutable _first;
    address private immutable _second;

    constructor(ITill till_, IAppraisals appraisals_, IRanks ranks_) {
        _till = till_;
        _appraisals = appraisals_;
        ranks = ranks_;
        (_first, _second) = KeptCode.keep(type(Desk).creationCode);
    }

    /// @inheritdoc IDesks
    function create(
        uint32 panel,
        address currency,
        address curator,
        address[] calldata underwriters,
        DeskRules calldata rules
    ) external returns (address) {
        bytes memory arguments = abi.encode(
            _till, _appraisals, ranks, msg.sender, panel, currency, curator, underwriters, rules
        );
        return KeptCode.create(_first, _second, arguments);
    }
}
