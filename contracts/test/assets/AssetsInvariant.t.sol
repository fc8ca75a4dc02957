// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "../../src/assets/Assets.sol";
import {Campaign} from "../base/Campaign.sol";
import {AssetsHandler} from "./AssetsHandler.sol";

/// @notice The invariants of `src/assets/README.md`, in its order; 5 is checked at each sale in the handler.
contract AssetsInvariantTest is Campaign {
    AssetsHandler private _handler;

    function setUp() public {
        _handler = new AssetsHandler();
        _target(address(_handler));
    }

    function invariant_assets() public view {
        Assets assets = _handler.theAssets();
        uint256 count = assets.count();
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            sum += assets.balanceOf(_handler.person(i));
        }
        assertEq(sum, count, "1. every asset has one owner");
        for (uint256 id = 1; id <= count; ++id) {
            assertEq(assets.ownerOf(id), _handler.ownerOf(id), "2. only its owner moves it");
            assertEq(assets.operatorOf(id), _handler.operatorOf(id), "3. only its owner staffs it");
            assertEq(assets.currencyOf(id), _handler.theDollar(), "4. the currency stays");
        }
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("assets", name, _handler.reached(name));
        }
    }
}
