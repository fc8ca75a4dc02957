// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentAccount} from "../../src/agents/AgentAccount.sol";
import {AgentAccounts} from "../../src/agents/AgentAccounts.sol";
import {IAgentAccount, IAgentEvents, Setup} from "../../src/agents/IAgentAccount.sol";
import {AgentsBehaviour} from "./AgentsBehaviour.sol";

/// @notice An account of its own.
contract AgentAccountTest is AgentsBehaviour {
    function install(Setup memory setup) internal override {
        account = createAccount(owner, setup);
        (hub, boss) = (IAgentAccount(account), owner);
    }

    function test_create() public {
        AgentAccounts factory = new AgentAccounts(till, channels, market, address(policies));
        address made = factory.create(owner, setupOf(), "a");
        vm.expectRevert(abi.encodeWithSelector(AgentAccounts.AccountExists.selector, made));
        factory.create(owner, setupOf(), "a");
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.OwnerInvalid.selector, address(0)));
        factory.create(address(0), setupOf(), "a");
        Setup memory setup = setupOf();
        setup.delay = 31 days;
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.DelayTooLong.selector, 31 days, 30 days)
        );
        factory.create(owner, setup, "a");
        // Nobody owns the implementation, and nobody sets it up.
        AgentAccount bare = AgentAccount(factory.implementation());
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, address(bare), agent)
        );
        vm.prank(agent);
        bare.initialize(agent, setup);
    }

    function test_signsNothing(bytes32 digest, bytes calldata signature) public view {
        assertTrue(
            AgentAccount(account).isValidSignature(digest, signature) == 0xffffffff, "refused"
        );
        assertTrue(
            AgentAccount(account).isValidSignature(digest, sign(OWNER_KEY, digest)) == 0xffffffff,
            "refused to the owner too"
        );
    }

    function test_execute() public {
        bytes memory call = abi.encodeCall(till.withdraw, (address(dollar), owner, 5));
        vm.prank(owner);
        AgentAccount(account).execute(address(till), call);
        assertEq(dollar.balanceOf(owner), 5, "withdrawn");
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, account, agent)
        );
        vm.prank(agent);
        AgentAccount(account).execute(address(till), call);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, account, guardian)
        );
        vm.prank(guardian);
        AgentAccount(account).execute(address(till), call);
    }

    function test_owner_changes() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.NotAccountOwner.selector, account, agent)
        );
        vm.prank(agent);
        AgentAccount(account).offerOwner(agent);
        vm.prank(owner);
        AgentAccount(account).offerOwner(buyer);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.NotOfferedOwner.selector, account, agent)
        );
        vm.prank(agent);
        AgentAccount(account).acceptOwner();
        vm.prank(buyer);
        AgentAccount(account).acceptOwner();
        assertEq(hub.ownerOf(account), buyer, "owner");
    }

    /// @dev Or it would spend what it approves itself.
    function test_owner_noAgent() public {
        bytes memory refused =
            abi.encodeWithSelector(IAgentEvents.AgentInvalid.selector, account, agent);
        vm.expectRevert(refused);
        vm.prank(owner);
        AgentAccount(account).offerOwner(agent);
        // Nor one that became an agent after the offer.
        vm.prank(owner);
        AgentAccount(account).offerOwner(buyer);
        vm.prank(owner);
        hub.unpause(account, buyer);
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AgentInvalid.selector, account, buyer));
        vm.prank(buyer);
        AgentAccount(account).acceptOwner();
        // One that is paused spends nothing, and as the owner it is not let loose again.
        vm.prank(guardian);
        hub.pause(account, agent);
        vm.prank(owner);
        AgentAccount(account).offerOwner(agent);
        vm.prank(agent);
        AgentAccount(account).acceptOwner();
        vm.expectRevert(refused);
        vm.prank(agent);
        hub.unpause(account, agent);
    }

    function test_anotherAccount() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AccountUnknown.selector, agent));
        vm.prank(agent);
        hub.pay(agent, spendOf(1, 0), none());
    }
}
