// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    IERC7579Execution,
    IERC7579Module,
    MODULE_TYPE_EXECUTOR
} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";

import {IChannels} from "../channels/IChannels.sol";
import {IMarket} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Book, Books, Config} from "./Book.sol";
import {IAgentPolicies, Setup} from "./IAgentAccount.sol";
import {Spending} from "./Spending.sol";

/// @title An executor module of ERC-7579 accounts
/// @dev One contract for all of them. The account that installed it is the owner of its own books, and makes the channels and the market
/// operators in the till. Removing the module ends all that was granted, for good: installed again it begins with empty books.
contract AgentModule is Spending, IERC7579Module {
    constructor(ITill till_, IChannels channels_, IMarket market_, address policies_)
        Spending(till_, channels_, market_, policies_)
    {}

    /// @inheritdoc IERC7579Module
    /// @param data An encoded `Setup`.
    function onInstall(bytes calldata data) external {
        _delegate(abi.encodeCall(IAgentPolicies.setUp, (msg.sender, abi.decode(data, (Setup)))));
    }

    /// @inheritdoc IERC7579Module
    function onUninstall(bytes calldata) external {
        Book storage book = Books.load(msg.sender);
        Config memory config = book.config;
        require(config.ready, AccountUnknown(msg.sender));
        book.config = Config(address(0), 0, config.life + 1, false);
    }

    /// @notice Whether the account installed this module.
    function isInitialized(address account) external view returns (bool) {
        return Books.load(account).config.ready;
    }

    /// @inheritdoc IERC7579Module
    function isModuleType(uint256 kind) external pure returns (bool) {
        return kind == MODULE_TYPE_EXECUTOR;
    }

    function _call(address account, address target, bytes memory data)
        internal
        override
        returns (bytes memory)
    {
        // A single call that reverts when what it calls does, which is all zeros; packed as the standard says.
        return IERC7579Execution(account)
            .executeFromExecutor(bytes32(0), abi.encodePacked(target, uint256(0), data))[0];
    }
}
