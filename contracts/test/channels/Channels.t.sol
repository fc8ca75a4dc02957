// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssets} from "../../src/assets/IAssets.sol";
import {Channels} from "../../src/channels/Channels.sol";
import {Channel, ChannelState, Claim, IChannels, Voucher} from "../../src/channels/IChannels.sol";
import {ITill} from "../../src/till/ITill.sol";
import {Signer} from "../base/Signers.sol";
import {ChannelsNetwork} from "./ChannelsNetwork.sol";

contract ChannelsTest is ChannelsNetwork {
    // ------------------------------------------------------------------ the whole way

    function testFuzz_lifecycle(uint96 amount, uint128 first, uint128 second, bool toAsset) public {
        amount = uint96(bound(amount, 1, 1e12));
        Channel memory channel = toAsset ? channelOf(address(0), asset) : channelOf(owner, 0);
        bytes32 id = _open(channel, amount);
        assertEq(balanceOf(address(channels)), amount, "deposit");
        assertEq(balanceOf(buyer), 1e12 - amount, "payer");
        uint256 claimed = first < amount ? first : amount;
        if (claimed > 0) channels.claim(one(vouch(channel, first)));
        assertEq(_paid(toAsset), claimed, "first claim");
        if (second > first) claimed = second < amount ? second : amount;
        closeAs(toAsset ? operator : owner, vouch(channel, second));
        assertEq(_paid(toAsset), claimed, "payee");
        assertEq(balanceOf(buyer), 1e12 - claimed, "payer + payee == deposit");
        assertEq(balanceOf(address(channels)), 0, "nothing stays");
        ChannelState memory seen = channels.get(id);
        assertEq(seen.epoch, 1, "epoch");
        assertEq(uint256(seen.deposit) + seen.claimed + seen.closesAt, 0, "empty");
    }

    function test_events() public {
        Channel memory channel = channelOf(owner, 0);
        channel.salt = "salt";
        bytes32 id = channels.hashChannel(channel);
        vm.expectEmit(address(channels));
        emit IChannels.ChannelOpened(
            id, buyer, signer, owner, 0, address(dollar), 1 days, "salt", 0, 100
        );
        _open(channel, 100);
        vm.expectEmit(address(channels));
        emit IChannels.CloseRequested(id, GENESIS + 1 days);
        vm.prank(buyer);
        channels.requestClose(channel);
        vm.expectEmit(address(channels));
        emit IChannels.ChannelToppedUp(id, 7, 107, GENESIS + 1 days);
        vm.prank(operator);
        channels.topUp(channel, 7);
        vm.expectEmit(address(channels));
        emit IChannels.ChannelToppedUp(id, 3, 110, 0);
        vm.prank(buyer);
        channels.topUp(channel, 3);
        channels.claim(one(vouch(channel, 20)));
        vm.expectEmit(address(channels));
        emit IChannels.ChannelClaimed(id, 15, 35);
        assertEq(channels.claim(one(vouch(channel, 35))), 15, "paid");
        vm.expectEmit(address(channels));
        emit IChannels.ChannelClosed(id, 0, 50, 60);
        closeAs(owner, vouch(channel, 50));
    }

    function test_get() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        ChannelState memory seen = channels.get(id);
        assertEq(uint256(seen.deposit) + seen.claimed + seen.epoch + seen.closesAt, 0, "none");
        _open(channel, 100);
        channels.claim(one(vouch(channel, 30)));
        vm.prank(signer);
        channels.requestClose(channel);
        seen = channels.get(id);
        assertEq(seen.deposit, 100, "deposit");
        assertEq(seen.claimed, 30, "claimed");
        assertEq(seen.epoch, 0, "epoch");
        assertEq(seen.closesAt, GENESIS + 1 days, "closesAt");
        assertEq(channels.till(), address(till), "till");
    }

    // ------------------------------------------------------------------ open

    function test_open_atTheEdges() public {
        Channel memory channel = channelOf(owner, 0);
        uint96 most = type(uint96).max;
        fund(buyer, most);
        channel.closeDelay = 15 minutes;
        _open(channel, most);
        channels.claim(one(vouch(channel, type(uint128).max)));
        assertEq(balanceOf(owner), most, "all of it");
        channel.closeDelay = 30 days;
        _open(channel, 1);
    }

    function test_error_open() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        vm.expectRevert(abi.encodeWithSelector(IChannels.NotPayer.selector, id, operator));
        vm.prank(operator);
        channels.open(channel, 1);

        uint256 max = type(uint96).max;
        _refuse(channel, 0, abi.encodeWithSelector(IChannels.AmountInvalid.selector, 0, max));
        _refuse(
            channel,
            uint128(max + 1),
            abi.encodeWithSelector(IChannels.AmountInvalid.selector, max + 1, max)
        );
        _refuse(
            channel,
            1e12 + 1,
            abi.encodeWithSelector(
                ITill.ERC6909InsufficientBalance.selector, buyer, 1e12, 1e12 + 1, dollarId
            )
        );
        _open(channel, 1);
        _refuse(channel, 1, abi.encodeWithSelector(IChannels.ChannelExists.selector, id));
    }

    function test_error_ChannelInvalid() public {
        Channel memory channel = channelOf(owner, 0);
        channel.signer = address(0);
        _refuseInvalid(channel);
        channel = channelOf(owner, asset);
        _refuseInvalid(channel);
        channel = channelOf(address(0), 0);
        _refuseInvalid(channel);
        channel = channelOf(address(till), 0);
        _refuseInvalid(channel);
        channel = channelOf(address(channels), 0);
        _refuseInvalid(channel);
        channel = channelOf(owner, 0);
        channel.closeDelay = 15 minutes - 1;
        _refuseInvalid(channel);
        channel.closeDelay = 30 days + 1;
        _refuseInvalid(channel);

        channel = channelOf(owner, 0);
        channel.payer = address(channels);
        _refuseInvalid(channel);
        channel.payer = address(till);
        _refuseInvalid(channel);
        // The zero address has no till account to pay from, but may hold one that was given to it.
        channel.payer = address(0);
        _refuseInvalid(channel);
    }

    function test_error_CurrencyInvalid() public {
        Channel memory channel = channelOf(address(0), asset);
        channel.currency = address(0xBAD);
        _refuse(
            channel,
            1,
            abi.encodeWithSelector(
                IChannels.CurrencyInvalid.selector,
                channels.hashChannel(channel),
                address(0xBAD),
                address(dollar)
            )
        );
        channel = channelOf(address(0), 99);
        _refuse(channel, 1, abi.encodeWithSelector(IAssets.AssetUnknown.selector, 99));
    }

    function test_error_EpochsExhausted() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        uint256 last = type(uint24).max;
        vm.store(address(channels), keccak256(abi.encode(id, uint256(2))), bytes32(last - 1 << 40));
        assertEq(channels.get(id).epoch, last - 1, "the last but one");
        _open(channel, 5);
        closeAs(owner, empty(channel));
        assertEq(channels.get(id).epoch, last, "the last");
        _refuse(channel, 5, abi.encodeWithSelector(IChannels.EpochsExhausted.selector, id));
    }

    function test_openFor() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        uint40 deadline = GENESIS + 10;
        bytes memory signature = sign(BUYER_KEY, channels.hashOpen(id, 0, 9, deadline));
        vm.warp(deadline);
        vm.prank(operator);
        channels.openFor(channel, 9, deadline, signature);
        assertEq(channels.get(id).deposit, 9, "deposit");
        assertEq(balanceOf(buyer), 1e12 - 9, "the payer's money");

        // Never again: not now, and not in the channel's next life.
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelExists.selector, id));
        channels.openFor(channel, 9, deadline, signature);
        closeAs(owner, empty(channel));
        _refuseOpenFor(channel, 9, deadline, signature);
        channels.openFor(
            channel, 9, deadline, sign(BUYER_KEY, channels.hashOpen(id, 1, 9, deadline))
        );
        assertEq(channels.get(id).deposit, 9, "signed for this epoch");
    }

    function test_openFor_ofAContract() public {
        Signer payer = new Signer();
        fund(address(payer), 10);
        payer.execute(address(till), abi.encodeCall(till.setOperator, (address(channels), true)));
        Channel memory channel = channelOf(owner, 0);
        channel.payer = address(payer);
        bytes32 digest = channels.hashOpen(channels.hashChannel(channel), 0, 9, GENESIS);
        payer.set(Signer.Mood.No, digest);
        _refuseOpenFor(channel, 9, GENESIS, "any");
        payer.set(Signer.Mood.Yes, digest);
        _refuseOpenFor(channel, 8, GENESIS, "any");
        channels.openFor(channel, 9, GENESIS, "any");
        assertEq(balanceOf(address(payer)), 1, "paid");
    }

    function test_error_openFor() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        uint40 deadline = GENESIS + 10;
        bytes memory signature = sign(BUYER_KEY, channels.hashOpen(id, 0, 9, deadline));
        _refuseOpenFor(channel, 10, deadline, signature);
        _refuseOpenFor(channel, 9, deadline + 1, signature);
        _refuseOpenFor(channel, 9, deadline, mirrored(signature));
        _refuseOpenFor(
            channel, 9, deadline, sign(SIGNER_KEY, channels.hashOpen(id, 0, 9, deadline))
        );
        channel.salt = "other";
        _refuseOpenFor(channel, 9, deadline, signature);
        channel.salt = bytes32(0);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IChannels.OpenExpired.selector, id, deadline));
        channels.openFor(channel, 9, deadline, signature);
    }

    // ------------------------------------------------------------------ top up

    function test_topUp_byAnyone_callsOffByThePayerOnly() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 10);
        vm.prank(buyer);
        channels.requestClose(channel);
        vm.prank(operator);
        channels.topUp(channel, 5);
        assertEq(channels.get(id).closesAt, GENESIS + 1 days, "not called off by a stranger");
        assertEq(balanceOf(operator), 1e12 - 5, "the stranger's money");
        vm.prank(buyer);
        channels.topUp(channel, 5);
        assertEq(channels.get(id).closesAt, 0, "called off by the payer");
        assertEq(channels.get(id).deposit, 20, "deposit");
        vm.expectRevert(abi.encodeWithSelector(IChannels.CloseNotRequested.selector, id));
        channels.finalizeClose(channel);
    }

    function test_error_topUp() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        channels.topUp(channel, 1);
        fund(buyer, type(uint96).max);
        _open(channel, type(uint96).max - 4);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IChannels.AmountInvalid.selector, 5, 4));
        channels.topUp(channel, 5);
        vm.expectRevert(abi.encodeWithSelector(IChannels.AmountInvalid.selector, 0, 4));
        channels.topUp(channel, 0);
        channels.topUp(channel, 4);
        vm.stopPrank();
        assertEq(channels.get(id).deposit, type(uint96).max, "full");
    }

    // ------------------------------------------------------------------ the end, asked for

    function test_requestClose_payeeClaimsUntilItIsFinal() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        vm.prank(buyer);
        uint40 closesAt = channels.requestClose(channel);
        assertEq(closesAt, GENESIS + 1 days, "closes at");
        vm.warp(closesAt - 1);
        channels.claim(one(vouch(channel, 30)));
        vm.expectRevert(abi.encodeWithSelector(IChannels.CloseTooEarly.selector, id, closesAt));
        channels.finalizeClose(channel);
        vm.warp(closesAt + 5);
        channels.claim(one(vouch(channel, 60)));
        vm.prank(operator);
        assertEq(channels.finalizeClose(channel), 40, "refunded");
        assertEq(balanceOf(owner), 60, "payee");
        assertEq(balanceOf(buyer), 1e12 - 60, "payer");
        refuseClaims(
            one(vouch(channel, 90)), abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id)
        );
    }

    function test_error_requestClose() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        channels.requestClose(channel);
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        channels.finalizeClose(channel);
        _open(channel, 1);
        vm.expectRevert(abi.encodeWithSelector(IChannels.NotPayer.selector, id, owner));
        vm.prank(owner);
        channels.requestClose(channel);
        vm.expectRevert(abi.encodeWithSelector(IChannels.CloseNotRequested.selector, id));
        channels.finalizeClose(channel);
        vm.prank(signer);
        channels.requestClose(channel);
        vm.expectRevert(
            abi.encodeWithSelector(IChannels.CloseRequestedAlready.selector, id, GENESIS + 1 days)
        );
        vm.prank(buyer);
        channels.requestClose(channel);
    }

    // ------------------------------------------------------------------ close

    function test_close_withoutVoucher_orWithAnOldOne() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        channels.claim(one(vouch(channel, 30)));
        closeAs(owner, vouch(channel, 20));
        assertEq(balanceOf(owner), 30, "what was claimed stays");
        _open(channel, 100);
        closeAs(owner, empty(channel));
        assertEq(balanceOf(buyer), 1e12 - 30, "all back");
        assertEq(channels.get(channels.hashChannel(channel)).epoch, 2, "two lives");
    }

    function test_error_close() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = channels.hashChannel(channel);
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        closeAs(owner, empty(channel));
        _open(channel, 100);
        address[3] memory others = [buyer, signer, operator];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IChannels.NotPayee.selector, id, owner, others[i])
            );
            closeAs(others[i], empty(channel));
        }
        Claim memory last = vouch(channel, 5);
        last.voucher.cumulative = 6;
        vm.expectRevert(
            abi.encodeWithSelector(IChannels.VoucherSignatureInvalid.selector, id, signer)
        );
        closeAs(owner, last);
    }

    function test_close_ofAnAsset_byWhoOperatesItNow() public {
        Channel memory channel = channelOf(address(0), asset);
        bytes32 id = _open(channel, 100);
        vm.expectRevert(abi.encodeWithSelector(IChannels.NotPayee.selector, id, operator, owner));
        closeAs(owner, empty(channel));
        uint40 deadline = GENESIS + 10;
        bytes memory old = sign(OPERATOR_KEY, channels.hashClose(id, 0, 40, deadline));
        vm.prank(owner);
        assets.setOperator(asset, device);
        vm.expectRevert(abi.encodeWithSelector(IChannels.NotPayee.selector, id, device, operator));
        closeAs(operator, empty(channel));
        _refuseCloseFor(vouch(channel, 40), deadline, old, device);
        channels.closeFor(
            vouch(channel, 40), deadline, sign(DEVICE_KEY, channels.hashClose(id, 0, 40, deadline))
        );
        assertEq(_paid(true), 40, "the asset's till");
    }

    function test_asset_changesHandsBetween_tillPaysWhoOwnsItThen() public {
        Channel memory channel = channelOf(address(0), asset);
        _open(channel, 100);
        channels.claim(one(vouch(channel, 40)));
        vm.prank(owner);
        assets.transferFrom(owner, admin, asset);
        // The seller keeps what was claimed before, less the fee; the voucher's rest goes to the new owner's till.
        assertEq(balanceOf(owner), 40, "the seller's revenue");
        channels.claim(one(vouch(channel, 60)));
        (, uint128 revenue) = till.bucketOf(asset);
        assertEq(revenue, 20, "the buyer's revenue");
    }

    function test_closeFor() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        uint40 deadline = GENESIS + 10;
        bytes memory signature = sign(OWNER_KEY, channels.hashClose(id, 0, 40, deadline));
        vm.warp(deadline);
        // Someone claims a part of it first: the sum in all is the same.
        channels.claim(one(vouch(channel, 15)));
        vm.prank(operator);
        channels.closeFor(vouch(channel, 40), deadline, signature);
        assertEq(balanceOf(owner), 40, "payee");
        assertEq(balanceOf(buyer), 1e12 - 40, "payer");
    }

    function test_closeFor_ofAContract() public {
        Signer payee = new Signer();
        Channel memory channel = channelOf(address(payee), 0);
        bytes32 id = _open(channel, 100);
        bytes32 digest = channels.hashClose(id, 0, 0, GENESIS);
        payee.set(Signer.Mood.No, digest);
        _refuseCloseFor(empty(channel), GENESIS, "any", address(payee));
        payee.set(Signer.Mood.Yes, digest);
        _refuseCloseFor(vouch(channel, 1), GENESIS, "any", address(payee));
        channels.closeFor(empty(channel), GENESIS, "any");
        assertEq(balanceOf(buyer), 1e12, "all back");
    }

    function test_error_closeFor() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        uint40 deadline = GENESIS + 10;
        bytes memory signature = sign(OWNER_KEY, channels.hashClose(id, 0, 40, deadline));
        _refuseCloseFor(vouch(channel, 39), deadline, signature, owner);
        _refuseCloseFor(vouch(channel, 41), deadline, signature, owner);
        _refuseCloseFor(empty(channel), deadline, signature, owner);
        _refuseCloseFor(vouch(channel, 40), deadline - 1, signature, owner);
        _refuseCloseFor(vouch(channel, 40), deadline, mirrored(signature), owner);
        _refuseCloseFor(
            vouch(channel, 40),
            deadline,
            sign(BUYER_KEY, channels.hashClose(id, 0, 40, deadline)),
            owner
        );
        vm.warp(deadline + 1);
        Claim memory last = vouch(channel, 40);
        vm.expectRevert(abi.encodeWithSelector(IChannels.CloseExpired.selector, id, deadline));
        channels.closeFor(last, deadline, signature);
        // Kept for the next life it is worth nothing.
        vm.warp(GENESIS);
        channels.closeFor(vouch(channel, 40), deadline, signature);
        _open(channel, 100);
        _refuseCloseFor(vouch(channel, 40), deadline, signature, owner);
        closeAs(owner, empty(channel));
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelUnknown.selector, id));
        channels.closeFor(empty(channel), deadline, signature);
    }

    // ------------------------------------------------------------------ helpers

    function _refuse(Channel memory channel, uint128 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(channel.payer);
        channels.open(channel, amount);
    }

    function _refuseInvalid(Channel memory channel) private {
        bytes32 id = channels.hashChannel(channel);
        _refuse(channel, 1, abi.encodeWithSelector(IChannels.ChannelInvalid.selector, id));
    }

    function _refuseOpenFor(
        Channel memory channel,
        uint128 amount,
        uint40 deadline,
        bytes memory signature
    ) private {
        bytes32 id = channels.hashChannel(channel);
        vm.expectRevert(
            abi.encodeWithSelector(IChannels.OpenSignatureInvalid.selector, id, channel.payer)
        );
        channels.openFor(channel, amount, deadline, signature);
    }

    function _refuseCloseFor(
        Claim memory last,
        uint40 deadline,
        bytes memory signature,
        address payee
    ) private {
        bytes32 id = channels.hashChannel(last.channel);
        vm.expectRevert(abi.encodeWithSelector(IChannels.CloseSignatureInvalid.selector, id, payee));
        channels.closeFor(last, deadline, signature);
    }

    function _paid(bool toAsset) private view returns (uint256 amount) {
        if (!toAsset) return balanceOf(owner);
        (, amount) = till.bucketOf(asset);
    }
}
