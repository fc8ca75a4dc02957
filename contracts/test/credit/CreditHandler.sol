// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lot} from "../../src/credit/IAuction.sol";
import {DeskRules, Terms} from "../../src/credit/IDesk.sol";
import {BookRules, IFacility, LoanState, LoanStatus} from "../../src/credit/IFacility.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice Does to a facility what lenders, borrowers, machines and chance do to it. The rules are loose, so that the campaign comes to
/// where it hurts. Nothing here may revert: what the facility may refuse is tried, and its reason looked at.
contract CreditHandler is CreditNetwork {
    uint256 public constant ASSETS = 6;
    uint256 public constant LENDERS = 3;

    struct Price {
        uint256 assets;
        uint256 supply;
    }

    Price private _high;
    Price private _low;
    bytes[] private _terms;
    bytes32[] public loans;
    mapping(uint256 asset => uint256) private _latest;
    uint256 private _strangers;
    uint256 public donated;
    mapping(bytes32 loan => uint256) private _interestAtImpairment;

    string[] public reachNames = [
        "borrowed",
        "drawn",
        "refinanced",
        "refused",
        "settledWithDebt",
        "closed",
        "late",
        "impaired",
        "restored",
        "defaulted",
        "taken",
        "takenAtALoss",
        "takenWithASurplus",
        "redone",
        "writtenOff",
        "recovered",
        "swept",
        "sweepEnded",
        "queued",
        "servedInPart",
        "claimed",
        "roundTrip",
        "juniorWiped",
        "seniorHurt",
        "harvested",
        "unstaked"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deploy();
        deployCredit();
        BookRules memory rules = bookRules();
        (rules.minJuniorBps, rules.bounty, rules.grace) = (500, 1e6, 5 days);
        DeskRules memory loose = DeskRules({
            maxLtvBps: 10_000,
            maxMultipleBps: 200_000,
            minCoverBps: 0,
            maxObligorBps: 10_000,
            maxClusterBps: 10_000,
            minObligorBets: 0,
            minClusterBets: 0,
            maxRamp: 365 days,
            maxTerm: 5 * YEAR,
            evidencePanel: type(uint32).max
        });
        facility = make(rules, loose);
        useFacility();
        lend(junior, _lender(0), 200_000e6);
        lend(senior, _lender(0), 600_000e6);
        stakeOf(underwriter, 50_000e6);
        for (uint256 i = 0; i < ASSETS; ++i) {
            pledged(200_000e6);
        }
        fund(owner, 1e13);
        fund(buyer, 1e13);
        vm.prank(owner);
        till.setOperator(address(facility), true);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
    }

    /// @dev 6. A share of senior is worth less than before only where junior is worth nothing. The price of a line that all have left is
    /// nobody's, and begins anew; `serve` looks at what the last of them were paid.
    modifier watched() {
        _;
        uint256 supply = senior.totalSupply() + 1e6;
        (uint256 high, uint256 low) = facility.assetsOf(true);
        (uint256 juniorHigh, uint256 juniorLow) = facility.assetsOf(false);
        bool fell = (high + 2) * _high.supply < _high.assets * supply;
        if (juniorHigh > 0) {
            assertTrue(!fell || supply == 1e6, "6. senior fell before junior was gone");
        } else {
            if (fell) ++reached["seniorHurt"];
            if (junior.totalSupply() > 0) ++reached["juniorWiped"];
        }
        fell = (low + 2) * _low.supply < _low.assets * supply;
        assertTrue(
            juniorLow == 0 || !fell || supply == 1e6,
            "6. senior fell before junior was gone, conservatively"
        );
        _high = Price(high + 1, supply);
        _low = Price(low + 1, supply);
    }

    // ------------------------------------------------------------------ lenders

    function deposit(bool isSenior, uint256 who, uint256 amount) external watched {
        Vault vault = _vault(isSenior);
        amount = bound(amount, 1e6, 200_000e6);
        (uint256 optimistic,) = facility.assetsOf(isSenior);
        if (vault.totalSupply() > 0 && optimistic == 0) return;
        if (amount > vault.maxDeposit(address(0))) return;
        lend(vault, _lender(who), amount);
    }

    function request(bool isSenior, uint256 who, uint256 shares) external watched {
        Vault vault = _vault(isSenior);
        address lender = _lender(who);
        uint256 has = vault.balanceOf(lender);
        if (has == 0) return;
        shares = bound(shares, 1, has);
        vm.prank(lender);
        (bool done,) =
            address(vault).call(abi.encodeCall(vault.requestRedeem, (shares, lender, lender)));
        // Only where the last request is not claimed.
        if (done) ++reached["queued"];
    }

    function serve(bool isSenior) public watched {
        Vault vault = _vault(isSenior);
        (uint256 requested, uint256 paid) = vault.queue();
        if (requested == paid) return;
        (, uint256 low) = facility.assetsOf(isSenior);
        uint256 supply = vault.totalSupply() + 1e6;
        (uint256 shares, uint256 paidOut) = vault.serve();
        assertTrue((paidOut + 1) * supply > shares * low, "6. who leaves is paid the lower price");
        if (shares > 0 && shares < requested - paid) ++reached["servedInPart"];
        if (!isSenior && paidOut > 0) _requireThick();
    }

    function claim(bool isSenior, uint256 who) public watched {
        Vault vault = _vault(isSenior);
        address lender = _lender(who);
        uint256 shares = vault.maxRedeem(lender);
        if (shares == 0) return;
        vm.prank(lender);
        vault.redeemToTill(shares, lender, lender);
        ++reached["claimed"];
    }

    /// @dev In and out again in one second never profits.
    function roundTrip(bool isSenior, uint256 amount) external watched {
        Vault vault = _vault(isSenior);
        amount = bound(amount, 1e6, 50_000e6);
        (uint256 optimistic,) = facility.assetsOf(isSenior);
        if (vault.totalSupply() > 0 && optimistic == 0) return;
        if (amount > vault.maxDeposit(address(0))) return;
        address stranger = address(uint160(0x570000 + ++_strangers));
        uint256 shares = lend(vault, stranger, amount);
        vm.prank(stranger);
        vault.requestRedeem(shares, stranger, stranger);
        vault.serve();
        uint256 claimable = vault.maxRedeem(stranger);
        uint256 got;
        if (claimable > 0) {
            vm.prank(stranger);
            got = vault.redeemToTill(claimable, stranger, stranger);
        }
        assertLe(got * shares, amount * claimable, "7. a round trip profits");
        ++reached["roundTrip"];
    }

    // ------------------------------------------------------------------ borrowers

    function borrow(uint256 asset, uint256 kind, uint88 amount) public watched {
        asset = _asset(asset);
        if (facility.outstanding(asset)) return;
        address holder = assets.ownerOf(asset);
        vm.prank(holder);
        assets.transferFrom(holder, owner, asset);
        vm.prank(owner);
        till.setDebt(asset, address(facility));
        (, bool fresh) = appraisals.valueOf(panel, asset);
        if (!fresh) {
            vm.warp(block.timestamp + 1);
            appraised(asset, 200_000e6);
        }
        Terms memory terms = _kind(asset, kind);
        amount = uint88(bound(amount, 1e6, 150_000e6));
        bytes memory signature = signTerms(terms);
        vm.prank(owner);
        (bool done,) = address(desk).call(abi.encodeCall(desk.borrow, (terms, signature, amount)));
        if (!done) {
            ++reached["refused"];
            return;
        }
        _remember(asset, terms);
        ++reached["borrowed"];
        _requireThick();
    }

    function refinance(uint256 asset, uint256 kind) external watched {
        borrow(asset, 0, 20_000e6);
        asset = _asset(asset);
        if (_latest[asset] == 0) return;
        Terms memory old = _termsOf(asset);
        Terms memory terms = _kind(asset, kind);
        bytes memory signature = signTerms(terms);
        uint256 held = balanceOf(address(facility));
        vm.prank(owner);
        (bool done,) = address(desk).call(abi.encodeCall(desk.refinance, (old, terms, signature)));
        if (!done) return;
        _remember(asset, terms);
        assertEq(balanceOf(address(facility)), held, "no money moves");
        ++reached["refinanced"];
        _requireThick();
    }

    function draw(uint256 asset, uint88 amount) public watched {
        asset = _asset(asset);
        if (_latest[asset] == 0) return;
        amount = uint88(bound(amount, 1, 50_000e6));
        vm.prank(owner);
        (bool done,) = address(desk)
            .call(abi.encodeCall(desk.draw, (_termsOf(asset), amount, 0, 0, bytes(""))));
        if (!done) return;
        ++reached["drawn"];
        _requireThick();
    }

    function repay(uint256 loan, uint88 amount) public watched {
        if (loans.length == 0) return;
        bytes32 id = loans[loan % loans.length];
        LoanStatus memory before = facility.statusOf(id);
        if (before.state == LoanState.Closed) return;
        amount = uint88(bound(amount, 1, 100_000e6));
        vm.prank(owner);
        uint88 paid = facility.repay(id, amount);
        assertLe(paid, amount, "no more than was given");
        if (before.state == LoanState.WrittenOff && paid > 0) ++reached["recovered"];
        _note(id, before.state);
    }

    function stake(uint88 amount) external watched {
        stakeOf(underwriter, uint88(bound(amount, 1, 20_000e6)));
    }

    function unstake(uint88 amount) external watched {
        uint88 free = facility.freeStakeOf(underwriter);
        if (free == 0) return;
        vm.prank(underwriter);
        facility.unstake(uint88(bound(amount, 1, free)));
        ++reached["unstaked"];
    }

    // ------------------------------------------------------------------ machines

    function work(uint256 asset, uint128 amount, uint256 epochs) public watched {
        asset = _asset(asset);
        amount = uint128(bound(amount, 1, 5_000e6));
        epochs = 1 + epochs % 5;
        bytes32 id = facility.loanOf(asset);
        for (uint256 i = 0; i < epochs; ++i) {
            LoanStatus memory before = facility.statusOf(id);
            vm.prank(buyer);
            till.pay(asset, amount);
            nextEpoch();
            if (till.settle(asset).debt > 0) ++reached["settledWithDebt"];
            LoanStatus memory later = facility.statusOf(id);
            if (later.isSwept && !before.isSwept) ++reached["swept"];
            if (before.isSwept && !later.isSwept) ++reached["sweepEnded"];
            if (id != 0) _note(id, before.state);
        }
    }

    function settle(uint256 asset) external watched {
        till.settle(_asset(asset));
    }

    function appraise(uint256 asset, uint88 value) external watched {
        vm.warp(block.timestamp + 1);
        appraised(_asset(asset), uint88(bound(value, 1, 500_000e6)));
    }

    function wait(uint256 time) external watched {
        vm.warp(block.timestamp + time % 4 days);
    }

    function donate(uint88 amount) external watched {
        amount = uint88(bound(amount, 1, 1_000e6));
        fund(address(facility), amount);
        donated += amount;
    }

    // ------------------------------------------------------------------ bad times

    function poke(uint256 asset) public watched {
        asset = _asset(asset);
        if (_latest[asset] == 0) return;
        bytes32 id = _idOf(asset);
        (bool done, bytes memory failure) =
            address(desk).call(abi.encodeCall(desk.poke, (_termsOf(asset))));
        if (!done) {
            assertEq(bytes32(bytes4(failure)), bytes32(IFacility.NothingToDo.selector), "why not");
            return;
        }
        LoanState state = facility.stateOf(id);
        if (state == LoanState.Late) ++reached["late"];
        if (state == LoanState.Defaulted) ++reached["defaulted"];
        if (state == LoanState.WrittenOff) ++reached["writtenOff"];
        if (state != LoanState.Impaired) return;
        ++reached["impaired"];
        _interestAtImpairment[id] = facility.statusOf(id).interest;
    }

    /// @dev A machine shows a month's revenue, its owner borrows on that alone, and it never earns again.
    function ruin(uint256 asset, uint88 amount) external watched {
        work(asset, 5_000e6, 4);
        borrow(asset, 1, uint88(bound(amount, 50_000e6, 150_000e6)));
        collapse(asset);
    }

    /// @dev A loan in default is sold after nobody wanted it for a week.
    function fireSale(uint256 asset, uint88 amount) external watched {
        borrow(asset, 0, uint88(bound(amount, 20_000e6, 130_000e6)));
        collapse(asset);
        if (auction.lotOf(address(facility), _asset(asset)).startPrice > 0) {
            take(asset, amount % 12 days);
        }
    }

    /// @dev Drawn in stages, in a ramp of a month.
    function stages(uint256 asset, uint88 amount) external watched {
        borrow(asset, 30 days, 10_000e6);
        draw(asset, amount);
    }

    /// @dev Lenders want more than is idle.
    function run(uint256 who, uint256 amount) external watched {
        address lender = _lender(who);
        uint256 has = senior.balanceOf(lender);
        if (has == 0) return;
        borrow(amount, 0, 130_000e6);
        borrow(amount / 2, 0, 130_000e6);
        vm.prank(lender);
        (bool done,) =
            address(senior).call(abi.encodeCall(senior.requestRedeem, (has, lender, lender)));
        if (!done) return;
        serve(true);
        repay(amount, uint88(amount));
        serve(true);
        claim(true, who);
    }

    /// @dev Customers leave, and come back.
    function famine(uint256 asset, uint128 amount) external watched {
        borrow(asset, 2, 100_000e6);
        vm.warp(block.timestamp + 21 days);
        for (uint256 i = 0; i < 3; ++i) {
            work(asset, uint128(bound(amount, 1, 100e6)), 5);
        }
        for (uint256 i = 0; i < 4; ++i) {
            work(asset, 5_000e6, 5);
        }
    }

    /// @dev Nobody pays for two months: what is lent on this asset goes all the way.
    function collapse(uint256 asset) public watched {
        _fallBehind(asset, 3);
    }

    /// @dev A borrower falls behind until interest stops, and then catches up with its plan after all.
    function slump(uint256 asset, uint256 kind) external watched {
        borrow(asset, kind, 50_000e6);
        _fallBehind(asset, 2);
        asset = _asset(asset);
        bytes32 id = _idOf(asset);
        if (facility.stateOf(id) != LoanState.Impaired) return;
        LoanStatus memory status = facility.statusOf(id);
        vm.prank(owner);
        facility.repay(id, status.interest + status.principal - 1);
        (bool done,) = address(facility).call(abi.encodeCall(facility.restore, (id)));
        if (done) ++reached["restored"];
    }

    function _fallBehind(uint256 asset, uint256 steps) private {
        for (uint256 i = 0; i < steps; ++i) {
            vm.warp(block.timestamp + 20 days);
            poke(asset);
        }
    }

    function restore(uint256 asset) external watched {
        bytes32 id = _idOf(_asset(asset));
        if (facility.stateOf(id) != LoanState.Impaired) return;
        (bool done,) = address(facility).call(abi.encodeCall(facility.restore, (id)));
        if (done) ++reached["restored"];
    }

    function take(uint256 asset, uint256 patience) public watched {
        asset = _asset(asset);
        Lot memory lot = auction.lotOf(address(facility), asset);
        if (lot.startPrice == 0) return;
        vm.warp(block.timestamp + patience % (10 * uint256(lot.halfLife)));
        if (block.timestamp - lot.startedAt >= 8 * uint256(lot.halfLife)) {
            auction.redo(address(facility), asset);
            ++reached["redone"];
            return;
        }
        bytes32 id = facility.loanOf(asset);
        if (facility.stateOf(id) != LoanState.Defaulted) return;
        till.settle(asset);
        LoanStatus memory before = facility.statusOf(id);
        if (before.state != LoanState.Defaulted) return;
        uint256 borrower = balanceOf(owner);
        vm.prank(buyer);
        (bool done,) = address(auction)
            .call(abi.encodeCall(auction.take, (address(facility), asset, type(uint88).max, buyer)));
        // The last cut can pay the loan off: then nothing is sold.
        if (!done) return;
        ++reached["taken"];
        LoanStatus memory later = facility.statusOf(id);
        if (later.state == LoanState.WrittenOff) ++reached["takenAtALoss"];
        if (balanceOf(owner) > borrower) ++reached["takenWithASurplus"];
        assertEq(assets.ownerOf(asset), buyer, "delivered");
        _note(id, before.state);
    }

    function harvest(uint256 asset) external watched {
        asset = _asset(asset);
        if (_latest[asset] == 0) return;
        (bool done,) = address(desk).call(abi.encodeCall(desk.harvest, (_termsOf(asset))));
        if (done) ++reached["harvested"];
    }

    // ------------------------------------------------------------------ what the invariants ask

    function loanCount() external view returns (uint256) {
        return loans.length;
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function termsAt(uint256 index) external view returns (Terms memory) {
        return abi.decode(_terms[index], (Terms));
    }

    function interestAtImpairment(bytes32 id) external view returns (uint256) {
        return _interestAtImpairment[id];
    }

    function facility_() external view returns (address) {
        return address(facility);
    }

    function money() external view returns (uint256 held, uint256 free) {
        return (balanceOf(address(facility)), facility.freeStakeOf(underwriter));
    }

    /// @dev Money of a vault, and what those that can claim would get.
    function claims(bool isSenior) external view returns (uint256 held, uint256 claimable) {
        Vault vault = _vault(isSenior);
        held = balanceOf(address(vault));
        for (uint256 i = 0; i < LENDERS; ++i) {
            claimable += vault.maxWithdraw(_lender(i));
        }
    }

    // ------------------------------------------------------------------ helpers

    /// @dev Three kinds of loan: on the machine's value, on its revenue alone, on both with a part of revenue and a covenant.
    function _kind(uint256 asset, uint256 kind) private view returns (Terms memory terms) {
        terms = termsOf(asset);
        terms.limit = terms.firstDraws = 500_000e6;
        terms.coverBps = uint16(kind % 3_000);
        terms.rampEnd = uint32(block.timestamp + kind % 60 days);
        terms.maturity = terms.rampEnd + 60 days + uint32(kind % 200 days);
        terms.ltvBps = 9_000;
        terms.nonce = loans.length;
        if (kind % 3 == 1) {
            (terms.ltvBps, terms.multipleBps, terms.dscrBps) = (0, 200_000, 0);
            terms.revenueBps = 2_000;
        } else if (kind % 3 == 2) {
            terms.revenueBps = 1_000;
        }
    }

    function _remember(uint256 asset, Terms memory terms) private {
        _terms.push(abi.encode(terms));
        loans.push(desk.hashTerms(terms));
        _latest[asset] = loans.length;
    }

    function _note(bytes32 id, LoanState before) private {
        LoanState later = facility.stateOf(id);
        if (later == LoanState.Closed && before != LoanState.Closed) ++reached["closed"];
    }

    /// @dev After a draw, or after junior left, junior is as thick as the rules say.
    function _requireThick() private view {
        (uint256 total, uint256 juniorLow) = facility.conservative();
        assertLe(total * 500 / 10_000, juniorLow + 1, "5. junior is too thin");
    }

    function _termsOf(uint256 asset) private view returns (Terms memory) {
        return abi.decode(_terms[_latest[asset] - 1], (Terms));
    }

    function _idOf(uint256 asset) private view returns (bytes32) {
        return _latest[asset] == 0 ? bytes32(0) : loans[_latest[asset] - 1];
    }

    function _vault(bool isSenior) private view returns (Vault) {
        return isSenior ? senior : junior;
    }

    function _lender(uint256 seed) private pure returns (address) {
        return address(uint160(0x1E0D + seed % LENDERS));
    }

    function _asset(uint256 seed) private pure returns (uint256) {
        return 1 + seed % ASSETS;
    }
}
