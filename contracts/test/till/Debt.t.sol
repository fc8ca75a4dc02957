// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssets} from "../../src/assets/IAssets.sol";
import {Consent, ITill, Split, Upstream} from "../../src/till/ITill.sol";
import {BadLoan} from "../base/Loans.sol";
import {Network} from "../base/Network.sol";

/// @notice The debt slot with a module that is honest, dead, greedy, or at war with the till.
contract DebtTest is Network {
    address private constant SHARES = address(0x5A4E5);
    uint256 private asset;
    BadLoan private loan;

    function setUp() public override {
        super.setUp();
        asset = registerMachine();
        loan = new BadLoan();
        vm.prank(admin);
        till.listDebt(address(loan), true);
        vm.startPrank(owner);
        till.setDebt(asset, address(loan));
        till.setShares(asset, SHARES, 5_000);
        vm.stopPrank();
        loan.setOutstanding(true, true);
    }

    function test_collect_isToldTheBoundary() public {
        loan.set(BadLoan.Mood.Honest, 40e6);
        pay(buyer, asset, 100e6);
        uint40 boundary = uint40((uint256(till.currentEpoch()) + 1) * DAY);
        vm.warp(GENESIS + 10 days);
        Split memory split = till.settle(asset);
        assertEq(split.debt, 40e6, "debt");
        assertEq(balanceOf(address(loan)), 40e6, "its account");
        assertEq(loan.boundary(), boundary, "the epoch's end, not the call's time");
        assertEq(loan.available(), 99e6, "available");
        assertEq(loan.revenue(), 100e6, "revenue");
        assertEq(split.shares, 29.5e6, "shares");
        assertEq(split.owner, 29.5e6, "owner");
        assertTrue(loan.gasSeen() > 190_000, "all the gas it is entitled to");
    }

    /// @dev Whatever a module does, the layers above are paid, what it could have taken is held, and pay goes on.
    function testFuzz_unanswered_isHeld(uint256 mood, uint128 amount) public {
        BadLoan.Mood bad = _bad(mood);
        amount = uint128(bound(amount, 100, 1e30));
        loan.set(bad, 0);
        pay(buyer, asset, amount);
        nextEpoch();
        uint128 net = amount - amount * FEE_BPS / 10_000;
        fund(buyer, amount);
        vm.expectEmit(address(till));
        emit ITill.DebtUnanswered(asset, address(loan), net);
        vm.prank(buyer);
        till.pay(asset, amount);
        assertEq(till.heldOf(asset), net, "held");
        assertEq(balanceOf(SHARES) + balanceOf(owner), 0, "nothing below");
        assertEq(balanceOf(admin), amount - net, "above");
        nextEpoch();
        till.settle(asset);
        assertEq(till.heldOf(asset), 2 * net, "held together");

        // It answers again: it takes what it wants of all that was held, the rest goes on.
        loan.set(BadLoan.Mood.Honest, net);
        Split memory split = till.settle(asset);
        assertEq(split.debt, net, "debt");
        assertEq(split.shares + split.owner, net, "below");
        assertEq(till.heldOf(asset), 0, "nothing held");
        assertEq(loan.boundary(), uint40(block.timestamp), "as of the boundary it was asked for");
        split = till.settle(asset);
        assertEq(split.debt + split.shares + split.owner, 0, "once");
    }

    function test_held_isOfferedWithTheNextEpoch() public {
        loan.set(BadLoan.Mood.Revert, 0);
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        loan.set(BadLoan.Mood.Honest, type(uint128).max);
        pay(buyer, asset, 100e6);
        nextEpoch();
        assertEq(till.settle(asset).debt, 198e6, "both");
        assertEq(loan.available(), 198e6, "asked once");
        assertEq(loan.revenue(), 100e6, "revenue of the epoch alone");
    }

    function test_bomb_costsTheTillLittle() public {
        pay(buyer, asset, 100e6);
        nextEpoch();
        loan.set(BadLoan.Mood.BombRevert, 0);
        uint256 before = gasleft();
        till.settle(asset);
        assertLe(
            before - gasleft(), 400_000, "no more than the module's own allowance and a settlement"
        );
    }

    function test_reentry_isRefused() public {
        uint256 other = registerMachine();
        fund(address(loan), 5);
        bytes[6] memory attempts = [
            abi.encodeCall(till.settle, (asset)),
            abi.encodeCall(till.pullRoyalties, (asset)),
            abi.encodeCall(till.withdraw, (address(dollar), address(loan), 1)),
            abi.encodeCall(till.deposit, (address(dollar), address(loan), 1)),
            abi.encodeCall(till.setDebt, (asset, address(0))),
            abi.encodeCall(till.setUpstream, (other, new Upstream[](0), new Consent[](0)))
        ];
        loan.set(BadLoan.Mood.Reenter, 1);
        for (uint256 i = 0; i < attempts.length; ++i) {
            loan.arm(address(till), attempts[i]);
            pay(buyer, asset, 100e6);
            nextEpoch();
            till.settle(asset);
            assertTrue(!loan.succeeded(), "went in");
            assertEq(
                keccak256(loan.failure()),
                keccak256(abi.encodeWithSelector(ITill.Reentered.selector)),
                "its answer"
            );
        }
    }

    /// @dev A payment is only two balances while the bucket's epoch lasts, and refused where it would settle.
    function test_reentry_byPay() public {
        loan.set(BadLoan.Mood.Reenter, 0);
        loan.arm(address(till), abi.encodeCall(till.pay, (asset, 5)));
        fund(address(loan), 10);
        pay(buyer, asset, 100e6);
        // A cut in the bucket's own epoch: the payment opens what comes after the cut.
        vm.prank(owner);
        assets.setOperator(asset, operator);
        assertTrue(loan.succeeded(), "is a payment like any other");
        (, uint128 amount) = till.bucketOf(asset);
        assertEq(amount, 5, "in the new segment");
        assertEq(balanceOf(owner) + balanceOf(SHARES), 99e6, "the old one is whole");
        nextEpoch();
        pay(buyer, asset, 100e6);
        assertTrue(!loan.succeeded(), "refused in the middle of a turn");
        (, amount) = till.bucketOf(asset);
        assertEq(amount, 100e6, "and nothing is lost");
    }

    function test_error_GasTooLow() public {
        pay(buyer, asset, 100e6);
        nextEpoch();
        loan.set(BadLoan.Mood.Honest, 99e6);
        (bool done, bytes memory failure) =
            address(till).call{gas: 240_000}(abi.encodeCall(till.settle, (asset)));
        assertTrue(!done, "too little");
        assertEq(bytes32(bytes4(failure)), bytes32(ITill.GasTooLow.selector), "its name");
        uint256 needed;
        assembly {
            needed := mload(add(failure, 0x44))
        }
        assertEq(needed, till.DEBT_GAS() * 64 / 63 + 10_000, "what it takes");
        (done,) = address(till).call{gas: 400_000}(abi.encodeCall(till.settle, (asset)));
        assertTrue(done, "enough");
        assertEq(balanceOf(address(loan)), 99e6, "no caller can starve the module");
    }

    /// @dev No amount of gas makes the module fail while the settlement goes through.
    function testFuzz_gasCannotStarveTheModule(uint256 gas_) public {
        gas_ = bound(gas_, 30_000, 600_000);
        pay(buyer, asset, 100e6);
        nextEpoch();
        loan.set(BadLoan.Mood.Honest, 99e6);
        (bool done,) = address(till).call{gas: gas_}(abi.encodeCall(till.settle, (asset)));
        if (!done) return;
        assertEq(till.heldOf(asset), 0, "never unanswered");
        assertEq(balanceOf(address(loan)), 99e6, "paid");
    }

    // ------------------------------------------------------------------ the slot

    function test_error_setDebt() public {
        vm.startPrank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(loan))
        );
        till.setDebt(asset, address(0));
        loan.setOutstanding(false, false);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(loan))
        );
        till.setDebt(asset, address(0));
        uint256 other = registerMachine();
        vm.expectRevert(abi.encodeWithSelector(ITill.DebtNotListed.selector, address(1)));
        till.setDebt(other, address(1));
        loan.setOutstanding(true, false);
        till.setDebt(asset, address(0));
        assertEq(till.termsOf(asset).debt, address(0), "cleared");
    }

    function test_termsAreFixedWhileDebtIsOutstanding() public {
        vm.prank(SHARES);
        till.setShares(asset, address(0), 0);
        vm.startPrank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(loan))
        );
        till.setUpstream(asset, new Upstream[](0), new Consent[](0));
        vm.expectRevert(abi.encodeWithSelector(ITill.CostsRaised.selector, asset, 0, 0));
        till.setRunningCosts(asset, 1, 1);
        till.setRunningCosts(asset, 0, 0);
        loan.setOutstanding(true, false);
        till.setRunningCosts(asset, 2, 2);
        loan.setOutstanding(true, true);
        till.setRunningCosts(asset, 1, 1);
    }

    function test_clearedSlot_letsHeldMoneyGo() public {
        loan.set(BadLoan.Mood.Revert, 0);
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        loan.setOutstanding(true, false);
        vm.prank(owner);
        till.setDebt(asset, address(0));
        assertEq(till.heldOf(asset), 0, "released");
        assertEq(balanceOf(owner), 49.5e6, "owner");
        assertEq(balanceOf(SHARES), 49.5e6, "shares");
    }

    function test_error_HeldForDebt() public {
        loan.setOutstanding(true, false);
        loan.set(BadLoan.Mood.Revert, 0);
        pay(buyer, asset, 100e6);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.HeldForDebt.selector, asset, 99e6));
        assets.transferFrom(owner, buyer, asset);
        vm.prank(SHARES);
        vm.expectRevert(abi.encodeWithSelector(ITill.HeldForDebt.selector, asset, 99e6));
        till.setShares(asset, address(0), 0);
        // A change of operator moves nothing that is held.
        vm.prank(owner);
        assets.setOperator(asset, buyer);
        assertEq(till.heldOf(asset), 99e6, "still held");
        loan.set(BadLoan.Mood.Honest, 0);
        vm.prank(owner);
        assets.transferFrom(owner, buyer, asset);
        assertEq(balanceOf(owner), 49.5e6, "stays with the seller");
    }

    // ------------------------------------------------------------------ the lien

    function test_lien_holdsTheAsset() public {
        vm.startPrank(owner);
        bytes memory failure =
            abi.encodeWithSelector(ITill.DebtOutstanding.selector, asset, address(loan));
        vm.expectRevert(failure);
        assets.transferFrom(owner, buyer, asset);
        // One that does not answer may be owed.
        loan.setOutstanding(false, false);
        vm.expectRevert(failure);
        assets.transferFrom(owner, buyer, asset);
        loan.setOutstanding(true, false);
        assets.transferFrom(owner, buyer, asset);
        vm.stopPrank();
        assertEq(assets.ownerOf(asset), buyer, "free");
    }

    function test_seize_paysTheModuleAndClearsTheSlot() public {
        loan.set(BadLoan.Mood.Honest, 40e6);
        pay(buyer, asset, 100e6);
        vm.prank(address(loan));
        assets.seize(asset, buyer);
        assertEq(assets.ownerOf(asset), buyer, "taken");
        assertEq(till.termsOf(asset).debt, address(0), "slot");
        assertEq(balanceOf(address(loan)), 40e6, "the last revenue of the old owner's time");
        assertEq(balanceOf(owner), 29.5e6, "is split as ever");
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(address(loan)), 40e6, "nothing more");
        assertEq(balanceOf(buyer), 49.5e6, "the new owner's");
    }

    /// @dev What a module did not answer for before it takes the asset is not its own any more.
    function test_seize_leavesHeldMoneyToTheOwner() public {
        loan.set(BadLoan.Mood.Revert, 0);
        pay(buyer, asset, 100e6);
        vm.prank(address(loan));
        assets.seize(asset, buyer);
        assertEq(till.heldOf(asset), 0, "nothing held");
        assertEq(balanceOf(owner), 49.5e6, "owner");
    }

    function test_error_seize() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.NotLienholder.selector, asset, owner));
        assets.seize(asset, owner);
        uint256 other = registerMachine();
        vm.prank(address(loan));
        vm.expectRevert(abi.encodeWithSelector(ITill.NotLienholder.selector, other, address(loan)));
        assets.seize(other, buyer);
        vm.prank(address(loan));
        vm.expectRevert(abi.encodeWithSelector(IAssets.ZeroAddress.selector));
        assets.seize(asset, address(0));
        vm.prank(address(loan));
        vm.expectRevert(abi.encodeWithSelector(ITill.NotAssets.selector, address(loan)));
        till.seize(asset, address(loan));
    }

    function test_lienOf_saysWhatIsAbove() public {
        (address debt, address currency, bytes32 above) = till.lienOf(asset);
        assertEq(debt, address(loan), "debt");
        assertEq(currency, address(dollar), "currency");
        assertEq(above, keccak256(abi.encode(0, 0, 0, bytes(""))), "nothing");
        uint256 model = registerMachine();
        loan.setOutstanding(true, false);
        Upstream[] memory list = new Upstream[](1);
        list[0] = Upstream(model, 500);
        vm.startPrank(SHARES);
        till.setRunningCosts(asset, 7, 9);
        vm.stopPrank();
        (,, above) = till.lienOf(asset);
        assertEq(above, keccak256(abi.encode(7, 9, 0, bytes(""))), "costs");
        Consent[] memory consents = new Consent[](1);
        consents[0] = consent(OWNER_KEY, asset, list, 1);
        vm.prank(SHARES);
        till.setUpstream(asset, list, consents);
        (,, above) = till.lienOf(asset);
        assertEq(above, keccak256(abi.encode(7, 9, 1, abi.encode(model << 16 | 500))), "upstream");
    }

    function _bad(uint256 seed) private pure returns (BadLoan.Mood) {
        BadLoan.Mood[5] memory bad = [
            BadLoan.Mood.Revert,
            BadLoan.Mood.Overdraw,
            BadLoan.Mood.Short,
            BadLoan.Mood.BombRevert,
            BadLoan.Mood.Burn
        ];
        return bad[seed % bad.length];
    }

    /// @dev A long answer whose first word is honest is an answer: only one word is read.
    function test_longAnswer() public {
        loan.set(BadLoan.Mood.Bomb, 0);
        pay(buyer, asset, 100e6);
        nextEpoch();
        assertEq(till.settle(asset).debt, 1, "its first word");
    }
}
