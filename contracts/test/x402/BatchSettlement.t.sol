// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BatchSettlement} from "../../src/x402/BatchSettlement.sol";
import {Erc3009DepositCollector} from "../../src/x402/Erc3009DepositCollector.sol";
import {
    BatchVoucher,
    ChannelConfig,
    IBatchSettlement,
    IDepositCollector,
    VoucherClaim
} from "../../src/x402/IBatchSettlement.sol";
import {Multicall3} from "../../src/x402/Multicall3.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Signer} from "../base/Signers.sol";
import {Test} from "../base/Test.sol";

/// @notice Takes what was put before it by anyone: a deposit that comes by a plain transfer.
contract PlainCollector is IDepositCollector {
    function collect(address, address token, uint256 amount, bytes32, bytes calldata) external {
        IERC20(token).transfer(msg.sender, amount);
    }
}

/// @notice Brings nothing, and has another deposit in between make up for it.
contract NestingCollector is IDepositCollector {
    IBatchSettlement private immutable settlement;
    address private immutable inner;

    constructor(IBatchSettlement settlement_, address inner_) {
        (settlement, inner) = (settlement_, inner_);
    }

    function collect(address payer, address token, uint256 amount, bytes32, bytes calldata)
        external
    {
        ChannelConfig memory config = ChannelConfig(
            payer, payer, address(1), address(1), token, 900, bytes32("inner")
        );
        settlement.deposit(config, uint128(amount), inner, "");
    }
}

