// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A contract account that answers for a digest what it was told, in every wrong way too.
contract Signer is IERC1271 {
    enum Mood {
        Yes,
        No,
        Revert,
        Short,
        Bomb,
        Burn
    }

    Mood public mood;
    bytes32 public digest;

    function set(Mood mood_, bytes32 digest_) external {
        (mood, digest) = (mood_, digest_);
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        if (mood == Mood.Revert) revert();
        if (mood == Mood.Short) {
            assembly {
                mstore(0, 0x1626ba7e)
                return(0x1c, 4)
            }
        }
        if (mood == Mood.Bomb) {
            assembly {
                return(0, 100000)
            }
        }
        if (mood == Mood.Burn) {
            uint256 x;
            while (gasleft() > 1_000) ++x;
        }
        return mood == Mood.Yes && hash == digest
            ? IERC1271.isValidSignature.selector
            : bytes4(0xffffffff);
    }

    /// @notice Calls anything, so that a contract can own, operate and pay.
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory result) = target.call(data);
        if (!done) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }
}
