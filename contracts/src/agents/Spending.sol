// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {Signatures} from "../Signatures.sol";
import {Channel, ChannelState, IChannels} from "../channels/IChannels.sol";
import {IMarket, Lease, Offer} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Agent, Books, FloatPurse, Funding, Hire, Limits, Line, Peer, Purse} from "./Book.sol";
import {Common} from "./Common.sol";
import {Approval, IAgentSpending, Kind, Spend} from "./IAgentAccount.sol";
import {Meter} from "./Meter.sol";

/// @title How an agent spends
/// @dev Bounds: a spending is below 2^88. Roundings: a bucket leaks less than one unit too little.
/// Trust: the till, the channels and the market, to move what they are asked to move; after each call more than what was metered must not
/// have left. The agent is trusted with nothing: it names no target and no data, and leaves no allowance. Currencies can only harm their own
/// accounts. Counters move before the money does. When a call fails the whole spending fails, its ref unused.
/// The till operators of an account are the channels and the market. The channels move its money by its own call or its signature, the market by
/// its own call or, for a bond, by the signature of an operator: an account of its own signs nothing (ERC-1271 is refused), the other two forms
/// only what their owner signed.
abstract contract Spending is Common, IAgentSpending {
    /// @notice The other side of this account (`Policies`).
    address public immutable policies;

    constructor(ITill till_, IChannels channels_, IMarket market_, address policies_)
        Common(till_, channels_, market_)
    {
        policies = policies_;
    }

    /// @dev What stands in `IAgentPolicies`.
    fallback() external {
        _delegate(msg.data);
    }

    // ------------------------------------------------------------------ the agent's

    /// @inheritdoc IAgentSpending
    function pay(address account, Spend calldata spend, Approval calldata approval) external {
        _meter(account, Kind.Payment, spend, approval);
        uint256 before = _balance(account, spend.currency);
        if (spend.asset == 0) {
            bytes memory call = abi.encodeCall(
                IERC6909.transfer, (spend.to, uint160(spend.currency), spend.amount)
            );
            _call(account, till, call);
        } else {
            bytes memory call = abi.encodeCall(ITill.pay, (spend.asset, spend.amount));
            uint256 id = abi.decode(_call(account, till, call), (uint256));
            // Or a generous policy in a worthless currency would pay in another.
            require(
                id == uint160(spend.currency),
                AssetCurrencyInvalid(spend.asset, spend.currency, address(uint160(id)))
            );
        }
        _requireMetered(account, spend.currency, before, spend.amount);
    }

    /// @inheritdoc IAgentSpending
    function fundChannel(
        address account,
        Channel calldata channel,
        uint128 amount,
        bytes32 service,
        uint256 ref,
        Approval calldata approval
    ) external returns (bytes32 id) {
        _requireChannel(account, msg.sender, channel);
        address currency = channel.currency;
        Spend memory spend = Spend(currency, channel.payee, channel.asset, amount, service, ref);
        _meter(account, Kind.Channel, spend, approval);
        id = IChannels(channels).hashChannel(channel);
        ChannelState memory state = IChannels(channels).get(id);
        _fund(account, currency, id, state.epoch, amount);
        uint256 before = _balance(account, currency);
        _call(
            account,
            channels,
            state.deposit == 0
                ? abi.encodeCall(IChannels.open, (channel, amount))
                : abi.encodeCall(IChannels.topUp, (channel, amount))
        );
        _requireMetered(account, currency, before, amount);
    }

    /// @inheritdoc IAgentSpending
    function openLease(
        address account,
        Offer calldata offer,
        bytes calldata signature,
        uint40 duration,
        uint256 ref,
        Approval calldata approval
    ) external returns (bytes32 lease) {
        Spend memory spend;
        spend.currency = _assets.currencyOf(offer.asset);
        spend.asset = offer.asset;
        spend.amount = IMarket(market).priceUp(offer.pricePerHour, duration);
        spend.service = offer.spec;
        spend.ref = ref;
        _meter(account, Kind.Lease, spend, approval);
        lease = IMarket(market).hashOffer(offer);
        _hire(account, spend.currency, lease, spend.amount);
        uint256 before = _balance(account, spend.currency);
        _call(account, market, abi.encodeCall(IMarket.open, (offer, signature, duration)));
        // Not even a bond: an operator may be made of anyone.
        _requireMetered(account, spend.currency, before, spend.amount);
    }

    /// @inheritdoc IAgentSpending
    function extendLease(
        address account,
        bytes32 lease,
        uint40 added,
        uint256 ref,
        Approval calldata approval
    ) external {
        require(_life(account).hires[lease].agent == msg.sender, LeaseForeign(lease, msg.sender));
        Lease memory seen = IMarket(market).get(lease);
        Spend memory spend;
        spend.currency = _assets.currencyOf(seen.asset);
        spend.asset = seen.asset;
        spend.amount =
            IMarket(market).priceUp(seen.pricePerHour, seen.duration + added) - seen.deposit;
        spend.ref = ref;
        _meter(account, Kind.Lease, spend, approval);
        _hire(account, spend.currency, lease, spend.amount);
        uint256 before = _balance(account, spend.currency);
        _call(account, market, abi.encodeCall(IMarket.extend, (lease, added)));
        _requireMetered(account, spend.currency, before, spend.amount);
    }

    /// @inheritdoc IAgentSpending
    function fundFloat(
        address account,
        address currency,
        uint128 amount,
        uint256 ref,
        Approval calldata approval
    ) external {
        FloatPurse storage float = _agent(account, msg.sender).lines[currency].float;
        address wallet = float.wallet;
        require(wallet != address(0), FloatUnset(account, msg.sender, currency));
        _meter(account, Kind.Float, Spend(currency, wallet, 0, amount, 0, ref), approval);
        uint256 before = _balance(account, currency);
        _call(account, till, abi.encodeCall(ITill.withdraw, (currency, wallet, amount)));
        _requireMetered(account, currency, before, amount);
    }

    /// @inheritdoc IAgentSpending
    function stopLease(address account, bytes32 lease) external {
        address agent = _life(account).hires[lease].agent;
        require(
            agent != address(0)
                && (msg.sender == agent
                    || msg.sender == Books.load(account).config.guardian
                    || msg.sender == ownerOf(account)),
            LeaseForeign(lease, msg.sender)
        );
        _call(account, market, abi.encodeCall(IMarket.stop, (lease)));
    }

    // ------------------------------------------------------------------ stop

    /// @inheritdoc IAgentSpending
    function pause(address account, address agent) external onlyGuard(account) {
        _pause(account, agent);
    }

    /// @inheritdoc IAgentSpending
    function pauseAndClose(address account, address agent, Channel[] calldata channels_)
        external
        onlyGuard(account)
    {
        _pause(account, agent);
        _requestClose(account, agent, channels_);
    }

    /// @inheritdoc IAgentSpending
    function requestClose(address account, address agent, Channel[] calldata channels_) external {
        // An agent that never was has no channels either.
        require(_agent(account, agent).since == 0, AgentNotPaused(account, agent));
        _requestClose(account, agent, channels_);
    }

    // ------------------------------------------------------------------ metering

    /// @dev All that limits a spending, and then all that counts it. Nothing has left yet.
    function _meter(address account, Kind kind, Spend memory spend, Approval calldata approval)
        private
    {
        Agent storage agent = _agent(account, msg.sender);
        require(agent.since != 0, AgentPaused(account, msg.sender));
        Line storage line = agent.lines[spend.currency];
        Limits memory limits = line.limits;
        require(limits.period != 0, PolicyUnknown(account, msg.sender, spend.currency));
        require(block.timestamp >= limits.start, NotStarted(limits.start));
        require(block.timestamp < limits.end, Ended(limits.end));
        require(spend.amount > 0, AmountZero());
        require(spend.amount <= limits.perPayment, PaymentTooHigh(spend.amount, limits.perPayment));
        require(
            (spend.to == address(0)) == (spend.asset != 0),
            CounterpartyInvalid(spend.to, spend.asset)
        );
        uint256 counterparty = spend.asset == 0 ? uint160(spend.to) : ASSET | spend.asset;
        if (kind == Kind.Float) _meterFloat(line.float, limits, spend.amount);
        else _meterPeer(line, limits, counterparty, kind, spend);
        _useRef(agent, msg.sender, spend.ref);
        if (spend.amount > limits.approveAbove) {
            _requireApproval(account, kind, spend, limits.approveAbove, approval);
        }
        uint128 budget = _meterPurse(line.purse, limits, spend.amount);
        emit Spent(
            account,
            msg.sender,
            spend.currency,
            kind,
            counterparty,
            spend.amount,
            spend.service,
            spend.ref,
            budget
        );
    }

    function _meterPurse(Purse storage stored, Limits memory limits, uint128 amount)
        private
        returns (uint128)
    {
        Purse memory purse = stored;
        require(amount <= purse.budget, BudgetExceeded(amount, purse.budget));
        purse.budget -= amount;
        uint128 left;
        (purse.level, purse.since, left) =
            _fill(purse.level, purse.since, limits.perPeriod, limits.period, amount);
        require(amount <= left, PeriodExceeded(amount, left));
        (stored.budget, stored.level, stored.since) = (purse.budget, purse.level, purse.since);
        return purse.budget;
    }

    function _meterPeer(
        Line storage line,
        Limits memory limits,
        uint256 counterparty,
        Kind kind,
        Spend memory spend
    ) private {
        Peer storage stored = line.peers[counterparty];
        Peer memory peer = stored;
        require(limits.anyCounterparty || peer.allowed, CounterpartyNotAllowed(counterparty));
        // An extension names no service: the lease's was looked at when it was opened.
        if (!limits.anyService && !(kind == Kind.Lease && spend.service == 0)) {
            require(line.services[spend.service], ServiceNotAllowed(spend.service));
        }
        uint128 left;
        (peer.level, peer.since, left) =
            _fill(peer.level, peer.since, limits.perCounterparty, limits.period, spend.amount);
        require(spend.amount <= left, CounterpartyExceeded(counterparty, spend.amount, left));
        (stored.level, stored.since) = (peer.level, peer.since);
    }

    function _meterFloat(FloatPurse storage float, Limits memory limits, uint128 amount) private {
        uint128 left;
        (float.level, float.since, left) =
            _fill(float.level, float.since, float.perPeriod, limits.period, amount);
        require(amount <= left, FloatExceeded(amount, left));
        float.total += amount;
    }

    /// @dev Adds to a bucket; the caller refuses what is more than was left.
    function _fill(uint88 level, uint40 since, uint88 capacity, uint32 period, uint128 amount)
        private
        view
        returns (uint88, uint40, uint128 left)
    {
        uint256 now_;
        (now_, since) = Meter.leakDown(level, since, capacity, period, block.timestamp);
        left = Meter.left(now_, capacity);
        // Where it fits, it is at most the capacity.
        return (uint88(now_ + amount), since, left);
    }

    /// @dev The ref is bound into the approval and used once, so an approval is too.
    function _requireApproval(
        address account,
        Kind kind,
        Spend memory spend,
        uint128 approveAbove,
        Approval calldata approval
    ) private view {
        bytes32 digest = _hashApproval(account, msg.sender, kind, spend, approval.expiry);
        if (approval.signature.length == 0) {
            require(
                _life(account).approved[digest], ApprovalMissing(digest, spend.amount, approveAbove)
            );
        } else {
            require(
                _isBy(ownerOf(account), digest, approval)
                    || _isBy(Books.load(account).config.guardian, digest, approval),
                ApprovalInvalid(digest)
            );
        }
        require(block.timestamp <= approval.expiry, ApprovalExpired(digest, approval.expiry));
    }

    function _isBy(address signer, bytes32 digest, Approval calldata approval)
        private
        view
        returns (bool)
    {
        return signer != address(0) && signer != msg.sender
            && Signatures.isValid(signer, digest, approval.signature);
    }

    // ------------------------------------------------------------------ exposure

    function _fund(address account, address currency, bytes32 id, uint64 epoch, uint128 amount)
        private
    {
        Funding storage funding = _life(account).fundings[id];
        if (funding.epoch != epoch) {
            uint128 old = funding.amount;
            (funding.amount, funding.epoch) = (0, epoch);
            if (old > 0) _uncommit(account, msg.sender, currency, id, old);
        }
        funding.amount += amount;
        _agent(account, msg.sender).lines[currency].committed += amount;
    }

    function _hire(address account, address currency, bytes32 lease, uint128 amount) private {
        Hire storage hire = _life(account).hires[lease];
        hire.agent = msg.sender;
        // Spendings are below 2^88 each; a sum that did not fit would revert.
        hire.amount += uint96(amount);
        _agent(account, msg.sender).lines[currency].committed += amount;
    }

    // ------------------------------------------------------------------ internals

    function _pause(address account, address agent) private {
        delete _agent(account, agent).since;
        emit Paused(account, agent, msg.sender);
    }

    function _requestClose(address account, address agent, Channel[] calldata channels_) private {
        for (uint256 i = 0; i < channels_.length; ++i) {
            _requireChannel(account, agent, channels_[i]);
            bytes32 id = IChannels(channels).hashChannel(channels_[i]);
            ChannelState memory state = IChannels(channels).get(id);
            if (state.deposit == 0 || state.closesAt != 0) continue;
            _call(account, channels, abi.encodeCall(IChannels.requestClose, (channels_[i])));
        }
    }

    /// @dev An account that owns what it pays may get a part of it back in the same call; it never loses more.
    function _requireMetered(address account, address currency, uint256 before, uint128 amount)
        private
        view
    {
        uint256 later = _balance(account, currency);
        require(later + amount >= before, BalanceMoved(before, later, amount));
    }

    function _balance(address account, address currency) private view returns (uint256) {
        return IERC6909(till).balanceOf(account, uint160(currency));
    }

    /// @dev Calls as the account. Targets are the till, the channels and the market, and the data is this contract's.
    function _call(address account, address target, bytes memory data)
        internal
        virtual
        returns (bytes memory);

    /// @dev Runs the other side as a part of this one, and ends the call with its answer.
    function _delegate(bytes memory data) internal {
        (bool done, bytes memory result) = policies.delegatecall(data);
        assembly ("memory-safe") {
            if iszero(done) { revert(add(result, 0x20), mload(result)) }
            return(add(result, 0x20), mload(result))
        }
    }

    /// @dev As whoever runs this code.
    function _callSelf(address target, bytes memory data) internal returns (bytes memory) {
        (bool done, bytes memory result) = target.call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }
}
