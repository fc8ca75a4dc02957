// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "../../src/assets/Assets.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice Registers, sells and re-staffs assets while they earn.
contract AssetsHandler is Deployment {
    mapping(uint256 asset => address) public ownerOf;
    mapping(uint256 asset => address) public operatorOf;
    mapping(string name => uint256) public reached;
    string[] public reachNames =
        ["registered", "transferred", "transferredWithRevenue", "operatorChanged", "refused"];

    constructor() {
        deploy();
    }

    function register(uint256 to) external {
        uint256 id = registerMachine(person(to));
        ownerOf[id] = person(to);
        operatorOf[id] = operator;
        reached["registered"]++;
    }

    function transfer(uint256 asset, uint256 from, uint256 to) external {
        if (assets.count() == 0) return;
        asset = 1 + asset % assets.count();
        (, uint128 amount) = till.bucketOf(asset);
        address seller = ownerOf[asset];
        uint256 before = balanceOf(seller);
        vm.prank(person(from));
        (bool done,) =
            address(assets).call(abi.encodeCall(assets.transferFrom, (seller, person(to), asset)));
        assertTrue(done == (person(from) == seller), "only the owner moves an asset");
        if (!done) {
            reached["refused"]++;
            return;
        }
        ownerOf[asset] = person(to);
        reached["transferred"]++;
        assertEq(
            balanceOf(seller),
            before + amount - amount * FEE_BPS / 10_000,
            "5. stays with the seller"
        );
        if (amount > 0) reached["transferredWithRevenue"]++;
    }

    function setOperator(uint256 asset, uint256 to) external {
        if (assets.count() == 0) return;
        asset = 1 + asset % assets.count();
        vm.prank(ownerOf[asset]);
        assets.setOperator(asset, person(to));
        operatorOf[asset] = person(to);
        reached["operatorChanged"]++;
    }

    function earn(uint256 asset, uint128 amount) external {
        if (assets.count() == 0) return;
        pay(buyer, 1 + asset % assets.count(), uint128(bound(amount, 1, 1e12)));
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + time % 1 days);
    }

    function theAssets() external view returns (Assets) {
        return assets;
    }

    function theDollar() external view returns (address) {
        return address(dollar);
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function person(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % 3));
    }
}
