// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAssets} from "../assets/IAssets.sol";
import {Channel, IChannels} from "../channels/IChannels.sol";
import {IMarket} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Agent, Book, Books, Life, Line} from "./Book.sol";
import {IAgentEvents, Kind, Spend} from "./IAgentAccount.sol";

/// @title What both sides of an account share
abstract contract Common is IAgentEvents, EIP712 {
    /// @dev The highest bit: no account has it, and no asset's id reaches it.
    uint256 internal constant ASSET = 1 << 255;

    bytes32 private constant APPROVAL_TYPEHASH = keccak256(
        "Approval(address account,address agent,uint8 kind,address currency,address to,uint256 asset,uint128 amount,bytes32 service,uint256 ref,uint40 expiry)"
    );

    address public immutable till;
    address public immutable channels;
    address public immutable market;
    IAssets internal immutable _assets;

    modifier onlyGuard(address account) {
        _requireGuard(account);
        _;
    }

    constructor(ITill till_, IChannels channels_, IMarket market_) EIP712("Millrace Agents", "1") {
        (till, channels, market) = (address(till_), address(channels_), address(market_));
        _assets = IAssets(till_.assets());
    }

    /// @inheritdoc IAgentEvents
    function ownerOf(address account) public view returns (address owner) {
        Book storage book = Books.load(account);
        require(book.config.ready, AccountUnknown(account));
        owner = book.owner;
        // A module's account, and one that runs this code by EIP-7702, own themselves.
        if (owner == address(0)) owner = account;
    }

    /// @dev The guardian first: one read less on its way to stop an agent.
    function _requireGuard(address account) private view {
        require(
            msg.sender == Books.load(account).config.guardian || msg.sender == ownerOf(account),
            NotOwnerOrGuardian(account, msg.sender)
        );
    }

    function _requireChannel(address account, address agent, Channel calldata channel)
        internal
        pure
    {
        require(
            channel.payer == account && channel.signer == agent,
            ChannelForeign(channel.payer, channel.signer)
        );
    }

    function _hashApproval(
        address account,
        address agent,
        Kind kind,
        Spend memory spend,
        uint40 expiry
    ) internal view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(APPROVAL_TYPEHASH, account, agent, kind, spend, expiry))
        );
    }

    function _useRef(Agent storage agent, address key, uint256 ref) internal {
        uint256 word = agent.refs[ref >> 8];
        uint256 bit = 1 << (ref & 0xff);
        require(word & bit == 0, RefUsed(key, ref));
        agent.refs[ref >> 8] = word | bit;
    }

    function _uncommit(address account, address agent, address currency, bytes32 id, uint128 amount)
        internal
    {
        Line storage line = _agent(account, agent).lines[currency];
        uint128 committed = line.committed - amount;
        line.committed = committed;
        emit Released(account, agent, currency, id, amount, committed);
    }

    function _agent(address account, address agent) internal view returns (Agent storage) {
        return _life(account).agents[agent];
    }

    /// @dev What was granted since the account was last set up.
    function _life(address account) internal view virtual returns (Life storage) {
        Book storage book = Books.load(account);
        return book.lives[book.config.life];
    }
}
