// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channel, ChannelState, Claim} from "../../src/channels/IChannels.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice Opens, signs, claims, tops up and closes at random, with a memory of what was ever promised in each channel's life.
contract ChannelsHandler is Deployment {
    /// @dev Of one channel's present epoch. `best` is the largest that a voucher with its ticks promises; `promises` are kept to
    /// be shown again later, also in lives to come.
    struct Entry {
        Channel channel;
        uint256 deposit;
        uint256 claimed;
        uint256 best;
        uint256 epoch;
        uint256 closesAt;
        Claim[] promises;
    }

    uint256 private constant CHANNELS = 4;
    uint256 private constant TICKS = 16;

    uint256 public asset;
    mapping(uint256 index => Entry) private _entries;
    mapping(uint256 index => ChannelState) private _before;
    /// @dev Claimed in epochs that are over and in this one, by all channels of a payee.
    uint256 public paidToAccount;
    uint256 public paidToAsset;
    /// @dev All that the payer ever put in, and all that it ever got back.
    uint256 public putByPayer;
    uint256 public paidBack;
    uint256 private _salt;

    string[] public reachNames = [
        "opened",
        "openedAgain",
        "toppedUp",
        "calledOff",
        "claimed",
        "claimedTicks",
        "claimedAll",
        "claimedInDelay",
        "batches",
        "nothingNew",
        "oldVoucherRefused",
        "altered",
        "secondAnchor",
        "closed",
        "closedFor",
        "finalized",
        "earlyRefused",
        "operatorChanged"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deploy();
        asset = registerMachine();
        fund(buyer, 1e15);
        vm.prank(buyer);
        till.setOperator(address(channels), true);
        for (uint256 i = 0; i < CHANNELS; ++i) {
            Channel memory channel = i < 2 ? channelOf(owner, 0) : channelOf(address(0), asset);
            channel.salt = bytes32(i);
            _entries[i].channel = channel;
        }
    }

    /// @dev 1. What never falls, from one step to the next.
    modifier watched() {
        _;
        for (uint256 i = 0; i < CHANNELS; ++i) {
            ChannelState memory seen = stateOf(i);
            ChannelState memory before = _before[i];
            assertTrue(
                seen.epoch > before.epoch
                    || (seen.claimed >= before.claimed && seen.deposit >= before.deposit),
                "1. claimed or deposit fell"
            );
            assertLe(before.epoch, seen.epoch, "1. the epoch fell");
            _before[i] = seen;
        }
    }

    function open(uint256 index, uint128 amount) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        amount = uint128(bound(amount, 1, 1e9));
        bool done = _try(buyer, abi.encodeCall(channels.open, (entry.channel, amount)));
        assertTrue(done == (entry.deposit == 0), "open and the state");
        if (!done) return;
        (entry.deposit, entry.claimed, entry.best, entry.closesAt) = (amount, 0, 0, 0);
        putByPayer += amount;
        reached["opened"]++;
        if (entry.epoch > 0) reached["openedAgain"]++;
    }

    function topUp(uint256 index, uint128 amount, bool byPayer) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        amount = uint128(bound(amount, 1, 1e9));
        if (!byPayer) {
            fund(signer, amount);
            vm.prank(signer);
            till.setOperator(address(channels), true);
        }
        bool done =
            _try(byPayer ? buyer : signer, abi.encodeCall(channels.topUp, (entry.channel, amount)));
        assertTrue(done == (entry.deposit > 0), "top-up and the state");
        if (!done) return;
        entry.deposit += amount;
        if (byPayer) putByPayer += amount;
        reached["toppedUp"]++;
        if (!byPayer || entry.closesAt == 0) return;
        entry.closesAt = 0;
        reached["calledOff"]++;
    }

    /// @notice The signer promises: more, or the same with another anchor; the voucher is kept for later.
    function vouch(uint256 index, uint128 more, uint8 ticks, uint64 price, bool same)
        external
        watched
    {
        Entry storage entry = _entries[index % CHANNELS];
        if (entry.deposit == 0 || entry.promises.length == 40) return;
        Claim memory shown;
        shown.channel = entry.channel;
        shown.voucher.epoch = uint64(entry.epoch);
        // Now and then more than there is.
        shown.voucher.cumulative = uint128(entry.claimed + bound(more, 0, entry.deposit));
        if (same && entry.promises.length > 0) {
            Claim storage last = entry.promises[entry.promises.length - 1];
            if (last.voucher.epoch == entry.epoch) {
                shown.voucher.cumulative = last.voucher.cumulative;
                reached["secondAnchor"]++;
            }
        }
        shown.word = keccak256(abi.encode("word", ++_salt));
        shown.ticks = uint32(ticks % TICKS);
        shown.voucher.anchor = shown.word;
        for (uint256 i = 0; i < shown.ticks; ++i) {
            shown.voucher.anchor = keccak256(abi.encode(shown.voucher.anchor));
        }
        shown.voucher.tickPrice = uint64(bound(price, 0, 1e6));
        shown.voucher.maxTicks = uint32(TICKS);
        bytes32 id = channels.hashChannel(shown.channel);
        shown.signature = sign(SIGNER_KEY, channels.hashVoucher(id, shown.voucher));
        entry.promises.push(shown);
        uint256 worth = _worth(shown);
        if (worth > entry.best) entry.best = worth;
    }

    /// @notice Shows any voucher that was ever signed for it.
    function claim(uint256 index, uint256 which, bool alter) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        if (entry.promises.length == 0) return;
        Claim[] memory claims = new Claim[](1);
        claims[0] = entry.promises[which % entry.promises.length];
        if (alter) {
            claims[0].voucher.cumulative += 1;
            assertTrue(!_try(owner, abi.encodeCall(channels.claim, (claims))), "altered");
            reached["altered"]++;
            return;
        }
        bool current = entry.deposit > 0 && claims[0].voucher.epoch == entry.epoch;
        uint256 gain = current ? _gain(entry, claims[0]) : 0;
        bool done = _try(owner, abi.encodeCall(channels.claim, (claims)));
        assertTrue(done == (gain > 0), "4. an old voucher, or one that brings nothing, was paid");
        if (!current) reached["oldVoucherRefused"]++;
        else if (gain == 0) reached["nothingNew"]++;
        if (!done) return;
        if (claims[0].ticks > 0) reached["claimedTicks"]++;
        _book(entry, gain);
    }

    /// @notice The last voucher of every open channel in one list.
    function claimAll() external watched {
        Claim[] memory claims = new Claim[](CHANNELS);
        uint256 count;
        uint256 gains;
        for (uint256 i = 0; i < CHANNELS; ++i) {
            Entry storage entry = _entries[i];
            uint256 length = entry.promises.length;
            if (entry.deposit == 0 || length == 0) continue;
            if (entry.promises[length - 1].voucher.epoch != entry.epoch) continue;
            claims[count] = entry.promises[length - 1];
            gains += _gain(entry, claims[count++]);
        }
        assembly ("memory-safe") {
            mstore(claims, count)
        }
        bool done = _try(owner, abi.encodeCall(channels.claim, (claims)));
        assertTrue(done == (gains > 0), "a list and what it brings");
        if (!done) return;
        for (uint256 i = 0; i < count; ++i) {
            Entry storage entry = _entries[uint256(claims[i].channel.salt)];
            uint256 gain = _gain(entry, claims[i]);
            if (gain > 0 && claims[i].ticks > 0) reached["claimedTicks"]++;
            _book(entry, gain);
        }
        if (count > 1) reached["batches"]++;
    }

    function close(uint256 index, bool bySignature) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        if (entry.deposit == 0) return;
        Claim memory last = _last(entry);
        uint256 gain = last.signature.length == 0 ? 0 : _gain(entry, last);
        bool toAsset = entry.channel.asset != 0;
        address closer = toAsset ? assets.operatorOf(asset) : owner;
        if (!bySignature) {
            assertTrue(!_try(buyer, abi.encodeCall(channels.close, (last))), "closed by the payer");
            assertTrue(_try(closer, abi.encodeCall(channels.close, (last))), "closes");
        } else {
            bytes32 id = channels.hashChannel(entry.channel);
            uint40 deadline = uint40(block.timestamp);
            uint128 agreed = uint128(entry.claimed + gain);
            bytes32 digest = channels.hashClose(id, uint64(entry.epoch), agreed, deadline);
            uint256 key = !toAsset ? OWNER_KEY : closer == operator ? OPERATOR_KEY : DEVICE_KEY;
            bytes memory signature = sign(key, digest);
            bytes memory data = abi.encodeCall(channels.closeFor, (last, deadline, signature));
            assertTrue(_try(buyer, data), "closes for");
            reached["closedFor"]++;
        }
        if (gain > 0) _book(entry, gain);
        _end(entry);
        reached["closed"]++;
    }

    function requestClose(uint256 index, bool bySigner) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        bytes memory data = abi.encodeCall(channels.requestClose, (entry.channel));
        bool done = _try(bySigner ? signer : buyer, data);
        assertTrue(done == (entry.deposit > 0 && entry.closesAt == 0), "request and the state");
        if (done) entry.closesAt = block.timestamp + entry.channel.closeDelay;
    }

    /// @notice Before the end is final the payee may show its best voucher, and is paid all of it.
    function finalize(uint256 index, bool claimsFirst) external watched {
        Entry storage entry = _entries[index % CHANNELS];
        if (claimsFirst && entry.deposit > 0 && entry.closesAt != 0) _claimBest(entry);
        bytes memory data = abi.encodeCall(channels.finalizeClose, (entry.channel));
        bool done = _try(device, data);
        bool due = entry.deposit > 0 && entry.closesAt != 0 && block.timestamp >= entry.closesAt;
        assertTrue(done == due, "finalize and the time");
        if (!done) {
            if (entry.closesAt != 0) reached["earlyRefused"]++;
            return;
        }
        _end(entry);
        reached["finalized"]++;
    }

    function changeOperator(uint256 dice) external watched {
        if (dice % 8 != 0) return;
        address next = assets.operatorOf(asset) == operator ? device : operator;
        vm.prank(owner);
        assets.setOperator(asset, next);
        reached["operatorChanged"]++;
    }

    function wait(uint256 time) external watched {
        vm.warp(block.timestamp + (time % 3 == 0 ? time % 200_000 : time % 50));
    }

    // ------------------------------------------------------------------ what the invariants look at

    function channelCount() external pure returns (uint256) {
        return CHANNELS;
    }

    function entryOf(uint256 index)
        external
        view
        returns (uint256 deposit, uint256 claimed, uint256 best, uint256 epoch, uint256 closesAt)
    {
        Entry storage entry = _entries[index];
        return (entry.deposit, entry.claimed, entry.best, entry.epoch, entry.closesAt);
    }

    function stateOf(uint256 index) public view returns (ChannelState memory) {
        return channels.get(channels.hashChannel(_entries[index].channel));
    }

    function locked() external view returns (uint256) {
        return balanceOf(address(channels));
    }

    function payersMoney() external view returns (uint256) {
        return balanceOf(buyer);
    }

    /// @dev Accounts are paid by the channels, the asset's till, and nobody else: fee, costs and owner of what is settled.
    function payeesMoney() external view returns (uint256) {
        (, uint128 revenue) = till.bucketOf(asset);
        return balanceOf(owner) + balanceOf(admin) + revenue;
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    // ------------------------------------------------------------------ helpers

    function _book(Entry storage entry, uint256 gain) private {
        if (gain == 0) return;
        entry.claimed += gain;
        if (entry.channel.asset == 0) paidToAccount += gain;
        else paidToAsset += gain;
        reached["claimed"]++;
        if (entry.claimed == entry.deposit) reached["claimedAll"]++;
        if (entry.closesAt != 0) reached["claimedInDelay"]++;
    }

    function _claimBest(Entry storage entry) private {
        Claim[] memory claims = new Claim[](1);
        uint256 most;
        for (uint256 i = 0; i < entry.promises.length; ++i) {
            Claim memory kept = entry.promises[i];
            if (kept.voucher.epoch != entry.epoch || _worth(kept) < most) continue;
            most = _worth(kept);
            claims[0] = kept;
        }
        uint256 gain = most == 0 ? 0 : _gain(entry, claims[0]);
        if (gain == 0) return;
        assertTrue(_try(device, abi.encodeCall(channels.claim, (claims))), "claims in the delay");
        _book(entry, gain);
        assertEq(
            entry.claimed,
            most < entry.deposit ? most : entry.deposit,
            "5. the payee lost what it held a voucher for"
        );
    }

    function _end(Entry storage entry) private {
        paidBack += entry.deposit - entry.claimed;
        entry.epoch++;
        (entry.deposit, entry.claimed, entry.best, entry.closesAt) = (0, 0, 0, 0);
    }

    function _last(Entry storage entry) private view returns (Claim memory last) {
        uint256 length = entry.promises.length;
        if (length > 0 && entry.promises[length - 1].voucher.epoch == entry.epoch) {
            return entry.promises[length - 1];
        }
        last.channel = entry.channel;
    }

    function _gain(Entry storage entry, Claim memory shown) private view returns (uint256) {
        uint256 worth = _worth(shown);
        if (worth > entry.deposit) worth = entry.deposit;
        return worth > entry.claimed ? worth - entry.claimed : 0;
    }

    function _worth(Claim memory shown) private pure returns (uint256) {
        return shown.voucher.cumulative + uint256(shown.ticks) * shown.voucher.tickPrice;
    }

    function _try(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(channels).call(data);
    }
}
