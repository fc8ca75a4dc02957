// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stand-in for Multicall3 on local chains: several reads in one call
/// @notice Behaves as the contract at 0xcA11bde05977b3631167028862bE2a173976CA11 of public chains to who only reads: the packages
/// of x402 by `tryAggregate`, viem by `aggregate3`. It holds nothing and no account trusts it.
contract Multicall3 {
    struct Call {
        address target;
        bytes callData;
    }

    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    error CallFailed(uint256 index);

    /// @notice Makes all calls; one that fails ends all only where `requireSuccess`.
    function tryAggregate(bool requireSuccess, Call[] calldata calls)
        external
        payable
        returns (Result[] memory results)
    {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            results[i] = _call(calls[i].target, calls[i].callData);
            require(results[i].success || !requireSuccess, CallFailed(i));
        }
    }

    /// @notice The same, each call by itself.
    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            results[i] = _call(calls[i].target, calls[i].callData);
            require(results[i].success || calls[i].allowFailure, CallFailed(i));
        }
    }

    function getEthBalance(address addr) external view returns (uint256) {
        return addr.balance;
    }

    function _call(address target, bytes calldata data) private returns (Result memory) {
        (bool success, bytes memory returned) = target.call(data);
        return Result(success, returned);
    }
}
