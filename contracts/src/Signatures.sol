// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of accounts and of contracts
/// @dev The key is tried before the code: an account with delegated code (EIP-7702) still belongs to its key, and for plain
/// accounts the code is never looked up, which saves 2,600 gas. Signatures with a high `s` are refused.
library Signatures {
    /// @dev Half of the order of secp256k1: a larger `s` is the same signature written a second way.
    uint256 private constant HALF_ORDER =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Whether `signature` is `signer`'s over `digest`: by its key, else by ERC-1271.
    function isValid(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        (address recovered, ECDSA.RecoverError failure,) =
            ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    /// @notice Whether `signature` is made with the key of `signer`: 65 bytes, `s` in the lower half, `v` 27 or 28. A contract
    /// is never asked. The same answer as OpenZeppelin's `ECDSA`, for less gas where many are checked in one transaction.
    function isByKey(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool valid)
    {
        if (signature.length != 65) return false;
        uint256 most = HALF_ORDER;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, digest)
            // The precompile refuses any `v` but 27 and 28.
            mstore(add(free, 0x20), byte(0, calldataload(add(signature.offset, 0x40))))
            calldatacopy(add(free, 0x40), signature.offset, 0x40)
            let s := mload(add(free, 0x60))
            // A signature that is none is answered with no bytes.
            valid := staticcall(gas(), 1, free, 0x80, free, 0x20)
            valid := and(valid, eq(returndatasize(), 0x20))
            valid := and(valid, eq(mload(free), signer))
            valid := and(valid, and(iszero(gt(s, most)), iszero(iszero(signer))))
        }
    }
}
