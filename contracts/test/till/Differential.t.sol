// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "../../src/assets/Assets.sol";
import {Asset, Kind} from "../../src/assets/IAssets.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Consent, Upstream} from "../../src/till/ITill.sol";
import {Till} from "../../src/till/Till.sol";
import {Loan} from "../base/Loan.sol";
import {Test} from "../base/Test.sol";
import {Reference} from "./Reference.sol";

/// @notice The same history told to three tills: one that is settled every epoch, one that is settled by strangers at random
/// times or not at all, and the reference. At the end all three must have paid the same to the same.
contract DifferentialTest is Test {
    struct Net {
        Till till;
        Assets assets;
        TestDollar dollar;
        Loan loan;
    }

    uint40 private constant LENGTH = 1 days;
    uint256 private constant COUNT = 3;
    uint256 private constant STEPS = 40;
    address private constant ADMIN = address(0xAD);
    address private constant SHARES = address(0x5A);
    address private constant PAYER = address(0xFA);

    Net private _eager;
    Net private _lazy;
    Reference private _reference;
    address[COUNT] private _owner;
    uint128[COUNT] private _perDay;
    uint128[COUNT] private _cap;
    uint16[COUNT] private _sharesBps;
    uint256 private _feeChangedAt;

    function setUp() public {
        vm.warp(20_000 days + 1 hours);
        _eager = _network();
        _lazy = _network();
        _reference = new Reference(LENGTH, ADMIN, address(_eager.loan), SHARES, 100);
        for (uint256 i = 0; i < COUNT; ++i) {
            _owner[i] = address(uint160(0x1000 + i));
            _reference.open(i + 1, _owner[i], address(0x2000));
        }
        // 3 is built from 1 and 2, 2 from 1.
        _name(3, 1, 1_500, 2, 2_500);
        _name(2, 1, 3_333, 0, 0);
    }

    function testFuzz_laziness(uint256 seed) public {
        for (uint256 i = 0; i < STEPS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _step(seed % 12, (seed >> 8) % COUNT, seed >> 16);
        }
        _pass(LENGTH - block.timestamp % LENGTH);
        _sync();
        _compare();
    }

    function _step(uint256 kind, uint256 i, uint256 x) private {
        uint256 asset = i + 1;
        if (kind < 3) {
            uint128 amount = uint128(1 + x % 1e9);
            _pay(_eager, asset, amount);
            _pay(_lazy, asset, amount);
            _reference.pay(asset, amount);
        } else if (kind == 3) {
            vm.prank(address(uint160(x)));
            _lazy.till.settle(asset);
        } else if (kind < 6) {
            _pass(x % 3 == 0 ? x % 12 days : x % 20 hours);
        } else {
            _change(kind, i, x);
        }
    }

    /// @dev Changes cut the epoch and pull royalties, so both tills first learn what the others owe to this asset.
    function _change(uint256 kind, uint256 i, uint256 x) private {
        uint256 asset = i + 1;
        _sync();
        if (kind == 6) {
            _eager.till.pullRoyalties(asset);
            _lazy.till.pullRoyalties(asset);
            _reference.pull(asset);
        } else if (kind == 7) {
            address to = address(uint160(0x1000 + x % 5));
            bool moved = _transfer(_eager, i, to);
            assertTrue(
                moved == _transfer(_lazy, i, to), "held back by a loan in one and not in the other"
            );
            if (!moved) return;
            _reference.setOwner(asset, to);
            _owner[i] = to;
        } else if (kind == 8) {
            address to = address(uint160(0x2000 + x % 3));
            vm.prank(_owner[i]);
            _eager.assets.setOperator(asset, to);
            vm.prank(_owner[i]);
            _lazy.assets.setOperator(asset, to);
            _reference.setOperator(asset, to);
        } else if (kind == 9) {
            _changeCosts(i, uint128(x % 1e9), uint128((x >> 64) % 3e9));
        } else if (kind == 10) {
            uint16 bps = uint16(1 + x % 10_000);
            address caller = _sharesBps[i] == 0 ? _owner[i] : SHARES;
            vm.prank(caller);
            _eager.till.setShares(asset, SHARES, bps);
            vm.prank(caller);
            _lazy.till.setShares(asset, SHARES, bps);
            _reference.setShares(asset, bps);
            _sharesBps[i] = bps;
        } else {
            uint128 amount = uint128(x % 2e9);
            _eager.loan.lend(asset, amount);
            _lazy.loan.lend(asset, amount);
            _reference.lend(asset, amount);
            _changeFee(x);
        }
    }

    /// @dev A loan that is not paid off by the cut holds its asset.
    function _transfer(Net memory net, uint256 i, address to) private returns (bool moved) {
        vm.prank(_owner[i]);
        (moved,) = address(net.assets)
            .call(abi.encodeCall(net.assets.transferFrom, (_owner[i], to, i + 1)));
        if (!moved) assertTrue(net.loan.outstanding(i + 1) && to != _owner[i], "only a loan");
    }

    function _changeCosts(uint256 i, uint128 perDay, uint128 cap) private {
        uint256 asset = i + 1;
        bool raised = perDay > _perDay[i] || cap > _cap[i];
        if (raised && _eager.loan.owed(asset) > 0) return;
        address caller = raised && _sharesBps[i] > 0 ? SHARES : _owner[i];
        vm.prank(caller);
        _eager.till.setRunningCosts(asset, perDay, cap);
        vm.prank(caller);
        _lazy.till.setRunningCosts(asset, perDay, cap);
        _reference.setCosts(asset, perDay, cap);
        (_perDay[i], _cap[i]) = (perDay, cap);
    }

    function _changeFee(uint256 x) private {
        // The reference keeps announced fees in a list and knows no withdrawal of one.
        if (block.timestamp < _feeChangedAt + 9 days) return;
        _feeChangedAt = block.timestamp;
        uint16 bps = uint16(x % 251);
        vm.prank(ADMIN);
        _eager.till.setFee(bps);
        vm.prank(ADMIN);
        _lazy.till.setFee(bps);
        _reference.setFee(block.timestamp / LENGTH + 7, bps);
    }

    function _compare() private view {
        address[11] memory accounts = [
            ADMIN,
            SHARES,
            address(0x1000),
            address(0x1001),
            address(0x1002),
            address(0x1003),
            address(0x1004),
            address(0x2000),
            address(0x2001),
            address(0x2002),
            address(0)
        ];
        for (uint256 i = 0; i < accounts.length; ++i) {
            _compareAccount(accounts[i], accounts[i], accounts[i]);
        }
        _compareAccount(address(_eager.loan), address(_lazy.loan), address(_eager.loan));
        for (uint256 asset = 1; asset <= COUNT; ++asset) {
            (uint256 trailing, uint256 owed, uint256 royalties) = _reference.stateOf(asset);
            assertEq(_eager.till.royaltiesOf(asset), royalties, "royalties, eager");
            assertEq(_lazy.till.royaltiesOf(asset), royalties, "royalties, lazy");
            uint256 seen = _lazy.till.trailingRevenueOf(asset);
            assertEq(_eager.till.trailingRevenueOf(asset), seen, "trailing revenue");
            assertLe(seen, trailing, "trailing, rounded down");
            assertLe(trailing - seen, STEPS * 2, "by less than one a step");
            assertEq(
                _eager.till.costsOwedOf(asset), _lazy.till.costsOwedOf(asset), "costs in arrears"
            );
            assertEq(_lazy.till.costsOwedOf(asset), owed, "costs, reference");
        }
    }

    function _compareAccount(address eager, address lazy, address model) private view {
        uint256 expected = _reference.balanceOf(model);
        assertEq(_balance(_eager, eager), expected, "eager and reference");
        assertEq(_balance(_lazy, lazy), expected, "lazy and reference");
    }

    function _balance(Net memory net, address account) private view returns (uint256) {
        return net.till.balanceOf(account, uint160(address(net.dollar)));
    }

    /// @dev Lets time pass; the eager till is settled at each boundary on the way.
    function _pass(uint256 time) private {
        uint256 end = block.timestamp + time;
        while (true) {
            uint256 next = (block.timestamp / LENGTH + 1) * LENGTH;
            if (next > end) break;
            vm.warp(next);
            _settle(_eager);
        }
        vm.warp(end);
    }

    function _sync() private {
        _settle(_eager);
        _settle(_lazy);
        for (uint256 asset = 1; asset <= COUNT; ++asset) {
            _reference.advance(asset);
        }
    }

    function _settle(Net memory net) private {
        for (uint256 asset = 1; asset <= COUNT; ++asset) {
            net.till.settle(asset);
        }
    }

    function _pay(Net memory net, uint256 asset, uint128 amount) private {
        vm.prank(PAYER);
        net.till.pay(asset, amount);
    }

    function _network() private returns (Net memory net) {
        net.till = new Till(ADMIN, 100, LENGTH);
        net.assets = Assets(net.till.assets());
        net.dollar = new TestDollar();
        net.loan = new Loan();
        net.dollar.mint(address(this), 1e30);
        net.dollar.approve(address(net.till), 1e30);
        net.till.deposit(address(net.dollar), PAYER, 1e30);
        vm.prank(ADMIN);
        net.till.listDebt(address(net.loan), true);
        for (uint256 i = 0; i < COUNT; ++i) {
            address holder = address(uint160(0x1000 + i));
            net.assets
                .register(
                    holder,
                    Asset(address(0x2000), Kind.Machine, address(0), address(net.dollar), 0),
                    ""
                );
            vm.prank(holder);
            net.till.setDebt(i + 1, address(net.loan));
        }
    }

    /// @dev Parts are agreed before the story begins; the owners are one person for a moment.
    function _name(uint256 asset, uint256 a, uint16 aBps, uint256 b, uint16 bBps) private {
        uint256 count = b == 0 ? 1 : 2;
        Upstream[] memory list = new Upstream[](count);
        list[0] = Upstream(a, aBps);
        if (b != 0) list[1] = Upstream(b, bBps);
        _nameIn(_eager, asset, list);
        _nameIn(_lazy, asset, list);
        for (uint256 i = 0; i < count; ++i) {
            _reference.setUpstream(asset, list[i].asset, list[i].bps);
        }
    }

    function _nameIn(Net memory net, uint256 asset, Upstream[] memory list) private {
        address caller = _owner[asset - 1];
        for (uint256 i = 0; i < list.length; ++i) {
            address theirs = _owner[list[i].asset - 1];
            vm.prank(theirs);
            net.assets.transferFrom(theirs, caller, list[i].asset);
        }
        vm.prank(caller);
        net.till.setUpstream(asset, list, new Consent[](list.length));
        for (uint256 i = 0; i < list.length; ++i) {
            vm.prank(caller);
            net.assets.transferFrom(caller, _owner[list[i].asset - 1], list[i].asset);
        }
    }
}
