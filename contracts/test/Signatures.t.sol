// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Signatures} from "../src/Signatures.sol";
import {Test} from "./base/Test.sol";

contract SignaturesTest is Test {
    function isByKey(address signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bool)
    {
        return Signatures.isByKey(signer, digest, signature);
    }

    /// @notice The same answer as OpenZeppelin's, whatever is changed in a good signature or its length.
    function testFuzz_isByKey_asOpenZeppelin(
        uint256 key,
        bytes32 digest,
        uint256 at,
        uint8 value,
        uint256 length
    ) public view {
        key = bound(key, 1, 1e70);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes memory signature = abi.encodePacked(r, s, v);
        _compare(vm.addr(key), digest, signature);
        signature[bound(at, 0, 64)] = bytes1(value);
        _compare(vm.addr(key), digest, signature);
        _compare(vm.addr(key), digest, new bytes(bound(length, 0, 130)));
    }

    function testFuzz_isByKey_noise(address signer, bytes32 digest, bytes32 r, bytes32 s, uint8 v)
        public
        view
    {
        _compare(signer, digest, abi.encodePacked(r, s, v));
        _compare(signer, digest, abi.encodePacked(r, s, uint8(27 + v % 2)));
        _compare(address(0), digest, abi.encodePacked(r, s, v));
        // A precompile that answers nothing leaves the digest in place of the address.
        _compare(address(uint160(uint256(digest))), digest, abi.encodePacked(r, s, v));
        _compare(signer, bytes32(uint256(uint160(signer))), abi.encodePacked(r, s, uint8(0)));
    }

    function _compare(address signer, bytes32 digest, bytes memory signature) private view {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signature);
        bool expected = failure == ECDSA.RecoverError.NoError && recovered == signer;
        assertTrue(this.isByKey(signer, digest, signature) == expected, "as OpenZeppelin");
    }
}
