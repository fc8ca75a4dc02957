// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Auction} from "../../src/credit/Auction.sol";
import {IAuction, ISeller, Lot} from "../../src/credit/IAuction.sol";
import {Network} from "../base/Network.sol";

/// @notice A seller that hands out what it is told to.
contract Shop is ISeller {
    uint88 public price = 1_000e6;
    uint256 public delivered;
    address public to;
    uint88 public paid;

    function set(uint88 price_) external {
        price = price_;
    }

    function deliver(uint256 asset, address to_, uint88 paid_) external {
        (delivered, to, paid) = (asset, to_, paid_);
    }

    function startPriceOf(uint256) external view returns (uint88) {
        return price;
    }
}

/// @notice The price, the runs, the money.
contract AuctionTest is Network {
    Auction private auction;
    Shop private shop;
    uint256 private asset;

    function setUp() public override {
        super.setUp();
        auction = new Auction(till);
        shop = new Shop();
        asset = registerMachine();
        fund(buyer, 10_000e6);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        vm.prank(address(shop));
        auction.start(asset, 1_000e6, 1 days);
    }

    /// @dev Never rises, is halved exactly each half-life, and stays within the run's bounds.
    function testFuzz_price(uint88 start, uint32 halfLife, uint256 a, uint256 b) public {
        start = uint88(bound(start, 1, type(uint88).max));
        halfLife = uint32(bound(halfLife, 1, 30 days));
        (a, b) = (a % (8 * uint256(halfLife)), b % (8 * uint256(halfLife)));
        if (a > b) (a, b) = (b, a);
        vm.prank(address(shop));
        auction.start(asset, start, halfLife);
        uint256 began = block.timestamp;
        vm.warp(began + a);
        uint88 before = auction.priceOf(address(shop), asset);
        vm.warp(began + b);
        uint88 later = auction.priceOf(address(shop), asset);
        assertLe(later, before, "never rises");
        assertLe(before, start, "from the start");
        vm.warp(began + 3 * uint256(halfLife));
        assertEq(auction.priceOf(address(shop), asset), start >> 3, "an eighth after three");
    }

    function test_take_paysThePriceOfThisSecond() public {
        vm.warp(block.timestamp + 12 hours);
        vm.prank(buyer);
        assertEq(auction.take(address(shop), asset, 750e6, owner), 750e6, "three quarters");
        assertEq(balanceOf(address(shop)), 750e6, "the seller's");
        assertEq(shop.delivered(), asset, "delivered");
        assertEq(shop.to(), owner, "to");
        assertEq(shop.paid(), 750e6, "paid");
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IAuction.LotUnknown.selector, address(shop), asset));
        auction.take(address(shop), asset, 750e6, owner);
    }

    function test_redo_halvesAtLeast() public {
        vm.expectRevert(abi.encodeWithSelector(IAuction.RunNotOver.selector, asset));
        auction.redo(address(shop), asset);
        vm.warp(block.timestamp + 8 days);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IAuction.RunOver.selector, asset));
        auction.take(address(shop), asset, 1_000e6, buyer);
        auction.redo(address(shop), asset);
        Lot memory lot = auction.lotOf(address(shop), asset);
        assertTrue(lot.startPrice == 500e6 && lot.runs == 2, "half of the first");
        vm.warp(block.timestamp + 8 days);
        shop.set(100e6);
        auction.redo(address(shop), asset);
        assertEq(auction.lotOf(address(shop), asset).startPrice, 100e6, "or what it is worth now");
        vm.warp(block.timestamp + 8 days);
        shop.set(0);
        auction.redo(address(shop), asset);
        assertEq(auction.lotOf(address(shop), asset).startPrice, 0, "nothing to sell any more");
    }

    function test_error_lots() public {
        vm.startPrank(address(shop));
        vm.expectRevert(abi.encodeWithSelector(IAuction.LotInvalid.selector, 0, 1));
        auction.start(asset, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IAuction.LotInvalid.selector, 1, 0));
        auction.start(asset, 1, 0);
        auction.cancel(asset);
        vm.expectRevert(abi.encodeWithSelector(IAuction.LotUnknown.selector, address(shop), asset));
        auction.cancel(asset);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAuction.LotUnknown.selector, address(shop), asset));
        auction.priceOf(address(shop), asset);
    }

    function test_error_PriceAbove() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IAuction.PriceAbove.selector, 1_000e6, 999e6));
        auction.take(address(shop), asset, 999e6, buyer);
    }
}
