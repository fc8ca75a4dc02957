// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC7821} from "@openzeppelin/contracts/account/extensions/draft-ERC7821.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

import {AgentDelegate} from "../../src/agents/AgentDelegate.sol";
import {Books} from "../../src/agents/Book.sol";
import {IAgentAccount, IAgentEvents, Setup} from "../../src/agents/IAgentAccount.sol";
import {AgentsBehaviour} from "./AgentsBehaviour.sol";

/// @notice The code of an EIP-7702 account.
contract AgentDelegateTest is AgentsBehaviour {
    uint256 private constant KEY = 0x7702;

    function install(Setup memory setup) internal override {
        AgentDelegate code = new AgentDelegate(till, channels, market, address(policies));
        account = boss = vm.addr(KEY);
        hub = IAgentAccount(account);
        vm.signAndAttachDelegation(address(code), KEY);
        vm.startPrank(account);
        hub.setUp(account, setup);
        till.setOperator(address(channels), true);
        till.setOperator(address(market), true);
        vm.stopPrank();
    }

    function test_signsAsItsKeyOnly(bytes32 digest) public view {
        AgentDelegate code = AgentDelegate(payable(account));
        assertTrue(code.isValidSignature(digest, sign(KEY, digest)) == 0x1626ba7e, "the key's own");
        assertTrue(code.isValidSignature(digest, sign(AGENT_KEY, digest)) == 0xffffffff, "agent");
        assertTrue(
            code.isValidSignature(digest, sign(GUARDIAN_KEY, digest)) == 0xffffffff, "guardian"
        );
        assertTrue(
            code.isValidSignature(digest, mirrored(sign(KEY, digest))) == 0xffffffff, "mirrored"
        );
    }

    function test_receives() public {
        vm.deal(address(this), 1);
        (bool done,) = account.call{value: 1}("");
        assertTrue(done, "ether");
        assertTrue(
            IERC721Receiver(account).onERC721Received(owner, owner, 1, "")
                == IERC721Receiver.onERC721Received.selector,
            "tokens"
        );
    }

    /// @dev The key takes the code away, and with it all that agents may do.
    function test_revoked() public {
        vm.signAndAttachDelegation(address(0), KEY);
        vm.prank(account);
        till.transfer(owner, dollarId, 1);
        assertEq(account.code.length, 0, "no code");
        uint256 before = balanceOf(account);
        vm.prank(agent);
        (bool done,) = account.call(abi.encodeCall(hub.pay, (account, spendOf(1, 0), none())));
        assertTrue(done && balanceOf(account) == before, "nothing happens");
    }

    function test_batch_onlyItself() public {
        bytes32 mode = bytes32(uint256(1) << 248);
        bytes memory none_ = abi.encode(new bytes32[](0));
        vm.expectRevert(
            abi.encodeWithSelector(bytes4(keccak256("AccountUnauthorized(address)")), agent)
        );
        vm.prank(agent);
        ERC7821(payable(account)).execute(mode, none_);
        vm.prank(account);
        ERC7821(payable(account)).execute(mode, none_);
    }

    function test_storageIsNamed() public pure {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("millrace.agents")) - 1))
            & ~bytes32(uint256(0xff));
        assertEq(Books.SLOT, slot, "ERC-7201");
    }

    function test_anotherAccount() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AccountUnknown.selector, agent));
        vm.prank(agent);
        hub.pay(agent, spendOf(1, 0), none());
    }
}
