// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Channel} from "../channels/IChannels.sol";
import {Offer} from "../market/IMarket.sol";

/// @notice What an agent's key may spend in one currency. Amounts are base units below 2^88; zero allows nothing.
/// @param perPayment Most at once.
/// @param perPeriod Most that the period's bucket holds. It leaks `perPeriod` a `period`, evenly: in any span of `T` seconds at
/// most `perPeriod × (1 + T / period)` leaves.
/// @param perCounterparty As `perPeriod`, for each counterparty.
/// @param budget Most in all from the moment that these numbers take effect. Views return what is left of it.
/// @param approveAbove More than this at once needs an approval.
/// @param period Seconds.
/// @param start First second at which it may spend.
/// @param end First second at which it may not spend any more.
/// @param anyCounterparty Whether the list of counterparties is not looked at.
/// @param anyService Whether the list of services is not looked at.
/// @param float Wallet that the agent may fill, for payments that are signatures (x402 `exact`); zero for none.
/// @param floatPerPeriod As `perPeriod`, for the float; what goes there counts in the others too.
struct Policy {
    uint128 perPayment;
    uint128 perPeriod;
    uint128 perCounterparty;
    uint128 budget;
    uint128 approveAbove;
    uint32 period;
    uint40 start;
    uint40 end;
    bool anyCounterparty;
    bool anyService;
    address float;
    uint128 floatPerPeriod;
}

/// @notice An agent, its policy in one currency, and the lists that belong to it.
/// @param counterparties As `Spent` names them.
/// @param services keccak256 of an origin, a method and a path.
struct Grant {
    address agent;
    address currency;
    Policy policy;
    uint256[] counterparties;
    bytes32[] services;
}

/// @notice What an account begins with. Nothing was there before, so nothing has to wait.
/// @param guardian Zero for none.
/// @param delay Seconds between the announcement of a change that loosens and its use; at most `MAX_DELAY`.
struct Setup {
    address guardian;
    uint40 delay;
    Grant[] grants;
}

/// @notice How money leaves. `Payment` is to an account in the till or to an asset.
enum Kind {
    Payment,
    Channel,
    Lease,
    Float
}

/// @notice One spending of an agent. Exactly one of `to` and `asset` is set.
/// @param service What is bought: keccak256 of origin, method and path; of a lease its offer's `spec`; zero for none.
/// @param ref Used once by an agent: a spending that is sent twice counts once. Neighbours share a word of storage, so an agent that
/// counts pays less than one that draws at random.
struct Spend {
    address currency;
    address to;
    uint256 asset;
    uint128 amount;
    bytes32 service;
    uint256 ref;
}

/// @notice Consent of the owner or the guardian to one spending: the EIP-712 signature of
/// `Approval(address account,address agent,uint8 kind,address currency,address to,uint256 asset,uint128 amount,bytes32 service,uint256 ref,uint40 expiry)`.
/// Empty where it was given on chain, and where none is needed.
struct Approval {
    uint40 expiry;
    bytes signature;
}

/// @notice What is left right now.
/// @param spendable The most that a payment to the counterparty can be.
struct Budget {
    uint128 spendable;
    uint128 perPayment;
    uint128 period;
    uint128 counterparty;
    uint128 budget;
    uint128 float;
}

