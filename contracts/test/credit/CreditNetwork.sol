// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Appraisals} from "../../src/credit/Appraisals.sol";
import {Auction} from "../../src/credit/Auction.sol";
import {Desk} from "../../src/credit/Desk.sol";
import {Desks} from "../../src/credit/Desks.sol";
import {Facility} from "../../src/credit/Facility.sol";
import {Appraisal, Curve, SignedAppraisal} from "../../src/credit/IAppraisals.sol";
import {Collateral, DeskRules, Terms} from "../../src/credit/IDesk.sol";
import {BookRules} from "../../src/credit/IFacility.sol";
import {Units} from "../../src/credit/Units.sol";
import {Ranks} from "../../src/credit/Ranks.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {Vaults} from "../../src/credit/Vaults.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice A network with a facility in it: lenders, an underwriter, three appraisers, a borrower (the network's owner).
abstract contract CreditNetwork is Deployment {
    uint256 internal constant UNDERWRITER_KEY = 0x0DE7;
    uint256 internal constant APPRAISER_KEY = 0xA99;
    uint32 internal constant YEAR = 365 days;
    /// @dev Half of a machine's value is lost in two years.
    uint32 internal constant HALF_LIFE = 730 days;
    bytes32 internal constant OBLIGOR = keccak256("obligor");

    address internal immutable underwriter = vm.addr(UNDERWRITER_KEY);
    address internal immutable curator = address(0xC0FFEE);
    address internal immutable vendor = address(0xFE1D02);
    address internal immutable saver = address(0x5A7E2);
    address internal immutable bold = address(0xB01D);

    Units internal units;
    Appraisals internal appraisals;
    Auction internal auction;
    Ranks internal ranks;
    Facility internal facility;
    Desk internal desk;
    Vault internal senior;
    Vault internal junior;
    uint256 internal panel;
    uint32 internal curve;
    Desks private _desks;
    Vaults private _vaults;

    /// @dev After `deploy`.
    function deployCredit() internal {
        ranks = new Ranks(till);
        units = new Units(till, ranks);
        appraisals = new Appraisals(units);
        auction = new Auction(till);
        vm.prank(admin);
        till.listDebt(address(ranks), true);
        _desks = new Desks(till, appraisals, ranks);
        _vaults = new Vaults(till);
        address[] memory appraisers = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            appraisers[i] = vm.addr(APPRAISER_KEY + i);
        }
        vm.prank(curator);
        panel = appraisals.createPanel(appraisers, 2);
        curve = appraisals.publish(Curve(HALF_LIFE, 2_500));
        facility = make(bookRules(), deskRules());
        useFacility();
    }

    function useFacility() internal {
        desk = Desk(facility.desk());
        senior = Vault(facility.senior());
        junior = Vault(facility.junior());
    }

    /// @notice A facility, listed.
    function make(BookRules memory rules, DeskRules memory deskRules_)
        internal
        returns (Facility made)
    {
        address[] memory underwriters = new address[](1);
        underwriters[0] = underwriter;
        made = new Facility(
            till, auction, appraisals, _desks, _vaults, curator, underwriters, rules, deskRules_
        );
        vm.prank(admin);
        till.listDebt(address(made), true);
    }

    function bookRules() internal view returns (BookRules memory) {
        return BookRules({
            currency: address(dollar),
            seniorRate: 80_000,
            minJuniorBps: 2_000,
            grace: 10 days,
            panel: uint32(panel),
            auctionBps: 12_000,
            auctionHalfLife: 2 days,
            bounty: 5e6
        });
    }

    function deskRules() internal pure returns (DeskRules memory) {
        return DeskRules({
            maxLtvBps: 8_000,
            maxMultipleBps: 60_000,
            minCoverBps: 1_000,
            maxObligorBps: 5_000,
            maxClusterBps: 8_000,
            minObligorBets: 300,
            minClusterBets: 150,
            maxRamp: 365 days,
            maxTerm: 5 * YEAR,
            evidencePanel: type(uint32).max
        });
    }

    /// @notice A hardware-backed loan of `owner` on `asset`: three months' ramp, then two years.
    function termsOf(uint256 asset) internal view returns (Terms memory terms) {
        (,, bytes32 above) = till.lienOf(asset);
        terms.collateral = new Collateral[](1);
        terms.collateral[0] = Collateral(asset, above);
        terms.clusters[0] = keccak256("H100");
        terms.borrower = owner;
        terms.underwriter = underwriter;
        terms.vendor = vendor;
        terms.limit = 100_000e6;
        terms.firstDraws = 60_000e6;
        terms.rate = 140_000;
        terms.premiumBps = 1_000;
        terms.rampEnd = uint32(block.timestamp) + 90 days;
        terms.maturity = terms.rampEnd + 2 * YEAR;
        terms.dscrBps = 12_500;
        terms.ltvBps = 7_000;
        terms.multipleBps = 20_000;
        terms.coverBps = 2_000;
        terms.obligor = OBLIGOR;
        terms.expiry = uint32(block.timestamp) + 1 days;
        terms.nonce = asset;
    }

    function signTerms(Terms memory terms) internal view returns (bytes memory) {
        return sign(UNDERWRITER_KEY, desk.hashTerms(terms));
    }

    /// @notice A machine of `owner`, appraised, with the facility in its debt slot.
    function pledged(uint88 value) internal returns (uint256 asset) {
        asset = registerMachine();
        appraised(asset, value);
        vm.prank(owner);
        till.setDebt(asset, address(facility));
    }

    /// @notice Two appraisers say `value`.
    function appraised(uint256 asset, uint88 value) internal {
        appraisals.appraise(appraisalsOf(asset, value));
    }

    function appraisalsOf(uint256 asset, uint88 value)
        internal
        view
        returns (SignedAppraisal[] memory signed)
    {
        signed = new SignedAppraisal[](2);
        for (uint256 i = 0; i < 2; ++i) {
            Appraisal memory one = Appraisal({
                panel: panel,
                asset: asset,
                value: value,
                asOf: uint32(block.timestamp),
                expiry: uint32(block.timestamp) + 180 days,
                curve: curve
            });
            signed[i] = signedBy(APPRAISER_KEY + i, one);
        }
    }

    function signedBy(uint256 key, Appraisal memory one)
        internal
        view
        returns (SignedAppraisal memory)
    {
        return SignedAppraisal(one, vm.addr(key), sign(key, appraisals.hashAppraisal(one)));
    }

    /// @notice `who` puts `amount` into a line from its account in the till.
    function lend(Vault vault, address who, uint256 amount) internal returns (uint256 shares) {
        fund(who, amount);
        vm.startPrank(who);
        till.setOperator(address(vault), true);
        shares = vault.depositFromTill(amount, who);
        vm.stopPrank();
    }

    function stakeOf(address who, uint88 amount) internal {
        fund(who, amount);
        vm.startPrank(who);
        till.setOperator(address(facility), true);
        facility.stake(amount);
        vm.stopPrank();
    }

    /// @notice Junior 300,000, senior 700,000, 50,000 of stake.
    function capitalise() internal {
        lend(junior, bold, 300_000e6);
        lend(senior, saver, 700_000e6);
        stakeOf(underwriter, 50_000e6);
    }

    function borrow(Terms memory terms, uint88 amount) internal returns (bytes32) {
        bytes memory signature = signTerms(terms);
        vm.prank(terms.borrower);
        return desk.borrow(terms, signature, amount);
    }

    /// @notice Revenue of `daily` each epoch, for so many epochs, each of them settled.
    function earn(uint256 asset, uint128 daily, uint256 epochs) internal {
        for (uint256 i = 0; i < epochs; ++i) {
            if (daily > 0) pay(buyer, asset, daily);
            nextEpoch();
            till.settle(asset);
        }
    }
}
