// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Approval,
    Budget,
    IAgentAccount,
    IAgentEvents,
    IAgentSpending,
    Kind,
    Policy,
    Setup,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {Channel} from "../../src/channels/IChannels.sol";
import {LeaseState, Offer} from "../../src/market/IMarket.sol";
import {AgentsRights} from "./AgentsRights.sol";

/// @notice What all three forms do alike.
abstract contract AgentsBehaviour is AgentsRights {
    address private constant STRANGER = address(0x57A);

    // ------------------------------------------------------------------ paying

    function test_pay_account() public {
        vm.expectEmit(address(hub));
        emit IAgentEvents.Spent(
            account, agent, address(dollar), Kind.Payment, uint160(PAYEE), 30e6, SERVICE, 7, 970e6
        );
        payAs(agent, 30e6, 7);
        assertEq(balanceOf(PAYEE), 30e6, "payee");
        assertEq(balanceOf(account), 1e12 - 30e6, "account");
        assertTrue(hub.isRefUsed(account, agent, 7), "ref");
        Budget memory left = hub.budgetOf(account, agent, address(dollar), uint160(PAYEE));
        assertEq(left.period, 70e6, "period");
        assertEq(left.counterparty, 50e6, "counterparty");
        assertEq(left.budget, 970e6, "budget");
        assertEq(left.spendable, 50e6, "spendable");
        assertEq(left.float, 20e6, "float");
    }

    function test_pay_asset() public {
        Spend memory spend = Spend(address(dollar), address(0), asset, 30e6, SERVICE, 0);
        vm.prank(agent);
        hub.pay(account, spend, none());
        (, uint128 revenue) = till.bucketOf(asset);
        assertEq(revenue, 30e6, "revenue");
        assertEq(balanceOf(account), 1e12 - 30e6, "account");
    }

    function test_pay_limits() public {
        _refused(abi.encodeWithSelector(IAgentEvents.PaymentTooHigh.selector, 50e6 + 1, 50e6));
        payAs(agent, 50e6 + 1, 0);
        _refused(abi.encodeWithSelector(IAgentEvents.AmountZero.selector));
        payAs(agent, 0, 0);
        payAs(agent, 40e6, 0);
        payAs(agent, 40e6, 1);
        _refused(
            abi.encodeWithSelector(IAgentEvents.CounterpartyExceeded.selector, uint160(PAYEE), 1, 0)
        );
        payAs(agent, 1, 2);
        // A quarter of a day: a quarter of what the bucket holds is free again.
        vm.warp(block.timestamp + 6 hours);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.CounterpartyExceeded.selector, uint160(PAYEE), 20e6 + 1, 20e6
            )
        );
        payAs(agent, 20e6 + 1, 2);
        payAs(agent, 20e6, 2);
    }

    function test_pay_period() public {
        payAs(agent, 40e6, 0);
        payAs(agent, 30e6, 1);
        Spend memory spend = Spend(address(dollar), address(0), asset, 30e6, SERVICE, 2);
        vm.prank(agent);
        hub.pay(account, spend, none());
        spend.ref = 3;
        spend.amount = 1;
        _refused(abi.encodeWithSelector(IAgentEvents.PeriodExceeded.selector, 1, 0));
        vm.prank(agent);
        hub.pay(account, spend, none());
    }

    function test_pay_budget() public {
        Policy memory policy = policyOf();
        policy.budget = 10e6;
        vm.prank(boss);
        hub.tighten(account, agent, address(dollar), policy);
        _refused(abi.encodeWithSelector(IAgentEvents.BudgetExceeded.selector, 10e6 + 1, 10e6));
        payAs(agent, 10e6 + 1, 0);
        payAs(agent, 10e6, 0);
        vm.warp(block.timestamp + 300 days);
        _refused(abi.encodeWithSelector(IAgentEvents.BudgetExceeded.selector, 1, 0));
        payAs(agent, 1, 1);
    }

    function test_pay_startAndEnd() public {
        vm.warp(GENESIS - 1);
        _refused(abi.encodeWithSelector(IAgentEvents.NotStarted.selector, GENESIS));
        payAs(agent, 1, 0);
        vm.warp(GENESIS + 365 days);
        _refused(abi.encodeWithSelector(IAgentEvents.Ended.selector, GENESIS + 365 days));
        payAs(agent, 1, 0);
        vm.warp(GENESIS + 365 days - 1);
        payAs(agent, 1, 0);
    }

    function test_pay_lists() public {
        Spend memory spend = spendOf(1, 0);
        spend.to = STRANGER;
        _refused(
            abi.encodeWithSelector(IAgentEvents.CounterpartyNotAllowed.selector, uint160(STRANGER))
        );
        vm.prank(agent);
        hub.pay(account, spend, none());
        spend.to = PAYEE;
        spend.service = "other";
        _refused(abi.encodeWithSelector(IAgentEvents.ServiceNotAllowed.selector, bytes32("other")));
        vm.prank(agent);
        hub.pay(account, spend, none());
        spend = spendOf(1, 0);
        spend.asset = asset;
        _refused(abi.encodeWithSelector(IAgentEvents.CounterpartyInvalid.selector, PAYEE, asset));
        vm.prank(agent);
        hub.pay(account, spend, none());
        (spend.to, spend.asset) = (address(0), 0);
        _refused(abi.encodeWithSelector(IAgentEvents.CounterpartyInvalid.selector, 0, 0));
        vm.prank(agent);
        hub.pay(account, spend, none());
    }

    function test_pay_anyList() public {
        Policy memory policy = policyOf();
        (policy.anyCounterparty, policy.anyService) = (true, true);
        change(abi.encodeCall(hub.setPolicy, (account, agent, address(dollar), policy)));
        Spend memory spend = spendOf(1, 0);
        (spend.to, spend.service) = (STRANGER, "other");
        vm.prank(agent);
        hub.pay(account, spend, none());
        assertTrue(
            hub.isAllowed(account, agent, address(dollar), uint160(STRANGER))
                && hub.isServiceAllowed(account, agent, address(dollar), "other"),
            "any"
        );
    }

    function test_pay_refOnce() public {
        payAs(agent, 1, 300);
        _refused(abi.encodeWithSelector(IAgentEvents.RefUsed.selector, agent, 300));
        payAs(agent, 1, 300);
        payAs(agent, 1, 301);
    }

    /// @dev What fails leaves no trace: neither in the ref nor in a bucket.
    function test_pay_failedLeavesNothing() public {
        uint256 all = balanceOf(account);
        vm.prank(account);
        till.transfer(STRANGER, dollarId, all);
        vm.expectRevert();
        payAs(agent, 30e6, 0);
        assertTrue(!hub.isRefUsed(account, agent, 0), "ref");
        assertEq(
            hub.budgetOf(account, agent, address(dollar), uint160(PAYEE)).period, 100e6, "period"
        );
        fund(account, 30e6);
        payAs(agent, 30e6, 0);
    }

    function test_pay_strangersCurrency() public {
        Spend memory spend = spendOf(1, 0);
        spend.currency = STRANGER;
        _refused(
            abi.encodeWithSelector(IAgentEvents.PolicyUnknown.selector, account, agent, STRANGER)
        );
        vm.prank(agent);
        hub.pay(account, spend, none());
    }

    /// @dev A generous policy in a currency that is worth nothing does not pay an asset in one that is.
    function test_pay_otherCurrencysAsset() public {
        Policy memory policy = policyOf();
        policy.anyCounterparty = true;
        change(abi.encodeCall(hub.setPolicy, (account, agent, address(0xBAD), policy)));
        bytes32[] memory services = oneOf(SERVICE);
        change(abi.encodeCall(hub.allow, (account, agent, address(0xBAD), noOnes(), services)));
        Spend memory spend = Spend(address(0xBAD), address(0), asset, 30e6, SERVICE, 0);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.AssetCurrencyInvalid.selector, asset, address(0xBAD), address(dollar)
            )
        );
        vm.prank(agent);
        hub.pay(account, spend, none());
    }

    function test_pay_strangers() public {
        _refused(abi.encodeWithSelector(IAgentEvents.AgentPaused.selector, account, STRANGER));
        payAs(STRANGER, 1, 0);
        vm.prank(agent);
        (bool done,) = address(hub).call(abi.encodeCall(hub.pay, (STRANGER, spendOf(1, 0), none())));
        assertTrue(!done, "another account");
    }

    // ------------------------------------------------------------------ float

    function test_float() public {
        vm.prank(agent);
        hub.fundFloat(account, address(dollar), 20e6, 0, none());
        assertEq(dollar.balanceOf(FLOAT), 20e6, "float");
        assertEq(hub.exposure(account, agent, address(dollar)), 20e6, "exposed");
        _refused(abi.encodeWithSelector(IAgentEvents.FloatExceeded.selector, 1, 0));
        vm.prank(agent);
        hub.fundFloat(account, address(dollar), 1, 1, none());
        assertEq(
            hub.budgetOf(account, agent, address(dollar), uint160(PAYEE)).period, 80e6, "counts"
        );
        vm.prank(FLOAT);
        dollar.transfer(STRANGER, 15e6);
        assertEq(hub.exposure(account, agent, address(dollar)), 5e6, "what is left there");
        dollar.mint(FLOAT, 1e9);
        assertEq(hub.exposure(account, agent, address(dollar)), 20e6, "never more than was put");
    }

    function test_float_unset() public {
        Policy memory policy = policyOf();
        policy.float = address(0);
        vm.prank(boss);
        hub.tighten(account, agent, address(dollar), policy);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.FloatUnset.selector, account, agent, address(dollar)
            )
        );
        vm.prank(agent);
        hub.fundFloat(account, address(dollar), 1, 1, none());
    }

    // ------------------------------------------------------------------ channels

    function test_channel() public {
        bytes32 id = _fund(30e6, 0);
        assertEq(channels.get(id).deposit, 30e6, "opened");
        _fund(10e6, 1);
        assertEq(channels.get(id).deposit, 40e6, "topped up");
        assertEq(balanceOf(account), 1e12 - 40e6, "account");
        hub.release(account, agent, oneOf(channelOf()), noLeases());
        assertEq(hub.exposure(account, agent, address(dollar)), 40e6, "exposed while it is open");
        assertEq(
            hub.budgetOf(account, agent, address(dollar), uint160(PAYEE)).counterparty, 40e6, "peer"
        );
    }

    function test_channel_foreign() public {
        Channel memory channel = channelOf();
        channel.signer = STRANGER;
        _refused(abi.encodeWithSelector(IAgentEvents.ChannelForeign.selector, account, STRANGER));
        vm.prank(agent);
        hub.fundChannel(account, channel, 1, SERVICE, 0, none());
        channel.signer = agent;
        channel.payer = STRANGER;
        _refused(abi.encodeWithSelector(IAgentEvents.ChannelForeign.selector, STRANGER, agent));
        vm.prank(agent);
        hub.fundChannel(account, channel, 1, SERVICE, 0, none());
    }

    function test_channel_refundNeverRaisesBudget() public {
        bytes32 id = _fund(30e6, 0);
        vm.prank(agent);
        channels.requestClose(channelOf());
        vm.warp(block.timestamp + 900);
        channels.finalizeClose(channelOf());
        assertEq(balanceOf(account), 1e12, "back");
        assertEq(hub.policyOf(account, agent, address(dollar)).budget, 970e6, "budget stays");
        assertEq(hub.exposure(account, agent, address(dollar)), 30e6, "not known yet");
        assertEq(_exposure(oneOf(channelOf()), noLeases()), 0, "looked up");
        vm.expectEmit(address(hub));
        emit IAgentEvents.Released(account, agent, address(dollar), id, 30e6, 0);
        hub.release(account, agent, oneOf(channelOf()), noLeases());
        hub.release(account, agent, oneOf(channelOf()), noLeases());
        assertEq(hub.exposure(account, agent, address(dollar)), 0, "known");
        // The next epoch counts from its own funding.
        _fund(5e6, 1);
        assertEq(hub.exposure(account, agent, address(dollar)), 5e6, "again");
    }

    function test_channel_fundedAgainReleasesItself() public {
        _fund(30e6, 0);
        vm.prank(agent);
        channels.requestClose(channelOf());
        vm.warp(block.timestamp + 900);
        channels.finalizeClose(channelOf());
        _fund(7e6, 1);
        assertEq(hub.exposure(account, agent, address(dollar)), 7e6, "only the new epoch");
    }

    function test_exposureOf() public {
        _fund(30e6, 0);
        assertEq(_exposure(oneOf(channelOf()), noLeases()), 30e6, "nothing claimed");
        // What the owner adds beside the meter is at risk too.
        fund(address(this), 4e6);
        till.setOperator(address(channels), true);
        channels.topUp(channelOf(), 4e6);
        assertEq(_exposure(oneOf(channelOf()), noLeases()), 34e6, "topped up by another");
        assertEq(_exposure(noChannels(), noLeases()), 30e6, "not given, in full");
        Channel[] memory twice = new Channel[](2);
        (twice[0], twice[1]) = (channelOf(), channelOf());
        bytes32 id = channels.hashChannel(channelOf());
        _refused(abi.encodeWithSelector(IAgentEvents.ChannelsUnsorted.selector, id, id));
        _exposure(twice, noLeases());
        twice[0].signer = STRANGER;
        _refused(abi.encodeWithSelector(IAgentEvents.ChannelForeign.selector, account, STRANGER));
        _exposure(twice, noLeases());
    }

    // ------------------------------------------------------------------ leases

    function test_lease() public {
        (bytes32 lease, Offer memory offer) = _lease();
        uint128 price = market.priceUp(offer.pricePerHour, 3_600);
        assertEq(balanceOf(account), 1e12 - price, "account");
        assertEq(hub.exposure(account, agent, address(dollar)), price, "exposed");
        vm.prank(device);
        market.start(lease);
        vm.prank(agent);
        hub.extendLease(account, lease, 1_800, 1, none());
        price = market.priceUp(offer.pricePerHour, 5_400);
        assertEq(balanceOf(account), 1e12 - price, "extended");
        vm.warp(block.timestamp + 1_800);
        assertEq(_exposure(noChannels(), oneOf(lease)), price * 2 / 3, "the seconds ahead");
        _refused(abi.encodeWithSelector(IAgentEvents.LeaseForeign.selector, lease, STRANGER));
        vm.prank(STRANGER);
        hub.stopLease(account, lease);
        _refused(abi.encodeWithSelector(IAgentEvents.LeaseForeign.selector, lease, STRANGER));
        vm.prank(STRANGER);
        hub.extendLease(account, lease, 1, 2, none());
        vm.prank(guardian);
        hub.stopLease(account, lease);
        market.settle(lease);
        assertTrue(market.get(lease).state == LeaseState.Settled, "settled");
        assertEq(_exposure(noChannels(), oneOf(lease)), 0, "over");
        hub.release(account, agent, noChannels(), oneOf(lease));
        assertEq(hub.exposure(account, agent, address(dollar)), 0, "released");
        assertEq(hub.policyOf(account, agent, address(dollar)).budget, 1_000e6 - price, "no refund");
        _refused(abi.encodeWithSelector(IAgentEvents.LeaseForeign.selector, lease, STRANGER));
        hub.release(account, STRANGER, noChannels(), oneOf(lease));
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (lease, lease);
        _refused(abi.encodeWithSelector(IAgentEvents.LeasesUnsorted.selector, lease, lease));
        _exposure(noChannels(), twice);
    }

    /// @dev The market's operators may take bonds: not of an account that only happens to be named as an operator.
    function test_lease_bondOfAnyone() public {
        uint256 theirs = _machineOf(account);
        Offer memory offer = offerOf(theirs);
        offer.bond = 1e6;
        bytes32 lease = market.hashOffer(offer);
        bytes memory signature = sign(AGENT_KEY, lease);
        fund(buyer, 1e12);
        vm.prank(buyer);
        till.setOperator(address(market), true);
        _refused(
            abi.encodeWithSelector(
                bytes4(keccak256("OfferSignatureInvalid(bytes32,address)")), lease, account
            )
        );
        vm.prank(buyer);
        market.open(offer, signature, 3_600);
    }

    // ------------------------------------------------------------------ approvals

    function test_approval_signed() public {
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ApprovalMissing.selector,
                hub.hashApproval(account, agent, Kind.Payment, spendOf(41e6, 0), 0),
                41e6,
                40e6
            )
        );
        payAs(agent, 41e6, 0);
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval = _approval(GUARDIAN_KEY, spend);
        vm.prank(agent);
        hub.pay(account, spend, approval);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.CounterpartyExceeded.selector, uint160(PAYEE), 41e6, 39e6
            )
        );
        vm.prank(agent);
        hub.pay(account, spend, approval);
        vm.warp(block.timestamp + 1 days - 1);
        _refused(abi.encodeWithSelector(IAgentEvents.RefUsed.selector, agent, 0));
        vm.prank(agent);
        hub.pay(account, spend, approval);
    }

    /// @dev Every word of it counts.
    function test_approval_bound() public {
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval = _approval(GUARDIAN_KEY, spend);
        spend.amount = 42e6;
        _invalid(spend, approval);
        spend = spendOf(41e6, 1);
        _invalid(spend, approval);
        spend = spendOf(41e6, 0);
        (spend.to, spend.asset) = (address(0), asset);
        _invalid(spend, approval);
        spend = spendOf(41e6, 0);
        approval.expiry += 1;
        _invalid(spend, approval);
        // The agent's own.
        _invalid(spend, _approval(AGENT_KEY, spend));
        // For a payment, not for a channel.
        approval = _approval(GUARDIAN_KEY, spend);
        bytes32 digest = hub.hashApproval(account, agent, Kind.Channel, spend, approval.expiry);
        _refused(abi.encodeWithSelector(IAgentEvents.ApprovalInvalid.selector, digest));
        vm.prank(agent);
        hub.fundChannel(account, channelOf(), 41e6, SERVICE, 0, approval);
    }

    function test_approval_expired() public {
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval = _approval(GUARDIAN_KEY, spend);
        bytes32 digest = hub.hashApproval(account, agent, Kind.Payment, spend, approval.expiry);
        vm.warp(approval.expiry + 1);
        _refused(
            abi.encodeWithSelector(IAgentEvents.ApprovalExpired.selector, digest, approval.expiry)
        );
        vm.prank(agent);
        hub.pay(account, spend, approval);
    }

    function test_approval_onChain() public {
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval;
        approval.expiry = GENESIS + 100;
        _refused(abi.encodeWithSelector(IAgentEvents.NotOwnerOrGuardian.selector, account, agent));
        vm.prank(agent);
        hub.approve(account, agent, Kind.Payment, spend, approval.expiry);
        vm.prank(boss);
        hub.approve(account, agent, Kind.Payment, spend, approval.expiry);
        vm.prank(agent);
        hub.pay(account, spend, approval);
        assertEq(balanceOf(PAYEE), 41e6, "paid");
    }

    function test_approval_cancelled() public {
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval = _approval(GUARDIAN_KEY, spend);
        vm.prank(guardian);
        hub.cancelRef(account, agent, 0);
        _refused(abi.encodeWithSelector(IAgentEvents.RefUsed.selector, agent, 0));
        vm.prank(agent);
        hub.pay(account, spend, approval);
    }

    /// @dev A guardian that is an agent too approves nothing of its own.
    function test_approval_ofOneself() public {
        change(abi.encodeCall(hub.setGuardian, (account, agent)));
        Spend memory spend = spendOf(41e6, 0);
        _invalid(spend, _approval(AGENT_KEY, spend));
        _refused(abi.encodeWithSelector(IAgentEvents.AgentInvalid.selector, account, agent));
        vm.prank(agent);
        hub.approve(account, agent, Kind.Payment, spend, 0);
    }

    // ------------------------------------------------------------------ pause

    function test_pause() public {
        bytes32 id = _fund(30e6, 0);
        vm.expectEmit(address(hub));
        emit IAgentEvents.Paused(account, agent, guardian);
        vm.prank(guardian);
        hub.pauseAndClose(account, agent, oneOf(channelOf()));
        assertEq(channels.get(id).closesAt, GENESIS + 900, "closing");
        assertTrue(hub.isPaused(account, agent), "paused");
        _refused(abi.encodeWithSelector(IAgentEvents.AgentPaused.selector, account, agent));
        payAs(agent, 1, 1);
        // Asked before: passed over.
        hub.requestClose(account, agent, oneOf(channelOf()));
        _refused(abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, account, guardian));
        vm.prank(guardian);
        hub.unpause(account, agent);
        vm.prank(boss);
        hub.unpause(account, agent);
        payAs(agent, 1, 1);
    }

    function test_requestClose_byAnyone() public {
        bytes32 id = _fund(30e6, 0);
        _refused(abi.encodeWithSelector(IAgentEvents.AgentNotPaused.selector, account, agent));
        hub.requestClose(account, agent, oneOf(channelOf()));
        vm.prank(boss);
        hub.pause(account, agent);
        vm.prank(STRANGER);
        hub.requestClose(account, agent, oneOf(channelOf()));
        assertEq(channels.get(id).closesAt, GENESIS + 900, "closing");
        vm.warp(block.timestamp + 900);
        channels.finalizeClose(channelOf());
        hub.requestClose(account, agent, oneOf(channelOf()));
        assertEq(balanceOf(account), 1e12, "all back");
    }

    // ------------------------------------------------------------------ changes

    function test_loosening_waits() public {
        Policy memory policy = policyOf();
        policy.perPayment = 60e6;
        bytes memory call = abi.encodeCall(hub.setPolicy, (account, agent, address(dollar), policy));
        bytes32 id = keccak256(call);
        _refused(abi.encodeWithSelector(IAgentEvents.ChangeUnannounced.selector, account, id));
        bossCalls(call);
        vm.prank(boss);
        hub.announce(account, call);
        assertEq(hub.readyAt(account, id), GENESIS + DELAY, "ready");
        vm.warp(GENESIS + DELAY - 1);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ChangeTooEarly.selector, account, id, GENESIS + DELAY
            )
        );
        bossCalls(call);
        vm.warp(GENESIS + DELAY + 14 days + 1);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ChangeExpired.selector, account, id, GENESIS + DELAY + 14 days
            )
        );
        bossCalls(call);
        vm.warp(GENESIS + DELAY);
        bossCalls(call);
        assertEq(hub.policyOf(account, agent, address(dollar)).perPayment, 60e6, "loosened");
        _refused(abi.encodeWithSelector(IAgentEvents.ChangeUnannounced.selector, account, id));
        bossCalls(call);
    }

    function test_loosening_vetoed() public {
        bytes memory call =
            abi.encodeCall(hub.allow, (account, agent, address(dollar), oneOf(1), noLeases()));
        vm.prank(boss);
        hub.announce(account, call);
        vm.prank(guardian);
        hub.veto(account, keccak256(call));
        vm.warp(GENESIS + DELAY);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ChangeUnannounced.selector, account, keccak256(call)
            )
        );
        bossCalls(call);
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ChangeUnannounced.selector, account, keccak256(call)
            )
        );
        vm.prank(guardian);
        hub.veto(account, keccak256(call));
    }

    function test_tighten_neverLoosens() public {
        Policy memory wide = Policy({
            perPayment: type(uint88).max,
            perPeriod: type(uint88).max,
            perCounterparty: type(uint88).max,
            budget: type(uint88).max,
            approveAbove: type(uint88).max,
            period: 1,
            start: 0,
            end: type(uint40).max,
            anyCounterparty: true,
            anyService: true,
            float: FLOAT,
            floatPerPeriod: type(uint88).max
        });
        bytes32 before = keccak256(abi.encode(hub.policyOf(account, agent, address(dollar))));
        vm.prank(boss);
        hub.tighten(account, agent, address(dollar), wide);
        assertEq(
            keccak256(abi.encode(hub.policyOf(account, agent, address(dollar)))), before, "same"
        );
        Policy memory none_;
        vm.prank(boss);
        hub.tighten(account, agent, address(dollar), none_);
        Policy memory seen = hub.policyOf(account, agent, address(dollar));
        assertEq(
            uint256(seen.perPayment) + seen.perPeriod + seen.perCounterparty + seen.budget
                + seen.approveAbove + seen.floatPerPeriod + seen.end,
            0,
            "nothing"
        );
        assertEq(seen.period, 1 days, "period");
        assertEq(seen.start, GENESIS, "start");
        assertEq(seen.float, address(0), "float");
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.PolicyUnknown.selector, account, STRANGER, address(dollar)
            )
        );
        vm.prank(boss);
        hub.tighten(account, STRANGER, address(dollar), none_);
    }

    function test_policy_bounds() public {
        Policy memory policy = policyOf();
        policy.perPayment = uint128(type(uint88).max) + 1;
        _refusedChange(
            abi.encodeCall(hub.setPolicy, (account, agent, address(dollar), policy)),
            abi.encodeWithSelector(
                IAgentEvents.LimitTooHigh.selector, uint256(1) << 88, type(uint88).max
            )
        );
        policy = policyOf();
        policy.period = 0;
        _refusedChange(
            abi.encodeCall(hub.setPolicy, (account, agent, address(dollar), policy)),
            abi.encodeWithSelector(IAgentEvents.PeriodInvalid.selector, 0)
        );
        policy = policyOf();
        address[3] memory wrong = [address(0), account, boss];
        for (uint256 i = 0; i < 3; ++i) {
            _refusedChange(
                abi.encodeCall(hub.setPolicy, (account, wrong[i], address(dollar), policy)),
                abi.encodeWithSelector(IAgentEvents.AgentInvalid.selector, account, wrong[i])
            );
        }
    }

    function test_delay() public {
        vm.prank(boss);
        hub.setDelay(account, 2 days);
        assertEq(hub.delayOf(account), 2 days, "longer, at once");
        bytes memory call = abi.encodeCall(hub.setDelay, (account, 0));
        _refused(
            abi.encodeWithSelector(
                IAgentEvents.ChangeUnannounced.selector, account, keccak256(call)
            )
        );
        bossCalls(call);
        vm.prank(boss);
        hub.announce(account, call);
        vm.warp(GENESIS + 2 days);
        bossCalls(call);
        assertEq(hub.delayOf(account), 0, "shorter, announced");
        _refused(abi.encodeWithSelector(IAgentEvents.DelayTooLong.selector, 30 days + 1, 30 days));
        vm.prank(boss);
        hub.setDelay(account, 30 days + 1);
    }

    function test_guardian() public {
        change(abi.encodeCall(hub.setGuardian, (account, address(0))));
        assertEq(hub.guardianOf(account), address(0), "none");
        vm.prank(boss);
        hub.setGuardian(account, STRANGER);
        assertEq(hub.guardianOf(account), STRANGER, "at once, where there was none");
    }

    function test_forbid() public {
        vm.prank(boss);
        hub.forbid(account, agent, address(dollar), oneOf(uint160(PAYEE)), oneOf(SERVICE));
        assertTrue(
            !hub.isAllowed(account, agent, address(dollar), uint160(PAYEE))
                && !hub.isServiceAllowed(account, agent, address(dollar), SERVICE),
            "forbidden"
        );
        _refused(
            abi.encodeWithSelector(IAgentEvents.CounterpartyNotAllowed.selector, uint160(PAYEE))
        );
        payAs(agent, 1, 0);
    }

    /// @dev An agent, a guardian and a stranger try all that is the owner's.
    function test_onlyOwner() public {
        Policy memory policy = policyOf();
        bytes[] memory calls = new bytes[](7);
        calls[0] = abi.encodeCall(hub.setPolicy, (account, agent, address(dollar), policy));
        calls[1] = abi.encodeCall(hub.tighten, (account, agent, address(dollar), policy));
        calls[2] =
            abi.encodeCall(hub.allow, (account, agent, address(dollar), oneOf(1), noLeases()));
        calls[3] =
            abi.encodeCall(hub.forbid, (account, agent, address(dollar), oneOf(1), noLeases()));
        calls[4] = abi.encodeCall(hub.setGuardian, (account, agent));
        calls[5] = abi.encodeCall(hub.setDelay, (account, 30 days));
        calls[6] = abi.encodeCall(hub.announce, (account, calls[0]));
        address[3] memory callers = [agent, guardian, STRANGER];
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                vm.prank(callers[j]);
                (bool done, bytes memory result) = address(hub).call(calls[i]);
                assertTrue(!done, "refused");
                assertEq(
                    keccak256(result),
                    keccak256(
                        abi.encodeWithSelector(
                            IAgentEvents.NotAccountOwner.selector, account, callers[j]
                        )
                    ),
                    "reason"
                );
            }
        }
    }

    function test_setUp_twice() public {
        _refused(abi.encodeWithSelector(IAgentEvents.AccountKnown.selector, account));
        vm.prank(account);
        hub.setUp(account, setupOf());
        _refused(abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, account, agent));
        vm.prank(agent);
        hub.setUp(account, setupOf());
    }

    // ------------------------------------------------------------------ helpers

    function _refused(bytes memory reason) internal {
        vm.expectRevert(reason);
    }

    function _refusedChange(bytes memory call, bytes memory reason) private {
        vm.prank(boss);
        hub.announce(account, call);
        vm.warp(block.timestamp + DELAY);
        vm.prank(boss);
        (bool done, bytes memory result) = address(hub).call(call);
        assertTrue(!done, "refused");
        assertEq(keccak256(result), keccak256(reason), "reason");
    }

    function _fund(uint128 amount, uint256 ref) internal returns (bytes32) {
        vm.prank(agent);
        return hub.fundChannel(account, channelOf(), amount, SERVICE, ref, none());
    }

    function _lease() internal returns (bytes32 lease, Offer memory offer) {
        offer = offerOf(asset);
        bytes memory signature = sign(OPERATOR_KEY, market.hashOffer(offer));
        vm.prank(agent);
        lease = hub.openLease(account, offer, signature, 3_600, 0, none());
    }

    function _machineOf(address operator_) private returns (uint256) {
        address kept = operator_;
        uint256 id = registerMachine();
        vm.prank(owner);
        assets.setOperator(id, kept);
        return id;
    }

    function _approval(uint256 key, Spend memory spend)
        internal
        view
        returns (Approval memory approval)
    {
        approval.expiry = uint40(block.timestamp) + 2 days;
        approval.signature =
            sign(key, hub.hashApproval(account, agent, Kind.Payment, spend, approval.expiry));
    }

    function _invalid(Spend memory spend, Approval memory approval) private {
        bytes32 digest = hub.hashApproval(account, agent, Kind.Payment, spend, approval.expiry);
        _refused(abi.encodeWithSelector(IAgentEvents.ApprovalInvalid.selector, digest));
        vm.prank(agent);
        hub.pay(account, spend, approval);
    }

    function _exposure(Channel[] memory list, bytes32[] memory leases)
        internal
        view
        returns (uint256)
    {
        return hub.exposureOf(account, agent, address(dollar), list, leases);
    }
}
