// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "../../src/assets/Assets.sol";
import {Asset, Kind} from "../../src/assets/IAssets.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Consent, ITill, Split, Upstream} from "../../src/till/ITill.sol";
import {Till} from "../../src/till/Till.sol";
import {BadLoan} from "../base/Loans.sol";
import {Test} from "../base/Test.sol";
import {Vm} from "../base/Vm.sol";

/// @notice Does to a till what people, their debt modules and chance do to it. Nothing it does may revert: payments and
/// settlements must go through whatever state the campaign has reached.
contract TillHandler is Test {
    uint256 public constant ASSETS = 4;
    address public constant ADMIN = address(0xAD);
    address public constant SHARES = address(0x5A);

    Till public immutable till;
    Assets public immutable assets;
    TestDollar public immutable dollar;
    uint256 private immutable _id;
    BadLoan[ASSETS] public loans;
    address[] public accounts;

    /// @dev What came into the accounts less what went out of them; donations stand apart.
    uint256 public deposited;
    uint256 public donated;
    mapping(uint256 asset => uint256) public paidIn;
    mapping(uint256 asset => uint256) public paidOut;
    mapping(uint256 asset => uint256) public pulled;
    mapping(uint256 asset => uint256) public accrued;
    mapping(uint256 asset => uint256) public costsPaid;
    mapping(uint256 asset => uint256) public costsDue;
    mapping(uint256 asset => uint256) private _accruedAt;
    mapping(uint256 asset => uint256) private _perDay;
    mapping(uint256 asset => uint256) private _held;
    mapping(uint256 asset => uint256) private _unanswered;

    /// @dev How often the campaign stood where it is hard to stand.
    string[] public reachNames = [
        "settled",
        "settledByPay",
        "idleEpochs",
        "cutByTransfer",
        "held",
        "heldReleased",
        "heldRefusedTransfer",
        "costsInArrears",
        "royaltiesPulled",
        "debtPaid",
        "sharesPaid",
        "feeChanged",
        "withdrawn",
        "slotCleared"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        till = new Till(ADMIN, 100, 1 days);
        assets = Assets(till.assets());
        dollar = new TestDollar();
        _id = uint160(address(dollar));
        accounts.push(ADMIN);
        accounts.push(SHARES);
        for (uint256 i = 0; i < 6; ++i) {
            accounts.push(address(uint160(0x1000 + i)));
        }
        for (uint256 i = 0; i < ASSETS; ++i) {
            loans[i] = new BadLoan();
            accounts.push(address(loans[i]));
            vm.prank(ADMIN);
            till.listDebt(address(loans[i]), true);
            // One owner at first, so that agreements need no signature: 4 is built from 1, 2 and 3, 3 from 2, 2 from 4.
            assets.register(
                _person(0), Asset(_person(5), Kind.Service, address(0), address(dollar), 0), ""
            );
        }
        _agree(4, [uint256(1), 2, 3], 3);
        _agree(3, [uint256(2), 0, 0], 1);
        _agree(2, [uint256(4), 0, 0], 1);
        for (uint256 i = 0; i < ASSETS; ++i) {
            vm.prank(_person(0));
            till.setDebt(i + 1, address(loans[i]));
        }
    }

    // ------------------------------------------------------------------ money

    function pay(uint256 asset, uint256 payer, uint128 amount) external {
        asset = _asset(asset);
        amount = uint128(bound(amount, 1, 1e12));
        _fund(_person(payer), amount);
        (uint40 epoch, uint128 before) = till.bucketOf(asset);
        vm.recordLogs();
        vm.prank(_person(payer));
        till.pay(asset, amount);
        paidIn[asset] += amount;
        if (before > 0 && epoch < till.currentEpoch()) reached["settledByPay"]++;
        if (epoch != 0 && till.currentEpoch() > epoch + 1) reached["idleEpochs"]++;
        _read();
    }

    function settle(uint256 asset, address caller) external {
        vm.recordLogs();
        vm.prank(caller);
        till.settle(_asset(asset));
        _read();
    }

    function pullRoyalties(uint256 asset) external {
        asset = _asset(asset);
        vm.recordLogs();
        uint128 amount = till.pullRoyalties(asset);
        if (amount > 0) reached["royaltiesPulled"]++;
        _read();
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        address sender = accounts[from % accounts.length];
        address receiver = accounts[to % accounts.length];
        amount = bound(amount, 0, till.balanceOf(sender, _id));
        vm.prank(sender);
        till.transfer(receiver, _id, amount);
    }

    function withdraw(uint256 from, uint256 amount) external {
        address sender = accounts[from % accounts.length];
        amount = bound(amount, 0, till.balanceOf(sender, _id));
        vm.prank(sender);
        till.withdraw(address(dollar), address(0xBEEF), amount);
        deposited -= amount;
        if (amount > 0) reached["withdrawn"]++;
    }

    function donate(uint128 amount) external {
        amount = uint128(bound(amount, 0, 1e12));
        dollar.mint(address(till), amount);
        donated += amount;
    }

    // ------------------------------------------------------------------ time

    function wait(uint256 time) external {
        // Short steps within an epoch and long sleeps over many.
        time = time % 4 == 0 ? time % 40 days : time % 30 hours;
        vm.warp(block.timestamp + time);
    }

    // ------------------------------------------------------------------ terms

    function transferAsset(uint256 asset, uint256 to) external {
        asset = _asset(asset);
        address from = assets.ownerOf(asset);
        address receiver = _person(to);
        vm.recordLogs();
        vm.prank(from);
        (bool done, bytes memory failure) =
            address(assets).call(abi.encodeCall(assets.transferFrom, (from, receiver, asset)));
        if (!done) {
            // The only reason there is: money waits for a module that does not answer.
            assertEq(bytes32(bytes4(failure)), bytes32(ITill.HeldForDebt.selector), "why");
            reached["heldRefusedTransfer"]++;
            vm.getRecordedLogs();
            return;
        }
        if (from != receiver) assertEq(till.heldOf(asset), 0, "nothing in suspense");
        (, uint128 left) = till.bucketOf(asset);
        assertEq(left, 0, "the seller's bucket is empty");
        assertEq(till.royaltiesOf(asset), 0, "the seller's royalties are pulled");
        reached["cutByTransfer"]++;
        _read();
    }

    function setOperator(uint256 asset, uint256 to) external {
        asset = _asset(asset);
        vm.recordLogs();
        vm.prank(assets.ownerOf(asset));
        assets.setOperator(asset, _person(to));
        _read();
    }

    function setRunningCosts(uint256 asset, uint128 perDay, uint128 cap) external {
        asset = _asset(asset);
        perDay = uint128(bound(perDay, 0, 1e10));
        cap = uint128(bound(cap, 0, 1e11));
        loans[asset - 1].setOutstanding(true, false);
        bool raised = perDay > till.termsOf(asset).costsPerDay || cap > till.termsOf(asset).costsCap;
        address caller = assets.ownerOf(asset);
        if (raised && till.termsOf(asset).shares != address(0)) caller = SHARES;
        vm.recordLogs();
        vm.prank(caller);
        till.setRunningCosts(asset, perDay, cap);
        _read();
        _accrue(asset, block.timestamp);
        _perDay[asset] = perDay;
    }

    function setShares(uint256 asset, uint16 bps) external {
        asset = _asset(asset);
        bps = uint16(bound(bps, 1, 10_000));
        if (till.heldOf(asset) > 0 || loans[asset - 1].mood() != BadLoan.Mood.Honest) return;
        address caller = till.termsOf(asset).shares == address(0) ? assets.ownerOf(asset) : SHARES;
        vm.recordLogs();
        vm.prank(caller);
        till.setShares(asset, SHARES, bps);
        _read();
    }

    function misbehave(uint256 asset, uint256 mood, uint128 wants) external {
        // Half of the time honest: else nothing would ever be released.
        BadLoan.Mood[6] memory moods = [
            BadLoan.Mood.Revert,
            BadLoan.Mood.Overdraw,
            BadLoan.Mood.Short,
            BadLoan.Mood.BombRevert,
            BadLoan.Mood.Burn,
            BadLoan.Mood.Reenter
        ];
        asset = _asset(asset);
        loans[asset - 1].arm(address(till), abi.encodeCall(till.settle, (asset)));
        loans[asset
                - 1].set(
            mood % 2 == 0 ? BadLoan.Mood.Honest : moods[(mood / 2) % 6],
            uint128(bound(wants, 0, 1e11))
        );
    }

    function clearDebt(uint256 asset) external {
        asset = _asset(asset);
        BadLoan loan = loans[asset - 1];
        loan.setOutstanding(true, false);
        uint128 held = till.heldOf(asset);
        vm.recordLogs();
        vm.prank(assets.ownerOf(asset));
        till.setDebt(asset, address(0));
        assertEq(till.heldOf(asset), 0, "nothing is held for nobody");
        if (held > 0) reached["slotCleared"]++;
        address caller = till.termsOf(asset).shares == address(0) ? assets.ownerOf(asset) : SHARES;
        vm.prank(caller);
        till.setDebt(asset, address(loan));
        _read();
    }

    function setFee(uint16 bps) external {
        vm.prank(ADMIN);
        till.setFee(uint16(bound(bps, 0, 250)));
        reached["feeChanged"]++;
    }

    // ------------------------------------------------------------------ what happened

    /// @dev Goes through the till's own account of what it did, and checks each settlement by itself.
    function _read() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(till)) continue;
            bytes32 topic = logs[i].topics[0];
            if (topic == ITill.Settled.selector) _settled(logs[i]);
            if (topic == ITill.RoyaltyAccrued.selector) {
                (uint128 amount,) = abi.decode(logs[i].data, (uint128, uint128));
                accrued[uint256(logs[i].topics[2])] += amount;
            }
            if (topic == ITill.RoyaltyPulled.selector) {
                (, uint128 amount,) = abi.decode(logs[i].data, (uint40, uint128, uint128));
                pulled[uint256(logs[i].topics[1])] += amount;
                paidIn[uint256(logs[i].topics[1])] += amount;
            }
            if (topic == ITill.DebtUnanswered.selector) {
                _unanswered[uint256(logs[i].topics[1])] = abi.decode(logs[i].data, (uint128));
                reached["held"]++;
            }
        }
    }

    function _settled(Vm.Log memory log) private {
        uint256 asset = uint256(log.topics[1]);
        (
            ,
            uint40 boundary,
            uint128 fee,
            uint128 upstream,
            uint128 costs,
            uint128 debt,
            uint128 shares,
            uint128 owner
        ) = abi.decode(
            log.data, (uint40, uint40, uint128, uint128, uint128, uint128, uint128, uint128)
        );
        paidOut[asset] += uint256(fee) + upstream + costs + debt + shares + owner;
        _accrue(asset, boundary);
        costsPaid[asset] += costs;
        // Nothing passes running costs in arrears: what is owed now has accrued since the boundary. What was held has passed
        // them at its own boundary.
        uint256 below = uint256(debt) + shares + owner;
        if (below > _held[asset]) {
            assertLe(
                till.costsOwedOf(asset),
                _perDay[asset] * (block.timestamp - boundary) / 1 days + 1,
                "a lower layer was paid before the costs"
            );
        }
        // The till says what it holds just before it says what it settled; if it says nothing, all was let go.
        _held[asset] = _unanswered[asset];
        _unanswered[asset] = 0;
        reached["settled"]++;
        if (debt > 0) reached["debtPaid"]++;
        if (shares > 0) reached["sharesPaid"]++;
        if (fee == 0 && upstream == 0 && costs == 0 && below > 0) {
            reached["heldReleased"]++;
        } else if (below == 0 && costs > 0) {
            reached["costsInArrears"]++;
        }
    }

    /// @dev Running costs without a cap: an upper bound of what can ever be due.
    function _accrue(uint256 asset, uint256 time) private {
        if (time <= _accruedAt[asset]) return;
        costsDue[asset] += _perDay[asset] * (time - _accruedAt[asset]) / 1 days + 1;
        _accruedAt[asset] = time;
    }

    // ------------------------------------------------------------------ helpers

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function balanceOf(address account) external view returns (uint256) {
        return till.balanceOf(account, _id);
    }

    function _fund(address account, uint256 amount) private {
        dollar.mint(address(this), amount);
        dollar.approve(address(till), amount);
        till.deposit(address(dollar), account, amount);
        deposited += amount;
    }

    function _agree(uint256 asset, uint256[3] memory ids, uint256 count) private {
        Upstream[] memory list = new Upstream[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = Upstream(ids[i], uint16(1_111 * (i + 1)));
        }
        vm.prank(_person(0));
        till.setUpstream(asset, list, new Consent[](count));
    }

    function _asset(uint256 seed) private pure returns (uint256) {
        return 1 + seed % ASSETS;
    }

    function _person(uint256 seed) private pure returns (address) {
        return address(uint160(0x1000 + seed % 6));
    }
}
