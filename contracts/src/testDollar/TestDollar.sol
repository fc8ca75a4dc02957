// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title A stablecoin for local chains: six decimals, permit, ERC-3009, and a faucet
/// @notice Worthless by construction: anyone mints any amount. EIP-712 domain: name "Test Dollar", version "1".
/// As with USDC, the authorization functions exist with `v, r, s` and with bytes, the latter for contract accounts.
contract TestDollar is ERC20, ERC20Permit, ERC3009 {
    constructor() ERC20("Test Dollar", "TUSD") ERC20Permit("Test Dollar") {}

    /// @notice The faucet: gives `amount` to `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice As ERC-3009, for any signature that ERC-1271 knows.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        bytes32 fields = keccak256(
            abi.encode(
                TRANSFER_WITH_AUTHORIZATION_TYPEHASH,
                from,
                to,
                value,
                validAfter,
                validBefore,
                nonce
            )
        );
        _requireSigned(from, fields, signature);
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @notice As ERC-3009, for any signature that ERC-1271 knows.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        bytes32 fields = keccak256(
            abi.encode(
                RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
            )
        );
        _requireSigned(from, fields, signature);
        require(to == msg.sender, ERC20InvalidReceiver(to));
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _requireSigned(address signer, bytes32 fields, bytes calldata signature) private view {
        require(
            SignatureChecker.isValidSignatureNowCalldata(
                signer, _hashTypedDataV4(fields), signature
            ),
            ERC3009InvalidSignature()
        );
    }
}
