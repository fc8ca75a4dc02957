// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentModule} from "../../src/agents/AgentModule.sol";
import {
    Approval,
    Budget,
    IAgentAccount,
    IAgentEvents,
    Setup,
    Spend
} from "../../src/agents/IAgentAccount.sol";
import {AgentsNetwork} from "./AgentsNetwork.sol";

/// @notice Makes a call, in the middle of another, of whoever set it. Keeps what came of it.
abstract contract Striking {
    address private _target;
    bytes private _call;
    bool public succeeded;
    bytes public answer;

    function arm(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function _strike() internal {
        if (_target == address(0)) return;
        address target = _target;
        delete _target;
        (succeeded, answer) = target.call(_call);
    }
}

/// @notice A currency that is itself an agent, and spends again while its own transfer runs.
contract AgentToken is Striking {
    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function spend(address hub, bytes calldata call) external {
        (bool done, bytes memory result) = hub.call(call);
        if (!done) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _strike();
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        return true;
    }
}

/// @notice The key of an agent that its own account calls.
contract AgentKey {
    function spend(address hub, bytes calldata call) external {
        (bool done, bytes memory result) = hub.call(call);
        if (!done) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}

/// @notice An ERC-7579 account that calls elsewhere before it does what a module asks.
contract HostileAccount is Striking {
    function install(AgentModule module, Setup calldata setup) external {
        module.onInstall(abi.encode(setup));
    }

    function executeFromExecutor(bytes32, bytes calldata data)
        external
        returns (bytes[] memory results)
    {
        _strike();
        (bool done, bytes memory result) = address(bytes20(data[:20])).call(data[52:]);
        if (!done) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
        results = new bytes[](1);
        results[0] = result;
    }
}

/// @notice Invariant 11: a call inside another sees what was counted.
contract AgentsReentrancyTest is AgentsNetwork {
    AgentToken private token;
    AgentKey private key;
    AgentModule private module;
    HostileAccount private hostile;

    function install(Setup memory setup) internal override {
        token = new AgentToken();
        (setup.grants[0].agent, setup.grants[0].currency) = (address(token), address(token));
        account = createAccount(owner, setup);
        (hub, boss) = (IAgentAccount(account), owner);
        till.deposit(address(token), account, 1e12);

        key = new AgentKey();
        module = new AgentModule(till, channels, market, address(policies));
        hostile = new HostileAccount();
        (setup.grants[0].agent, setup.grants[0].currency) = (address(key), address(dollar));
        hostile.install(module, setup);
        fund(address(hostile), 1e12);
    }

    // ------------------------------------------------------------------ a hostile currency

    function test_token_sameRef() public {
        token.arm(account, _fundFloat(5e6, 1));
        token.spend(account, _fundFloat(5e6, 1));
        _struckOut(token, abi.encodeWithSelector(IAgentEvents.RefUsed.selector, address(token), 1));
        assertEq(token.balanceOf(FLOAT), 5e6, "once");
        _counted(5e6);
    }

    /// @dev What the float may hold is the first limit that the second spending meets.
    function test_token_seesWhatWasCounted() public {
        token.arm(account, _fundFloat(10e6, 2));
        token.spend(account, _fundFloat(15e6, 1));
        _struckOut(token, abi.encodeWithSelector(IAgentEvents.FloatExceeded.selector, 10e6, 5e6));
        assertEq(token.balanceOf(FLOAT), 15e6, "the first");
        assertTrue(!hub.isRefUsed(account, address(token), 2), "the second left its ref");
        _counted(15e6);
    }

    /// @dev A second spending that fits may go through, and both count; then more left than the first metered, and all of it fails.
    function test_token_fits() public {
        token.arm(account, _pay(10e6, 2));
        uint256 before = till.balanceOf(account, uint160(address(token)));
        vm.expectRevert(
            abi.encodeWithSelector(IAgentEvents.BalanceMoved.selector, before, before - 15e6, 5e6)
        );
        token.spend(account, _fundFloat(5e6, 1));
        assertTrue(!hub.isRefUsed(account, address(token), 1), "ref of the first");
        assertTrue(!hub.isRefUsed(account, address(token), 2), "ref of the second");
        _counted(0);
    }

    // ------------------------------------------------------------------ a hostile account

    function test_account_sameRef() public {
        hostile.arm(address(key), _spendAgain(10e6, 1));
        key.spend(address(module), _payOf(address(hostile), 10e6, 1));
        _struckOut(hostile, abi.encodeWithSelector(IAgentEvents.RefUsed.selector, address(key), 1));
        assertEq(balanceOf(PAYEE), 10e6, "once");
    }

    function test_account_seesWhatWasCounted() public {
        key.spend(address(module), _payOf(address(hostile), 40e6, 1));
        key.spend(address(module), _payOf(address(hostile), 30e6, 2));
        hostile.arm(address(key), _spendAgain(10e6, 4));
        key.spend(address(module), _payOf(address(hostile), 5e6, 3));
        _struckOut(
            hostile,
            abi.encodeWithSelector(
                IAgentEvents.CounterpartyExceeded.selector, uint160(PAYEE), 10e6, 5e6
            )
        );
        assertEq(balanceOf(PAYEE), 75e6, "the three that were metered");
    }

    /// @dev It is its own books that it plays with: those of another account refuse its agents.
    function test_account_ofOthers() public {
        hostile.arm(address(key), abi.encodeCall(key.spend, (account, _payOf(account, 1, 5))));
        key.spend(address(module), _payOf(address(hostile), 10e6, 1));
        _struckOut(
            hostile,
            abi.encodeWithSelector(IAgentEvents.AgentPaused.selector, account, address(key))
        );
    }

    // ------------------------------------------------------------------ helpers

    function _fundFloat(uint128 amount, uint256 ref) private view returns (bytes memory) {
        return abi.encodeCall(hub.fundFloat, (account, address(token), amount, ref, none()));
    }

    function _pay(uint128 amount, uint256 ref) private view returns (bytes memory) {
        Spend memory spend = Spend(address(token), PAYEE, 0, amount, SERVICE, ref);
        return abi.encodeCall(hub.pay, (account, spend, none()));
    }

    function _payOf(address of_, uint128 amount, uint256 ref) private view returns (bytes memory) {
        return abi.encodeCall(hub.pay, (of_, spendOf(amount, ref), none()));
    }

    function _spendAgain(uint128 amount, uint256 ref) private view returns (bytes memory) {
        return abi.encodeCall(key.spend, (address(module), _payOf(address(hostile), amount, ref)));
    }

    function _struckOut(Striking by, bytes memory reason) private view {
        assertTrue(!by.succeeded(), "the call inside went through");
        assertTrue(keccak256(by.answer()) == keccak256(reason), "for another reason");
    }

    function _counted(uint128 amount) private view {
        Budget memory left = hub.budgetOf(account, address(token), address(token), uint160(PAYEE));
        assertEq(left.budget, 1_000e6 - amount, "budget");
        assertEq(left.period, 100e6 - amount, "period");
        assertEq(
            till.balanceOf(account, uint160(address(token))), 1e12 - uint256(amount), "balance"
        );
    }
}
