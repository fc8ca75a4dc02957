// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC3009Bytes} from "../till/IERC3009Bytes.sol";
import {IDepositCollector} from "./IBatchSettlement.sol";

/// @title Stand-in for x402's collector of deposits by ERC-3009 on local chains
/// @notice Behaves as the contract at 0x4020806089470a89826cB9fB1f4059150b550004 of public chains: the payer's authorization to
/// this contract, whose nonce names channel and salt, brings the deposit of that channel and nothing else.
contract Erc3009DepositCollector is IDepositCollector {
    using SafeERC20 for IERC20;

    error OnlySettlement();

    address public constant SETTLEMENT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    /// @inheritdoc IDepositCollector
    /// @param collectorData `validAfter`, `validBefore`, `salt` and signature of the authorization.
    function collect(
        address payer,
        address token,
        uint256 amount,
        bytes32 channelId,
        bytes calldata collectorData
    ) external {
        require(msg.sender == SETTLEMENT, OnlySettlement());
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(collectorData, (uint256, uint256, uint256, bytes));
        IERC3009Bytes(token)
            .receiveWithAuthorization(
                payer,
                address(this),
                amount,
                validAfter,
                validBefore,
                keccak256(abi.encode(channelId, salt)),
                signature
            );
        IERC20(token).safeTransfer(msg.sender, amount);
    }
}
