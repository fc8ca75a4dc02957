// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {Terms} from "../../src/credit/IDesk.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {RanksNetwork} from "../credit/RanksNetwork.sol";

/// @notice What a loan costs from its first draw to its end, in a book that has lenders, loans and a queue already. The same keys with
/// `_at_…` are measured again behind so many loans and lenders.
abstract contract CreditGas is RanksNetwork {
    /// @dev Lenders and loans that a transaction of `_crowd` adds.
    uint256 private constant CROWD = 100;
    uint256 private _size;

    function _record(string memory key) internal virtual returns (uint256);

    function _measureCredit() internal {
        deployCredit();
        lend(junior, bold, 30_000_000e6);
        lend(senior, saver, 60_000_000e6);
        stakeOf(underwriter, 5_000_000e6);
        _measure("");
        _crowd(10);
        _measure("_at_10");
        _crowd(1_000);
        _measure("_at_1000");
        // The better part of two minutes: `gas.mjs` asks for it where it writes the snapshot, and with `--deep`.
        if (vm.envOr("MILLRACE_DEEP", false)) {
            _crowd(10_000);
            _measure("_at_10000");
        }
        _measureRanks();
        _measureUnits();
    }

    /// @dev Two facilities on one machine.
    function _measureRanks() private {
        deployRanks();
        uint256 asset = ranked(100_000e6);
        lendOn(first, asset, 10_000e6);
        lendOn(second, asset, 10_000e6);
        asset = ranked(100_000e6);
        lendOn(first, asset, 30_000e6);
        lendOn(second, asset, 10_000e6);
        _record("credit.borrow_behind");
        vm.warp(block.timestamp + 100 days);
        for (uint256 i = 0; i < 3; ++i) {
            pay(buyer, asset, 20_000e6);
            nextEpoch();
            till.settle(asset);
        }
        _record("credit.settle_with_two_debts");
    }

    function _measure(string memory suffix) private {
        _measureLenders(suffix);
        _measureLoan(suffix);
        _measureDefault(suffix);
    }

    /// @dev So many lenders in both lines, and so many loans, all by the calls that anyone would make. A call to this contract is one transaction to
    /// `--isolate`, whatever happens in it; a transaction a call would take the better part of an hour.
    function _crowd(uint256 count) private {
        while (_size < count) {
            uint256 more = count - _size;
            this.join(more < CROWD ? more : CROWD);
        }
    }

    function join(uint256 count) external {
        for (uint256 i = 0; i < count; ++i) {
            uint256 number = ++_size;
            lend(number % 2 == 0 ? senior : junior, address(uint160(0x70000 + number)), 1e6);
            borrow(termsOf(pledged(100e6)), 10e6);
        }
    }

    function _measureLenders(string memory suffix) private {
        fund(saver, 2_000e6);
        vm.prank(saver);
        senior.depositFromTill(1_000e6, saver);
        _record(string.concat("credit.deposit", suffix));
        dollar.mint(saver, 1_000e6);
        vm.prank(saver);
        dollar.approve(address(senior), type(uint256).max);
        vm.prank(saver);
        senior.deposit(500e6, saver);
        vm.prank(saver);
        senior.deposit(500e6, saver);
        _record(string.concat("credit.deposit_from_wallet", suffix));
        // The first time through the queue writes its first words.
        if (bytes(suffix).length == 0) _measureQueue("_first");
        _measureQueue(suffix);
    }

    function _measureQueue(string memory suffix) private {
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
        vm.prank(curator);
        appraisals.setAppraiser(panel, address(lower), true);
        vm.warp(block.timestamp + 7 days);
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

    function _measureDefault(string memory suffix) private {
        Terms memory terms = termsOf(pledged(100_000e6));
        terms.rampEnd = uint32(block.timestamp);
        borrow(terms, 50_000e6);
        uint256 asset = terms.collateral[0].asset;
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record(string.concat("credit.poke_late", suffix));
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record(string.concat("credit.poke_impaired", suffix));
        vm.warp(block.timestamp + 11 days);
        desk.poke(terms);
        _record(string.concat("auction.start", suffix));
        vm.warp(block.timestamp + 5 days);
        fund(buyer, 100_000e6);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        vm.prank(buyer);
        auction.take(address(facility), asset, type(uint88).max, buyer);
        _record(string.concat("auction.take", suffix));

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
        _record(string.concat("credit.write_off", suffix));
    }

    function _note(string memory key, uint256 sum) internal virtual;
}
