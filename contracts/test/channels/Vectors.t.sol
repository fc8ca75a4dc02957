// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channels} from "../../src/channels/Channels.sol";
import {Channel, Voucher} from "../../src/channels/IChannels.sol";
import {Network} from "../base/Network.sol";

/// @notice The hashes of `vectors/channels.json`, which the SDK is held against too.
contract VectorsTest is Network {
    string private _json;
    Channels private _at;

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("../vectors/channels.json");
        _at = Channels(vm.parseJsonAddress(_json, ".channels"));
        vm.etch(address(_at), address(channels).code);
        vm.chainId(vm.parseJsonUint(_json, ".chainId"));
    }

    function test_vectors() public view {
        uint256 count;
        while (vm.keyExistsJson(_json, _key(".list", count, ""))) {
            _check(_key(".list", count++, ""));
        }
        assertEq(count, 3, "channels");
    }

    function test_ticks() public view {
        bytes32 word = _bytes32(".ticks.secret");
        uint256 length = vm.parseJsonUint(_json, ".ticks.length");
        bytes32[] memory words = new bytes32[](length + 1);
        for (uint256 i = 0; i < length; ++i) {
            words[length - i] = word;
            word = keccak256(abi.encode(word));
        }
        assertEq(word, _bytes32(".ticks.anchor"), "anchor");
        uint256 count;
        while (vm.keyExistsJson(_json, _key(".ticks.words", count, ""))) {
            uint256 ticks = vm.parseJsonUint(_json, _key(".ticks.words", count, ".ticks"));
            assertEq(words[ticks], _bytes32(_key(".ticks.words", count++, ".word")), "word");
        }
        assertEq(count, 5, "words");
    }

    function _check(string memory entry) private view {
        bytes32 id = _bytes32(string.concat(entry, ".id"));
        assertEq(_at.hashChannel(_channel(string.concat(entry, ".channel"))), id, "id");
        for (uint256 i = 0; i < 3; ++i) {
            string memory key = _key(string.concat(entry, ".vouchers"), i, "");
            bytes32 digest = _at.hashVoucher(id, _voucher(string.concat(key, ".voucher")));
            assertEq(digest, _bytes32(string.concat(key, ".digest")), "voucher");
            bytes memory signature = vm.parseJsonBytes(_json, string.concat(key, ".signature"));
            assertEq(_signer(digest, signature), vm.parseJsonAddress(_json, ".signer"), "signer");
        }
        string memory open = string.concat(entry, ".open");
        assertEq(
            _at.hashOpen(
                id,
                uint64(_uint(open, ".epoch")),
                uint128(_uint(open, ".amount")),
                uint40(_uint(open, ".deadline"))
            ),
            _bytes32(string.concat(open, ".digest")),
            "open"
        );
        string memory close = string.concat(entry, ".close");
        assertEq(
            _at.hashClose(
                id,
                uint64(_uint(close, ".epoch")),
                uint128(_uint(close, ".claimed")),
                uint40(_uint(close, ".deadline"))
            ),
            _bytes32(string.concat(close, ".digest")),
            "close"
        );
        string memory authorization = string.concat(entry, ".authorization");
        assertEq(
            _at.authorizationNonce(
                id,
                uint64(_uint(authorization, ".epoch")),
                _bytes32(string.concat(authorization, ".salt"))
            ),
            _bytes32(string.concat(authorization, ".nonce")),
            "nonce"
        );
    }

    function _channel(string memory key) private view returns (Channel memory) {
        return Channel({
            payer: vm.parseJsonAddress(_json, string.concat(key, ".payer")),
            signer: vm.parseJsonAddress(_json, string.concat(key, ".signer")),
            payee: vm.parseJsonAddress(_json, string.concat(key, ".payee")),
            asset: _uint(key, ".asset"),
            currency: vm.parseJsonAddress(_json, string.concat(key, ".currency")),
            closeDelay: uint40(_uint(key, ".closeDelay")),
            salt: _bytes32(string.concat(key, ".salt"))
        });
    }

    function _voucher(string memory key) private view returns (Voucher memory) {
        return Voucher({
            epoch: uint64(_uint(key, ".epoch")),
            cumulative: uint128(_uint(key, ".cumulative")),
            anchor: _bytes32(string.concat(key, ".anchor")),
            tickPrice: uint64(_uint(key, ".tickPrice")),
            maxTicks: uint32(_uint(key, ".maxTicks")),
            terms: _bytes32(string.concat(key, ".terms"))
        });
    }

    function _signer(bytes32 digest, bytes memory signature) private pure returns (address) {
        (bytes32 r, bytes32 s) = (bytes32(0), bytes32(0));
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        return ecrecover(digest, uint8(signature[64]), r, s);
    }

    function _uint(string memory key, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(_json, string.concat(key, field));
    }

    function _bytes32(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(_json, key);
    }

    function _key(string memory list, uint256 index, string memory field)
        private
        pure
        returns (string memory)
    {
        return string.concat(list, "[", vm.toString(index), "]", field);
    }
}
