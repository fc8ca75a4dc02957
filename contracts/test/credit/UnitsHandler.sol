// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeskRules, Terms} from "../../src/credit/IDesk.sol";
import {IFacility, LoanState} from "../../src/credit/IFacility.sol";
import {Position} from "../../src/credit/IUnits.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {UnitsNetwork} from "./UnitsNetwork.sol";

/// @notice Wraps, lends on, runs from and loses units of one facility below another. What may be refused is tried, and its reason looked at.
contract UnitsHandler is UnitsNetwork {
    uint256 public constant PEOPLE = 3;

    Vault private _vault;
    uint256[] public made;
    mapping(uint256 asset => bytes) private _terms;

    /// @dev Shares that came to an asset and left it, by whichever way; what was given to its account without.
    mapping(uint256 asset => uint256) public came;
    mapping(uint256 asset => uint256) public left;
    mapping(uint256 asset => uint256) public given;
    uint256 public donated;
    uint256 public drawnOnUnits;

    string[] public reachNames = [
        "wrapped",
        "added",
        "unwrapped",
        "unwrapRefused",
        "borrowedOnUnits",
        "borrowRefused",
        "askedBack",
        "askedBackByAnyone",
        "collected",
        "repaidByUnits",
        "upperLate",
        "upperDefaulted",
        "collectRefusedInAuction",
        "unitsTaken",
        "lowerLost",
        "lowerSeniorHurt",
        "unitsHarvested",
        "gifts"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deployUnits();
        DeskRules memory rules = lowerRules();
        use(make(bookRules(), rules));
        capitalise();
        upper = facility;
        _vault = Vault(lower.senior());
        fund(buyer, 1e14);
        fund(owner, 1e14);
        vm.prank(buyer);
        till.setOperator(address(auction), true);
        vm.startPrank(owner);
        till.setOperator(address(lower), true);
        till.setOperator(address(upper), true);
        vm.stopPrank();
        // Someone is always there to lend below.
        wrap(0, 50_000e6);
    }

    // ------------------------------------------------------------------ units

    function wrap(uint256 who, uint256 amount) public {
        if (made.length == 6) return;
        amount = bound(amount, 1e6, 100_000e6);
        if (!_takes(amount)) return;
        uint256 asset = wrapped(lower, _person(who), amount);
        made.push(asset);
        came[asset] = units.positionOf(asset).held;
        ++reached["wrapped"];
    }

    function add(uint256 index, uint256 who, uint256 amount) external {
        uint256 asset = _asset(index);
        amount = bound(amount, 1e6, 50_000e6);
        if (!_takes(amount)) return;
        address person = _person(who);
        uint256 shares = lend(_vault, person, amount);
        vm.startPrank(person);
        _vault.approve(address(units), type(uint256).max);
        units.add(asset, shares);
        vm.stopPrank();
        came[asset] += shares;
        ++reached["added"];
    }

    function unwrap(uint256 index, uint256 shares) external {
        uint256 asset = _asset(index);
        uint256 held = units.positionOf(asset).held;
        if (held == 0) return;
        shares = bound(shares, 1, held);
        address holder = assets.ownerOf(asset);
        vm.prank(holder);
        (bool done,) = address(units).call(abi.encodeCall(units.unwrap, (asset, shares, holder)));
        assertTrue(done != upper.outstanding(asset), "U4. unwrapped while something is owed");
        ++reached[done ? "unwrapped" : "unwrapRefused"];
        if (done) left[asset] += shares;
    }

    function redeem(uint256 index, uint256 shares, bool byAnyone) external {
        uint256 asset = _asset(index);
        uint256 held = units.positionOf(asset).held;
        if (held == 0) return;
        shares = bound(shares, 1, held);
        LoanState state = _stateOf(asset);
        vm.prank(byAnyone ? vendor : assets.ownerOf(asset));
        (bool done,) = address(units).call(abi.encodeCall(units.redeem, (asset, shares)));
        if (!done) return;
        bool isBehind = state == LoanState.Late || state == LoanState.Impaired;
        assertTrue(!byAnyone || isBehind, "U4. asked back by a stranger");
        assertTrue(state != LoanState.Defaulted, "U4. asked back out of the auction");
        ++reached[byAnyone ? "askedBackByAnyone" : "askedBack"];
    }

    function collect(uint256 index) public {
        uint256 asset = _asset(index);
        Position memory before = units.positionOf(asset);
        (, uint128 bucket) = till.bucketOf(asset);
        (uint40 epoch,) = till.bucketOf(asset);
        (bool done,) = address(units).call(abi.encodeCall(units.collect, (asset)));
        bool isForSale = _stateOf(asset) == LoanState.Defaulted;
        assertTrue(done == (before.claimable > 0 && !isForSale), "collects what there is");
        if (!done) {
            if (isForSale && before.claimable > 0) ++reached["collectRefusedInAuction"];
            return;
        }
        left[asset] += before.claimable;
        if (before.paid == 0) return;
        ++reached["collected"];
        (uint40 now_, uint128 later) = till.bucketOf(asset);
        if (now_ == epoch) assertEq(later, bucket + before.paid, "U2. all of it to the till");
        else assertLe(before.paid, later, "U2. all of it to the till");
    }

    function gift(uint256 index, uint256 amount) external {
        uint256 asset = _asset(index);
        amount = bound(amount, 1e6, 10_000e6);
        fund(address(units), amount);
        donated += amount;
        if (!_takes(amount)) return;
        uint256 shares = lend(_vault, saver, amount);
        uint256 value = _worth(asset);
        vm.prank(saver);
        _vault.transfer(holdingOf(asset), shares);
        assertEq(_worth(asset), value, "U3. a gift moved the value");
        given[asset] += shares;
        ++reached["gifts"];
    }

    // ------------------------------------------------------------------ the upper facility

    function borrow(uint256 index, uint88 amount) public {
        uint256 asset = _asset(index);
        if (upper.outstanding(asset)) return;
        if (_terms[asset].length > 0) _harvest(asset);
        use(upper);
        address holder = assets.ownerOf(asset);
        vm.prank(holder);
        till.setDebt(asset, address(upper));
        Terms memory terms = unitTerms(asset, holder);
        terms.nonce = block.timestamp;
        terms.rampEnd = terms.maturity = uint32(block.timestamp) + 5 days;
        amount = uint88(bound(amount, 1e6, 60_000e6));
        bytes memory signature = signTerms(terms);
        vm.prank(holder);
        (bool done,) = address(desk).call(abi.encodeCall(desk.borrow, (terms, signature, amount)));
        if (!done) {
            ++reached["borrowRefused"];
            return;
        }
        _terms[asset] = abi.encode(terms);
        drawnOnUnits += amount;
        ++reached["borrowedOnUnits"];
    }

    function poke(uint256 index) public {
        uint256 asset = _asset(index);
        if (_terms[asset].length == 0) return;
        use(upper);
        Terms memory terms = abi.decode(_terms[asset], (Terms));
        (bool done, bytes memory failure) = address(desk).call(abi.encodeCall(desk.poke, (terms)));
        if (!done) {
            assertEq(bytes32(bytes4(failure)), bytes32(IFacility.NothingToDo.selector), "why not");
            return;
        }
        LoanState state = upper.stateOf(desk.hashTerms(terms));
        if (state == LoanState.Late) ++reached["upperLate"];
        if (state == LoanState.Defaulted) ++reached["upperDefaulted"];
    }

    /// @dev Nobody pays; on the way everyone does what they can.
    function collapse(uint256 index, uint88 amount, uint256 seed) external {
        uint256 asset = _asset(index);
        borrow(index, amount);
        if (!upper.outstanding(asset)) return;
        vm.warp(block.timestamp + 20 days);
        poke(index);
        if (seed % 3 == 0) this.redeem(index, seed, true);
        if (seed % 2 == 0) serve();
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(block.timestamp + 20 days);
            poke(index);
        }
        serve();
        collect(index);
    }

    function take(uint256 index, uint256 patience) external {
        uint256 asset = _asset(index);
        if (auction.lotOf(address(upper), asset).startPrice == 0) return;
        vm.warp(block.timestamp + patience % 15 days);
        uint256 shares = _sharesOf(asset);
        vm.prank(buyer);
        (bool done,) = address(auction)
            .call(abi.encodeCall(auction.take, (address(upper), asset, type(uint88).max, buyer)));
        if (!done) return;
        assertEq(_sharesOf(asset), shares, "the taker gets all that was for sale");
        ++reached["unitsTaken"];
    }

    function settle(uint256 index) external {
        uint256 asset = _asset(index);
        vm.warp(block.timestamp + 1 days);
        if (till.settle(asset).debt > 0) ++reached["repaidByUnits"];
    }

    /// @dev A borrower that repays with what it borrowed on.
    function payDown(uint256 index, uint88 amount, uint256 shares) external {
        uint256 asset = _asset(index);
        borrow(index, amount);
        if (!upper.outstanding(asset)) return;
        serve();
        collect(index);
        this.redeem(index, shares, false);
        serve();
        collect(index);
        this.settle(index);
    }

    function harvest(uint256 index) external {
        uint256 asset = _asset(index);
        if (_terms[asset].length > 0) _harvest(asset);
    }

    function _harvest(uint256 asset) private {
        use(upper);
        Terms memory terms = abi.decode(_terms[asset], (Terms));
        (, bytes memory data) =
            address(upper).staticcall(abi.encodeCall(upper.drawnOf, (desk.hashTerms(terms))));
        (uint88 drawn,) = abi.decode(data, (uint88, uint88));
        LoanState state = upper.stateOf(desk.hashTerms(terms));
        if (state != LoanState.Closed && state != LoanState.WrittenOff) return;
        (bool done,) = address(desk).call(abi.encodeCall(desk.harvest, (terms)));
        if (!done) return;
        drawnOnUnits -= drawn;
        delete _terms[asset];
        ++reached["unitsHarvested"];
    }

    // ------------------------------------------------------------------ the lower facility

    function serve() public {
        (uint256 requested, uint256 paid) = _vault.queue();
        if (requested > paid) _vault.serve();
    }

    /// @dev The lower one lends on revenue that never comes again, and loses it; or is repaid.
    function lose(uint88 amount, bool repaid) external {
        use(lower);
        (uint256 total,) = lower.conservative();
        amount = uint88(bound(amount, 1e6, 400_000e6));
        if (amount > total) return;
        uint256 machine = pledged(1e6);
        earn(machine, 50_000e6, 2);
        Terms memory terms = termsOf(machine);
        (terms.ltvBps, terms.multipleBps, terms.dscrBps, terms.coverBps) = (0, 60_000, 0, 0);
        terms.limit = terms.firstDraws = amount;
        terms.rampEnd = uint32(block.timestamp);
        terms.maturity = terms.rampEnd + 1;
        bytes memory signature = signTerms(terms);
        vm.prank(owner);
        (bool done,) = address(desk).call(abi.encodeCall(desk.borrow, (terms, signature, amount)));
        if (!done) return;
        bytes32 loan = desk.hashTerms(terms);
        if (repaid) {
            vm.prank(owner);
            lower.repay(loan, type(uint88).max);
        } else {
            (, uint256 before) = lower.assetsOf(true);
            fallBehind(terms, 3);
            (, uint256 later) = lower.assetsOf(true);
            if (later < before) ++reached["lowerSeniorHurt"];
            ++reached["lowerLost"];
        }
        desk.harvest(terms);
    }

    // ------------------------------------------------------------------ what the invariants ask

    function count() external view returns (uint256) {
        return made.length;
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function contracts()
        external
        view
        returns (address units_, address vault, address upperDesk, address lower_)
    {
        return (address(units), address(_vault), upper.desk(), address(lower));
    }

    function moneyOfUnits() external view returns (uint256) {
        return balanceOf(address(units));
    }

    /// @dev Where the shares of an asset lie, and where those that were asked back late do. `_books` stands in slot 0.
    function holdingOf(uint256 asset) public view returns (address) {
        return address(uint160(uint256(vm.load(address(units), bytes32(_slot(asset) + 1)))));
    }

    function _slot(uint256 asset) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(asset, 0)));
    }

    function _sharesOf(uint256 asset) private view returns (uint256) {
        Position memory position = units.positionOf(asset);
        return position.held + position.waiting + position.claimable;
    }

    function _worth(uint256 asset) private view returns (uint256 value) {
        (value,,) = units.valueOf(asset);
    }

    function _stateOf(uint256 asset) private view returns (LoanState) {
        bytes32 id = upper.loanOf(asset);
        return id == 0 ? LoanState.None : upper.stateOf(id);
    }

    function _takes(uint256 amount) private view returns (bool) {
        (uint256 high,) = lower.assetsOf(true);
        return amount <= _vault.maxDeposit(address(0)) && high > 1e6;
    }

    function _person(uint256 seed) private pure returns (address) {
        return address(uint160(0xF0DD + seed % PEOPLE));
    }

    function _asset(uint256 seed) private view returns (uint256) {
        return made[seed % made.length];
    }
}
