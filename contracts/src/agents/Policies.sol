// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Signatures} from "../Signatures.sol";
import {Agent, Book, Books, Config, FloatPurse, Life, Limits, Line} from "./Book.sol";
import {Approval, Grant, IAgentAccount, Kind, Policy, Setup, Spend} from "./IAgentAccount.sol";

/// @title What agents may do, and who may change it
/// @dev The side of the owner and the guardian. Nothing here moves money.
abstract contract Policies is IAgentAccount, EIP712 {
    uint40 public constant MAX_DELAY = 30 days;
    /// @notice Seconds in which a change can be made once it is ready.
    uint40 public constant APPLY_WINDOW = 14 days;
    /// @dev The highest bit: no account has it, and no asset's id reaches it.
    uint256 internal constant ASSET = 1 << 255;

    bytes32 private constant APPROVAL_TYPEHASH = keccak256(
        "Approval(address account,address agent,uint8 kind,address currency,address to,uint256 asset,uint128 amount,bytes32 service,uint256 ref,uint40 expiry)"
    );

    modifier onlyOwner(address account) {
        require(msg.sender == ownerOf(account), NotOwner(account, msg.sender));
        _;
    }

    /// @dev The guardian first: one read less on its way to stop an agent.
    modifier onlyGuard(address account) {
        require(
            msg.sender == Books.of(account).config.guardian || msg.sender == ownerOf(account),
            NotOwnerOrGuardian(account, msg.sender)
        );
        _;
    }

    /// @dev A change that loosens was announced word for word: the hash is that of the call itself.
    modifier announced(address account) {
        _apply(account);
        _;
    }

    constructor() EIP712("Millrace Agents", "1") {}

    // ------------------------------------------------------------------ announce, veto

    /// @inheritdoc IAgentAccount
    function announce(address account, bytes calldata call)
        external
        onlyOwner(account)
        returns (bytes32 change, uint40 ready)
    {
        change = keccak256(call);
        ready = uint40(block.timestamp) + Books.of(account).config.delay;
        _life(account).announced[change] = ready;
        emit Announced(account, change, ready, call);
    }

    /// @inheritdoc IAgentAccount
    function veto(address account, bytes32 change) external onlyGuard(account) {
        require(readyAt(account, change) != 0, ChangeUnannounced(account, change));
        delete _life(account).announced[change];
        emit Vetoed(account, change, msg.sender);
    }

    // ------------------------------------------------------------------ policies, lists

    /// @inheritdoc IAgentAccount
    function setPolicy(address account, address agent, address currency, Policy calldata policy)
        external
        onlyOwner(account)
        announced(account)
    {
        _setPolicy(account, agent, currency, policy);
    }

    /// @inheritdoc IAgentAccount
    function tighten(address account, address agent, address currency, Policy calldata policy)
        external
        onlyOwner(account)
    {
        Policy memory now_ = policyOf(account, agent, currency);
        require(now_.period != 0, PolicyUnknown(account, agent, currency));
        now_.perPayment = _min(now_.perPayment, policy.perPayment);
        now_.perPeriod = _min(now_.perPeriod, policy.perPeriod);
        now_.perCounterparty = _min(now_.perCounterparty, policy.perCounterparty);
        now_.budget = _min(now_.budget, policy.budget);
        now_.approveAbove = _min(now_.approveAbove, policy.approveAbove);
        // A longer period leaks slower.
        if (policy.period > now_.period) now_.period = policy.period;
        if (policy.start > now_.start) now_.start = policy.start;
        if (policy.end < now_.end) now_.end = policy.end;
        now_.anyCounterparty = now_.anyCounterparty && policy.anyCounterparty;
        now_.anyService = now_.anyService && policy.anyService;
        if (policy.float != now_.float) now_.float = address(0);
        now_.floatPerPeriod = _min(now_.floatPerPeriod, policy.floatPerPeriod);
        _setPolicy(account, agent, currency, now_);
    }

    /// @inheritdoc IAgentAccount
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

    /// @inheritdoc IAgentAccount
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

    /// @inheritdoc IAgentAccount
    function setGuardian(address account, address guardian) external onlyOwner(account) {
        Config storage config = Books.of(account).config;
        if (config.guardian != address(0)) _apply(account);
        config.guardian = guardian;
        emit GuardianChanged(account, guardian);
    }

    /// @inheritdoc IAgentAccount
    function setDelay(address account, uint40 delay) external onlyOwner(account) {
        require(delay <= MAX_DELAY, DelayTooLong(delay, MAX_DELAY));
        Config storage config = Books.of(account).config;
        if (delay < config.delay) _apply(account);
        config.delay = delay;
        emit DelayChanged(account, delay);
    }

    /// @inheritdoc IAgentAccount
    function unpause(address account, address agent) external onlyOwner(account) {
        _start(account, agent);
    }

    // ------------------------------------------------------------------ approvals

    /// @inheritdoc IAgentAccount
    function approve(
        address account,
        address agent,
        Kind kind,
        Spend calldata spend,
        uint40 expiry
    ) external onlyGuard(account) returns (bytes32 approval) {
        // An owner may have made a guardian of an agent, and then it would approve its own.
        require(msg.sender != agent, AgentInvalid(account, agent));
        approval = hashApproval(account, agent, kind, spend, expiry);
        _life(account).approved[approval] = true;
        emit Approved(account, agent, approval, spend.ref, msg.sender);
    }

    /// @inheritdoc IAgentAccount
    function cancelRef(address account, address agent, uint256 ref) external onlyGuard(account) {
        _useRef(_agent(account, agent), agent, ref);
        emit RefCancelled(account, agent, ref, msg.sender);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IAgentAccount
    function ownerOf(address account) public view virtual returns (address);

    /// @inheritdoc IAgentAccount
    function guardianOf(address account) external view returns (address) {
        return Books.of(account).config.guardian;
    }

    /// @inheritdoc IAgentAccount
    function delayOf(address account) external view returns (uint40) {
        return Books.of(account).config.delay;
    }

    /// @inheritdoc IAgentAccount
    function readyAt(address account, bytes32 change) public view returns (uint40) {
        return _life(account).announced[change];
    }

    /// @inheritdoc IAgentAccount
    function isPaused(address account, address agent) external view returns (bool) {
        return _agent(account, agent).since == 0;
    }

    /// @inheritdoc IAgentAccount
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

    /// @inheritdoc IAgentAccount
    function isAllowed(address account, address agent, address currency, uint256 counterparty)
        external
        view
        returns (bool)
    {
        Line storage line = _agent(account, agent).lines[currency];
        return line.limits.anyCounterparty || line.peers[counterparty].allowed;
    }

    /// @inheritdoc IAgentAccount
    function isServiceAllowed(address account, address agent, address currency, bytes32 service)
        external
        view
        returns (bool)
    {
        Line storage line = _agent(account, agent).lines[currency];
        return line.limits.anyService || line.services[service];
    }

    /// @inheritdoc IAgentAccount
    function isRefUsed(address account, address agent, uint256 ref) external view returns (bool) {
        return _agent(account, agent).refs[ref >> 8] & (1 << (ref & 0xff)) != 0;
    }

    /// @inheritdoc IAgentAccount
    function hashApproval(
        address account,
        address agent,
        Kind kind,
        Spend memory spend,
        uint40 expiry
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(APPROVAL_TYPEHASH, account, agent, kind, spend, expiry))
        );
    }

    // ------------------------------------------------------------------ internals

    /// @dev What was granted with the setup waits for nothing: there was no account yet that it could loosen.
    function _setUp(address account, Setup memory setup) internal {
        Config storage config = Books.of(account).config;
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

    /// @dev The ref is bound into the approval and used once, so an approval is too.
    function _requireApproval(
        address account,
        Kind kind,
        Spend memory spend,
        uint128 approveAbove,
        Approval calldata approval
    ) internal view {
        bytes32 digest = hashApproval(account, msg.sender, kind, spend, approval.expiry);
        if (approval.signature.length == 0) {
            require(
                _life(account).approved[digest],
                ApprovalMissing(digest, spend.amount, approveAbove)
            );
        } else {
            require(
                _isBy(ownerOf(account), digest, approval)
                    || _isBy(Books.of(account).config.guardian, digest, approval),
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

    function _useRef(Agent storage agent, address key, uint256 ref) internal {
        uint256 word = agent.refs[ref >> 8];
        uint256 bit = 1 << (ref & 0xff);
        require(word & bit == 0, RefUsed(key, ref));
        agent.refs[ref >> 8] = word | bit;
    }

    function _requireAgent(address account, address agent) private view {
        require(
            agent != address(0) && agent != account && agent != ownerOf(account),
            AgentInvalid(account, agent)
        );
    }

    function _agent(address account, address agent) internal view returns (Agent storage) {
        return _life(account).agents[agent];
    }

    /// @dev What stands for the account now.
    function _life(address account) internal view virtual returns (Life storage) {
        return Books.of(account).lives[0];
    }

    function _limit(uint128 limit) private pure returns (uint88) {
        require(limit <= type(uint88).max, LimitTooHigh(limit, type(uint88).max));
        return uint88(limit);
    }

    function _min(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }
}