/// @notice What happens to an account, and why it refuses.
interface IAgentEvents {
    event SetUp(address indexed account, address guardian, uint40 delay);
    event OwnerOffered(address indexed account, address indexed owner);
    event OwnerChanged(address indexed account, address indexed owner);
    event GuardianChanged(address indexed account, address indexed guardian);
    event DelayChanged(address indexed account, uint40 delay);
    /// @param change keccak256 of `call`.
    event Announced(address indexed account, bytes32 indexed change, uint40 readyAt, bytes call);
    event Vetoed(address indexed account, bytes32 indexed change, address by);
    event Applied(address indexed account, bytes32 indexed change);
    /// @param policy What is in force now.
    event PolicyChanged(
        address indexed account, address indexed agent, address indexed currency, Policy policy
    );
    event Allowed(
        address indexed account,
        address indexed agent,
        address indexed currency,
        uint256[] counterparties,
        bytes32[] services
    );
    event Forbidden(
        address indexed account,
        address indexed agent,
        address indexed currency,
        uint256[] counterparties,
        bytes32[] services
    );
    event Paused(address indexed account, address indexed agent, address by);
    event Unpaused(address indexed account, address indexed agent);
    event Approved(
        address indexed account,
        address indexed agent,
        bytes32 indexed approval,
        uint256 ref,
        address by
    );
    event RefCancelled(address indexed account, address indexed agent, uint256 ref, address by);
    /// @param counterparty An account as a number, or an asset with the highest bit set.
    /// @param budget What is left of the budget.
    event Spent(
        address indexed account,
        address indexed agent,
        address indexed currency,
        Kind kind,
        uint256 counterparty,
        uint128 amount,
        bytes32 service,
        uint256 ref,
        uint128 budget
    );
    /// @notice Money that was put into a channel or a lease is no longer there: it was paid or came back.
    /// @param committed All that the agent put into channels and leases which are not known to have ended.
    event Released(
        address indexed account,
        address indexed agent,
        address indexed currency,
        bytes32 id,
        uint128 amount,
        uint128 committed
    );

    error NotAccountOwner(address account, address caller);
    error NotOwnerOrGuardian(address account, address caller);
    /// @notice Only the one to whom the account was offered may take it.
    error NotOfferedOwner(address account, address caller);
    error OwnerInvalid(address owner);
    /// @notice This contract does not keep such an account.
    error AccountUnknown(address account);
    /// @notice It was set up before.
    error AccountKnown(address account);
    /// @notice An agent is not zero, not the account and not its owner.
    error AgentInvalid(address account, address agent);
    error DelayTooLong(uint40 delay, uint40 max);
    error LimitTooHigh(uint256 limit, uint256 max);
    error PeriodInvalid(uint32 period);
    /// @notice A change that loosens must be announced first, word for word.
    error ChangeUnannounced(address account, bytes32 change);
    error ChangeTooEarly(address account, bytes32 change, uint40 readyAt);
    /// @notice It was announced too long ago.
    error ChangeExpired(address account, bytes32 change, uint40 until);
    /// @notice The agent has no policy in this currency.
    error PolicyUnknown(address account, address agent, address currency);
    /// @notice The agent was paused, or never started.
    error AgentPaused(address account, address agent);
    /// @notice Only for an agent that is paused.
    error AgentNotPaused(address account, address agent);
    error NotStarted(uint40 start);
    error Ended(uint40 end);
    error AmountZero();
    error PaymentTooHigh(uint128 amount, uint128 max);
    error PeriodExceeded(uint128 amount, uint128 left);
    error CounterpartyExceeded(uint256 counterparty, uint128 amount, uint128 left);
    error BudgetExceeded(uint128 amount, uint128 left);
    error FloatExceeded(uint128 amount, uint128 left);
    error FloatUnset(address account, address agent, address currency);
    /// @notice Exactly one of account and asset must be set.
    error CounterpartyInvalid(address to, uint256 asset);
    error CounterpartyNotAllowed(uint256 counterparty);
    error ServiceNotAllowed(bytes32 service);
    error RefUsed(address agent, uint256 ref);
    error ApprovalMissing(bytes32 approval, uint128 amount, uint128 approveAbove);
    error ApprovalInvalid(bytes32 approval);
    error ApprovalExpired(bytes32 approval, uint40 expiry);
    /// @notice An asset is paid in its own currency only.
    error AssetCurrencyInvalid(uint256 asset, address currency, address expected);
    /// @notice The channel is not between this account and this agent.
    error ChannelForeign(address payer, address signer);
    error ChannelsUnsorted(bytes32 previous, bytes32 id);
    error LeasesUnsorted(bytes32 previous, bytes32 id);
    /// @notice The lease was not opened by an agent of this account, or not by this one.
    error LeaseForeign(bytes32 lease, address caller);
    /// @notice More left the account than was metered.
    error BalanceMoved(uint256 before, uint256 later, uint128 amount);

