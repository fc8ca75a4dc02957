// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentAccounts} from "../../src/agents/AgentAccounts.sol";
import {
    Approval,
    Grant,
    IAgentAccount,
    Policy,
    Setup,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {Policies} from "../../src/agents/Policies.sol";
import {Channel} from "../../src/channels/IChannels.sol";
import {Deployment} from "../base/Deployment.sol";

/// @notice What an agent's own account costs.
abstract contract AgentsGas is Deployment {
    address private constant AGENT = address(0xA6E47);
    address private constant GUARDIAN = address(0x60A4D);
    address private constant PAYEE = address(0xFEE);
    bytes32 private constant SERVICE = keccak256("https://a.example GET /");

    IAgentAccount private _account;
    AgentAccounts private _factory;

    function _record(string memory key) internal virtual returns (uint256);

    function _measureAgents() internal {
        Policies policies = new Policies(till, channels, market);
        _factory = new AgentAccounts(till, channels, market, address(policies));
        Setup memory setup;
        (setup.guardian, setup.delay) = (GUARDIAN, 1 days);
        setup.grants = new Grant[](1);
        Grant memory grant = setup.grants[0];
        (grant.agent, grant.currency, grant.policy) = (AGENT, address(dollar), _policy());
        grant.counterparties = new uint256[](1);
        grant.counterparties[0] = uint160(PAYEE);
        grant.services = new bytes32[](1);
        grant.services[0] = SERVICE;
        address made = _factory.create(owner, setup, "salt");
        _record("agents.create");
        _account = IAgentAccount(made);
        fund(made, 1e12);

        _pay(0);
        _record("agents.pay_first");
        _pay(1);
        _record("agents.pay");
        _fund(2);
        _record("agents.fund_channel_first");
        _fund(3);
        _record("agents.fund_channel");
        _setPolicy(address(0xC0), "_first");
        _setPolicy(address(dollar), "");
        vm.prank(owner);
        _account.tighten(made, AGENT, address(dollar), _policy());
        _record("agents.tighten");
        vm.prank(GUARDIAN);
        _account.pause(made, AGENT);
        _record("agents.pause");
        vm.prank(owner);
        _account.unpause(made, AGENT);
        _record("agents.unpause");
        Channel[] memory one = new Channel[](1);
        one[0] = _channel();
        vm.prank(GUARDIAN);
        _account.pauseAndClose(made, AGENT, one);
        _record("agents.pause_and_close");
    }

    function _pay(uint256 ref) private {
        Approval memory none;
        vm.prank(AGENT);
        _account.pay(address(_account), Spend(address(dollar), PAYEE, 0, 1e6, SERVICE, ref), none);
    }

    function _fund(uint256 ref) private {
        Approval memory none;
        vm.prank(AGENT);
        _account.fundChannel(address(_account), _channel(), 1e6, SERVICE, ref, none);
    }

    function _setPolicy(address currency, string memory suffix) private {
        Policy memory policy = _policy();
        policy.float = address(0);
        policy.floatPerPeriod = 0;
        bytes memory call = abi.encodeCall(
            IAgentAccount(address(0)).setPolicy, (address(_account), AGENT, currency, policy)
        );
        vm.prank(owner);
        _account.announce(address(_account), call);
        vm.warp(block.timestamp + 1 days);
        vm.prank(owner);
        _account.setPolicy(address(_account), AGENT, currency, policy);
        _record(string.concat("agents.set_policy", suffix));
    }

    function _channel() private view returns (Channel memory) {
        return Channel(address(_account), AGENT, PAYEE, 0, address(dollar), 900, "salt");
    }

    function _policy() private view returns (Policy memory) {
        return Policy({
            perPayment: 50e6,
            perPeriod: 100e6,
            perCounterparty: 80e6,
            budget: 1_000e6,
            approveAbove: 40e6,
            period: 1 days,
            start: uint40(block.timestamp),
            end: uint40(block.timestamp + 365 days),
            anyCounterparty: false,
            anyService: false,
            float: address(0),
            floatPerPeriod: 0
        });
    }
}
