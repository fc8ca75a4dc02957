// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Offer} from "../../src/market/IMarket.sol";
import {Consent, Upstream} from "../../src/till/ITill.sol";
import {Loan} from "../base/Loan.sol";
import {Network} from "../base/Network.sol";

/// @notice Measures whole transactions: base fee, calldata, execution, refunds. Run with `--isolate`, which makes each call
/// of a test a transaction of its own; `gas.mjs` does, and compares what is written with the snapshot.
contract GasTest is Network {
    string[] private _keys;
    mapping(string key => uint256) private _gas;
    address private constant SHARES = address(0x5A4E5);

    function setUp() public override {
        super.setUp();
        fund(buyer, 1e12);
        fund(operator, 1e12);
        vm.prank(buyer);
        till.setOperator(address(market), true);
        vm.prank(operator);
        till.setOperator(address(market), true);
    }

    function test_gas() public {
        _measurePay();
        _measureSettle(2, "till.settle");
        _measureSettle(8, "till.settle_8_upstream");
        _measureLifecycle();
        // Without isolation a call has no base fee, and the numbers are not those of transactions.
        if (_gas["till.pay"] < 21_000) return;
        string memory json = "{\n";
        for (uint256 i = 0; i < _keys.length; ++i) {
            json = string.concat(
                json,
                '  "',
                _keys[i],
                '": ',
                vm.toString(_gas[_keys[i]]),
                i + 1 < _keys.length ? ",\n" : "\n}\n"
            );
        }
        vm.writeFile("cache/gas/gas.json", json);
    }

    function _measurePay() private {
        uint256 asset = registerMachine();
        vm.prank(buyer);
        till.pay(asset, 1e6);
        _record("till.pay_first");
        vm.prank(buyer);
        till.pay(asset, 1e6);
        _record("till.pay");
    }

    function _measureSettle(uint256 count, string memory key) private {
        Upstream[] memory upstream = new Upstream[](count);
        Consent[] memory consents = new Consent[](count);
        for (uint256 i = 0; i < count; ++i) {
            upstream[i] = Upstream(registerMachine(), 100);
        }
        uint256 asset = registerMachine();
        Loan loan = new Loan();
        loan.lend(asset, 3e6);
        vm.prank(admin);
        till.listDebt(address(loan), true);
        vm.startPrank(owner);
        till.setUpstream(asset, upstream, consents);
        till.setRunningCosts(asset, 1e6, 10e6);
        till.setDebt(asset, address(loan));
        till.setShares(asset, SHARES, 5_000);
        vm.stopPrank();

        nextEpoch();
        _pay(asset, 100e6);
        nextEpoch();
        till.settle(asset);
        _record(string.concat(key, "_first"));
        loan.lend(asset, 3e6);
        _pay(asset, 100e6);
        nextEpoch();
        till.settle(asset);
        _record(key);
    }

    function _measureLifecycle() private {
        uint256 asset = registerMachine();
        Offer memory offer = offerOf(asset);
        // A market at work: other leases are open, so its account, the buyer's and the bucket are not empty.
        _lease(offer, "_first");
        offer.nonce = 6;
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        vm.prank(buyer);
        market.open(offer, signature, 3_600);
        offer.nonce = 7;
        uint256 sum = _lease(offer, "");
        _keys.push("market.lifecycle");
        _gas["market.lifecycle"] = sum;
    }

    function _lease(Offer memory offer, string memory suffix) private returns (uint256 sum) {
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        vm.prank(buyer);
        bytes32 lease = market.open(offer, signature, 3_600);
        sum += _record(string.concat("market.open", suffix));
        vm.prank(device);
        market.start(lease);
        sum += _record(string.concat("market.start", suffix));
        vm.warp(block.timestamp + 1_800);
        vm.prank(buyer);
        market.stop(lease);
        sum += _record(string.concat("market.stop", suffix));
        market.settle(lease);
        sum += _record(string.concat("market.settle", suffix));
    }

    function _pay(uint256 asset, uint128 amount) private {
        vm.prank(buyer);
        till.pay(asset, amount);
    }

    function _record(string memory key) private returns (uint256 used) {
        used = vm.lastCallGas().gasTotalUsed;
        _keys.push(key);
        _gas[key] = used;
    }
}
