// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channels} from "../../src/channels/Channels.sol";
import {Channel, Claim, IChannels, Voucher} from "../../src/channels/IChannels.sol";
import {Signer} from "../base/Signers.sol";
import {Vm} from "../base/Vm.sol";
import {ChannelsNetwork} from "./ChannelsNetwork.sol";

/// @notice What vouchers and ticks are worth, and who tries to make them worth more.
contract VouchersTest is ChannelsNetwork {
    bytes32 private constant TRANSFER =
        keccak256("Transfer(address,address,address,uint256,uint256)");
    bytes32 private constant PAID = keccak256("Paid(uint256,address,uint40,uint128,uint128)");

    // ------------------------------------------------------------------ worth

    /// @notice Two vouchers never add up: whatever the order, the payee ends with the larger.
    function testFuzz_vouchersNeverAddUp(uint128 first, uint128 second, uint8 t, uint8 u) public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 1e12);
        first = uint128(bound(first, 1, 1e11));
        second = uint128(bound(second, 1, 1e11));
        Claim memory a = vouchTicks(channel, first, "a", t, 7);
        Claim memory b = vouchTicks(channel, second, "b", u, 3);
        uint256 worthA = first + 7 * uint256(t);
        uint256 worthB = second + 3 * uint256(u);
        channels.claim(two(a, b));
        assertEq(balanceOf(owner), worthA > worthB ? worthA : worthB, "the larger of both");
    }

    function test_sameCumulative_twoAnchors_theMoreTicksCount() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 1e12);
        channels.claim(one(vouchTicks(channel, 100, "a", 5, 10)));
        assertEq(balanceOf(owner), 150, "five ticks of the first");
        Claim memory other = vouchTicks(channel, 100, "b", 5, 10);
        refuseClaims(one(other), _nothing(other, 150, 150));
        channels.claim(one(vouchTicks(channel, 100, "b", 7, 10)));
        assertEq(balanceOf(owner), 170, "seven of the second, not twelve");
    }

    function testFuzz_ticks(bytes32 secret, uint16 ticks, uint64 price) public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 1e12);
        ticks = uint16(bound(ticks, 1, 4_095));
        price = uint64(bound(price, 1, 1e8));
        channels.claim(one(vouchTicks(channel, 5, secret, ticks, price)));
        assertEq(balanceOf(owner), 5 + uint256(ticks) * price, "cumulative + ticks x price");
    }

    function test_ticks_theMost() public {
        Channel memory channel = channelOf(owner, 0);
        fund(buyer, type(uint96).max);
        _open(channel, type(uint96).max);
        Claim memory claim = vouchTicks(channel, 0, "s", 4_096, type(uint64).max);
        channels.claim(one(claim));
        assertEq(balanceOf(owner), 4_096 * uint256(type(uint64).max), "all ticks");
    }

    function test_worth_neverOverflows() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 9);
        Claim memory claim = vouchTicks(channel, type(uint128).max, "s", 4_096, type(uint64).max);
        channels.claim(one(claim));
        assertEq(balanceOf(owner), 9, "the deposit, and no more");
        claim = vouchTicks(channel, type(uint128).max, "s", 1, type(uint64).max);
        refuseClaims(one(claim), _nothing(claim, uint256(type(uint128).max) + type(uint64).max, 9));
    }

    function test_depositTooLow_paysAsFarAsItGoes() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 50);
        channels.claim(one(vouch(channel, 80)));
        assertEq(balanceOf(owner), 50, "the deposit");
        refuseClaims(one(vouch(channel, 80)), _nothing(vouch(channel, 80), 80, 50));
        vm.prank(buyer);
        channels.topUp(channel, 100);
        channels.claim(one(vouch(channel, 80)));
        assertEq(balanceOf(owner), 80, "the rest of what was promised");
    }

    // ------------------------------------------------------------------ lists

    function test_claim_neighboursInOneMovement() public {
        Claim[] memory claims = new Claim[](7);
        uint8[7] memory kinds = [0, 0, 1, 1, 1, 0, 2];
        for (uint256 i = 0; i < claims.length; ++i) {
            Channel memory channel = kinds[i] == 0
                ? channelOf(owner, 0)
                : kinds[i] == 1 ? channelOf(address(0), asset) : channelOf(admin, 0);
            channel.salt = bytes32(i);
            _open(channel, 100);
            claims[i] = vouch(channel, uint128(10 + i));
        }
        vm.recordLogs();
        assertEq(channels.claim(claims), 91, "paid");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 transfers;
        uint256 payments;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == TRANSFER) ++transfers;
            if (logs[i].topics[0] == PAID) ++payments;
        }
        assertEq(payments, 1, "one payment to the asset");
        // Two to the owner, one to the admin, and the debit of the payment to the asset.
        assertEq(transfers, 4, "movements");
        assertEq(balanceOf(owner), 10 + 11 + 15, "owner");
        assertEq(balanceOf(admin), 16, "admin");
        (, uint128 revenue) = till.bucketOf(asset);
        assertEq(revenue, 12 + 13 + 14, "asset");
        assertEq(balanceOf(address(channels)), 700 - 91, "the rest stays");
    }

    function test_claim_sameChannelTwice() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        assertEq(channels.claim(two(vouch(channel, 30), vouch(channel, 50))), 50, "rising");
        assertEq(channels.claim(two(vouch(channel, 70), vouch(channel, 60))), 20, "falling");
    }

    /// @notice Claiming a part of a list first does not spoil it.
    function test_claim_passesOverWhatWasClaimed() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        Channel memory other = channelOf(owner, 0);
        other.salt = "other";
        _open(other, 100);
        Claim[] memory claims = two(vouch(channel, 30), vouch(other, 50));
        vm.prank(buyer);
        channels.claim(one(claims[0]));
        assertEq(channels.claim(claims), 50, "the other one");
        assertEq(balanceOf(owner), 80, "both");
    }

    function test_claim_oneInvalid_nothingIsPaid() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        Channel memory other = channelOf(owner, 0);
        other.salt = "never opened";
        refuseClaims(
            two(vouch(channel, 30), vouch(other, 50)),
            abi.encodeWithSelector(IChannels.ChannelUnknown.selector, channels.hashChannel(other))
        );
        assertEq(balanceOf(owner), 0, "nothing");
    }

    function test_error_NothingToClaim() public {
        refuseClaims(
            new Claim[](0), abi.encodeWithSelector(IChannels.NothingToClaim.selector, 0, 0, 0)
        );
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        refuseClaims(one(vouch(channel, 0)), _nothing(vouch(channel, 0), 0, 0));
        channels.claim(one(vouch(channel, 30)));
        Claim[] memory claims = two(vouch(channel, 29), vouch(channel, 30));
        refuseClaims(claims, _nothing(claims[0], 29, 30));
    }

    // ------------------------------------------------------------------ old vouchers

    /// @notice The attack on x402's batch settlement: close, open the same channel again, and an old voucher lives.
    function test_oldVoucher_isNotRevived() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        Claim memory old = vouch(channel, 70);
        Claim memory oldTicks = vouchTicks(channel, 70, "s", 3, 5);
        closeAs(owner, empty(channel));
        _open(channel, 100);
        bytes memory reason = abi.encodeWithSelector(IChannels.VoucherEpoch.selector, id, 0, 1);
        refuseClaims(one(old), reason);
        refuseClaims(one(oldTicks), reason);
        vm.expectRevert(reason);
        closeAs(owner, old);
        // Renamed to the new epoch it is not what was signed.
        old.voucher.epoch = 1;
        refuseClaims(one(old), _unsigned(id));

        vm.prank(buyer);
        channels.requestClose(channel);
        vm.warp(block.timestamp + 1 days);
        channels.finalizeClose(channel);
        _open(channel, 100);
        old.voucher.epoch = 0;
        refuseClaims(one(old), abi.encodeWithSelector(IChannels.VoucherEpoch.selector, id, 0, 2));
    }

    function test_earlyVoucher_ofALifeToCome_isRefused() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        Claim memory claim = vouch(channel, 70);
        claim.voucher.epoch = 1;
        refuseClaims(
            one(signed(claim)), abi.encodeWithSelector(IChannels.VoucherEpoch.selector, id, 1, 0)
        );
        // 2^24 + 0 is not 0.
        claim.voucher.epoch = 1 << 24;
        refuseClaims(
            one(signed(claim)),
            abi.encodeWithSelector(IChannels.VoucherEpoch.selector, id, 1 << 24, 0)
        );
    }

    // ------------------------------------------------------------------ signatures

    function test_error_VoucherSignatureInvalid() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        bytes32 digest = channels.hashVoucher(id, vouch(channel, 10).voucher);
        bytes memory good = sign(SIGNER_KEY, digest);
        _refuseSignature(channel, mirrored(good));
        _refuseSignature(channel, sign(BUYER_KEY, digest));
        _refuseSignature(channel, "");
        _refuseSignature(channel, new bytes(64));
        _refuseSignature(channel, new bytes(65));
        _refuseSignature(channel, abi.encodePacked(good, uint8(0)));
        bytes memory badV = bytes.concat(good);
        badV[64] = bytes1(uint8(badV[64]) - 27);
        _refuseSignature(channel, badV);
        // The short form of ERC-2098.
        bytes memory short = new bytes(64);
        for (uint256 i = 0; i < 64; ++i) {
            short[i] = good[i];
        }
        if (uint8(good[64]) == 28) short[32] |= 0x80;
        _refuseSignature(channel, short);
        _refuseSignature(channel, sign(SIGNER_KEY, keccak256("else")));

        Claim memory claim = vouch(channel, 10);
        claim.voucher.cumulative = 11;
        refuseClaims(one(claim), _unsigned(id));
        claim = vouch(channel, 10);
        claim.voucher.terms = "else";
        refuseClaims(one(claim), _unsigned(id));
        claim = vouchTicks(channel, 10, "s", 1, 1);
        claim.voucher.tickPrice = 2;
        refuseClaims(one(claim), _unsigned(id));
        claim = vouchTicks(channel, 10, "s", 1, 1);
        claim.voucher.maxTicks = 4_096;
        refuseClaims(one(claim), _unsigned(id));
        claim = vouchTicks(channel, 10, "s", 1, 1);
        claim.voucher.anchor = claim.word;
        refuseClaims(one(claim), _unsigned(id));
    }

    function test_voucher_isForOneChannelOneContractOneChain() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        Claim memory claim = vouch(channel, 10);

        Channel memory other = channelOf(owner, 0);
        other.salt = "other";
        bytes32 otherId = _open(other, 100);
        Claim memory moved = vouch(channel, 10);
        moved.channel = other;
        refuseClaims(one(moved), _unsigned(otherId));

        Channels second = new Channels(till);
        vm.startPrank(buyer);
        till.setOperator(address(second), true);
        bytes32 secondId = second.open(channel, 100);
        vm.stopPrank();
        assertTrue(secondId != channels.hashChannel(channel), "ids name the contract");
        vm.expectRevert(
            abi.encodeWithSelector(IChannels.VoucherSignatureInvalid.selector, secondId, signer)
        );
        second.claim(one(claim));

        // On a fork with another id the channel has another name, and is not open there.
        vm.chainId(7);
        bytes32 forkedId = channels.hashChannel(channel);
        refuseClaims(
            one(claim), abi.encodeWithSelector(IChannels.ChannelUnknown.selector, forkedId)
        );
    }

    function test_contractSigner_isNeverAsked() public {
        Signer contractSigner = new Signer();
        Channel memory channel = channelOf(owner, 0);
        channel.signer = address(contractSigner);
        bytes32 id = _open(channel, 100);
        Claim memory claim = empty(channel);
        claim.voucher.cumulative = 10;
        contractSigner.set(Signer.Mood.Yes, channels.hashVoucher(id, claim.voucher));
        claim.signature = "any";
        bytes memory reason = abi.encodeWithSelector(
            IChannels.VoucherSignatureInvalid.selector, id, address(contractSigner)
        );
        refuseClaims(one(claim), reason);
        claim.signature = new bytes(65);
        refuseClaims(one(claim), reason);
        // The payer is not stuck with such a channel.
        vm.prank(buyer);
        channels.requestClose(channel);
        vm.warp(block.timestamp + 1 days);
        assertEq(channels.finalizeClose(channel), 100, "all back");
    }

    // ------------------------------------------------------------------ ticks

    function test_error_TickInvalid() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 100);
        Claim memory claim = vouchTicks(channel, 1, "s", 5, 2);
        claim.ticks = 6;
        refuseClaims(one(claim), abi.encodeWithSelector(IChannels.TickInvalid.selector, id, 6));
        claim.ticks = 4;
        refuseClaims(one(claim), abi.encodeWithSelector(IChannels.TickInvalid.selector, id, 4));
        claim.ticks = 5;
        claim.word = bytes32(uint256(claim.word) + 1);
        refuseClaims(one(claim), abi.encodeWithSelector(IChannels.TickInvalid.selector, id, 5));
        claim.word = bytes32(0);
        refuseClaims(one(claim), abi.encodeWithSelector(IChannels.TickInvalid.selector, id, 5));
        // Without an anchor there are no ticks, and a word alone is ignored.
        claim = vouch(channel, 1);
        claim.voucher.maxTicks = 3;
        claim.voucher.tickPrice = 9;
        claim = signed(claim);
        claim.ticks = 1;
        refuseClaims(one(claim), abi.encodeWithSelector(IChannels.TickInvalid.selector, id, 1));
        claim.ticks = 0;
        claim.word = "word";
        assertEq(channels.claim(one(claim)), 1, "the voucher alone");
    }

    function test_error_TicksTooMany() public {
        Channel memory channel = channelOf(owner, 0);
        bytes32 id = _open(channel, 1e12);
        Claim memory claim = vouchTicks(channel, 1, "s", 5, 2);
        claim.voucher.maxTicks = 4;
        refuseClaims(
            one(signed(claim)), abi.encodeWithSelector(IChannels.TicksTooMany.selector, id, 5, 4)
        );
        claim = vouchTicks(channel, 1, "s", 4_097, 2);
        claim.voucher.maxTicks = type(uint32).max;
        refuseClaims(
            one(signed(claim)),
            abi.encodeWithSelector(IChannels.TicksTooMany.selector, id, 4_097, 4_096)
        );
    }

    // ------------------------------------------------------------------ calldata

    /// @notice Bits beyond a field make another id, which is not open; beyond a voucher's field, no call at all.
    function test_dirtyBits_areNoOtherChannel() public {
        Channel memory channel = channelOf(owner, 0);
        _open(channel, 100);
        bytes memory data = abi.encodeCall(channels.claim, (one(vouch(channel, 10))));
        // Selector, offset of the list, its length, offset of the claim: the channel begins at byte 4 + 3 x 32.
        for (uint256 word = 0; word < 13; ++word) {
            bytes memory dirty = bytes.concat(data);
            dirty[4 + 96 + word * 32] = 0x01;
            (bool done,) = address(channels).call(dirty);
            assertTrue(!done, "a dirty word was taken");
        }
        assertEq(balanceOf(owner), 0, "nothing was paid");
        (bool clean,) = address(channels).call(data);
        assertTrue(clean, "the clean one is taken");
    }

    // ------------------------------------------------------------------ helpers

    function _refuseSignature(Channel memory channel, bytes memory signature) private {
        Claim memory claim = vouch(channel, 10);
        claim.signature = signature;
        refuseClaims(one(claim), _unsigned(channels.hashChannel(channel)));
    }

    function _unsigned(bytes32 id) private view returns (bytes memory) {
        return abi.encodeWithSelector(IChannels.VoucherSignatureInvalid.selector, id, signer);
    }

    function _nothing(Claim memory claim, uint256 worth, uint128 claimed)
        private
        view
        returns (bytes memory)
    {
        bytes32 id = channels.hashChannel(claim.channel);
        return abi.encodeWithSelector(IChannels.NothingToClaim.selector, id, worth, claimed);
    }
}
