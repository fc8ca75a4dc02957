// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentAccount} from "../../src/agents/AgentAccount.sol";
import {AgentAccounts} from "../../src/agents/AgentAccounts.sol";
import {
    Approval,
    Grant,
    IAgentAccount,
    Kind,
    Policy,
    Setup,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {Policies} from "../../src/agents/Policies.sol";
import {Channel, ChannelState, Claim} from "../../src/channels/IChannels.sol";
import {Lease, LeaseState, Offer} from "../../src/market/IMarket.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice Two hostile agents with policies in two currencies try whatever they can; owner and guardian change and stop. Keeps its own books of
/// every outflow.
contract AgentsHandler is Deployment {
    struct Outflow {
        uint256 time;
        uint256 amount;
    }

    uint128 public constant PER_PAYMENT = 50e6;
    uint128 public constant PER_PERIOD = 100e6;
    uint128 public constant PER_PEER = 60e6;
    uint128 public constant APPROVE_ABOVE = 40e6;
    uint32 public constant PERIOD = 1 days;
    uint40 public constant DELAY = 6 hours;
    uint256 private constant ASSET = 1 << 255;
    bytes32 private constant SERVICE = keccak256("service");
    uint256 private constant GUARDIAN_KEY = 0x60A4D;

    IAgentAccount public hub;
    address public account;
    address public immutable guardian = vm.addr(GUARDIAN_KEY);
    address[2] public agents = [vm.addr(0xA1), vm.addr(0xA2)];
    address[2] public currencies;
    address[3] public peers = [address(0xF1), address(0xF2), address(0xF3)];
    address public constant FLOAT = address(0xF10A7);

    address private immutable _campaign = msg.sender;
    uint256 private _asset;
    uint256 private _ref;
    bytes[] private _announced;
    Channel[] private _channels;
    bytes32[] private _leases;
    mapping(bytes32 id => bool) private _known;
    mapping(bytes32 line => uint256) public spentOf;
    mapping(bytes32 line => uint256) public grantedOf;
    mapping(bytes32 bucket => Outflow[]) private _outflows;
    mapping(bytes32 lease => address) private _agentOf;
    mapping(bytes32 line => uint256) public floated;

    string[] public reachNames = [
        "paid",
        "paidAsset",
        "refusedPayment",
        "approved",
        "unapprovedRefused",
        "channelOpened",
        "channelTopped",
        "channelClaimed",
        "channelClosed",
        "leaseOpened",
        "leaseStopped",
        "floatFilled",
        "paused",
        "pausedRefused",
        "unpaused",
        "announced",
        "tooEarlyRefused",
        "loosened",
        "vetoed",
        "tightened",
        "hostileRefused",
        "strangerRefused",
        "refReplayed",
        "periodFull",
        "released",
        "worstPlayed"
    ];
    mapping(string name => uint256) public reached;

    constructor() {
        deploy();
        currencies = [address(dollar), address(new TestDollar())];
        _asset = registerMachine();
        Policies policies = new Policies(till, channels, market);
        AgentAccounts factory = new AgentAccounts(till, channels, market, address(policies));
        Setup memory setup;
        (setup.guardian, setup.delay) = (guardian, DELAY);
        setup.grants = new Grant[](4);
        for (uint256 i = 0; i < 4; ++i) {
            Grant memory grant = setup.grants[i];
            (grant.agent, grant.currency) = (agents[i / 2], currencies[i % 2]);
            grant.policy = policyOf();
            grantedOf[lineOf(grant.agent, grant.currency)] = grant.policy.budget;
            grant.counterparties = new uint256[](3);
            (grant.counterparties[0], grant.counterparties[1]) =
            (uint160(peers[0]), uint160(peers[1]));
            grant.counterparties[2] = ASSET | _asset;
            grant.services = new bytes32[](2);
            (grant.services[0], grant.services[1]) = (SERVICE, keccak256("offer"));
        }
        account = factory.create(owner, setup, "campaign");
        hub = IAgentAccount(account);
        for (uint256 i = 0; i < 2; ++i) {
            TestDollar(currencies[i]).mint(address(this), 1e13);
            TestDollar(currencies[i]).approve(address(till), 1e13);
            till.deposit(currencies[i], account, 1e13);
        }
    }

    function policyOf() public pure returns (Policy memory) {
        return Policy({
            perPayment: PER_PAYMENT,
            perPeriod: PER_PERIOD,
            perCounterparty: PER_PEER,
            budget: 600e6,
            approveAbove: APPROVE_ABOVE,
            period: PERIOD,
            start: GENESIS,
            end: GENESIS + 3650 days,
            anyCounterparty: false,
            anyService: false,
            float: FLOAT,
            floatPerPeriod: 20e6
        });
    }

    // ------------------------------------------------------------------ agents

    function pay(uint256 who, uint256 what, uint256 whom, uint128 amount, uint8 trick) external {
        (address agent, address currency) = (agents[who % 2], currencies[what % 2]);
        Spend memory spend = Spend(currency, peers[whom % 3], 0, 0, SERVICE, ++_ref);
        if (whom % 4 == 3) (spend.to, spend.asset) = (address(0), _asset);
        spend.amount = uint128(amount % 4 == 0 ? 45e6 : bound(amount, 0, 55e6));
        if (trick % 8 == 1) spend.service = "other";
        if (trick % 8 == 2 && _ref > 1) spend.ref = 1 + amount % (_ref - 1);
        bool used = hub.isRefUsed(account, agent, spend.ref);
        Approval memory approval;
        bool approved = trick % 2 == 0;
        if (approved) approval = _approve(agent, Kind.Payment, spend, trick % 16 == 0);
        bool paused = hub.isPaused(account, agent);
        uint256 free = hub.budgetOf(account, agent, currency, _peerOf(spend)).period;
        bool done =
            _spend(agent, spend, abi.encodeCall(hub.pay, (account, spend, approval)), Kind.Payment);
        assertTrue(!done || !paused, "3. a paused agent paid");
        assertTrue(!done || (spend.to != peers[2] && spend.service == SERVICE), "3. off the lists");
        assertTrue(!done || !used, "4. a ref was used twice");
        assertTrue(!done || spend.amount <= APPROVE_ABOVE || approved, "5. paid without approval");
        if (used && !done) reached["refReplayed"]++;
        if (paused) reached["pausedRefused"]++;
        if (!done && spend.amount > free) reached["periodFull"]++;
        if (done) reached[spend.asset == 0 ? "paid" : "paidAsset"]++;
        else reached["refusedPayment"]++;
        if (done && spend.amount > APPROVE_ABOVE) reached["approved"]++;
        if (!done && spend.amount > APPROVE_ABOVE && !approved) reached["unapprovedRefused"]++;
    }

    function fundChannel(uint256 who, uint256 what, uint256 whom, uint128 amount) external {
        (address agent, address currency) = (agents[who % 2], currencies[what % 2]);
        Channel memory channel =
            Channel(account, agent, peers[whom % 2], 0, currency, 900, bytes32(0));
        Spend memory spend =
            Spend(currency, channel.payee, 0, uint128(bound(amount, 1, 40e6)), SERVICE, ++_ref);
        bytes32 id = channels.hashChannel(channel);
        bool isOpen = channels.get(id).deposit > 0;
        Approval memory none;
        bytes memory call = abi.encodeCall(
            hub.fundChannel, (account, channel, spend.amount, SERVICE, spend.ref, none)
        );
        if (!_spend(agent, spend, call, Kind.Channel)) return;
        if (!_known[id]) {
            _known[id] = true;
            _channels.push(channel);
        }
        reached[isOpen ? "channelTopped" : "channelOpened"]++;
    }

    function openLease(uint256 who, uint128 price, uint40 duration) external {
        address agent = agents[who % 2];
        Offer memory offer = offerOf(_asset);
        offer.pricePerHour = uint128(bound(price, 1, 40e6));
        offer.nonce = ++_ref;
        duration = uint40(bound(duration, 60, 7_200));
        bytes32 lease = market.hashOffer(offer);
        uint128 amount = market.priceUp(offer.pricePerHour, duration);
        Spend memory spend = Spend(address(dollar), address(0), _asset, amount, offer.spec, _ref);
        Approval memory none;
        bytes memory call = abi.encodeCall(
            hub.openLease, (account, offer, sign(OPERATOR_KEY, lease), duration, _ref, none)
        );
        if (!_spend(agent, spend, call, Kind.Lease)) return;
        _leases.push(lease);
        vm.prank(device);
        market.start(lease);
        reached["leaseOpened"]++;
    }

    function fundFloat(uint256 who, uint256 what, uint128 amount) external {
        (address agent, address currency) = (agents[who % 2], currencies[what % 2]);
        amount = uint128(bound(amount, 1, 21e6));
        Spend memory spend = Spend(currency, FLOAT, 0, amount, 0, ++_ref);
        Approval memory none;
        bytes memory call = abi.encodeCall(hub.fundFloat, (account, currency, amount, _ref, none));
        if (_spend(agent, spend, call, Kind.Float)) reached["floatFilled"]++;
    }

    // ------------------------------------------------------------------ the world

    function claim(uint256 index, uint128 amount) external {
        if (_channels.length == 0) return;
        Channel memory channel = _channels[index % _channels.length];
        bytes32 id = channels.hashChannel(channel);
        ChannelState memory state = channels.get(id);
        if (state.deposit == state.claimed) return;
        Claim[] memory claims = new Claim[](1);
        claims[0].channel = channel;
        claims[0].voucher.epoch = state.epoch;
        claims[0].voucher.cumulative = uint128(bound(amount, state.claimed + 1, state.deposit));
        uint256 key = channel.signer == agents[0] ? 0xA1 : 0xA2;
        claims[0].signature = sign(key, channels.hashVoucher(id, claims[0].voucher));
        channels.claim(claims);
        reached["channelClaimed"]++;
    }

    function close(uint256 index) external {
        if (_channels.length == 0) return;
        Channel memory channel = _channels[index % _channels.length];
        bytes32 id = channels.hashChannel(channel);
        if (channels.get(id).deposit == 0) return;
        if (channels.get(id).closesAt == 0) {
            vm.prank(channel.signer);
            channels.requestClose(channel);
            return;
        }
        vm.warp(block.timestamp + 900);
        channels.finalizeClose(channel);
        reached["channelClosed"]++;
        if (index % 2 == 0) return;
        Channel[] memory list = new Channel[](1);
        list[0] = channel;
        hub.release(account, channel.signer, list, new bytes32[](0));
        reached["released"]++;
    }

    function stopLease(uint256 index) external {
        if (_leases.length == 0) return;
        bytes32 lease = _leases[index % _leases.length];
        Lease memory seen = market.get(lease);
        if (seen.state == LeaseState.Running && block.timestamp < seen.endsAt) {
            vm.prank(guardian);
            hub.stopLease(account, lease);
            reached["leaseStopped"]++;
        } else if (seen.state != LeaseState.Settled) {
            market.settle(lease);
        }
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + time % 12 hours);
    }

    // ------------------------------------------------------------------ owner, guardian

    function pause(uint256 who) external {
        // Not as often as not: a paused agent does little.
        if (who % 4 != 0) return;
        vm.prank(who % 3 == 0 ? owner : guardian);
        hub.pause(account, agents[who / 4 % 2]);
        reached["paused"]++;
    }

    function unpause(uint256 who) external {
        vm.prank(owner);
        hub.unpause(account, agents[who % 2]);
        reached["unpaused"]++;
    }

    /// @dev Loosens nothing but the budget, so that the other limits can be compared with one number.
    function announce(uint256 who, uint256 what) external {
        (address agent, address currency) = (agents[who % 2], currencies[what % 2]);
        bytes memory call = abi.encodeCall(hub.setPolicy, (account, agent, currency, policyOf()));
        vm.prank(owner);
        hub.announce(account, call);
        _announced.push(call);
        reached["announced"]++;
    }

    function apply_(uint256 index) external {
        if (_announced.length == 0) return;
        bytes memory call = _announced[index % _announced.length];
        uint256 ready = hub.readyAt(account, keccak256(call));
        (address agent, address currency) = _lineIn(call);
        uint256 left = hub.policyOf(account, agent, currency).budget;
        vm.prank(owner);
        (bool done,) = account.call(call);
        bool may = ready != 0 && block.timestamp >= ready && block.timestamp <= ready + 14 days;
        assertTrue(done == may, "6. loosened when it may not, or refused when it may");
        if (done) {
            grantedOf[lineOf(agent, currency)] += 600e6 - left;
            reached["loosened"]++;
        } else if (ready != 0 && block.timestamp < ready) {
            reached["tooEarlyRefused"]++;
        }
    }

    function veto(uint256 index) external {
        if (_announced.length == 0) return;
        bytes32 id = keccak256(_announced[index % _announced.length]);
        if (index % 3 != 0 || hub.readyAt(account, id) == 0) return;
        vm.prank(guardian);
        hub.veto(account, id);
        reached["vetoed"]++;
    }

    function tighten(uint256 who, uint256 what, uint128 budget) external {
        (address agent, address currency) = (agents[who % 2], currencies[what % 2]);
        Policy memory policy = policyOf();
        policy.budget = uint128(bound(budget, 100e6, 900e6));
        uint256 left = hub.policyOf(account, agent, currency).budget;
        vm.prank(owner);
        hub.tighten(account, agent, currency, policy);
        uint256 later = hub.policyOf(account, agent, currency).budget;
        assertLe(later, left, "6. tightening raised the budget");
        grantedOf[lineOf(agent, currency)] -= left - later;
        reached["tightened"]++;
    }

    // ------------------------------------------------------------------ hostile

    /// @dev Whatever an agent or a stranger tries of what is the owner's or the guardian's is refused and changes nothing.
    function attack(uint256 who, uint8 how, uint128 amount) external {
        address attacker = who % 3 == 2 ? address(0x57A) : agents[who % 3];
        address friend = agents[(who % 2 + 1) % 2];
        Policy memory policy = policyOf();
        policy.perPeriod = amount;
        bytes memory call;
        uint256 kind = how % 12;
        bytes memory take = abi.encodeCall(till.transfer, (attacker, dollarId, 1));
        if (kind == 0) {
            call = abi.encodeCall(hub.setPolicy, (account, attacker, currencies[0], policy));
        } else if (kind == 1) {
            call = abi.encodeCall(hub.setGuardian, (account, attacker));
        } else if (kind == 2) {
            call = abi.encodeCall(hub.setDelay, (account, 0));
        } else if (kind == 3) {
            call = abi.encodeCall(hub.unpause, (account, attacker));
        } else if (kind == 4) {
            call = abi.encodeCall(hub.pause, (account, friend));
        } else if (kind == 5) {
            call = abi.encodeCall(AgentAccount(account).execute, (address(till), take));
        } else if (kind == 6) {
            call = abi.encodeCall(AgentAccount(account).offerOwner, (attacker));
        } else if (kind == 7) {
            call = abi.encodeCall(AgentAccount(account).acceptOwner, ());
        } else if (kind == 8) {
            Setup memory setup;
            call = abi.encodeCall(AgentAccount(account).initialize, (attacker, setup));
        } else if (kind == 9) {
            Setup memory setup;
            call = abi.encodeCall(hub.setUp, (account, setup));
        } else if (kind == 10) {
            call = abi.encodeCall(hub.cancelRef, (account, friend, amount));
        } else {
            call = abi.encodeCall(hub.announce, (account, call));
        }
        vm.prank(attacker);
        (bool done,) = account.call(call);
        assertTrue(!done, "10. an agent did what is the owner's");
        // Nor is there an allowance to use.
        vm.prank(attacker);
        (done,) =
            address(till).call(abi.encodeCall(till.transferFrom, (account, attacker, dollarId, 1)));
        assertTrue(!done, "7. an allowance was left");
        reached[who % 3 == 2 ? "strangerRefused" : "hostileRefused"]++;
    }

    // ------------------------------------------------------------------ what the invariants look at

    function lineOf(address agent, address currency) public pure returns (bytes32) {
        return keccak256(abi.encode(agent, currency));
    }

    /// @notice The most that left a line's bucket within any span of one period: at most twice the capacity.
    function checkBuckets(address agent, address currency) external view {
        bytes32 line = lineOf(agent, currency);
        _checkSpans(_outflows[line], PER_PERIOD, "1. more than the period allows");
        for (uint256 i = 0; i < 2; ++i) {
            _checkSpans(
                _outflows[keccak256(abi.encode(line, uint256(uint160(peers[i]))))],
                PER_PEER,
                "1. more than a counterparty may have"
            );
        }
    }

    /// @notice What could still be lost through `agent` if it were paused now: the truth, from the chain's books.
    function atRisk(address agent, address currency) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _channels.length; ++i) {
            if (_channels[i].signer != agent || _channels[i].currency != currency) continue;
            ChannelState memory state = channels.get(channels.hashChannel(_channels[i]));
            sum += state.deposit - state.claimed;
        }
        for (uint256 i = 0; i < _leases.length && currency == address(dollar); ++i) {
            if (_agentOf[_leases[i]] != agent) continue;
            Lease memory seen = market.get(_leases[i]);
            if (seen.state != LeaseState.Running || block.timestamp >= seen.endsAt) continue;
            sum += seen.deposit
            - market.priceDown(seen.pricePerHour, uint40(block.timestamp) - seen.startedAt);
        }
        sum += floated[lineOf(agent, currency)];
    }

    /// @notice What the account has less when all goes as badly as it can after a pause, than when all is ended at once: both are
    /// played, from the same moment, and what is in the float is taken.
    function playWorst(address agent, address currency) external returns (uint256 lost) {
        // The campaign's own, at its end: a step like the others it would be the last that an agent sees.
        if (msg.sender != _campaign) return 0;
        vm.prank(guardian);
        hub.pause(account, agent);
        uint256 id = vm.snapshotState();
        uint256 best = _playBest(agent, currency);
        assertTrue(vm.revertToState(id), "back to the pause");
        for (uint256 i = 0; i < _channels.length; ++i) {
            if (_channels[i].signer == agent && _channels[i].currency == currency) {
                _claimAll(_channels[i]);
            }
        }
        for (uint256 i = 0; i < _leases.length; ++i) {
            Lease memory seen = market.get(_leases[i]);
            if (_agentOf[_leases[i]] != agent || seen.state == LeaseState.Settled) continue;
            if (block.timestamp < seen.endsAt) vm.warp(seen.endsAt);
            market.settle(_leases[i]);
        }
        lost = best - till.balanceOf(account, uint160(currency));
        uint256 taken = floated[lineOf(agent, currency)];
        uint256 held = TestDollar(currency).balanceOf(FLOAT);
        if (taken > held) taken = held;
        vm.prank(FLOAT);
        TestDollar(currency).transfer(address(0x57A), taken);
        lost += taken;
        if (lost > taken) reached["worstPlayed"]++;
    }

    /// @notice The agent's channels and leases, in order of their ids.
    function listed(address agent)
        external
        view
        returns (Channel[] memory list, bytes32[] memory leases)
    {
        uint256 count;
        Channel[] memory all = new Channel[](_channels.length);
        for (uint256 i = 0; i < _channels.length; ++i) {
            if (_channels[i].signer != agent) continue;
            uint256 j = count++;
            bytes32 id = channels.hashChannel(_channels[i]);
            for (; j > 0 && channels.hashChannel(all[j - 1]) > id; --j) {
                all[j] = all[j - 1];
            }
            all[j] = _channels[i];
        }
        list = new Channel[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = all[i];
        }
        count = 0;
        bytes32[] memory some = new bytes32[](_leases.length);
        for (uint256 i = 0; i < _leases.length; ++i) {
            if (_agentOf[_leases[i]] != agent) continue;
            uint256 j = count++;
            for (; j > 0 && some[j - 1] > _leases[i]; --j) {
                some[j] = some[j - 1];
            }
            some[j] = _leases[i];
        }
        leases = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leases[i] = some[i];
        }
    }

    function theOwner() external view returns (address) {
        return owner;
    }

    function reachCount() external view returns (uint256) {
        return reachNames.length;
    }

    // ------------------------------------------------------------------ internals

    /// @dev Ends leases at this second and channels without another voucher. What the account has then.
    function _playBest(address agent, address currency) private returns (uint256) {
        for (uint256 i = 0; i < _leases.length; ++i) {
            Lease memory seen = market.get(_leases[i]);
            if (_agentOf[_leases[i]] != agent || seen.state == LeaseState.Settled) continue;
            if (seen.state == LeaseState.Running && block.timestamp < seen.endsAt) {
                vm.prank(owner);
                hub.stopLease(account, _leases[i]);
            }
            if (market.get(_leases[i]).state != LeaseState.Settled) market.settle(_leases[i]);
        }
        for (uint256 i = 0; i < _channels.length; ++i) {
            Channel memory channel = _channels[i];
            ChannelState memory state = channels.get(channels.hashChannel(channel));
            if (channel.signer != agent || channel.currency != currency || state.deposit == 0) {
                continue;
            }
            if (state.closesAt == 0) {
                vm.prank(agent);
                channels.requestClose(channel);
            }
            vm.warp(block.timestamp + channel.closeDelay);
            channels.finalizeClose(channel);
        }
        return till.balanceOf(account, uint160(currency));
    }

    function _claimAll(Channel memory channel) private {
        bytes32 id = channels.hashChannel(channel);
        ChannelState memory state = channels.get(id);
        if (state.deposit == state.claimed) return;
        Claim[] memory claims = new Claim[](1);
        claims[0].channel = channel;
        claims[0].voucher.epoch = state.epoch;
        claims[0].voucher.cumulative = state.deposit;
        uint256 key = channel.signer == agents[0] ? 0xA1 : 0xA2;
        claims[0].signature = sign(key, channels.hashVoucher(id, claims[0].voucher));
        channels.claim(claims);
    }

    /// @dev Sends a spending and keeps what left. The delta is what was metered, or nothing.
    function _spend(address agent, Spend memory spend, bytes memory call, Kind kind)
        private
        returns (bool done)
    {
        uint256 id = uint160(spend.currency);
        uint256 before = till.balanceOf(account, id);
        uint256 budget = hub.policyOf(account, agent, spend.currency).budget;
        bytes memory result;
        vm.prank(agent);
        (done, result) = account.call(call);
        uint256 moved = before - till.balanceOf(account, id);
        assertEq(moved, done ? spend.amount : 0, "7. the delta is the metered amount");
        if (!done) return false;
        assertLe(spend.amount, PER_PAYMENT, "2. more than one payment may be");
        assertEq(hub.policyOf(account, agent, spend.currency).budget, budget - moved, "8. counted");
        bytes32 line = lineOf(agent, spend.currency);
        spentOf[line] += moved;
        _outflows[line].push(Outflow(block.timestamp, moved));
        if (kind == Kind.Float) {
            floated[line] += moved;
        } else {
            _outflows[keccak256(
                    abi.encode(line, _peerOf(spend))
                )].push(Outflow(block.timestamp, moved));
        }
        if (kind == Kind.Lease) _agentOf[abi.decode(result, (bytes32))] = agent;
    }

    function _checkSpans(Outflow[] storage flows, uint256 capacity, string memory what)
        private
        view
    {
        uint256 last = flows.length;
        if (last == 0) return;
        // Every span that ends now was checked when it ended: only those that end with the last outflow are new.
        uint256 sum;
        uint256 end = flows[last - 1].time;
        for (uint256 i = last; i > 0; --i) {
            sum += flows[i - 1].amount;
            uint256 span = end - flows[i - 1].time;
            assertLe(sum, capacity + capacity * span / PERIOD + 1, what);
        }
    }

    function _approve(address agent, Kind kind, Spend memory spend, bool onChain)
        private
        returns (Approval memory approval)
    {
        approval.expiry = uint40(block.timestamp) + 60;
        if (onChain) {
            vm.prank(owner);
            hub.approve(account, agent, kind, spend, approval.expiry);
            return approval;
        }
        approval.signature =
            sign(GUARDIAN_KEY, hub.hashApproval(account, agent, kind, spend, approval.expiry));
    }

    function _peerOf(Spend memory spend) private pure returns (uint256) {
        return spend.asset == 0 ? uint160(spend.to) : ASSET | spend.asset;
    }

    function _lineIn(bytes memory data) private pure returns (address agent, address currency) {
        assembly ("memory-safe") {
            agent := mload(add(data, 0x44))
            currency := mload(add(data, 0x64))
        }
    }
}
