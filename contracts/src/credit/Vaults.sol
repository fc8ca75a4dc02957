// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {ITill} from "../till/ITill.sol";
import {IVaults} from "./IMakers.sol";
import {Vault} from "./Vault.sol";

/// @title The maker of vaults
contract Vaults is IVaults {
    ITill private immutable _till;

    /// @param till_ Holds the vaults' money.
    constructor(ITill till_) {
        _till = till_;
    }

    /// @inheritdoc IVaults
    function create(address currency) external returns (address senior, address junior) {
        string memory symbol = IERC20Metadata(currency).symbol();
        senior = _make(currency, true, "Millrace Senior ", "s", symbol);
        junior = _make(currency, false, "Millrace Junior ", "j", symbol);
    }

    function _make(
        address currency,
        bool isSenior,
        string memory name,
        string memory letter,
        string memory symbol
    ) private returns (address) {
        return address(
            new Vault(
                _till,
                msg.sender,
                currency,
                isSenior,
                string.concat(name, symbol),
                string.concat(letter, symbol)
            )
        );
    }
}
