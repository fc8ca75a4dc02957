// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {IChannels} from "../channels/IChannels.sol";
import {IMarket} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {AgentAccount} from "./AgentAccount.sol";
import {Setup} from "./IAgentAccount.sol";

/// @title Makes agents' accounts
/// @dev An account's address follows from its owner, its setup and a salt, so it can be funded before it exists, and whoever makes it makes
/// the same. Accounts are minimal copies (ERC-1167) of one implementation, for good: nothing can be upgraded.
contract AgentAccounts {
    event AccountCreated(address indexed account, address indexed owner, address guardian);

    error AccountExists(address account);

    address public immutable implementation;

    /// @param policies The other side of the accounts, see `Policies`.
    constructor(ITill till, IChannels channels, IMarket market, address policies) {
        implementation = address(new AgentAccount(till, channels, market, policies));
    }

    /// @notice Makes the account of `owner`. Anyone.
    function create(address owner, Setup calldata setup, bytes32 salt)
        external
        returns (address account)
    {
        account = addressOf(owner, setup, salt);
        require(account.code.length == 0, AccountExists(account));
        Clones.cloneDeterministic(implementation, _salt(owner, setup, salt));
        emit AccountCreated(account, owner, setup.guardian);
        AgentAccount(account).initialize(owner, setup);
    }

    /// @notice Where the account stands, made or not.
    function addressOf(address owner, Setup calldata setup, bytes32 salt)
        public
        view
        returns (address)
    {
        return Clones.predictDeterministicAddress(implementation, _salt(owner, setup, salt));
    }

    function _salt(address owner, Setup calldata setup, bytes32 salt)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(owner, setup, salt));
    }
}