/// @notice What is deposited is the payer's until it is claimed, the receiver's until it is settled, and nobody's twice.
contract BatchSettlementTest is Test {
    uint256 private constant PAYER_KEY = 0xB0B;
    uint256 private constant AUTHORIZER_KEY = 0xA17;
    address private constant RECEIVER = address(0xCAFE);
    IBatchSettlement private constant SETTLEMENT =
        IBatchSettlement(0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003);
    address private constant COLLECTOR = 0x4020806089470a89826cB9fB1f4059150b550004;
    address private immutable payer = vm.addr(PAYER_KEY);
    address private immutable authorizer = vm.addr(AUTHORIZER_KEY);
    TestDollar private dollar;
    PlainCollector private plain;

    function setUp() public {
        vm.warp(20_000 days);
        vm.etch(address(SETTLEMENT), type(BatchSettlement).runtimeCode);
        vm.etch(COLLECTOR, type(Erc3009DepositCollector).runtimeCode);
        dollar = new TestDollar();
        dollar.mint(payer, 1_000_000);
        plain = new PlainCollector();
        dollar.mint(address(plain), type(uint128).max);
    }

    // ------------------------------------------------------------------ deposit

    function test_deposit_by_authorization_once() public {
        ChannelConfig memory config = _config();
        bytes memory data = _authorize(config, 500, 7);
        SETTLEMENT.deposit(config, 500, COLLECTOR, data);
        (uint128 balance, uint128 claimed) = SETTLEMENT.channels(SETTLEMENT.getChannelId(config));
        assertEq(balance, 500, "balance");
        assertEq(claimed, 0, "claimed");
        assertEq(dollar.balanceOf(address(SETTLEMENT)), 500, "held");
        vm.expectRevert();
        SETTLEMENT.deposit(config, 500, COLLECTOR, data);
    }

    function testFuzz_an_authorization_funds_its_channel_alone(uint8 change) public {
        ChannelConfig memory config = _config();
        bytes memory data = _authorize(config, 500, 7);
        uint128 amount = 500;
        change = change % 5;
        if (change == 0) config.receiver = address(this);
        if (change == 1) config.salt = bytes32("other");
        if (change == 2) config.payerAuthorizer = address(this);
        if (change == 3) amount = 501;
        if (change == 4) config.token = address(new TestDollar());
        vm.expectRevert();
        SETTLEMENT.deposit(config, amount, COLLECTOR, data);
    }

    function test_only_the_settlement_collects() public {
        ChannelConfig memory config = _config();
        bytes memory data = _authorize(config, 500, 7);
        bytes32 id = SETTLEMENT.getChannelId(config);
        vm.expectRevert(abi.encodeWithSelector(Erc3009DepositCollector.OnlySettlement.selector));
        IDepositCollector(COLLECTOR).collect(payer, address(dollar), 500, id, data);
    }

    function test_a_deposit_within_a_deposit_counts_for_nothing() public {
        NestingCollector nesting = new NestingCollector(SETTLEMENT, address(plain));
        vm.expectRevert();
        SETTLEMENT.deposit(_config(), 500, address(nesting), "");
    }

    function test_deposit_refusals() public {
        ChannelConfig memory config = _config();
        _expectError(IBatchSettlement.ZeroDeposit.selector);
        SETTLEMENT.deposit(config, 0, address(plain), "");
        _expectError(IBatchSettlement.InvalidCollector.selector);
        SETTLEMENT.deposit(config, 1, address(0), "");
        SETTLEMENT.deposit(config, type(uint128).max - 1, address(plain), "");
        _expectError(IBatchSettlement.DepositOverflow.selector);
        SETTLEMENT.deposit(config, 2, address(plain), "");
        for (uint256 field = 0; field < 4; ++field) {
            ChannelConfig memory empty = _config();
            if (field == 0) empty.payer = address(0);
            if (field == 1) empty.receiver = address(0);
            if (field == 2) empty.receiverAuthorizer = address(0);
            if (field == 3) empty.token = address(0);
            _expectError(IBatchSettlement.InvalidChannel.selector);
            SETTLEMENT.deposit(empty, 1, address(plain), "");
        }
        config.withdrawDelay = 899;
        _expectError(IBatchSettlement.WithdrawDelayOutOfRange.selector);
        SETTLEMENT.deposit(config, 1, address(plain), "");
        config.withdrawDelay = 30 days + 1;
        _expectError(IBatchSettlement.WithdrawDelayOutOfRange.selector);
        SETTLEMENT.deposit(config, 1, address(plain), "");
    }

    function test_what_is_not_brought_is_not_credited() public {
        PlainCollector empty = new PlainCollector();
        vm.expectRevert();
        SETTLEMENT.deposit(_config(), 1, address(empty), "");
    }

    // ------------------------------------------------------------------ claim

    function testFuzz_claims_are_cumulative(uint128 most, uint128 first, uint128 second) public {
        ChannelConfig memory config = _funded(1_000);
        most = most % 1_001;
        first = uint128(first % (uint256(most) + 1));
        second = uint128(second % (uint256(most) + 1));
        _claim(config, most, first);
        _claim(config, most, second);
        // The same again brings nothing.
        _claim(config, most, second);
        uint128 total = first > second ? first : second;
        (uint128 balance, uint128 claimed) = SETTLEMENT.channels(SETTLEMENT.getChannelId(config));
        assertEq(balance, 1_000, "balance");
        assertEq(claimed, total, "claimed");
        SETTLEMENT.settle(RECEIVER, address(dollar));
        SETTLEMENT.settle(RECEIVER, address(dollar));
        assertEq(dollar.balanceOf(RECEIVER), total, "paid");
        (uint128 counted, uint128 settled) = SETTLEMENT.receivers(RECEIVER, address(dollar));
        assertEq(counted, total, "counted");
        assertEq(settled, total, "settled");
    }

    function test_claim_refusals() public {
        ChannelConfig memory config = _funded(1_000);
        VoucherClaim[] memory none = new VoucherClaim[](0);
        vm.startPrank(authorizer);
        _expectError(IBatchSettlement.EmptyBatch.selector);
        SETTLEMENT.claim(none);
        VoucherClaim[] memory list = _list(_signed(config, 500, 501));
        _expectError(IBatchSettlement.ClaimExceedsCeiling.selector);
        SETTLEMENT.claim(list);
        list = _list(_signed(config, 2_000, 1_001));
        _expectError(IBatchSettlement.ClaimExceedsBalance.selector);
        SETTLEMENT.claim(list);
        list = _list(_signed(config, 500, 500));
        list[0].voucher.maxClaimableAmount = 600;
        _expectError(IBatchSettlement.InvalidSignature.selector);
        SETTLEMENT.claim(list);
        vm.stopPrank();
        list = _list(_signed(config, 500, 500));
        _expectError(IBatchSettlement.NotAuthorizedToClaim.selector);
        SETTLEMENT.claim(list);
        bytes memory consent = _consent(list);
        list[0].totalClaimed = 400;
        _expectError(IBatchSettlement.InvalidSignature.selector);
        SETTLEMENT.claimWithSignature(list, consent);
        _expectError(IBatchSettlement.EmptyBatch.selector);
        SETTLEMENT.claimWithSignature(none, consent);
    }

    function test_one_authorizer_for_all() public {
        ChannelConfig memory config = _funded(1_000);
        ChannelConfig memory foreign = _config();
        foreign.receiverAuthorizer = address(0xBAD);
        SETTLEMENT.deposit(foreign, 1_000, address(plain), "");
        VoucherClaim[] memory list = new VoucherClaim[](2);
        list[0] = _signed(config, 500, 500);
        list[1] = _signed(foreign, 500, 500);
        bytes memory consent = _consent(list);
        _expectError(IBatchSettlement.NotReceiverAuthorizer.selector);
        SETTLEMENT.claimWithSignature(list, consent);
    }

    function test_by_anyone_with_consent_many_at_once() public {
        VoucherClaim[] memory list = new VoucherClaim[](3);
        for (uint256 i = 0; i < 3; ++i) {
            ChannelConfig memory config = _config();
            config.salt = bytes32(i);
            SETTLEMENT.deposit(config, 1_000, address(plain), "");
            list[i] = _signed(config, 500, uint128(100 * (i + 1)));
        }
        SETTLEMENT.claimWithSignature(list, _consent(list));
        SETTLEMENT.settle(RECEIVER, address(dollar));
        assertEq(dollar.balanceOf(RECEIVER), 600, "paid");
    }

    function test_a_contract_signs_by_its_own_rules() public {
        Signer account = new Signer();
        ChannelConfig memory config = _config();
        (config.payer, config.payerAuthorizer) = (address(account), address(0));
        SETTLEMENT.deposit(config, 1_000, address(plain), "");
        VoucherClaim[] memory list = _list(_signed(config, 500, 500));
        vm.startPrank(RECEIVER);
        account.set(
            Signer.Mood.No, SETTLEMENT.getVoucherDigest(SETTLEMENT.getChannelId(config), 500)
        );
        _expectError(IBatchSettlement.InvalidSignature.selector);
        SETTLEMENT.claim(list);
        account.set(
            Signer.Mood.Yes, SETTLEMENT.getVoucherDigest(SETTLEMENT.getChannelId(config), 500)
        );
        SETTLEMENT.claim(list);
        vm.stopPrank();
        (, uint128 claimed) = SETTLEMENT.channels(SETTLEMENT.getChannelId(config));
        assertEq(claimed, 500, "claimed");
    }

    // ------------------------------------------------------------------ withdraw, refund

    function test_withdraw_leaves_what_was_claimed_meanwhile() public {
        ChannelConfig memory config = _funded(1_000);
        _expectError(IBatchSettlement.InvalidChannel.selector);
        SETTLEMENT.initiateWithdraw(config, 1);
        vm.startPrank(payer);
        _expectError(IBatchSettlement.NothingToWithdraw.selector);
        SETTLEMENT.initiateWithdraw(config, 0);
        _expectError(IBatchSettlement.WithdrawAmountExceedsAvailable.selector);
        SETTLEMENT.initiateWithdraw(config, 1_001);
        _expectError(IBatchSettlement.WithdrawalNotPending.selector);
        SETTLEMENT.finalizeWithdraw(config);
        SETTLEMENT.initiateWithdraw(config, 1_000);
        _expectError(IBatchSettlement.WithdrawalAlreadyPending.selector);
        SETTLEMENT.initiateWithdraw(config, 1);
        _expectError(IBatchSettlement.WithdrawDelayNotElapsed.selector);
        SETTLEMENT.finalizeWithdraw(config);
        vm.stopPrank();
        _claim(config, 400, 400);
        vm.warp(block.timestamp + 900);
        _expectError(IBatchSettlement.NotAuthorizedToFinalizeWithdraw.selector);
        SETTLEMENT.finalizeWithdraw(config);
        uint256 before = dollar.balanceOf(payer);
        vm.prank(payer);
        SETTLEMENT.finalizeWithdraw(config);
        assertEq(dollar.balanceOf(payer) - before, 600, "back");
        SETTLEMENT.settle(RECEIVER, address(dollar));
        assertEq(dollar.balanceOf(RECEIVER), 400, "paid");
    }

    function test_refund_once_a_signature_and_never_what_was_claimed() public {
        ChannelConfig memory config = _funded(1_000);
        bytes32 id = SETTLEMENT.getChannelId(config);
        vm.prank(payer);
        SETTLEMENT.initiateWithdraw(config, 300);
        _claim(config, 400, 400);
        bytes memory consent = _sign(AUTHORIZER_KEY, SETTLEMENT.getRefundDigest(id, 0, 200));
        uint256 before = dollar.balanceOf(payer);
        SETTLEMENT.refundWithSignature(config, 200, 0, consent);
        assertEq(dollar.balanceOf(payer) - before, 200, "back");
        (uint128 pending,) = SETTLEMENT.pendingWithdrawals(id);
        assertEq(pending, 100, "announced");
        _expectError(IBatchSettlement.InvalidRefundNonce.selector);
        SETTLEMENT.refundWithSignature(config, 200, 0, consent);
        _expectError(IBatchSettlement.InvalidSignature.selector);
        SETTLEMENT.refundWithSignature(config, 200, 1, consent);
        _expectError(IBatchSettlement.NotAuthorizedToRefund.selector);
        SETTLEMENT.refund(config, 1);
        vm.startPrank(RECEIVER);
        _expectError(IBatchSettlement.ZeroRefund.selector);
        SETTLEMENT.refund(config, 0);
        SETTLEMENT.refund(config, 5_000);
        vm.stopPrank();
        assertEq(dollar.balanceOf(payer) - before, 600, "all but the claim");
        assertEq(SETTLEMENT.refundNonce(id), 2, "nonce");
        (, uint40 initiatedAt) = SETTLEMENT.pendingWithdrawals(id);
        assertEq(initiatedAt, 0, "called off");
    }

    function test_claim_and_refund_in_one_call() public {
        ChannelConfig memory config = _funded(1_000);
        VoucherClaim[] memory list = _list(_signed(config, 400, 400));
        bytes32 id = SETTLEMENT.getChannelId(config);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IBatchSettlement.claimWithSignature, (list, _consent(list)));
        calls[1] = abi.encodeCall(
            IBatchSettlement.refundWithSignature,
            (config, 1_000, 0, _sign(AUTHORIZER_KEY, SETTLEMENT.getRefundDigest(id, 0, 1_000)))
        );
        BatchSettlement(address(SETTLEMENT)).multicall(calls);
        SETTLEMENT.settle(RECEIVER, address(dollar));
        assertEq(dollar.balanceOf(RECEIVER), 400, "paid");
        assertEq(dollar.balanceOf(address(SETTLEMENT)), 0, "nothing left");
    }

    // ------------------------------------------------------------------ conservation

    /// @notice Whatever happens in whatever order: what is held is what is open and what is claimed and not settled.
    function testFuzz_holds_what_it_owes(uint256 seed) public {
        ChannelConfig[2] memory configs = [_funded(1_000), _config()];
        configs[1].salt = bytes32("second");
        SETTLEMENT.deposit(configs[1], 2_000, address(plain), "");
        for (uint256 step = 0; step < 24; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            ChannelConfig memory config = configs[seed & 1];
            uint128 amount = uint128((seed >> 8) % 700) + 1;
            uint256 act = (seed >> 64) % 6;
            bytes32 id = SETTLEMENT.getChannelId(config);
            (uint128 balance, uint128 claimed) = SETTLEMENT.channels(id);
            if (act == 0) SETTLEMENT.deposit(config, amount, address(plain), "");
            if (act == 1 && claimed + amount <= balance) {
                _claim(config, claimed + amount, claimed + amount);
            }
            if (act == 2) SETTLEMENT.settle(RECEIVER, address(dollar));
            if (act == 3 && amount <= balance - claimed) {
                (, uint40 initiatedAt) = SETTLEMENT.pendingWithdrawals(id);
                vm.startPrank(payer);
                if (initiatedAt == 0) SETTLEMENT.initiateWithdraw(config, amount);
                vm.stopPrank();
            }
            if (act == 4) {
                vm.warp(block.timestamp + 901);
                (, uint40 initiatedAt) = SETTLEMENT.pendingWithdrawals(id);
                vm.startPrank(payer);
                if (initiatedAt != 0) SETTLEMENT.finalizeWithdraw(config);
                vm.stopPrank();
            }
            if (act == 5) {
                vm.prank(RECEIVER);
                SETTLEMENT.refund(config, amount);
            }
            _requireSolvent(configs);
        }
    }

    function _requireSolvent(ChannelConfig[2] memory configs) private view {
        uint256 owed;
        for (uint256 i = 0; i < 2; ++i) {
            (uint128 balance, uint128 claimed) =
                SETTLEMENT.channels(SETTLEMENT.getChannelId(configs[i]));
            assertTrue(claimed <= balance, "claimed within balance");
            owed += balance - claimed;
        }
        (uint128 counted, uint128 settled) = SETTLEMENT.receivers(RECEIVER, address(dollar));
        owed += counted - settled;
        assertEq(dollar.balanceOf(address(SETTLEMENT)), owed, "held");
    }

    // ------------------------------------------------------------------ Multicall3

    function test_several_reads_in_one_call() public {
        Multicall3 many = new Multicall3();
        Multicall3.Call[] memory calls = new Multicall3.Call[](2);
        calls[0] = Multicall3.Call(address(dollar), abi.encodeCall(IERC20.balanceOf, (payer)));
        calls[1] = Multicall3.Call(address(SETTLEMENT), hex"deadbeef");
        Multicall3.Result[] memory results = many.tryAggregate(false, calls);
        assertEq(abi.decode(results[0].returnData, (uint256)), 1_000_000, "read");
        assertTrue(!results[1].success, "failed");
        vm.expectRevert(abi.encodeWithSelector(Multicall3.CallFailed.selector, 1));
        many.tryAggregate(true, calls);
        Multicall3.Call3[] memory each = new Multicall3.Call3[](1);
        each[0] = Multicall3.Call3(address(SETTLEMENT), true, hex"deadbeef");
        assertTrue(!many.aggregate3(each)[0].success, "allowed");
        each[0].allowFailure = false;
        vm.expectRevert(abi.encodeWithSelector(Multicall3.CallFailed.selector, 0));
        many.aggregate3(each);
    }

    // ------------------------------------------------------------------ helpers

    function _config() private view returns (ChannelConfig memory) {
        return ChannelConfig(payer, payer, RECEIVER, authorizer, address(dollar), 900, bytes32(0));
    }

    function _funded(uint128 amount) private returns (ChannelConfig memory config) {
        config = _config();
        SETTLEMENT.deposit(config, amount, address(plain), "");
    }

    function _claim(ChannelConfig memory config, uint128 most, uint128 total) private {
        VoucherClaim[] memory list = _list(_signed(config, most, total));
        SETTLEMENT.claimWithSignature(list, _consent(list));
    }

    function _list(VoucherClaim memory one) private pure returns (VoucherClaim[] memory list) {
        list = new VoucherClaim[](1);
        list[0] = one;
    }

    function _signed(ChannelConfig memory config, uint128 most, uint128 total)
        private
        view
        returns (VoucherClaim memory)
    {
        bytes32 digest = SETTLEMENT.getVoucherDigest(SETTLEMENT.getChannelId(config), most);
        return VoucherClaim(BatchVoucher(config, most), _sign(PAYER_KEY, digest), total);
    }

    function _consent(VoucherClaim[] memory list) private view returns (bytes memory) {
        return _sign(AUTHORIZER_KEY, SETTLEMENT.getClaimBatchDigest(list));
    }

    function _authorize(ChannelConfig memory config, uint256 amount, uint256 salt)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256(
            "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 nonce = keccak256(abi.encode(SETTLEMENT.getChannelId(config), salt));
        uint256 until = block.timestamp + 60;
        bytes32 fields =
            keccak256(abi.encode(typehash, payer, COLLECTOR, amount, uint256(0), until, nonce));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields));
        return abi.encode(uint256(0), until, salt, _sign(PAYER_KEY, digest));
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _expectError(bytes4 selector) private {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }
}
