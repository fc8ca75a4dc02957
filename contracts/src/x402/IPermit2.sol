// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What x402 uses of Permit2: transfers by a signature that names what else was agreed
/// @notice A nonce is a bit: word `nonce >> 8`, bit `nonce & 255` of the owner's bitmap, set once it is used or called off.
interface IPermit2 {
    /// @notice A token and the most that may be moved of it.
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    /// @notice What the owner signs, besides the spender and the witness.
    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    /// @notice What the spender asks for.
    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    /// @notice The owner called off the nonces of `mask` in `word`.
    event UnorderedNonceInvalidation(address indexed owner, uint256 word, uint256 mask);

    error InvalidAmount(uint256 maxAmount);
    error InvalidContractSignature();
    error InvalidNonce();
    error InvalidSignature();
    error InvalidSigner();
    error SignatureExpired(uint256 signatureDeadline);

    /// @notice Moves tokens of `owner` to whom the caller says, if `owner` signed the caller, the permit and the witness.
    /// @param witness Hash of what else was agreed; `witnessTypeString` is its type, from the name of the field on.
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;

    /// @notice Calls off the caller's nonces of `mask` in word `wordPos`.
    function invalidateUnorderedNonces(uint256 wordPos, uint256 mask) external;

    function nonceBitmap(address owner, uint256 word) external view returns (uint256);

    function DOMAIN_SEPARATOR() external view returns (bytes32);
}
