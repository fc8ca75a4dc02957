// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channel, Claim, Voucher} from "../../src/channels/IChannels.sol";
import {Network} from "../base/Network.sol";

/// @notice A network with an asset, and people who have money in the till and let the channels use it.
abstract contract ChannelsNetwork is Network {
    uint256 internal asset;

    function setUp() public virtual override {
        super.setUp();
        asset = registerMachine();
        address[2] memory people = [buyer, operator];
        for (uint256 i = 0; i < people.length; ++i) {
            fund(people[i], 1e12);
            vm.prank(people[i]);
            till.setOperator(address(channels), true);
        }
    }

    function _open(Channel memory channel, uint128 amount) internal returns (bytes32 id) {
        vm.prank(channel.payer);
        id = channels.open(channel, amount);
        assertEq(id, channels.hashChannel(channel), "id");
    }

    /// @notice A voucher of `signer` for the channel's present epoch, without ticks.
    function vouch(Channel memory channel, uint128 cumulative)
        internal
        view
        returns (Claim memory claim)
    {
        claim.channel = channel;
        claim.voucher.epoch = channels.get(channels.hashChannel(channel)).epoch;
        claim.voucher.cumulative = cumulative;
        return signed(claim);
    }

    /// @notice As `vouch`, with ticks of `price` of which `ticks` are shown, of a chain with one word more.
    function vouchTicks(
        Channel memory channel,
        uint128 cumulative,
        bytes32 secret,
        uint32 ticks,
        uint64 price
    ) internal view returns (Claim memory claim) {
        claim = vouch(channel, cumulative);
        claim.word = keccak256(abi.encode(secret));
        claim.ticks = ticks;
        claim.voucher.anchor = claim.word;
        for (uint256 i = 0; i < ticks; ++i) {
            claim.voucher.anchor = keccak256(abi.encode(claim.voucher.anchor));
        }
        claim.voucher.tickPrice = price;
        claim.voucher.maxTicks = ticks + 1;
        return signed(claim);
    }

    function signed(Claim memory claim) internal view returns (Claim memory) {
        bytes32 id = channels.hashChannel(claim.channel);
        claim.signature = sign(SIGNER_KEY, channels.hashVoucher(id, claim.voucher));
        return claim;
    }

    function empty(Channel memory channel) internal pure returns (Claim memory claim) {
        claim.channel = channel;
    }

    function one(Claim memory claim) internal pure returns (Claim[] memory claims) {
        claims = new Claim[](1);
        claims[0] = claim;
    }

    function two(Claim memory first, Claim memory second)
        internal
        pure
        returns (Claim[] memory claims)
    {
        claims = new Claim[](2);
        (claims[0], claims[1]) = (first, second);
    }

    function closeAs(address who, Claim memory last) internal {
        vm.prank(who);
        channels.close(last);
    }

    function refuseClaims(Claim[] memory claims, bytes memory reason) internal {
        vm.expectRevert(reason);
        channels.claim(claims);
    }
}