    // ------------------------------------------------------------------ views

    function till() external view returns (address);
    function channels() external view returns (address);
    function market() external view returns (address);
    function ownerOf(address account) external view returns (address);
}

/// @notice The side of the owner and the guardian, and what there is to see. Nothing here moves money.
interface IAgentPolicies is IAgentEvents {
    // ------------------------------------------------------------------ set up

    /// @notice Sets the account up, once. The account itself; the factory does it for one that it makes, the installation for a module's.
    function setUp(address account, Setup calldata setup) external;

    // ------------------------------------------------------------------ the owner's

    /// @notice Announces a call to this contract (`setPolicy`, `allow`, `setGuardian`, `setDelay`) that would loosen. From `readyAt` on, for
    /// `APPLY_WINDOW` seconds, the owner may make it. Owner.
    function announce(address account, bytes calldata call)
        external
        returns (bytes32 change, uint40 readyAt);
    /// @notice Sets a policy, whatever was before. Owner; announced.
    function setPolicy(address account, address agent, address currency, Policy calldata policy)
        external;
    /// @notice Each number becomes the stricter of what it is and what is given; another float than the one named is none. Owner; at once.
    function tighten(address account, address agent, address currency, Policy calldata policy)
        external;
    /// @notice Adds to the lists. Owner; announced.
    function allow(
        address account,
        address agent,
        address currency,
        uint256[] calldata counterparties,
        bytes32[] calldata services
    ) external;
    /// @notice Takes from the lists. Owner; at once.
    function forbid(
        address account,
        address agent,
        address currency,
        uint256[] calldata counterparties,
        bytes32[] calldata services
    ) external;
    /// @notice Names the guardian. Owner; announced, unless there is none.
    function setGuardian(address account, address guardian) external;
    /// @notice Owner; announced, unless it becomes longer.
    function setDelay(address account, uint40 delay) external;
    /// @notice Lets an agent spend within its policies: after a pause, and once at its beginning unless it came with the setup. Owner.
    function unpause(address account, address agent) external;

    // ------------------------------------------------------------------ the owner's or the guardian's

    /// @notice Takes back what was announced. Owner or guardian.
    function veto(address account, bytes32 change) external;
    /// @notice Approves one spending. Owner or guardian, who is not the agent itself.
    function approve(address account, address agent, Kind kind, Spend calldata spend, uint40 expiry)
        external
        returns (bytes32 approval);
    /// @notice Uses up a ref of the agent, so that what was approved with it is void. Owner or guardian.
    function cancelRef(address account, address agent, uint256 ref) external;

    // ------------------------------------------------------------------ anyone's

    /// @notice Takes channels that were closed, and leases that were settled, out of what counts as exposed. Anyone.
    function release(
        address account,
        address agent,
        Channel[] calldata channels,
        bytes32[] calldata leases
    ) external;

    // ------------------------------------------------------------------ views

