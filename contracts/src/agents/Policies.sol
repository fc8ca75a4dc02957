// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Channel, ChannelState, IChannels} from "../channels/IChannels.sol";
import {IMarket, Lease, LeaseState} from "../market/IMarket.sol";
import {ITill} from "../till/ITill.sol";
import {Books, Config, FloatPurse, Funding, Hire, Life, Limits, Line, Peer} from "./Book.sol";
import {Common} from "./Common.sol";
import {Budget, Grant, IAgentPolicies, Kind, Policy, Setup, Spend} from "./IAgentAccount.sol";
import {Meter} from "./Meter.sol";

/// @title What agents may do, and who may change it
/// @dev The side of the owner and the guardian: what is done seldom. The three forms run it by delegatecall, as a part of themselves that
/// never changes; a contract would be too large with both sides. Nothing here moves money, and the books of this contract itself are empty.
contract Policies is Common, IAgentPolicies {
    uint40 public constant MAX_DELAY = 30 days;
    /// @notice Seconds in which a change can be made once it is ready.
    uint40 public constant APPLY_WINDOW = 14 days;
    modifier onlyOwner(address account) {
        _requireOwner(account);
        _;
    }

    /// @dev A change that loosens was announced word for word: the hash is that of the call itself.
    modifier announced(address account) {
        _apply(account);
        _;
    }

    constructor(ITill till_, IChannels channels_, IMarket market_)
        Common(till_, channels_, market_)
    {}

    // ------------------------------------------------------------------ set up

    /// @inheritdoc IAgentPolicies
    function setUp(address account, Setup calldata setup) external {
        require(msg.sender == account, NotAccountOwner(account, msg.sender));
        _setUp(account, setup);
    }

    // ------------------------------------------------------------------ announce, veto

    /// @inheritdoc IAgentPolicies
    function announce(address account, bytes calldata call)
        external
        onlyOwner(account)
        returns (bytes32 change, uint40 ready)
    {
        change = keccak256(call);
        ready = uint40(block.timestamp) + Books.load(account).config.delay;
        _life(account).announced[change] = ready;
        emit Announced(account, change, ready, call);
    }

    /// @inheritdoc IAgentPolicies
    function veto(address account, bytes32 change) external onlyGuard(account) {
        require(readyAt(account, change) != 0, ChangeUnannounced(account, change));
        delete _life(account).announced[change];
        emit Vetoed(account, change, msg.sender);
    }

    // ------------------------------------------------------------------ policies, lists

    /// @inheritdoc IAgentPolicies
    function setPolicy(address account, address agent, address currency, Policy calldata policy)
        external
        onlyOwner(account)
        announced(account)
    {
        _setPolicy(account, agent, currency, policy);
    }

    /// @inheritdoc IAgentPolicies
    function tighten(address account, address agent, address currency, Policy calldata policy)
        external
        onlyOwner(account)
    {
        Policy memory now_ = policyOf(account, agent, currency);
        require(now_.period != 0, PolicyUnknown(account, agent, currency));
        now_.perPayment = _lower(now_.perPayment, policy.perPayment);
        now_.perPeriod = _lower(now_.perPeriod, policy.perPeriod);
        now_.perCounterparty = _lower(now_.perCounterparty, policy.perCounterparty);
        now_.budget = _lower(now_.budget, policy.budget);
        now_.approveAbove = _lower(now_.approveAbove, policy.approveAbove);
        // A longer period leaks slower.
        if (policy.period > now_.period) now_.period = policy.period;
        if (policy.start > now_.start) now_.start = policy.start;
        if (policy.end < now_.end) now_.end = policy.end;
        now_.anyCounterparty = now_.anyCounterparty && policy.anyCounterparty;
        now_.anyService = now_.anyService && policy.anyService;
        if (policy.float != now_.float) now_.float = address(0);
        now_.floatPerPeriod = _lower(now_.floatPerPeriod, policy.floatPerPeriod);
        _setPolicy(account, agent, currency, now_);
    }

    /// @inheritdoc IAgentPolicies
    function allow(
        address account,
        address agent,
        address currency,
        uint256[] calldata counterparties,
        bytes32[] calldata services
    ) external onlyOwner(account) announced(account) {
        _list(account, agent, currency, counterparties, services, true);
        emit Allowed(account, agent, currency, counterparties, services);
    }

    /// @inheritdoc IAgentPolicies
    function forbid(
        address account,
        address agent,
        address currency,
        uint256[] calldata counterparties,
        bytes32[] calldata services
    ) external onlyOwner(account) {
        _list(account, agent, currency, counterparties, services, false);
        emit Forbidden(account, agent, currency, counterparties, services);
    }

    // ------------------------------------------------------------------ guardian, delay, pause

    /// @inheritdoc IAgentPolicies
    function setGuardian(address account, address guardian) external onlyOwner(account) {
        Config storage config = Books.load(account).config;
        if (config.guardian != address(0)) _apply(account);
        config.guardian = guardian;
        emit GuardianChanged(account, guardian);
    }

    /// @inheritdoc IAgentPolicies
    function setDelay(address account, uint40 delay) external onlyOwner(account) {
        require(delay <= MAX_DELAY, DelayTooLong(delay, MAX_DELAY));
        Config storage config = Books.load(account).config;
        if (delay < config.delay) _apply(account);
        config.delay = delay;
        emit DelayChanged(account, delay);
    }

    /// @inheritdoc IAgentPolicies
    function unpause(address account, address agent) external onlyOwner(account) {
        _start(account, agent);
    }

    // ------------------------------------------------------------------ approvals

    /// @inheritdoc IAgentPolicies
    function approve(address account, address agent, Kind kind, Spend calldata spend, uint40 expiry)
        external
        onlyGuard(account)
        returns (bytes32 approval)
    {
        // An owner may have made a guardian of an agent, and then it would approve its own.
        require(msg.sender != agent, AgentInvalid(account, agent));
        approval = hashApproval(account, agent, kind, spend, expiry);
        _life(account).approved[approval] = true;
        emit Approved(account, agent, approval, spend.ref, msg.sender);
    }

    /// @inheritdoc IAgentPolicies
    function cancelRef(address account, address agent, uint256 ref) external onlyGuard(account) {
        _useRef(_agent(account, agent), agent, ref);
        emit RefCancelled(account, agent, ref, msg.sender);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IAgentPolicies
    function guardianOf(address account) external view returns (address) {
        return Books.load(account).config.guardian;
    }

    /// @inheritdoc IAgentPolicies
    function delayOf(address account) external view returns (uint40) {
        return Books.load(account).config.delay;
    }

    /// @inheritdoc IAgentPolicies
    function readyAt(address account, bytes32 change) public view returns (uint40) {
        return _life(account).announced[change];
    }

    /// @inheritdoc IAgentPolicies
    function isPaused(address account, address agent) external view returns (bool) {
        return _agent(account, agent).since == 0;
    }

    /// @inheritdoc IAgentPolicies
    function policyOf(address account, address agent, address currency)
        public
        view
        returns (Policy memory)
    {
        Line storage line = _agent(account, agent).lines[currency];
        Limits memory limits = line.limits;
        return Policy({
            perPayment: limits.perPayment,
            perPeriod: limits.perPeriod,
            perCounterparty: limits.perCounterparty,
            budget: line.purse.budget,
            approveAbove: limits.approveAbove,
            period: limits.period,
            start: limits.start,
            end: limits.end,
            anyCounterparty: limits.anyCounterparty,
            anyService: limits.anyService,
            float: line.float.wallet,
            floatPerPeriod: line.float.perPeriod
        });
    }

    /// @inheritdoc IAgentPolicies
    function isAllowed(address account, address agent, address currency, uint256 counterparty)
        external
        view
        returns (bool)
    {
        Line storage line = _agent(account, agent).lines[currency];
        return line.limits.anyCounterparty || line.peers[counterparty].allowed;
    }

    /// @inheritdoc IAgentPolicies
    function isServiceAllowed(address account, address agent, address currency, bytes32 service)
        external
        view
        returns (bool)
    {
        Line storage line = _agent(account, agent).lines[currency];
        return line.limits.anyService || line.services[service];
    }

    /// @inheritdoc IAgentPolicies
    function isRefUsed(address account, address agent, uint256 ref) external view returns (bool) {
        return _agent(account, agent).refs[ref >> 8] & (1 << (ref & 0xff)) != 0;
    }

    /// @inheritdoc IAgentPolicies
    function hashApproval(
        address account,
        address agent,
        Kind kind,
        Spend memory spend,
        uint40 expiry
    ) public view returns (bytes32) {
        return _hashApproval(account, agent, kind, spend, expiry);
    }

    /// @inheritdoc IAgentPolicies
    function release(
        address account,
        address agent,
        Channel[] calldata channels_,
        bytes32[] calldata leases
    ) external {
        for (uint256 i = 0; i < channels_.length; ++i) {
            _requireChannel(account, agent, channels_[i]);
            bytes32 id = IChannels(channels).hashChannel(channels_[i]);
            Funding storage funding = _life(account).fundings[id];
            uint128 amount = funding.amount;
            // A later epoch: what was funded in this one was paid or is back.
            if (amount == 0 || IChannels(channels).get(id).epoch == funding.epoch) continue;
            funding.amount = 0;
            _uncommit(account, agent, channels_[i].currency, id, amount);
        }
        for (uint256 i = 0; i < leases.length; ++i) {
            Hire storage hire = _life(account).hires[leases[i]];
            require(hire.agent == agent, LeaseForeign(leases[i], agent));
            uint128 amount = hire.amount;
            Lease memory seen = IMarket(market).get(leases[i]);
            if (amount == 0 || seen.state != LeaseState.Settled) continue;
            hire.amount = 0;
            _uncommit(account, agent, _assets.currencyOf(seen.asset), leases[i], amount);
        }
    }

    // ------------------------------------------------------------------ what is left, what can be lost

    /// @inheritdoc IAgentPolicies
    function budgetOf(address account, address agent, address currency, uint256 counterparty)
        external
        view
        returns (Budget memory budget)
    {
        Line storage line = _agent(account, agent).lines[currency];
        Limits memory limits = line.limits;
        Peer memory peer = line.peers[counterparty];
        budget.perPayment = limits.perPayment;
        budget.budget = line.purse.budget;
        budget.period = _left(line.purse.level, line.purse.since, limits.perPeriod, limits.period);
        budget.counterparty = _left(peer.level, peer.since, limits.perCounterparty, limits.period);
        budget.float =
            _left(line.float.level, line.float.since, line.float.perPeriod, limits.period);
        budget.spendable = _lower(
            _lower(budget.perPayment, budget.budget), _lower(budget.period, budget.counterparty)
        );
    }

    /// @inheritdoc IAgentPolicies
    function exposure(address account, address agent, address currency)
        public
        view
        returns (uint256)
    {
        Line storage line = _agent(account, agent).lines[currency];
        uint256 float = line.float.total;
        if (float > 0) {
            // Others may have put money there too; and what was spent from there is lost already.
            uint256 held = IERC20(currency).balanceOf(line.float.wallet);
            if (held < float) float = held;
        }
        return line.committed + float;
    }

    /// @inheritdoc IAgentPolicies
    function exposureOf(
        address account,
        address agent,
        address currency,
        Channel[] calldata channels_,
        bytes32[] calldata leases
    ) external view returns (uint256 most) {
        most = exposure(account, agent, currency);
        bytes32 previous;
        for (uint256 i = 0; i < channels_.length; ++i) {
            _requireChannel(account, agent, channels_[i]);
            bytes32 id = IChannels(channels).hashChannel(channels_[i]);
            require(id > previous, ChannelsUnsorted(previous, id));
            previous = id;
            if (channels_[i].currency != currency) continue;
            ChannelState memory state = IChannels(channels).get(id);
            // In this order it never falls below zero: what was funded is in the sum.
            most = most + state.deposit - state.claimed - _life(account).fundings[id].amount;
        }
        previous = 0;
        for (uint256 i = 0; i < leases.length; ++i) {
            bytes32 id = leases[i];
            require(id > previous, LeasesUnsorted(previous, id));
            previous = id;
            Hire memory hire = _life(account).hires[id];
            require(hire.agent == agent, LeaseForeign(id, agent));
            Lease memory seen = IMarket(market).get(id);
            if (hire.amount == 0 || _assets.currencyOf(seen.asset) != currency) continue;
            most = most + _ahead(seen) - hire.amount;
        }
    }

    // ------------------------------------------------------------------ internals

    function _requireOwner(address account) private view {
        require(msg.sender == ownerOf(account), NotAccountOwner(account, msg.sender));
    }

    /// @dev What was granted with the setup waits for nothing: there was no account yet that it could loosen.
    function _setUp(address account, Setup memory setup) internal {
        Config storage config = Books.load(account).config;
        require(!config.ready, AccountKnown(account));
        require(setup.delay <= MAX_DELAY, DelayTooLong(setup.delay, MAX_DELAY));
        (config.guardian, config.delay, config.ready) = (setup.guardian, setup.delay, true);
        emit SetUp(account, setup.guardian, setup.delay);
        for (uint256 i = 0; i < setup.grants.length; ++i) {
            Grant memory grant = setup.grants[i];
            (address agent, address currency) = (grant.agent, grant.currency);
            _setPolicy(account, agent, currency, grant.policy);
            _list(account, agent, currency, grant.counterparties, grant.services, true);
            emit Allowed(account, agent, currency, grant.counterparties, grant.services);
            _start(account, agent);
        }
    }

    function _setPolicy(address account, address agent, address currency, Policy memory policy)
        private
    {
        _requireAgent(account, agent);
        require(policy.period > 0, PeriodInvalid(policy.period));
        Line storage line = _agent(account, agent).lines[currency];
        line.limits = Limits({
            perPayment: _limit(policy.perPayment),
            perPeriod: _limit(policy.perPeriod),
            start: policy.start,
            end: policy.end,
            perCounterparty: _limit(policy.perCounterparty),
            approveAbove: _limit(policy.approveAbove),
            period: policy.period,
            anyCounterparty: policy.anyCounterparty,
            anyService: policy.anyService
        });
        // What the bucket holds stays: new numbers never forget an outflow.
        line.purse.budget = _limit(policy.budget);
        FloatPurse storage float = line.float;
        uint88 floatPerPeriod = _limit(policy.floatPerPeriod);
        if (float.wallet != policy.float || float.perPeriod != floatPerPeriod) {
            (float.wallet, float.perPeriod) = (policy.float, floatPerPeriod);
        }
        emit PolicyChanged(account, agent, currency, policy);
    }

    function _list(
        address account,
        address agent,
        address currency,
        uint256[] memory counterparties,
        bytes32[] memory services,
        bool allowed
    ) private {
        Line storage line = _agent(account, agent).lines[currency];
        for (uint256 i = 0; i < counterparties.length; ++i) {
            line.peers[counterparties[i]].allowed = allowed;
        }
        for (uint256 i = 0; i < services.length; ++i) {
            line.services[services[i]] = allowed;
        }
    }

    function _start(address account, address agent) private {
        _requireAgent(account, agent);
        _agent(account, agent).since = uint40(block.timestamp);
        emit Unpaused(account, agent);
    }

    /// @dev Uses what was announced as this very call.
    function _apply(address account) private {
        bytes32 change = keccak256(msg.data);
        Life storage life = _life(account);
        uint40 ready = life.announced[change];
        require(ready != 0, ChangeUnannounced(account, change));
        require(block.timestamp >= ready, ChangeTooEarly(account, change, ready));
        uint40 until = ready + APPLY_WINDOW;
        require(block.timestamp <= until, ChangeExpired(account, change, until));
        delete life.announced[change];
        emit Applied(account, change);
    }

    function _requireAgent(address account, address agent) private view {
        require(
            agent != address(0) && agent != account && agent != ownerOf(account),
            AgentInvalid(account, agent)
        );
    }

    function _limit(uint128 limit) private pure returns (uint88) {
        require(limit <= type(uint88).max, LimitTooHigh(limit, type(uint88).max));
        return uint88(limit);
    }

    /// @dev What a lease can still earn.
    function _ahead(Lease memory lease) private view returns (uint256) {
        if (lease.state == LeaseState.Open) return lease.deposit;
        if (lease.state != LeaseState.Running || block.timestamp >= lease.endsAt) return 0;
        uint40 used = uint40(block.timestamp) - lease.startedAt;
        return lease.deposit - IMarket(market).priceDown(lease.pricePerHour, used);
    }

    function _left(uint88 level, uint40 since, uint88 capacity, uint32 period)
        private
        view
        returns (uint128)
    {
        (uint256 now_,) = Meter.leakDown(level, since, capacity, period, block.timestamp);
        return Meter.left(now_, capacity);
    }

    function _lower(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }
}
