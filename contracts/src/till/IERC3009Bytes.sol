// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The form of ERC-3009 with a signature of any length
/// @notice What USDC has since its version 2.2 for contract accounts (ERC-1271).
interface IERC3009Bytes {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