    function guardianOf(address account) external view returns (address);
    function delayOf(address account) external view returns (uint40);
    /// @notice When a change that was announced can be made; zero if it was not.
    function readyAt(address account, bytes32 change) external view returns (uint40);
    function isPaused(address account, address agent) external view returns (bool);
    /// @notice The policy in force; of its budget what is left.
    function policyOf(address account, address agent, address currency)
        external
        view
        returns (Policy memory);
    function isAllowed(address account, address agent, address currency, uint256 counterparty)
        external
        view
        returns (bool);
    function isServiceAllowed(address account, address agent, address currency, bytes32 service)
        external
        view
        returns (bool);
    function isRefUsed(address account, address agent, uint256 ref) external view returns (bool);
    /// @notice What is left for a payment to `counterparty` at this second; lists, pauses, start and end are not looked at.
    function budgetOf(address account, address agent, address currency, uint256 counterparty)
        external
        view
        returns (Budget memory);
    /// @notice What the owner or the guardian signs to approve one spending.
    function hashApproval(
        address account,
        address agent,
        Kind kind,
        Spend calldata spend,
        uint40 expiry
    ) external view returns (bytes32);
    /// @notice The most that can still be lost through an agent once it is paused: all that it put into channels and leases which are not known to have
    /// ended, and what is in its float, up to what was put there. Reads no list, so it is never below the truth.
    function exposure(address account, address agent, address currency)
        external
        view
        returns (uint256);
    /// @notice As `exposure`, with the channels and leases given looked up: of a channel its deposit less what was claimed, of a lease the seconds
    /// that are not over. Both in ascending order of their ids. What is not given counts in full.
    function exposureOf(
        address account,
        address agent,
        address currency,
        Channel[] calldata channels,
        bytes32[] calldata leases
    ) external view returns (uint256);
}

/// @notice The side of the agents, and of whoever stops them.
interface IAgentSpending is IAgentEvents {
    // ------------------------------------------------------------------ the agent's

    /// @notice Pays an account in the till, or an asset. Agent.
    function pay(address account, Spend calldata spend, Approval calldata approval) external;
    /// @notice Opens a channel or adds to it. The account is its payer, the agent signs its vouchers; the deposit counts as spent. Agent.
    function fundChannel(
        address account,
        Channel calldata channel,
        uint128 amount,
        bytes32 service,
        uint256 ref,
        Approval calldata approval
    ) external returns (bytes32 id);
    /// @notice Opens a lease; the price locked counts as spent, what comes back does not lower it. Agent.
    function openLease(
        address account,
        Offer calldata offer,
        bytes calldata signature,
        uint40 duration,
        uint256 ref,
        Approval calldata approval
    ) external returns (bytes32 lease);
    /// @notice Buys more seconds of a lease that the agent opened. Agent.
    function extendLease(
        address account,
        bytes32 lease,
        uint40 added,
        uint256 ref,
        Approval calldata approval
    ) external;
    /// @notice Moves money to the wallet that the policy names. It counts as spent. Agent.
    function fundFloat(
        address account,
        address currency,
        uint128 amount,
        uint256 ref,
        Approval calldata approval
    ) external;
    /// @notice Ends a lease that an agent opened. That agent, paused or not, the owner or the guardian.
    function stopLease(address account, bytes32 lease) external;

    // ------------------------------------------------------------------ stop

    /// @notice Stops an agent in every currency. Owner or guardian.
    function pause(address account, address agent) external;
    /// @notice As `pause`, and asks for the end of the channels given. Owner or guardian.
    function pauseAndClose(address account, address agent, Channel[] calldata channels) external;
    /// @notice Asks for the end of channels of an agent that is paused. Those that are not open, or were asked before, are passed over. Anyone.
    function requestClose(address account, address agent, Channel[] calldata channels) external;
}

/// @title A wallet that cannot overspend
/// @notice Money is the account's balance in the till. An owner sets what the key of an agent may spend, a guardian can stop it.
/// Money is metered where it leaves, because a signature check is a view and cannot meter: paying, funding a channel whose vouchers
/// the agent signs, opening a lease, filling a float.
/// A change that loosens must be announced word for word (`announce`) and waits for `delayOf`; the guardian may veto it. A change that
/// tightens, and a pause, take effect at once.
/// Three forms share this manual: an account of its own (`account` is the contract; owner in storage), a module of ERC-7579
/// accounts (`account` is who installed it, and its own owner), and the code of an EIP-7702 account (its key is the owner).
/// Domain: name "Millrace Agents", version "1".
interface IAgentAccount is IAgentPolicies, IAgentSpending {}
