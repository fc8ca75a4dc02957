// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IdentityRegistry} from "../../src/erc8004/IdentityRegistry.sol";
import {ReputationRegistry} from "../../src/erc8004/ReputationRegistry.sol";
import {Test} from "../base/Test.sol";

/// @notice An agent's identity goes with its token, its wallet does not; feedback is anyone's but its own people's.
contract RegistriesTest is Test {
    IdentityRegistry private constant IDENTITY =
        IdentityRegistry(0x8004A169FB4a3325136EB29fA0ceB6D2e539a432);
    address private constant OWNER = address(0xA11CE);
    address private constant CLIENT = address(0xC11E);
    ReputationRegistry private reputation;

    function setUp() public {
        vm.etch(address(IDENTITY), address(new IdentityRegistry()).code);
        reputation = new ReputationRegistry();
    }

    function test_identity_walletEndsWithTheOwner() public {
        assertEq(_register(), 0, "ids begin at zero");
        assertEq(_register(), 1, "the next");
        assertEq(IDENTITY.getAgentWallet(0), OWNER, "the owner's at first");
        vm.prank(OWNER);
        IDENTITY.transferFrom(OWNER, CLIENT, 0);
        assertEq(IDENTITY.getAgentWallet(0), address(0), "nobody's");
        vm.expectRevert("Not authorized");
        vm.prank(OWNER);
        IDENTITY.setAgentURI(0, "elsewhere");
        vm.prank(CLIENT);
        IDENTITY.setAgentURI(0, "elsewhere");
        assertEq(keccak256(bytes(IDENTITY.tokenURI(0))), keccak256("elsewhere"), "card");
        vm.prank(OWNER);
        IDENTITY.unsetAgentWallet(1);
        assertEq(IDENTITY.getAgentWallet(1), address(0), "taken away");
        vm.expectRevert("Not authorized");
        vm.prank(OWNER);
        IDENTITY.unsetAgentWallet(0);
    }

    function testFuzz_feedback_readAsGiven(int128 value, uint8 decimals, string calldata tag)
        public
    {
        uint256 agent = _register();
        decimals = decimals % 19;
        assertEq(reputation.getLastIndex(agent, CLIENT), 0, "none");
        vm.prank(CLIENT);
        reputation.giveFeedback(agent, value, decimals, tag, "", "", "", 0);
        assertEq(reputation.getLastIndex(agent, CLIENT), 1, "one");
        (int128 seen, uint8 seenDecimals, string memory tag1,, bool revoked) =
            reputation.readFeedback(agent, CLIENT, 1);
        assertTrue(seen == value && seenDecimals == decimals && !revoked, "as given");
        assertEq(keccak256(bytes(tag1)), keccak256(bytes(tag)), "tag");
        vm.prank(CLIENT);
        reputation.revokeFeedback(agent, 1);
        (,,,, revoked) = reputation.readFeedback(agent, CLIENT, 1);
        assertTrue(revoked, "taken back");
        vm.expectRevert("Already revoked");
        vm.prank(CLIENT);
        reputation.revokeFeedback(agent, 1);
    }

    function test_feedback_refused() public {
        uint256 agent = _register();
        vm.expectRevert("Self-feedback not allowed");
        vm.prank(OWNER);
        reputation.giveFeedback(agent, 1, 0, "", "", "", "", 0);
        vm.expectRevert("too many decimals");
        vm.prank(CLIENT);
        reputation.giveFeedback(agent, 1, 19, "", "", "", "", 0);
        vm.expectRevert("index must be > 0");
        reputation.readFeedback(agent, CLIENT, 0);
        vm.expectRevert("index out of bounds");
        reputation.readFeedback(agent, CLIENT, 1);
    }

    function _register() private returns (uint256) {
        vm.prank(OWNER);
        return IDENTITY.register("card");
    }
}
