// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, Kind} from "../../src/assets/IAssets.sol";
import {Terms} from "../../src/credit/IDesk.sol";
import {IUnits, Position} from "../../src/credit/IUnits.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {Loan} from "../base/Loan.sol";
import {UnitsNetwork} from "./UnitsNetwork.sol";

/// @notice A vault of nobody's, that names whom it likes and is worth what it likes.
contract Forgery {
    address public facility;
    address public senior;
    address public currency;

    constructor(address facility_, address currency_) {
        facility = facility_ == address(0) ? address(this) : facility_;
        senior = address(this);
        currency = currency_;
    }

    function convertToAssets(uint256 shares) external pure returns (uint256) {
        return shares * 1e18;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return true;
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function setOperator(address, bool) external pure returns (bool) {
        return true;
    }
}

/// @notice A debt module that never answers.
contract Mute {
    fallback() external {
        revert();
    }
}

/// @notice Shares of a senior line as an asset: what goes in, what comes out, and who may.
contract UnitsTest is UnitsNetwork {
    Vault private vault;
    uint256 private asset;
    uint256 private shares;

    function setUp() public {
        deployUnits();
        vault = Vault(lower.senior());
        asset = wrapped(lower, fund_, 100_000e6);
        shares = units.positionOf(asset).held;
    }

    // ------------------------------------------------------------------ wrap, add, unwrap

    function test_wrap_isAnAssetOfTheCaller() public {
        assertEq(assets.ownerOf(asset), fund_, "owner");
        Asset memory record = assets.get(asset);
        assertEq(uint256(record.kind), uint256(Kind.Units), "kind");
        assertEq(record.currency, address(dollar), "currency");
        assertEq(record.operator, address(units), "nobody runs it");
        assertEq(units.facilityOf(asset), address(lower), "facility");
        Position memory position = units.positionOf(asset);
        assertEq(position.vault, address(vault), "vault");
        assertEq(position.held, shares, "held");
        assertEq(position.waiting + position.claimable + position.paid, 0, "nothing else");
        (uint88 value, bool listed, address facility_) = units.valueOf(asset);
        assertLe(value, 100_000e6, "not more than what was put in");
        assertLe(100_000e6, uint256(value) + 1, "and no less");
        assertTrue(listed && facility_ == address(lower), "listed");
        assertEq(vault.balanceOf(fund_), 0, "shares moved");
        // Whoever holds the asset has them, nobody else.
        vm.prank(fund_);
        assets.transferFrom(fund_, saver, asset);
        vm.prank(saver);
        units.unwrap(asset, shares, saver);
    }

    function test_add_and_unwrap() public {
        uint256 more = lend(vault, bold, 50_000e6);
        vm.startPrank(bold);
        vault.approve(address(units), more);
        units.add(asset, more);
        vm.stopPrank();
        assertEq(units.positionOf(asset).held, shares + more, "held");
        vm.startPrank(fund_);
        units.unwrap(asset, more, saver);
        units.unwrap(asset, shares, fund_);
        assertEq(vault.balanceOf(fund_), shares, "back");
        assertEq(valueOf(asset), 0, "empty");
        bytes memory failure = abi.encodeWithSelector(IUnits.SharesTooFew.selector, asset, 0, 1);
        vm.expectRevert(failure);
        units.unwrap(asset, 1, fund_);
        vm.expectRevert(failure);
        units.redeem(asset, 1);
        vm.stopPrank();
    }

    function test_error_vault() public {
        // A vault that names a listed facility, which does not know it.
        Forgery forged = new Forgery(address(lower), address(dollar));
        _refusedVault(address(forged));
        // A facility of its own that names it back, and that nobody listed.
        forged = new Forgery(address(0), address(dollar));
        _refusedVault(address(forged));
        // Junior.
        _refusedVault(lower.junior());
        // A genuine one from the day it is unlisted: nothing new, and its units are not lent on.
        vm.prank(admin);
        till.listDebt(address(lower), false);
        _refusedVault(address(vault));
        vm.prank(saver);
        vm.expectRevert(abi.encodeWithSelector(IUnits.VaultUnlisted.selector, vault));
        units.add(asset, 1);
        (uint88 value, bool listed,) = units.valueOf(asset);
        assertTrue(value > 0 && !listed, "still worth something, and not fresh");
        (, bool fresh) = appraisals.valueOf(panel, asset);
        assertTrue(!fresh, "not fresh for a desk");
    }

    function test_error_shares_and_assets() public {
        vm.startPrank(fund_);
        vm.expectRevert(abi.encodeWithSelector(IUnits.ZeroShares.selector));
        units.wrap(address(vault), 0);
        vm.expectRevert(abi.encodeWithSelector(IUnits.ZeroShares.selector));
        units.add(asset, 0);
        vm.expectRevert(abi.encodeWithSelector(IUnits.ZeroShares.selector));
        units.unwrap(asset, 0, fund_);
        // Shares that are not there: the vault says so.
        vm.expectRevert();
        units.add(asset, type(uint256).max);
        uint256 machine = registerMachine(fund_);
        bytes memory failure = abi.encodeWithSelector(IUnits.NotUnits.selector, machine);
        vm.expectRevert(failure);
        units.add(machine, 1);
        vm.expectRevert(failure);
        units.unwrap(machine, 1, fund_);
        vm.expectRevert(failure);
        units.redeem(machine, 1);
        vm.expectRevert(failure);
        units.collect(machine);
        vm.expectRevert(failure);
        units.positionOf(machine);
        assertEq(units.facilityOf(machine), address(0), "of no facility");
        vm.stopPrank();
        failure = abi.encodeWithSelector(IUnits.NotOwner.selector, asset, saver);
        vm.startPrank(saver);
        vm.expectRevert(failure);
        units.unwrap(asset, 1, saver);
        vm.expectRevert(failure);
        units.redeem(asset, 1);
    }

    /// @dev Shares given to where the shares lie are not the asset's, and cannot be taken out as if they were.
    function test_donationMovesNothing() public {
        uint256 before = valueOf(asset);
        uint256 given = lend(vault, bold, 50_000e6);
        address holding = _holdingOf(asset);
        assertEq(vault.balanceOf(holding), shares, "there");
        vm.prank(bold);
        vault.transfer(holding, given);
        assertEq(valueOf(asset), before, "value");
        vm.startPrank(fund_);
        vm.expectRevert(
            abi.encodeWithSelector(IUnits.SharesTooFew.selector, asset, shares, shares + 1)
        );
        units.unwrap(asset, shares + 1, fund_);
        // Money given to the contract is nobody's either.
        vm.stopPrank();
        fund(address(units), 1_000e6);
        vm.expectRevert(abi.encodeWithSelector(IUnits.NothingToCollect.selector, asset));
        units.collect(asset);
        assertEq(valueOf(asset), before, "value");
    }

    // ------------------------------------------------------------------ while something is owed

    function test_error_outstanding() public {
        Loan loan = new Loan();
        Mute mute = new Mute();
        vm.startPrank(admin);
        till.listDebt(address(loan), true);
        till.listDebt(address(mute), true);
        vm.stopPrank();
        vm.startPrank(fund_);
        till.setDebt(asset, address(loan));
        units.unwrap(asset, 1, fund_);
        loan.lend(asset, 10e6);
        bytes memory failure =
            abi.encodeWithSelector(IUnits.DebtOutstanding.selector, asset, address(loan));
        vm.expectRevert(failure);
        units.unwrap(asset, 1, fund_);
        vm.stopPrank();
        // Paid from what the queue brings.
        vm.prank(fund_);
        units.redeem(asset, shares - 1);
        vault.serve();
        units.collect(asset);
        nextEpoch();
        till.settle(asset);
        assertEq(loan.owed(asset), 0, "paid");
        // A module that does not answer counts as owed.
        uint256 other = wrapped(lower, fund_, 1_000e6);
        vm.startPrank(fund_);
        till.setDebt(other, address(mute));
        vm.expectRevert(
            abi.encodeWithSelector(IUnits.DebtOutstanding.selector, other, address(mute))
        );
        units.unwrap(other, 1, fund_);
    }

    // ------------------------------------------------------------------ redeem, collect

    function test_redeem_and_collect() public {
        uint256 before = valueOf(asset);
        vm.prank(fund_);
        assertEq(units.redeem(asset, shares / 4), shares / 4, "asked");
        Position memory position = units.positionOf(asset);
        assertEq(position.waiting, shares / 4, "waiting");
        assertEq(position.held, shares - shares / 4, "held");
        assertEq(valueOf(asset), before, "waiting shares are worth the same");
        vm.expectRevert(abi.encodeWithSelector(IUnits.NothingToCollect.selector, asset));
        units.collect(asset);
        vault.serve();
        position = units.positionOf(asset);
        assertEq(position.claimable, shares / 4, "claimable");
        assertLe(valueOf(asset), before, "not more");
        assertLe(before, valueOf(asset) + 2, "and no less");
        vm.prank(bold);
        uint256 amount = units.collect(asset);
        assertEq(amount, position.paid, "what was paid");
        (, uint128 bucket) = till.bucketOf(asset);
        assertEq(bucket, amount, "in the till of the asset");
        assertEq(balanceOf(address(units)), 0, "and not here");
        nextEpoch();
        till.settle(asset);
        assertEq(balanceOf(fund_), amount - amount / 100, "the owner's, less the till's fee");
        // The next request, after the first was collected.
        vm.prank(fund_);
        units.redeem(asset, 1);
        vault.serve();
        // One share in a million brings nothing, and does not keep the next from being asked for.
        assertEq(units.collect(asset), 0, "nothing");
        vm.prank(fund_);
        units.redeem(asset, shares / 4);
    }

    /// @dev Not above the conservative price of the vault, whatever happens to the line.
    function testFuzz_valueIsConservative(uint88 lost, uint256 part) public {
        lost = uint88(bound(lost, 0, 500_000e6));
        part = bound(part, 1, shares);
        use(lower);
        if (lost > 0) {
            Terms memory terms = machineLoan("x", 0, 250_000e6);
            vm.prank(fund_);
            units.redeem(asset, part);
            vm.warp(terms.rampEnd + 1);
            vm.prank(vm.addr(APPRAISER_KEY));
            appraisals.void(panel, terms.collateral[0].asset);
            fallBehind(terms, 2);
        }
        (, uint256 line) = lower.assetsOf(true);
        assertLe(valueOf(asset), shares * (line + 1) / (vault.totalSupply() + 1e6), "not above");
    }

    function _refusedVault(address vault_) private {
        vm.prank(saver);
        vm.expectRevert(abi.encodeWithSelector(IUnits.VaultUnlisted.selector, vault_));
        units.wrap(vault_, 1);
    }

    /// @dev Second word of an asset's book. `_books` stands in slot 0.
    function _holdingOf(uint256 asset_) private view returns (address) {
        uint256 slot = uint256(keccak256(abi.encode(asset_, 0)));
        return address(uint160(uint256(vm.load(address(units), bytes32(slot + 1)))));
    }
}
