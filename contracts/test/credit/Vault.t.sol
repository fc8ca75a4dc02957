// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../src/credit/IDesk.sol";
import {BookRules} from "../../src/credit/IFacility.sol";
import {IERC7540Redeem} from "../../src/credit/IERC7540.sol";
import {IVault} from "../../src/credit/IVault.sol";
import {FeeToken} from "../base/Tokens.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice Coming and leaving: two prices, one queue.
contract VaultTest is CreditNetwork {
    function setUp() public {
        deploy();
        deployCredit();
        capitalise();
    }

    function test_deposit_fromAWallet() public {
        dollar.mint(bold, 1_000e6);
        vm.startPrank(bold);
        dollar.approve(address(junior), 1_000e6);
        uint256 shares = junior.deposit(400e6, buyer);
        assertEq(shares, 400e12, "a million shares a unit at first");
        assertEq(junior.balanceOf(buyer), 400e12, "to whom it was said");
        assertEq(junior.mint(600e12, bold), 600e6, "a mint");
        vm.stopPrank();
        assertEq(facility.value().idle, 1_001_000e6, "in the book");
        assertEq(junior.decimals(), 12, "decimals");
        assertEq(junior.asset(), address(dollar), "asset");
        assertEq(junior.share(), address(junior), "share");
        assertTrue(junior.supportsInterface(type(IERC7540Redeem).interfaceId), "ERC-7540");
        assertTrue(type(IERC7540Redeem).interfaceId == 0x620ee8e4, "as in the standard");
        assertTrue(junior.supportsInterface(0xe3bc4e65), "operators");
        assertTrue(junior.supportsInterface(0x2f0a18c5), "ERC-7575");
        assertTrue(!junior.supportsInterface(0xffffffff), "and no other");
        assertEq(junior.previewDeposit(1e6), junior.convertToShares(1e6), "preview");
    }

    /// @dev One comes at what is owed and leaves at what is there.
    function test_twoPrices() public {
        Terms memory t = termsOf(pledged(100_000e6));
        borrow(t, 50_000e6);
        vm.warp(block.timestamp + 365 days);
        uint256 shares = junior.convertToShares(1_000e6);
        assertTrue(junior.convertToAssets(shares) < 1_000e6, "less than it costs to come");
        assertEq(junior.maxMint(bold), junior.convertToShares(junior.maxDeposit(bold)), "room");
    }

    /// @dev Each part is paid at the price of its moment, the first in the queue first.
    function test_queue_inParts() public {
        Terms memory t = termsOf(pledged(2_000_000e6));
        (t.limit, t.firstDraws) = (500_000e6, 500_000e6);
        bytes32 id = borrow(t, 450_000e6);
        uint256 shares = senior.balanceOf(saver);
        vm.startPrank(saver);
        senior.transfer(buyer, shares / 2);
        senior.requestRedeem(shares / 2, saver, saver);
        vm.stopPrank();
        vm.prank(buyer);
        senior.requestRedeem(shares / 2, buyer, buyer);
        (uint256 served, uint256 paid) = senior.serve();
        assertEq(paid, 550_000e6, "all that is idle");
        assertEq(senior.maxRedeem(saver), shares / 2, "the first is served whole");
        assertEq(senior.maxRedeem(buyer), served - shares / 2, "the second in part");
        assertEq(
            senior.pendingRedeemRequest(0, buyer) + senior.maxRedeem(buyer),
            shares / 2,
            "the rest waits"
        );
        // Junior waits while senior does.
        vm.prank(bold);
        junior.requestRedeem(1e12, bold, bold);
        (served,) = junior.serve();
        assertEq(served, 0, "not before senior");
        vm.warp(block.timestamp + 100 days);
        fund(owner, 600_000e6);
        vm.startPrank(owner);
        till.setOperator(address(facility), true);
        facility.repay(id, type(uint88).max);
        vm.stopPrank();
        senior.serve();
        assertEq(senior.maxRedeem(buyer), shares / 2, "all of it now");
        uint256 most = senior.maxWithdraw(buyer);
        assertTrue(most > 350_000e6, "with what senior earned while it waited");
        vm.startPrank(buyer);
        uint256 burned = senior.withdraw(100_000e6, buyer, buyer);
        assertEq(dollar.balanceOf(buyer), 100_000e6, "to the unit");
        senior.redeem(shares / 2 - burned, buyer, buyer);
        vm.stopPrank();
        assertLe(most - dollar.balanceOf(buyer), 1, "no more than a unit lost on the way");
        (served,) = junior.serve();
        assertEq(served, 1e12, "now junior");
    }

    /// @dev Junior that wants to leave is paid as far as it stays a fifth of the whole, and no unit further.
    function test_junior_staysThick() public {
        uint256 shares = junior.balanceOf(bold);
        vm.startPrank(bold);
        junior.requestRedeem(shares, bold, bold);
        (, uint256 paid) = junior.serve();
        vm.stopPrank();
        (uint256 total, uint256 low) = facility.conservative();
        // 300,000 of a million, down to 175,000 of 875,000.
        assertTrue(paid <= 125_000e6 && paid + 2 >= 125_000e6, "what is above a fifth");
        assertLe(total / 5, low, "a fifth is left");
        (uint256 served,) = junior.serve();
        assertLe(served, 4e6, "and no more than a few shares of dust");
        // Who waits because the others need it does not keep them from lending.
        borrow(termsOf(pledged(100_000e6)), 10_000e6);
    }

    function test_operators() public {
        vm.prank(bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotController.selector, saver, bold));
        junior.requestRedeem(1e12, saver, bold);
        vm.startPrank(bold);
        junior.setOperator(buyer, true);
        junior.approve(saver, 1e12);
        vm.stopPrank();
        vm.prank(buyer);
        junior.requestRedeem(1e12, bold, bold);
        // An allowance of shares is as good.
        vm.prank(saver);
        junior.requestRedeem(1e12, bold, bold);
        junior.serve();
        vm.prank(saver);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotController.selector, bold, saver));
        junior.redeem(1e12, saver, bold);
        vm.prank(buyer);
        assertEq(junior.redeemToTill(2e12, buyer, bold), 2e6, "by its operator, to whom it says");
        assertEq(balanceOf(buyer), 2e6, "there");
    }

    function test_error_queue() public {
        vm.startPrank(bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroShares.selector));
        junior.requestRedeem(0, bold, bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroShares.selector));
        junior.serve();
        junior.requestRedeem(1e12, bold, bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.ClaimTooHigh.selector, 1e12, 0));
        junior.redeem(1e12, bold, bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.ClaimTooHigh.selector, 1, 0));
        junior.withdraw(1, bold, bold);
        junior.transfer(buyer, 5e12);
        vm.stopPrank();
        vm.prank(buyer);
        junior.requestRedeem(1e12, buyer, buyer);
        vm.startPrank(bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.RequestOpen.selector, bold));
        junior.requestRedeem(1e12, bold, bold);
        junior.serve();
        junior.redeem(1e12, bold, bold);
        junior.requestRedeem(1e12, bold, bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.NoPreview.selector));
        junior.previewRedeem(1);
        vm.expectRevert(abi.encodeWithSelector(IVault.NoPreview.selector));
        junior.previewWithdraw(1);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroShares.selector));
        junior.depositFromTill(0, bold);
        vm.stopPrank();
    }

    /// @dev A line that lost everything: nobody pays for the old loss, and what waits is not paid with nothing.
    function test_error_wipedOut() public {
        facility = make(_thin(), deskRules());
        useFacility();
        lend(junior, bold, 10_000e6);
        lend(senior, saver, 90_000e6);
        stakeOf(underwriter, 10_000e6);
        uint256 asset = pledged(100_000e6);
        earn(asset, 5_000e6, 3);
        Terms memory t = termsOf(asset);
        (t.ltvBps, t.multipleBps, t.rampEnd) = (0, 60_000, uint32(block.timestamp));
        t.expiry = t.rampEnd;
        borrow(t, 40_000e6);
        vm.warp(block.timestamp + 40 days);
        for (uint256 i = 0; i < 3; ++i) {
            desk.poke(t);
        }
        (uint256 high,) = facility.assetsOf(false);
        assertEq(high, 0, "junior is gone");
        (high,) = facility.assetsOf(true);
        assertTrue(high < 90_000e6 && high == facility.value().idle, "senior lost the rest");
        fund(bold, 10e6);
        vm.startPrank(bold);
        vm.expectRevert(abi.encodeWithSelector(IVault.LineWipedOut.selector));
        junior.depositFromTill(10e6, bold);
        junior.requestRedeem(1e12, bold, bold);
        (uint256 served,) = junior.serve();
        assertEq(served, 0, "it waits for a recovery");
        vm.stopPrank();
    }

    /// @dev A token that takes a fee on the way: shares for what arrived; a mint, which says how many, is refused.
    function test_error_slippage() public {
        FeeToken token = new FeeToken();
        BookRules memory rules = bookRules();
        rules.currency = address(token);
        facility = make(rules, deskRules());
        useFacility();
        token.approve(address(junior), type(uint256).max);
        uint256 shares = junior.deposit(100e18, bold);
        assertEq(facility.value().idle, 100e18 * 99 * 99 / 10_000, "two hops");
        assertEq(shares, facility.value().idle * 1e6, "for what arrived");
        uint256 assets_ = junior.previewMint(50e24);
        uint256 arrives = assets_ * 99 * 99 / 10_000;
        uint256 got = junior.convertToShares(arrives);
        vm.expectRevert(abi.encodeWithSelector(IVault.SlippageTooHigh.selector, got, 50e24));
        junior.mint(50e24, bold);
    }

    function _thin() private view returns (BookRules memory rules) {
        rules = bookRules();
        rules.minJuniorBps = 500;
    }
}
