// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Facility} from "../../src/credit/Facility.sol";
import {Lot} from "../../src/credit/IAuction.sol";
import {Terms} from "../../src/credit/IDesk.sol";
import {LoanState, LoanStatus} from "../../src/credit/IFacility.sol";
import {Rank} from "../../src/credit/IRanks.sol";
import {RanksNetwork} from "./RanksNetwork.sol";

/// @notice Two facilities and an owner who lend on, reorder, default, sell and take over three machines.
contract RanksHandler is RanksNetwork {
    uint256 private constant ASSETS = 3;

    /// @dev A lot that is taken, and how things stood before.
    struct Sale {
        Facility one;
        Facility other;
        bytes32 mine;
        bytes32 theirs;
        uint256 ahead;
        bool wasOwed;
        address from;
        uint256 rich;
    }

    /// @dev Loans that were opened, by facility, with their terms.
    mapping(Facility => bytes32[]) private _loans;
    mapping(bytes32 => bytes) private _terms;

    string[] public reachNames = [
        "first",
        "behind",
        "refused",
        "reordered",
        "bound",
        "dropped",
        "settledBehind",
        "forwarded",
        "repaid",
        "defaulted",
        "soldByTheFirst",
        "soldBehind",
        "tooCheap",
        "lostBehind",
        "surplus",
        "tookOver",
        "servedLenders"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deploy();
        deployCredit();
        deployRanks();
        for (uint256 i = 0; i < ASSETS; ++i) {
            ranked(100_000e6);
        }
        fund(owner, 1e13);
        fund(buyer, 1e13);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(owner);
            till.setOperator(address(i == 0 ? first : second), true);
        }
        vm.prank(buyer);
        till.setOperator(address(auction), true);
    }

    // ------------------------------------------------------------------ borrowers

    function lendOnOne(bool isFirst, uint256 asset, uint88 amount) public {
        Facility one = _use(isFirst);
        asset = _asset(asset);
        if (one.outstanding(asset)) return;
        _home(asset);
        (bool stands, uint256 cap, uint256 ahead) = ranks.standingOf(asset, address(one));
        if (!stands) return;
        Terms memory terms = _fresh(asset);
        (terms.limit, terms.ahead) = (uint88(cap), uint88(ahead));
        terms.firstDraws = terms.limit;
        amount = uint88(bound(amount, 1e6, 60_000e6));
        bytes memory signature = signTerms(terms);
        vm.prank(owner);
        (bool done,) = address(desk).call(abi.encodeCall(desk.borrow, (terms, signature, amount)));
        if (!done) {
            ++reached["refused"];
            return;
        }
        assertLe(amount, cap, "no more than its cap");
        _remember(one, terms);
        ++reached[ahead == 0 ? "first" : "behind"];
    }

    /// @dev Some order of both, with caps that may have changed. What has lent keeps its cap and gets nothing more before it.
    function reorder(uint256 asset, uint256 kind, uint88 cap) external {
        asset = _asset(asset);
        _home(asset);
        Rank[] memory order = bothRanks();
        if (kind % 4 == 1) (order[0], order[1]) = (order[1], order[0]);
        if (kind % 4 == 2) order = rankOf(kind % 8 < 4 ? first : second, order[0].cap);
        if (kind % 16 > 8) order[0].cap = uint88(bound(cap, 1e6, 60_000e6));
        uint256[4] memory before = _standing(asset);
        vm.prank(owner);
        (bool done,) = address(ranks).call(abi.encodeCall(ranks.set, (asset, order)));
        ++reached[done ? "reordered" : "bound"];
        _requireNoWorse(asset, before);
    }

    function drop(uint256 asset, bool isFirst) external {
        asset = _asset(asset);
        uint256[4] memory before = _standing(asset);
        vm.prank(assets.ownerOf(asset));
        (bool done,) = address(ranks)
            .call(abi.encodeCall(ranks.drop, (asset, address(isFirst ? first : second))));
        if (done) ++reached["dropped"];
        _requireNoWorse(asset, before);
    }

    function repay(bool isFirst, uint256 loan, uint88 amount) external {
        Facility one = _use(isFirst);
        bytes32 id = _loanOf(one, loan);
        if (id == 0 || one.stateOf(id) == LoanState.Closed) return;
        vm.prank(owner);
        one.repay(id, uint88(bound(amount, 1, 40_000e6)));
        ++reached["repaid"];
    }

    function takeOver(bool isFirst, uint256 asset, uint88 amount) external {
        lendOnOne(!isFirst, asset, amount);
        Facility one = _use(isFirst);
        Facility other = isFirst ? second : first;
        asset = _asset(asset);
        bytes32 old = other.loanOf(asset);
        if (!other.outstanding(asset)) return;
        Terms memory terms = _replacing(one, other, asset);
        if (terms.limit == 0) return;
        bytes memory call =
            abi.encodeCall(desk.takeOver, (address(other), old, terms, signTerms(terms)));
        uint256 owed = _owed(other, old);
        uint256 theirIdle = other.value().idle;
        vm.prank(owner);
        (bool done,) = address(desk).call(call);
        if (!done) return;
        _remember(one, terms);
        assertTrue(!other.outstanding(asset), "the old loan is over");
        assertEq(_drawn(one, desk.hashTerms(terms)), owed, "for what was owed");
        assertLe(theirIdle, other.value().idle, "in money");
        assertEq(balanceOf(address(desk)), 0, "the desk holds nothing");
        ++reached["tookOver"];
    }

    // ------------------------------------------------------------------ machines

    /// @dev Settled at the second of the boundary: who stands behind gets something only if those before it are due nothing.
    function work(uint256 asset, uint128 amount) public {
        asset = _asset(asset);
        vm.prank(buyer);
        till.pay(asset, uint128(bound(amount, 1, 30_000e6)));
        vm.warp((block.timestamp / DAY + 1) * DAY);
        uint256[2] memory before = [ranks.heldFor(address(first)), ranks.heldFor(address(second))];
        till.settle(asset);
        assertEq(till.heldOf(asset), 0, "the till was answered");
        Rank[] memory order = ranks.ranksOf(asset);
        if (order.length < 2) return;
        Facility behind = Facility(order[1].facility);
        if (ranks.heldFor(address(behind)) == before[behind == first ? 0 : 1]) return;
        ++reached["settledBehind"];
        Facility front = Facility(order[0].facility);
        bytes32 id = front.loanOf(asset);
        LoanState state = front.stateOf(id);
        if (state == LoanState.Live) assertEq(front.statusOf(id).due, 0, "the first first");
        else assertTrue(id == 0 || state == LoanState.Closed, "the first first, all of it");
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + time % 20 days);
    }

    function forward(bool isFirst) external {
        if (ranks.forward(address(isFirst ? first : second)) > 0) ++reached["forwarded"];
    }

    /// @dev Lenders come and go: a facility pays out of money that is still with the ranks.
    function lenders(bool isFirst, uint256 amount) external {
        Facility one = _use(isFirst);
        amount = bound(amount, 1e6, 50_000e6);
        if (amount <= senior.maxDeposit(saver) && _isWorth(true)) lend(senior, saver, amount);
        uint256 shares = senior.balanceOf(saver);
        if (senior.maxRedeem(saver) > 0) {
            uint256 claimable = senior.maxRedeem(saver);
            vm.prank(saver);
            senior.redeemToTill(claimable, saver, saver);
        }
        if (shares == 0 || senior.pendingRedeemRequest(0, saver) > 0) return;
        vm.prank(saver);
        (bool done,) = address(senior)
            .call(abi.encodeCall(senior.requestRedeem, (amount % shares + 1, saver, saver)));
        if (!done) return;
        bool away = ranks.heldFor(address(one)) > 0;
        (, uint256 paid) = senior.serve();
        if (paid == 0) return;
        if (away) ++reached["servedLenders"];
        assertEq(ranks.heldFor(address(one)), 0, "first what is its own");
    }

    // ------------------------------------------------------------------ bad times

    /// @dev Nobody pays for two months.
    function collapse(bool isFirst, uint256 asset) public {
        Facility one = _use(isFirst);
        asset = _asset(asset);
        bytes32 id = one.loanOf(asset);
        if (id == 0 || _terms[id].length == 0) return;
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 50 days);
            (bool done,) =
                address(desk).call(abi.encodeCall(desk.poke, (abi.decode(_terms[id], (Terms)))));
            if (done && one.stateOf(id) == LoanState.Defaulted) ++reached["defaulted"];
        }
    }

    function sale(bool isFirst, uint256 asset, uint88 amount, uint256 patience) external {
        lendOnOne(true, asset, amount);
        lendOnOne(false, asset, amount);
        collapse(isFirst, asset);
        take(isFirst, asset, patience);
    }

    function take(bool isFirst, uint256 asset, uint256 patience) public {
        Facility one = _use(isFirst);
        asset = _asset(asset);
        Lot memory lot = auction.lotOf(address(one), asset);
        if (lot.startPrice == 0) return;
        vm.warp(block.timestamp + patience % (9 * uint256(lot.halfLife)));
        if (block.timestamp - lot.startedAt >= 8 * uint256(lot.halfLife)) {
            auction.redo(address(one), asset);
            return;
        }
        Sale memory sold;
        (sold.one, sold.other) = (one, isFirst ? second : first);
        (sold.mine, sold.theirs) = (one.loanOf(asset), sold.other.loanOf(asset));
        (,, sold.ahead) = ranks.standingOf(asset, address(one));
        sold.wasOwed = sold.other.outstanding(asset);
        sold.from = assets.ownerOf(asset);
        sold.rich = balanceOf(sold.from);
        bytes memory call =
            abi.encodeCall(auction.take, (address(one), asset, type(uint88).max, buyer));
        vm.prank(buyer);
        (bool done,) = address(auction).call(call);
        if (done) {
            _judge(asset, sold);
            return;
        }
        if (sold.ahead > 0 && sold.wasOwed) ++reached["tooCheap"];
        assertEq(assets.ownerOf(asset), sold.from, "not sold");
    }

    /// @dev After a sale: those before the seller are paid, those behind it after it, the owner last.
    function _judge(uint256 asset, Sale memory sold) private {
        assertEq(assets.ownerOf(asset), buyer, "sold");
        assertTrue(!sold.one.outstanding(asset), "nothing is left on it");
        assertTrue(!sold.other.outstanding(asset), "nothing is left on it");
        if (!sold.wasOwed) return;
        bool isPaid = sold.one.stateOf(sold.mine) == LoanState.Closed;
        bool isTheirs = sold.other.stateOf(sold.theirs) == LoanState.Closed;
        if (sold.ahead > 0) {
            ++reached["soldBehind"];
            assertTrue(isTheirs, "those before it are paid");
        } else {
            ++reached["soldByTheFirst"];
            if (!isTheirs) ++reached["lostBehind"];
            assertTrue(isPaid || !isTheirs, "nobody behind is paid before it");
        }
        if (sold.from == buyer || balanceOf(sold.from) == sold.rich) return;
        ++reached["surplus"];
        assertTrue(isPaid && isTheirs, "the owner comes last");
    }

    // ------------------------------------------------------------------ what the invariants ask

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function facilities() external view returns (Facility[2] memory) {
        return [first, second];
    }

    function assetCount() external pure returns (uint256) {
        return ASSETS;
    }

    function loansOf(Facility one) external view returns (bytes32[] memory) {
        return _loans[one];
    }

    function accountOf(address who) external view returns (uint256) {
        return balanceOf(who);
    }

    function freeStake(Facility one) external view returns (uint256) {
        return one.freeStakeOf(underwriter);
    }

    function debtOf(uint256 asset) external view returns (address debt) {
        (debt,,) = till.lienOf(asset);
    }

    function rankContract() external view returns (address) {
        return address(ranks);
    }

    // ------------------------------------------------------------------ helpers

    function _use(bool isFirst) private returns (Facility one) {
        one = isFirst ? first : second;
        use(one);
    }

    function _asset(uint256 asset) private pure returns (uint256) {
        return 1 + asset % ASSETS;
    }

    /// @dev A machine that was sold comes back to its first owner, with both facilities on it.
    function _home(uint256 asset) private {
        address holder = assets.ownerOf(asset);
        if (holder != owner) {
            vm.prank(holder);
            assets.transferFrom(holder, owner, asset);
        }
        (address debt,,) = till.lienOf(asset);
        if (debt != address(0)) return;
        vm.startPrank(owner);
        till.setDebt(asset, address(ranks));
        ranks.set(asset, bothRanks());
        vm.stopPrank();
    }

    function _fresh(uint256 asset) private returns (Terms memory terms) {
        vm.warp(block.timestamp + 1);
        appraised(asset, 100_000e6);
        terms = termsOf(asset);
        (terms.ltvBps, terms.coverBps) = (8_000, 1_000);
        terms.rampEnd = uint32(block.timestamp) + 1 days;
        terms.maturity = terms.rampEnd + 90 days;
        terms.dscrBps = asset % 2 == 0 ? 12_500 : 0;
        terms.nonce = _loans[first].length + (_loans[second].length << 64);
    }

    /// @dev Terms that take the other's place; without a limit where `one` does not stand there.
    function _replacing(Facility one, Facility other, uint256 asset)
        private
        returns (Terms memory terms)
    {
        terms = _fresh(asset);
        (, uint256 cap, uint256 ahead) = ranks.standingOf(asset, address(one));
        (, uint256 theirs, uint256 theirAhead) = ranks.standingOf(asset, address(other));
        terms.limit = terms.firstDraws = uint88(cap);
        terms.ahead = uint88(theirAhead < ahead ? ahead - theirs : ahead);
    }

    function _remember(Facility one, Terms memory terms) private {
        bytes32 id = desk.hashTerms(terms);
        _loans[one].push(id);
        _terms[id] = abi.encode(terms);
    }

    function _loanOf(Facility one, uint256 index) private view returns (bytes32) {
        uint256 count = _loans[one].length;
        return count == 0 ? bytes32(0) : _loans[one][index % count];
    }

    function _owed(Facility one, bytes32 id) private view returns (uint256) {
        LoanStatus memory status = one.statusOf(id);
        return uint256(status.principal) + status.interest;
    }

    function _drawn(Facility one, bytes32 id) private view returns (uint256 drawn) {
        (drawn,) = one.drawnOf(id);
    }

    function _isWorth(bool isSenior) private view returns (bool) {
        (uint256 worth,) = facility.assetsOf(isSenior);
        return worth > 0;
    }

    /// @dev Cap and what stands before it, of those that are owed; the cap is 0 for those that are not.
    function _standing(uint256 asset) private view returns (uint256[4] memory where) {
        for (uint256 i = 0; i < 2; ++i) {
            Facility one = i == 0 ? first : second;
            if (!one.outstanding(asset)) continue;
            (, where[2 * i], where[2 * i + 1]) = ranks.standingOf(asset, address(one));
        }
    }

    function _requireNoWorse(uint256 asset, uint256[4] memory before) private view {
        uint256[4] memory later = _standing(asset);
        for (uint256 i = 0; i < 2; ++i) {
            if (before[2 * i] == 0) continue;
            assertEq(later[2 * i], before[2 * i], "a cap changed");
            assertLe(later[2 * i + 1], before[2 * i + 1], "more stands before it");
        }
    }
}
