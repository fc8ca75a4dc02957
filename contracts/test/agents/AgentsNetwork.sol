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
import {Network} from "../base/Network.sol";

/// @notice A network with an account, its owner and guardian, and two agents who may spend test dollars.
abstract contract AgentsNetwork is Network {
    uint256 internal constant AGENT_KEY = 0xA6E47;
    uint256 internal constant GUARDIAN_KEY = 0x60A4D;
    uint40 internal constant DELAY = 1 days;
    uint256 internal constant ASSET = 1 << 255;
    bytes32 internal constant SERVICE = keccak256("https://a.example GET /");

    address internal immutable agent = vm.addr(AGENT_KEY);
    address internal immutable guardian = vm.addr(GUARDIAN_KEY);
    address internal constant PAYEE = address(0xFEE);
    address internal constant FLOAT = address(0xF10A7);

    Policies internal policies;
    /// @dev What agents and owner call.
    IAgentAccount internal hub;
    /// @dev Whose money it is.
    address internal account;
    /// @dev Who sends what the owner may.
    address internal boss;
    uint256 internal asset;

    function setUp() public virtual override {
        super.setUp();
        asset = registerMachine();
        policies = new Policies(till, channels, market);
        install(setupOf());
        fund(account, 1e12);
    }

    /// @notice Brings the form under test into being.
    function install(Setup memory setup) internal virtual;

    /// @notice An account of its own, at an address that was known before.
    function createAccount(address owner_, Setup memory setup) internal returns (address) {
        AgentAccounts factory = new AgentAccounts(till, channels, market, address(policies));
        address expected = factory.addressOf(owner_, setup, "salt");
        assertEq(factory.create(owner_, setup, "salt"), expected, "address");
        return expected;
    }

    function policyOf() internal pure returns (Policy memory) {
        return Policy({
            perPayment: 50e6,
            perPeriod: 100e6,
            perCounterparty: 80e6,
            budget: 1_000e6,
            approveAbove: 40e6,
            period: 1 days,
            start: GENESIS,
            end: GENESIS + 365 days,
            anyCounterparty: false,
            anyService: false,
            float: FLOAT,
            floatPerPeriod: 20e6
        });
    }

    function setupOf() internal view returns (Setup memory setup) {
        setup.guardian = guardian;
        setup.delay = DELAY;
        setup.grants = new Grant[](1);
        setup.grants[0].agent = agent;
        setup.grants[0].currency = address(dollar);
        setup.grants[0].policy = policyOf();
        setup.grants[0].counterparties = new uint256[](2);
        setup.grants[0].counterparties[0] = uint160(PAYEE);
        setup.grants[0].counterparties[1] = ASSET | asset;
        setup.grants[0].services = new bytes32[](2);
        setup.grants[0].services[0] = SERVICE;
        setup.grants[0].services[1] = keccak256("offer");
    }

    function spendOf(uint128 amount, uint256 ref) internal view returns (Spend memory) {
        return Spend(address(dollar), PAYEE, 0, amount, SERVICE, ref);
    }

    function none() internal pure returns (Approval memory approval) {}

    function channelOf() internal view returns (Channel memory) {
        return Channel(account, agent, PAYEE, 0, address(dollar), 900, "salt");
    }

    function oneOf(Channel memory channel) internal pure returns (Channel[] memory list) {
        list = new Channel[](1);
        list[0] = channel;
    }

    function noChannels() internal pure returns (Channel[] memory list) {}

    function oneOf(bytes32 id) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = id;
    }

    function noLeases() internal pure returns (bytes32[] memory list) {}

    function oneOf(uint256 id) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = id;
    }

    function noOnes() internal pure returns (uint256[] memory list) {}

    function payAs(address key, uint128 amount, uint256 ref) internal {
        vm.prank(key);
        hub.pay(account, spendOf(amount, ref), none());
    }

    /// @notice Announces a call of the owner, waits, and makes it.
    function change(bytes memory call) internal {
        vm.prank(boss);
        hub.announce(account, call);
        vm.warp(block.timestamp + DELAY);
        bossCalls(call);
    }

    function bossCalls(bytes memory call) internal {
        vm.prank(boss);
        (bool done, bytes memory result) = address(hub).call(call);
        if (!done) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
