// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC7821} from "@openzeppelin/contracts/account/extensions/draft-ERC7821.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IChannels} from "../channels/IChannels.sol";
import {IMarket} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Books, Life} from "./Book.sol";
import {Spending} from "./Spending.sol";

/// @title The code of an EIP-7702 account whose key lets agents spend
/// @dev The key stays the owner: it acts by its own transactions, alone or in a batch (ERC-7821), and takes the code away by delegating
/// elsewhere. The books stay where they were, so a key that delegates here again pauses first those it no longer trusts.
contract AgentDelegate is Spending, IERC1271, ERC7821, ERC721Holder, ERC1155Holder {
    constructor(ITill till_, IChannels channels_, IMarket market_, address policies_)
        Spending(till_, channels_, market_, policies_)
    {}

    receive() external payable {}

    /// @notice The key's own signature, and no other: so what takes signatures of keys (x402 `exact`) still takes this account's.
    function isValidSignature(bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(hash, signature);
        return failure == ECDSA.RecoverError.NoError && signer == address(this)
            ? IERC1271.isValidSignature.selector
            : bytes4(0xffffffff);
    }

    /// @dev There is one only, which saves a read.
    function _life(address account) internal view override returns (Life storage) {
        require(account == address(this), AccountUnknown(account));
        return Books.load(account).lives[0];
    }

    function _call(address, address target, bytes memory data)
        internal
        override
        returns (bytes memory)
    {
        return _callSelf(target, data);
    }
}
