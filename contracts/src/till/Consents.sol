// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Signatures} from "../Signatures.sol";
import {Consent, ITill, Upstream} from "./ITill.sol";

/// @title Signed agreements on upstream parts
/// @dev Everyone named in a list, and everyone dropped from it, signs the same new list. A nonce is used once; its upper
/// 64 bits are a series, so that one transaction cancels all that was signed.
abstract contract Consents is ITill, EIP712 {
    bytes32 private constant UPSTREAM_TYPEHASH = keccak256("Upstream(uint256 asset,uint16 bps)");
    bytes32 private constant AGREEMENT_TYPEHASH = keccak256(
        "Agreement(uint256 asset,Upstream[] upstream,uint40 deadline,uint256 nonce)Upstream(uint256 asset,uint16 bps)"
    );

    mapping(address signer => uint64) public consentSeriesOf;
    mapping(address signer => mapping(uint256 word => uint256 bits)) private _used;

    /// @inheritdoc ITill
    function cancelConsent(uint256 nonce) external {
        _use(msg.sender, nonce);
        emit ConsentCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ITill
    function cancelAllConsents() external returns (uint64 series) {
        series = ++consentSeriesOf[msg.sender];
        emit AllConsentsCancelled(msg.sender, series);
    }

    /// @inheritdoc ITill
    function hashAgreement(
        uint256 asset,
        Upstream[] calldata upstream,
        uint40 deadline,
        uint256 nonce
    ) external view returns (bytes32) {
        return _hashAgreement(asset, _hashUpstream(upstream), deadline, nonce);
    }

    /// @inheritdoc ITill
    function isConsentUsed(address signer, uint256 nonce) public view returns (bool) {
        return nonce >> 192 != consentSeriesOf[signer]
            || _used[signer][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @dev Consent of `signer`, who owns `upstream`, to the list with the hash `list`. Who calls has consented.
    function _requireConsent(
        uint256 asset,
        bytes32 list,
        uint256 upstream,
        address signer,
        Consent calldata consent
    ) internal {
        if (signer == msg.sender && consent.signature.length == 0) return;
        require(block.timestamp <= consent.deadline, ConsentExpired(upstream, consent.deadline));
        _use(signer, consent.nonce);
        bytes32 digest = _hashAgreement(asset, list, consent.deadline, consent.nonce);
        require(
            Signatures.isValid(signer, digest, consent.signature), ConsentInvalid(upstream, signer)
        );
    }

    function _hashUpstream(Upstream[] calldata upstream) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](upstream.length);
        for (uint256 i = 0; i < upstream.length; ++i) {
            hashes[i] = keccak256(abi.encode(UPSTREAM_TYPEHASH, upstream[i].asset, upstream[i].bps));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _use(address signer, uint256 nonce) private {
        require(!isConsentUsed(signer, nonce), ConsentUsed(signer, nonce));
        _used[signer][nonce >> 8] |= 1 << (nonce & 0xff);
    }

    function _hashAgreement(uint256 asset, bytes32 list, uint40 deadline, uint256 nonce)
        private
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(AGREEMENT_TYPEHASH, asset, list, deadline, nonce))
        );
    }
}
