// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";

import {IChannels} from "../channels/IChannels.sol";
import {IMarket} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Book, Books, Life} from "./Book.sol";
import {IAgentPolicies, Setup} from "./IAgentAccount.sol";
import {Spending} from "./Spending.sol";

/// @title An agent's own account
/// @dev Made by `AgentAccounts` as a copy (ERC-1167) that cannot be changed. The owner moves its money without delay: the delay guards
/// against a policy loosened in a hurry, not against a stolen owner's key.
contract AgentAccount is Spending, IERC1271, ERC721Holder {
    address public immutable factory;

    modifier onlyOwner() {
        require(msg.sender == ownerOf(address(this)), NotAccountOwner(address(this), msg.sender));
        _;
    }

    constructor(ITill till_, IChannels channels_, IMarket market_, address policies_)
        Spending(till_, channels_, market_, policies_)
    {
        factory = msg.sender;
    }

    /// @notice Sets the account up, within the transaction that makes it. Factory.
    function initialize(address owner, Setup calldata setup) external {
        require(msg.sender == factory, NotAccountOwner(address(this), msg.sender));
        require(owner != address(0) && owner != address(this), OwnerInvalid(owner));
        Books.load(address(this)).owner = owner;
        emit OwnerChanged(address(this), owner);
        IAgentPolicies(address(this)).setUp(address(this), setup);
        IERC6909(till).setOperator(channels, true);
        IERC6909(till).setOperator(market, true);
    }

    /// @notice Calls anything as the account: withdraws, registers assets, takes back what strayed here. Owner.
    function execute(address target, bytes calldata data)
        external
        onlyOwner
        returns (bytes memory)
    {
        return _callSelf(target, data);
    }

    /// @notice Offers the account to another owner, who is none of its agents. Owner.
    function offerOwner(address to) external onlyOwner {
        _requireNoAgent(to);
        Books.load(address(this)).offeredOwner = to;
        emit OwnerOffered(address(this), to);
    }

    /// @notice Takes the account that was offered to the caller.
    function acceptOwner() external {
        Book storage book = Books.load(address(this));
        require(msg.sender == book.offeredOwner, NotOfferedOwner(address(this), msg.sender));
        // It may have become one since the offer.
        _requireNoAgent(msg.sender);
        book.owner = msg.sender;
        delete book.offeredOwner;
        emit OwnerChanged(address(this), msg.sender);
    }

    /// @notice Refuses: a signature is checked by a view, which cannot meter what it lets out.
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }

    /// @dev An owner who spends as an agent would approve its own spendings. One that is paused does not spend, and no owner is let loose.
    function _requireNoAgent(address to) private view {
        require(_agent(address(this), to).since == 0, AgentInvalid(address(this), to));
    }

    /// @dev There is one only, which saves a read.
    function _life(address account) internal view override returns (Life storage) {
        require(account == address(this), AccountUnknown(account));
        return Books.load(account).lives[0];
    }

    function _call(address, address target, bytes memory data)
        internal
        override
        returns (bytes memory)
    {
        return _callSelf(target, data);
    }
}
