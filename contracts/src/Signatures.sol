// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of accounts and of contracts
/// @dev The key is tried before the code: an account with delegated code (EIP-7702) still belongs to its key, and for plain
/// accounts the code is never looked up, which saves 2,600 gas. Signatures with a high `s` are refused.
library Signatures {
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
}
