// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Approval,
    IAgentAccount,
    IAgentEvents,
    Kind,
    Policy,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {AgentsNetwork} from "./AgentsNetwork.sol";

/// @notice Who may do what, word for word: what an approval is bound to, what tightening can never raise, what only the owner or the
/// guardian does.
abstract contract AgentsRights is AgentsNetwork {
    /// @dev An approval for another chain, account, agent, currency or service is none.
    function test_approval_boundElsewhere() public {
        Spend memory spend = spendOf(41e6, 0);
        uint40 expiry = uint40(block.timestamp) + 1 days;
        bytes32[] memory others = new bytes32[](5);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        others[0] = hub.hashApproval(account, agent, Kind.Payment, spend, expiry);
        vm.chainId(here);
        others[1] = hub.hashApproval(buyer, agent, Kind.Payment, spend, expiry);
        others[2] = hub.hashApproval(account, buyer, Kind.Payment, spend, expiry);
        spend.currency = address(0xBAD);
        others[3] = hub.hashApproval(account, agent, Kind.Payment, spend, expiry);
        spend.currency = address(dollar);
        spend.service = "other";
        others[4] = hub.hashApproval(account, agent, Kind.Payment, spend, expiry);
        spend.service = SERVICE;
        bytes32 right = hub.hashApproval(account, agent, Kind.Payment, spend, expiry);
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentEvents.ApprovalInvalid.selector, right));
            vm.prank(agent);
            hub.pay(account, spend, Approval(expiry, sign(GUARDIAN_KEY, others[i])));
        }
        vm.prank(agent);
        hub.pay(account, spend, Approval(expiry, sign(GUARDIAN_KEY, right)));
        assertEq(balanceOf(PAYEE), 41e6, "the one that was meant");
    }

    /// @dev Whatever is asked for, no number gets looser; and what is asked for is what there is, where it is stricter.
    function test_tighten_anyNumbers(Policy memory asked) public {
        Policy memory before = policyOf();
        vm.prank(boss);
        hub.tighten(account, agent, address(dollar), asked);
        Policy memory seen = hub.policyOf(account, agent, address(dollar));
        _lower(asked.perPayment, before.perPayment, seen.perPayment);
        _lower(asked.perPeriod, before.perPeriod, seen.perPeriod);
        _lower(asked.perCounterparty, before.perCounterparty, seen.perCounterparty);
        _lower(asked.budget, before.budget, seen.budget);
        _lower(asked.approveAbove, before.approveAbove, seen.approveAbove);
        _lower(asked.end, before.end, seen.end);
        _lower(asked.floatPerPeriod, before.floatPerPeriod, seen.floatPerPeriod);
        // Higher is stricter: a bucket leaks slower, and spending begins later.
        assertEq(seen.period, asked.period > before.period ? asked.period : before.period, "period");
        assertEq(seen.start, asked.start > before.start ? asked.start : before.start, "start");
        assertTrue(!seen.anyCounterparty && !seen.anyService, "lists");
        assertEq(seen.float, asked.float == FLOAT ? FLOAT : address(0), "float");
    }

    /// @dev An agent and a stranger try all that is the owner's or the guardian's.
    function test_onlyGuard() public {
        bytes memory call = abi.encodeCall(hub.setDelay, (account, 0));
        vm.prank(boss);
        hub.announce(account, call);
        bytes[] memory calls = new bytes[](5);
        calls[0] = abi.encodeCall(hub.pause, (account, agent));
        calls[1] = abi.encodeCall(hub.pauseAndClose, (account, agent, noChannels()));
        calls[2] = abi.encodeCall(hub.veto, (account, keccak256(call)));
        calls[3] = abi.encodeCall(hub.cancelRef, (account, agent, 7));
        calls[4] = abi.encodeCall(
            hub.approve, (account, agent, Kind.Payment, spendOf(41e6, 0), type(uint40).max)
        );
        address[2] memory callers = [agent, address(0x57A)];
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 j = 0; j < 2; ++j) {
                vm.prank(callers[j]);
                (bool done, bytes memory result) = address(hub).call(calls[i]);
                assertTrue(!done, "refused");
                assertEq(
                    keccak256(result),
                    keccak256(
                        abi.encodeWithSelector(
                            IAgentEvents.NotOwnerOrGuardian.selector, account, callers[j]
                        )
                    ),
                    "reason"
                );
            }
        }
        // The guardian may do each of them.
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(guardian);
            (bool done,) = address(hub).call(calls[i]);
            assertTrue(done, "the guardian's");
        }
    }

    function _lower(uint256 asked, uint256 before, uint256 seen) private pure {
        assertEq(seen, asked < before ? asked : before, "the stricter of both");
    }
}
