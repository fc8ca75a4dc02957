// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

import {Channels} from "../../src/channels/Channels.sol";
import {Channel, IChannels} from "../../src/channels/IChannels.sol";
import {ITill} from "../../src/till/ITill.sol";
import {Signer} from "../base/Signers.sol";
import {GreedyToken} from "../base/Tokens.sol";
import {ChannelsNetwork} from "./ChannelsNetwork.sol";

/// @notice Channels funded from a wallet by ERC-3009, and who tries to lead the money elsewhere.
contract AuthorizationsTest is ChannelsNetwork {
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    uint256 private constant UNTIL = type(uint256).max;

    Channel private channel;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        channel = channelOf(owner, 0);
        id = channels.hashChannel(channel);
        dollar.mint(buyer, 1_000);
    }

    function testFuzz_byAnyone(address relay, uint96 amount, bytes32 salt) public {
        amount = uint96(bound(amount, 1, 1_000));
        bytes memory signature = _authorize(0, amount, salt);
        vm.prank(relay);
        channels.openWithAuthorization(channel, amount, 0, UNTIL, salt, signature);
        assertEq(channels.get(id).deposit, amount, "deposit");
        assertEq(balanceOf(address(channels)), amount, "the channels' account");
        assertEq(dollar.balanceOf(buyer), 1_000 - amount, "the wallet");
        assertEq(balanceOf(buyer), 1e12, "the till account was not touched");
    }

    function test_topUp_callsNoCloseOff() public {
        _open(channel, 5);
        vm.prank(buyer);
        channels.requestClose(channel);
        bytes memory signature = _authorize(0, 7, "s");
        vm.prank(buyer);
        channels.topUpWithAuthorization(channel, 7, 0, UNTIL, "s", signature);
        assertEq(channels.get(id).deposit, 12, "deposit");
        assertEq(channels.get(id).closesAt, GENESIS + 1 days, "still closing");
    }

    function test_ofAContract() public {
        Signer payer = new Signer();
        dollar.mint(address(payer), 9);
        channel.payer = address(payer);
        id = channels.hashChannel(channel);
        payer.set(
            Signer.Mood.Yes, _digest(address(payer), 9, channels.authorizationNonce(id, 0, "s"))
        );
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", "any");
        assertEq(channels.get(id).deposit, 9, "deposit");
    }

    // ------------------------------------------------------------------ who leads it elsewhere

    /// @notice Nobody can use it for a plain deposit first, after which a payer without gas could not open the channel.
    function test_front_depositRefusesIt() public {
        bytes memory signature = _authorize(0, 9, "s");
        bytes32 nonce = channels.authorizationNonce(id, 0, "s");
        vm.expectRevert(abi.encodeWithSelector(ITill.NonceReserved.selector, nonce));
        till.depositWithAuthorization(address(dollar), buyer, 9, 0, UNTIL, nonce, signature);
        // Nor can anyone but the till call the token with it.
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(till))
        );
        dollar.receiveWithAuthorization(buyer, address(till), 9, 0, UNTIL, nonce, signature);
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        assertEq(channels.get(id).deposit, 9, "deposit");
    }

    function test_front_anotherCallerCannotPull() public {
        bytes memory signature = _authorize(0, 9, "s");
        bytes32 reason = keccak256(abi.encode(id, uint64(0), bytes32("s")));
        assertEq(
            channels.authorizationNonce(id, 0, "s"),
            till.pullNonce(address(channels), reason),
            "nonce"
        );
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        till.pullWithAuthorization(address(dollar), buyer, 9, 0, UNTIL, reason, signature);
        Channels second = new Channels(till);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        second.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
    }

    function test_front_anotherChannelCannotHaveIt() public {
        bytes memory signature = _authorize(0, 9, "s");
        Channel memory other = channelOf(operator, 0);
        _refuseSignature(other, 9, "s", signature);
        other = channelOf(owner, 0);
        other.signer = operator;
        _refuseSignature(other, 9, "s", signature);
        _refuseSignature(channel, 8, "s", signature);
        _refuseSignature(channel, 9, "t", signature);
    }

    /// @notice Whoever sends it first opens the same channel; the second one finds it used.
    function test_front_sentByAnother_opensTheSame() public {
        bytes memory signature = _authorize(0, 9, "s");
        vm.prank(operator);
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        assertEq(channels.get(id).deposit, 9, "deposit");
        vm.expectRevert(_used(0, "s"));
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        vm.expectRevert(_used(0, "s"));
        channels.topUpWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
    }

    /// @notice An opening that finds the channel open funds it as a top-up of the same epoch, and no other.
    function test_open_whileOpen_canOnlyTopUp() public {
        _open(channel, 5);
        bytes memory signature = _authorize(0, 9, "s");
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelExists.selector, id));
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        channels.topUpWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        assertEq(channels.get(id).deposit, 14, "deposit");
    }

    /// @notice A top-up that was kept cannot open the channel again after its end.
    function test_kept_isWorthNothingInTheNextEpoch() public {
        bytes memory signature = _authorize(0, 9, "s");
        _open(channel, 5);
        closeAs(owner, empty(channel));
        _refuseSignature(channel, 9, "s", signature);
        signature = _authorize(1, 9, "s");
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        assertEq(channels.get(id).epoch, 1, "the next epoch");
    }

    function test_error_topUpUnknown() public {
        bytes memory signature = _authorize(0, 9, "s");
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        channels.topUpWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
        assertEq(dollar.balanceOf(buyer), 1_000, "the wallet");
    }

    function test_error_openInvalid() public {
        channel.signer = address(0);
        id = channels.hashChannel(channel);
        bytes memory signature = _authorize(0, 9, "s");
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelInvalid.selector, id));
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", signature);
    }

    // ------------------------------------------------------------------ tokens

    function test_feeToken_depositsWhatArrived() public {
        GreedyToken token = new GreedyToken(channels);
        channel.currency = address(token);
        token.set(1, "");
        id = channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", "");
        assertEq(channels.get(id).deposit, 8, "what arrived");
        assertEq(till.balanceOf(address(channels), uint160(address(token))), 8, "account");
    }

    /// @notice A token that calls back opens its own channel first; the outer call then finds it open.
    function test_token_thatCallsBack() public {
        GreedyToken token = new GreedyToken(channels);
        token.fund(address(this), 100);
        till.deposit(address(token), address(token), 100);
        channel.currency = address(token);
        channel.payer = address(token);
        id = channels.hashChannel(channel);
        token.set(0, abi.encodeCall(channels.open, (channel, 60)));
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelExists.selector, id));
        channels.openWithAuthorization(channel, 9, 0, UNTIL, "s", "");

        channel.payer = buyer;
        id = channels.hashChannel(channel);
        Channel memory other = channel;
        other.payer = address(token);
        token.set(0, abi.encodeCall(channels.open, (other, 60)));
        channels.openWithAuthorization(channelFor(buyer), 9, 0, UNTIL, "s", "");
        assertEq(channels.get(id).deposit, 9, "the outer");
        assertEq(channels.get(channels.hashChannel(other)).deposit, 60, "the inner");
        assertEq(till.balanceOf(address(channels), uint160(address(token))), 69, "account");
    }

    // ------------------------------------------------------------------ helpers

    function channelFor(address payer) private view returns (Channel memory copy) {
        copy = channel;
        copy.payer = payer;
    }

    function _authorize(uint64 epoch, uint256 amount, bytes32 salt)
        private
        view
        returns (bytes memory)
    {
        bytes32 nonce = channels.authorizationNonce(id, epoch, salt);
        return sign(BUYER_KEY, _digest(buyer, amount, nonce));
    }

    function _digest(address from, uint256 amount, bytes32 nonce) private view returns (bytes32) {
        bytes32 fields =
            keccak256(abi.encode(RECEIVE_TYPEHASH, from, address(till), amount, 0, UNTIL, nonce));
        return keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields));
    }

    function _used(uint64 epoch, bytes32 salt) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            ERC3009.ERC3009UsedAuthorization.selector,
            buyer,
            channels.authorizationNonce(id, epoch, salt)
        );
    }

    function _refuseSignature(
        Channel memory other,
        uint128 amount,
        bytes32 salt,
        bytes memory signature
    ) private {
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        channels.openWithAuthorization(other, amount, 0, UNTIL, salt, signature);
    }
}
