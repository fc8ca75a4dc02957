// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {Terms} from "../../src/credit/IDesk.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {CreditNetwork} from "../credit/CreditNetwork.sol";

/// @notice What a loan costs from its first draw to its end, in a book that has lenders, loans and a queue already. The same keys with
/// `_at_…` are measured again behind so many loans.
abstract contract CreditGas is CreditNetwork {
    uint256 private constant CROWD = 1_000;

    function _record(string memory key) internal virtual returns (uint256);

    function _measureCredit() internal {
        deployCredit();
        lend(junior, bold, 30_000_000e6);
        lend(senior, saver, 60_000_000e6);
        stakeOf(underwriter, 5_000_000e6);
        _measureLenders();
        _measureLoan("");
        _measureDefault();
        _measureUnits();
        // Behind so many loans and lenders nothing costs more.
        _crowd(CROWD);
        _measureLoan("_at_1000");
    }

    /// @dev So many lenders in both lines, and so many loans.
    function _crowd(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            lend(i % 2 == 0 ? senior : junior, address(uint160(0x70000 + i)), 1e6);
            borrow(termsOf(pledged(100e6)), 10e6);
        }
    }

    function _measureLenders() private {
        fund(saver, 2_000e6);
        vm.prank(saver);
        senior.depositFromTill(1_000e6, saver);
        _record("credit.deposit");
        dollar.mint(saver, 1_000e6);
        vm.prank(saver);
        dollar.approve(address(senior), type(uint256).max);
        vm.prank(saver);
        senior.deposit(500e6, saver);
        vm.prank(saver);
        senior.deposit(500e6, saver);
        _record("credit.deposit_from_wallet");
        // The second time through the queue: its first words are written.
        for (uint256 i = 0; i < 2; ++i) {
            string memory suffix = i == 0 ? "_first" : "";
            vm.prank(saver);
            senior.requestRedeem(1e12, saver, saver);
            uint256 sum = _record(string.concat("credit.redeem_request", suffix));
            senior.serve();
            sum += _record(string.concat("credit.redeem_serve", suffix));
            vm.prank(saver);
            senior.redeemToTill(1e12, saver, saver);
            sum += _record(string.concat("credit.redeem_claim", suffix));
            _note(string.concat("credit.redeem", suffix), sum);
        }
    }

    function _measureLoan(string memory suffix) private {
        // A borrower and a cluster that the book knows; a vendor that was paid before.
        Terms memory terms = termsOf(pledged(100_000e6));
        borrow(terms, 10_000e6);
        uint256 asset = registerMachine();
        pay(buyer, asset, 1e6);
        nextEpoch();
        till.settle(asset);
        appraised(asset, 100_000e6);
        vm.prank(owner);
        till.setDebt(asset, address(facility));
        uint256 sum = _record(string.concat("credit.pledge", suffix));
        terms = termsOf(asset);
        bytes memory signature = signTerms(terms);
        vm.prank(owner);
        desk.borrow(terms, signature, 50_000e6);
        sum += _record(string.concat("credit.borrow", suffix));
        _note(string.concat("credit.pledge_and_borrow", suffix), sum);
        bytes32 loan = desk.hashTerms(terms);
        vm.prank(owner);
        desk.draw(terms, 1_000e6, 0, 0, "");
        _record(string.concat("credit.draw", suffix));
        earn(asset, 100e6, 2);
        pay(buyer, asset, 100e6);
        nextEpoch();
        till.settle(asset);
        _record(string.concat("credit.settle_with_debt", suffix));
        fund(owner, 1_000e6);
        vm.prank(owner);
        till.setOperator(address(facility), true);
        vm.prank(owner);
        facility.repay(loan, 1_000e6);
        _record(string.concat("credit.repay", suffix));
    }

    /// @dev Of this facility, lent on by another that knows it and its borrower.
    function _measureUnits() private {
        Facility lower = facility;
        facility = make(bookRules(), deskRules());
        useFacility();
        lend(junior, bold, 30_000_000e6);
        Vault vault = Vault(lower.senior());
        lend(vault, buyer, 200_000e6);
        vm.prank(buyer);
        vault.approve(address(units), type(uint256).max);
        uint256 asset;
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(buyer);
            units.wrap(address(vault), 50_000e12);
            if (i == 1) _record("units.wrap");
            asset = assets.count();
            vm.prank(buyer);
            till.setDebt(asset, address(facility));
            Terms memory terms = termsOf(asset);
            terms.borrower = buyer;
            (terms.multipleBps, terms.dscrBps, terms.revenueBps) = (0, 0, 10_000);
            bytes memory signature = signTerms(terms);
            vm.prank(buyer);
            desk.borrow(terms, signature, 20_000e6);
            if (i == 1) _record("credit.borrow_on_units");
        }
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(buyer);
            units.redeem(asset, 5_000e12);
            if (i == 1) _record("units.redeem");
            vault.serve();
            units.collect(asset);
            if (i == 1) _record("units.collect");
            nextEpoch();
            till.settle(asset);
        }
        facility = lower;
        useFacility();
    }

    function _measureDefault() private {
        Terms memory terms = termsOf(pledged(100_000e6));
        terms.rampEnd = uint32(block.timestamp);
        borrow(terms, 50_000e6);
        uint256 asset = terms.collateral[0].asset;
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record("credit.poke_late");
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record("credit.poke_impaired");
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record("auction.start");
        vm.warp(block.timestamp + 5 days);
        fund(buyer, 100_000e6);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        vm.prank(buyer);
        auction.take(address(facility), asset, type(uint88).max, buyer);
        _record("auction.take");

        // A loan without a claim on the machine itself is written off by the step itself.
        terms = termsOf(pledged(100_000e6));
        earn(terms.collateral[0].asset, 4_000e6, 3);
        terms.rampEnd = uint32(block.timestamp);
        (terms.ltvBps, terms.multipleBps, terms.dscrBps) = (0, 40_000, 0);
        terms.expiry = uint32(block.timestamp);
        borrow(terms, 10_000e6);
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 11 days);
            desk.poke(terms);
        }
        _record("credit.write_off");
    }

    function _note(string memory key, uint256 sum) internal virtual;
}
