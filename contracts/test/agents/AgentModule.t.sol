// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountERC7579} from "@openzeppelin/contracts/account/extensions/draft-AccountERC7579.sol";
import {MODULE_TYPE_EXECUTOR} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";
import {SignerECDSA} from "@openzeppelin/contracts/utils/cryptography/signers/SignerECDSA.sol";

import {Offer} from "../../src/market/IMarket.sol";
import {AgentModule} from "../../src/agents/AgentModule.sol";
import {
    Approval,
    IAgentAccount,
    IAgentEvents,
    Kind,
    Setup,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {AgentsBehaviour} from "./AgentsBehaviour.sol";

/// @notice The smallest account that OpenZeppelin's contracts make: one key, modules.
contract ModularAccount is AccountERC7579, SignerECDSA {
    constructor(address signer) SignerECDSA(signer) {}

    /// @dev Without a validator module the key signs.
    function isValidSignature(bytes32 hash, bytes calldata signature)
        public
        view
        override
        returns (bytes4)
    {
        return _rawSignatureValidation(hash, signature) ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }

    function _rawSignatureValidation(bytes32 hash, bytes calldata signature)
        internal
        view
        override(AccountERC7579, SignerECDSA)
        returns (bool)
    {
        return SignerECDSA._rawSignatureValidation(hash, signature);
    }
}

/// @notice The module of an ERC-7579 account.
contract AgentModuleTest is AgentsBehaviour {
    AgentModule private module;

    function install(Setup memory setup) internal override {
        module = new AgentModule(till, channels, market, address(policies));
        hub = IAgentAccount(address(module));
        account = boss = address(new ModularAccount(owner));
        vm.startPrank(account);
        ModularAccount(payable(account))
            .installModule(MODULE_TYPE_EXECUTOR, address(module), abi.encode(setup));
        till.setOperator(address(channels), true);
        till.setOperator(address(market), true);
        vm.stopPrank();
    }

    function test_install() public {
        assertTrue(module.isInitialized(account), "installed");
        assertTrue(module.isModuleType(2) && !module.isModuleType(1), "an executor only");
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AccountUnknown.selector, owner));
        vm.prank(owner);
        module.onUninstall("");
    }

    /// @dev What was granted before the removal does not come back.
    function test_removed() public {
        payAs(agent, 1, 0);
        vm.prank(account);
        ModularAccount(payable(account)).uninstallModule(MODULE_TYPE_EXECUTOR, address(module), "");
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AgentPaused.selector, account, agent));
        payAs(agent, 1, 1);
        Setup memory setup;
        vm.prank(account);
        ModularAccount(payable(account))
            .installModule(MODULE_TYPE_EXECUTOR, address(module), abi.encode(setup));
        vm.expectRevert(abi.encodeWithSelector(IAgentEvents.AgentPaused.selector, account, agent));
        payAs(agent, 1, 1);
        assertTrue(hub.isPaused(account, agent), "nothing is left");
        assertEq(hub.policyOf(account, agent, address(dollar)).period, 0, "no policy");
    }

    /// @dev Approved by the account's own signature (ERC-1271).
    function test_approval_byAccount() public {
        Spend memory spend = spendOf(41e6, 0);
        Approval memory approval = _approval(OWNER_KEY, spend);
        vm.prank(agent);
        hub.pay(account, spend, approval);
        assertEq(balanceOf(PAYEE), 41e6, "paid");
    }

    /// @dev An account whose own offer its agent hires: the bond would leave beside the price.
    function test_lease_bondBesideThePrice() public {
        vm.prank(owner);
        assets.setOperator(asset, account);
        Offer memory offer = offerOf(asset);
        offer.bond = 1e6;
        bytes memory signature = sign(OWNER_KEY, market.hashOffer(offer));
        uint128 price = market.priceUp(offer.pricePerHour, 3_600);
        uint256 before = balanceOf(account);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgentEvents.BalanceMoved.selector, before, before - price - 1e6, price
            )
        );
        vm.prank(agent);
        hub.openLease(account, offer, signature, 3_600, 0, none());
    }
}
