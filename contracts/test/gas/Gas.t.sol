// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channel, Claim, Voucher} from "../../src/channels/IChannels.sol";
import {Offer} from "../../src/market/IMarket.sol";
import {Consent, Upstream} from "../../src/till/ITill.sol";
import {Loan} from "../base/Loan.sol";
import {Network} from "../base/Network.sol";
import {AgentsGas} from "./AgentsGas.sol";
import {CreditGas} from "./CreditGas.sol";

/// @notice Measures whole transactions: base fee, calldata, execution, refunds. Run with `--isolate`, which makes each call
/// of a test a transaction of its own; `gas.mjs` does, and compares what is written with the snapshot.
contract GasTest is Network, AgentsGas, CreditGas {
    string[] private _keys;
    mapping(string key => uint256) private _gas;
    address private constant SHARES = address(0x5A4E5);

    uint256 private constant COUNT = 100;
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

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
        _measureChannels();
        _measureAgents();
        _measureCredit();
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

    // ------------------------------------------------------------------ channels

    function _measureChannels() private {
        vm.prank(buyer);
        till.setOperator(address(channels), true);
        uint256 asset = registerMachine();
        // The payees' accounts and the bucket are not empty, and nobody is paid the first time.
        fund(owner, 1);
        _pay(asset, 1);
        _measureOpen();
        _measureClaims("channels.claim", _list(owner, 0, "a"));
        _measureClaims("channels.claim_asset", _list(address(0), asset, "b"));
        _measureStrangers(_list(owner, 0, "c"));
        _measureTicks();
        _measureClose();
    }

    function _measureOpen() private {
        Channel memory channel = channelOf(owner, 0);
        channel.salt = keccak256("first");
        vm.prank(buyer);
        channels.open(channel, 1e6);
        channel.salt = keccak256("own");
        vm.prank(buyer);
        channels.open(channel, 1e6);
        _record("channels.open_own");
        channel.salt = keccak256("for");
        bytes32 id = channels.hashChannel(channel);
        uint40 deadline = uint40(block.timestamp) + 3_600;
        bytes memory signature = sign(BUYER_KEY, channels.hashOpen(id, 0, 1e6, deadline));
        channels.openFor(channel, 1e6, deadline, signature);
        _record("channels.open");
        vm.prank(buyer);
        channels.topUp(channel, 1e6);
        _record("channels.top_up");

        dollar.mint(buyer, 1e12);
        channel.salt = keccak256("relay");
        id = channels.hashChannel(channel);
        uint256 validBefore = block.timestamp + 3_600;
        signature = _authorize(channels.authorizationNonce(id, 0, "n"), validBefore);
        channels.openWithAuthorization(channel, 1e6, 0, validBefore, "n", signature);
        _record("channels.open_with_authorization");
        signature = _authorize(channels.authorizationNonce(id, 0, "m"), validBefore);
        channels.topUpWithAuthorization(channel, 1e6, 0, validBefore, "m", signature);
        _record("channels.top_up_with_authorization");
    }

    function _authorize(bytes32 nonce, uint256 validBefore) private view returns (bytes memory) {
        bytes32 fields = keccak256(
            abi.encode(RECEIVE_TYPEHASH, buyer, address(till), 1e6, 0, validBefore, nonce)
        );
        return
            sign(
                BUYER_KEY,
                keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields))
            );
    }

    /// @dev The second claim on each of the channels: the first, and one alone, stand beside it.
    function _measureClaims(string memory key, Claim[] memory claims) private {
        channels.claim(claims);
        _recordEach(string.concat(key, "_each_of_100_first"));
        _vouch(claims, 2e5);
        channels.claim(claims);
        _recordEach(string.concat(key, "_each_of_100"));
        Claim[] memory one = new Claim[](1);
        one[0] = claims[0];
        _vouch(one, 3e5);
        channels.claim(one);
        _record(string.concat(key, "_one"));
    }

    /// @dev Each channel with a payee of its own, whose account is not empty.
    function _measureStrangers(Claim[] memory claims) private {
        for (uint256 i = 0; i < COUNT; ++i) {
            claims[i].channel.payee = address(uint160(0xCA11 + i));
            fund(claims[i].channel.payee, 1);
            vm.prank(buyer);
            channels.open(claims[i].channel, 1e6);
        }
        _vouch(claims, 1e5);
        channels.claim(claims);
        _vouch(claims, 2e5);
        channels.claim(claims);
        _recordEach("channels.claim_each_of_100_payees");
    }

    function _measureTicks() private {
        Claim[] memory claims = _list(owner, 0, "t");
        Claim[] memory one = new Claim[](1);
        uint256 few = _measureTick(one, claims[0], 1);
        uint256 many = _measureTick(one, claims[1], 1_025);
        _measureTick(one, claims[2], 4_096);
        _record("channels.claim_4096_ticks");
        _put("channels.tick", (many - few) / 1_024);
    }

    function _measureTick(Claim[] memory one, Claim memory claim_, uint32 ticks)
        private
        returns (uint256)
    {
        bytes32 anchor = claim_.word = keccak256("secret");
        for (uint256 i = 0; i < ticks; ++i) {
            anchor = keccak256(abi.encode(anchor));
        }
        claim_.ticks = ticks;
        claim_.voucher.anchor = anchor;
        claim_.voucher.tickPrice = 10;
        claim_.voucher.maxTicks = 4_096;
        one[0] = claim_;
        _vouch(one, 1e5);
        channels.claim(one);
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev Cooperative: by the payee or with its signature, when all was claimed before or with a last voucher.
    function _measureClose() private {
        Claim[] memory claims = _list(owner, 0, "e");
        channels.claim(claims);
        _vouch(claims, 2e5);
        _close(claims[0], "channels.close_with_voucher");
        _closeFor(claims[1], 2e5, "channels.close_for_with_voucher");
        claims[2].signature = "";
        _close(claims[2], "channels.close");
        claims[3].signature = "";
        _closeFor(claims[3], 1e5, "channels.close_for");
        vm.prank(buyer);
        channels.requestClose(claims[4].channel);
        _record("channels.request_close");
        vm.warp(block.timestamp + 1 days);
        channels.finalizeClose(claims[4].channel);
        _record("channels.finalize_close");
        vm.prank(buyer);
        channels.open(claims[4].channel, 1e6);
        _record("channels.open_again");
    }

    function _close(Claim memory last, string memory key) private {
        vm.prank(owner);
        channels.close(last);
        _record(key);
    }

    function _closeFor(Claim memory last, uint128 claimed, string memory key) private {
        bytes32 id = channels.hashChannel(last.channel);
        uint40 deadline = uint40(block.timestamp) + 3_600;
        bytes memory signature = sign(OWNER_KEY, channels.hashClose(id, 0, claimed, deadline));
        channels.closeFor(last, deadline, signature);
        _record(key);
    }

    /// @dev A hundred channels to one payee, each with a voucher for 100,000.
    function _list(address payee, uint256 asset, bytes32 salt)
        private
        returns (Claim[] memory claims)
    {
        claims = new Claim[](COUNT);
        for (uint256 i = 0; i < COUNT; ++i) {
            claims[i].channel = channelOf(payee, asset);
            claims[i].channel.salt = keccak256(abi.encode(salt, i));
            vm.prank(buyer);
            channels.open(claims[i].channel, 1e6);
        }
        _vouch(claims, 1e5);
    }

    function _vouch(Claim[] memory claims, uint128 cumulative) private view {
        for (uint256 i = 0; i < claims.length; ++i) {
            claims[i].voucher.cumulative = cumulative;
            claims[i].voucher.terms = keccak256("terms");
            bytes32 id = channels.hashChannel(claims[i].channel);
            claims[i].signature = sign(SIGNER_KEY, channels.hashVoucher(id, claims[i].voucher));
        }
    }

    function _recordEach(string memory key) private {
        _put(key, uint256(vm.lastCallGas().gasTotalUsed) / COUNT);
    }

    function _put(string memory key, uint256 used) private {
        _keys.push(key);
        _gas[key] = used;
    }

    function _pay(uint256 asset, uint128 amount) private {
        vm.prank(buyer);
        till.pay(asset, amount);
    }

    function _note(string memory key, uint256 sum) internal override {
        _put(key, sum);
    }

    function _record(string memory key)
        internal
        override(AgentsGas, CreditGas)
        returns (uint256 used)
    {
        used = vm.lastCallGas().gasTotalUsed;
        _put(key, used);
    }
}
