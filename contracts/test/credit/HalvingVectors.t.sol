// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Halving} from "../../src/credit/Halving.sol";
import {Network} from "../base/Network.sol";

/// @notice The depreciation curve of `vectors/halving.json`, which `packages/risk` writes and is held against too.
contract HalvingVectorsTest is Network {
    function test_vectors() public view {
        string memory json = vm.readFile("../vectors/halving.json");
        uint256 count;
        while (true) {
            string memory entry = string.concat(".list[", vm.toString(count), "]");
            if (!vm.keyExistsJson(json, entry)) break;
            uint256 left = Halving.leftDown(
                vm.parseJsonUint(json, string.concat(entry, ".amount")),
                vm.parseJsonUint(json, string.concat(entry, ".elapsed")),
                vm.parseJsonUint(json, string.concat(entry, ".halfLife"))
            );
            assertEq(left, vm.parseJsonUint(json, string.concat(entry, ".left")), entry);
            ++count;
        }
        assertEq(count, 64, "vectors");
    }
}
