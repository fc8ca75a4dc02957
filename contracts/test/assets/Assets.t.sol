// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {Assets} from "../../src/assets/Assets.sol";
import {Asset, IAssets, Kind} from "../../src/assets/IAssets.sol";
import {Network} from "../base/Network.sol";

contract AssetsTest is Network {
    function testFuzz_register(
        address to,
        address[3] memory people,
        bytes32 spec,
        string memory uri,
        uint8 kind
    ) public {
        if (to == address(0)) to = owner;
        Asset memory asset = Asset(people[0], Kind(kind % 5), people[1], people[2], spec);
        if (asset.operator == address(0)) asset.operator = operator;
        if (asset.currency == address(0)) asset.currency = address(dollar);
        vm.expectEmit(address(assets));
        emit IAssets.AssetRegistered(
            1, to, asset.operator, asset.kind, asset.device, asset.currency, asset.spec, uri
        );
        uint256 id = assets.register(to, asset, uri);
        assertEq(id, 1, "ids are counted from 1");
        assertEq(assets.count(), 1, "count");
        assertEq(assets.ownerOf(id), to, "owner");
        assertEq(assets.balanceOf(to), 1, "balance");
        assertEq(assets.operatorOf(id), asset.operator, "operator");
        assertEq(assets.deviceOf(id), asset.device, "device");
        assertEq(assets.currencyOf(id), asset.currency, "currency");
        assertEq(keccak256(bytes(assets.tokenURI(id))), keccak256(bytes(uri)), "uri");
        assertEq(keccak256(abi.encode(assets.get(id))), keccak256(abi.encode(asset)), "the record");
        assertEq(registerMachine(), 2, "next");
    }

    function test_changes() public {
        uint256 id = registerMachine();
        vm.startPrank(owner);
        vm.expectEmit(address(assets));
        emit IAssets.OperatorChanged(id, buyer);
        assets.setOperator(id, buyer);
        assertEq(assets.operatorOf(id), buyer, "operator");
        vm.stopPrank();
        vm.startPrank(buyer);
        vm.expectEmit(address(assets));
        emit IAssets.DeviceChanged(id, address(1));
        assets.setDevice(id, address(1));
        vm.expectEmit(address(assets));
        emit IAssets.SpecChanged(id, "s", "u");
        assets.setSpec(id, "s", "u");
        vm.stopPrank();
        assertEq(assets.deviceOf(id), address(1), "device");
        assertEq(assets.get(id).spec, bytes32("s"), "spec");
        assertEq(keccak256(bytes(assets.tokenURI(id))), keccak256("u"), "uri");
        vm.startPrank(owner);
        assets.setDevice(id, address(0));
        assets.setSpec(id, "t", "v");
        assertEq(assets.deviceOf(id), address(0), "no device");
    }

    function test_transfer_byApproved() public {
        uint256 id = registerMachine();
        vm.prank(owner);
        assets.approve(buyer, id);
        vm.prank(buyer);
        assets.safeTransferFrom(owner, buyer, id);
        assertEq(assets.ownerOf(id), buyer, "moved");
        assertEq(assets.getApproved(id), address(0), "approval is gone");
    }

    function test_error_ZeroAddress() public {
        bytes memory zero = abi.encodeWithSelector(IAssets.ZeroAddress.selector);
        vm.expectRevert(zero);
        new Assets(address(0));
        Asset memory asset = Asset(operator, Kind.Machine, device, address(dollar), 0);
        vm.expectRevert(zero);
        assets.register(address(0), asset, "");
        asset.operator = address(0);
        vm.expectRevert(zero);
        assets.register(owner, asset, "");
        asset.operator = operator;
        asset.currency = address(0);
        vm.expectRevert(zero);
        assets.register(owner, asset, "");
        uint256 id = registerMachine();
        vm.expectRevert(zero);
        vm.prank(owner);
        assets.setOperator(id, address(0));
    }

    function test_error_NotOwner() public {
        uint256 id = registerMachine();
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAssets.NotOwner.selector, id, operator));
        assets.setOperator(id, operator);
        vm.stopPrank();
        vm.startPrank(buyer);
        bytes memory neither =
            abi.encodeWithSelector(IAssets.NotOwnerOrOperator.selector, id, buyer);
        vm.expectRevert(neither);
        assets.setDevice(id, buyer);
        vm.expectRevert(neither);
        assets.setSpec(id, 0, "");
    }

    function testFuzz_error_AssetUnknown(uint256 id) public {
        bytes memory unknown = abi.encodeWithSelector(IAssets.AssetUnknown.selector, id);
        vm.expectRevert(unknown);
        assets.get(id);
        vm.expectRevert(unknown);
        assets.operatorOf(id);
        vm.expectRevert(unknown);
        assets.deviceOf(id);
        vm.expectRevert(unknown);
        assets.currencyOf(id);
        vm.expectRevert(unknown);
        assets.tokenURI(id);
        vm.expectRevert(unknown);
        assets.setOperator(id, owner);
        vm.expectRevert(unknown);
        assets.setDevice(id, owner);
        vm.expectRevert(unknown);
        assets.setSpec(id, 0, "");
    }

    function test_error_ERC721() public {
        uint256 id = registerMachine();
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721InsufficientApproval.selector, address(this), id
            )
        );
        assets.transferFrom(owner, buyer, id);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id + 1)
        );
        assets.ownerOf(id + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0))
        );
        assets.balanceOf(address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidApprover.selector, address(this))
        );
        assets.approve(buyer, id);
        vm.startPrank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0))
        );
        assets.transferFrom(owner, address(0), id);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, buyer, id, owner)
        );
        assets.transferFrom(buyer, operator, id);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOperator.selector, address(0))
        );
        assets.setApprovalForAll(address(0), true);
    }
}
