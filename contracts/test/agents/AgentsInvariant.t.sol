// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channel} from "../../src/channels/IChannels.sol";
import {Campaign} from "../base/Campaign.sol";
import {AgentsHandler} from "./AgentsHandler.sol";

/// @notice The invariants of `src/agents/README.md`, in its order; 2 to 8 and 10 are checked attempt by attempt in the handler.
contract AgentsInvariantTest is Campaign {
    AgentsHandler private _handler;

    function setUp() public {
        _handler = new AgentsHandler();
        _target(address(_handler));
    }

    function invariant_agents() public view {
        address account = _handler.account();
        for (uint256 i = 0; i < 4; ++i) {
            (address agent, address currency) = (_handler.agents(i / 2), _handler.currencies(i % 2));
            _handler.checkBuckets(agent, currency);
            bytes32 line = _handler.lineOf(agent, currency);
            assertEq(
                _handler.spentOf(line) + _handler.hub().policyOf(account, agent, currency).budget,
                _handler.grantedOf(line),
                "1. spent and left are what was granted"
            );
            uint256 truth = _handler.atRisk(agent, currency);
            (Channel[] memory list, bytes32[] memory leases) = _handler.listed(agent);
            uint256 most = _handler.hub().exposure(account, agent, currency);
            uint256 known = _handler.hub().exposureOf(account, agent, currency, list, leases);
            assertLe(truth, most, "9. exposure below the truth");
            assertLe(truth, known, "9. exposure looked up below the truth");
            assertLe(known, most, "9. looking up raised the exposure");
        }
        assertEq(_handler.hub().ownerOf(account), _handler.theOwner(), "10. owner");
        assertEq(_handler.hub().guardianOf(account), _handler.guardian(), "10. guardian");
    }

    /// @dev Where the campaign ends, each agent is paused, and the worst that can still happen is played.
    function afterInvariant() public {
        for (uint256 i = 0; i < 4; ++i) {
            (address agent, address currency) = (_handler.agents(i / 2), _handler.currencies(i % 2));
            address account = _handler.account();
            (Channel[] memory list, bytes32[] memory leases) = _handler.listed(agent);
            uint256 most = _handler.hub().exposure(account, agent, currency);
            uint256 known = _handler.hub().exposureOf(account, agent, currency, list, leases);
            uint256 lost = _handler.playWorst(agent, currency);
            assertLe(lost, known, "9. more was lost than was exposed");
            assertLe(lost, most, "9. more was lost than was exposed at most");
            // Of a lease less than a unit is rounded away, and nothing of a channel.
            assertLe(known, lost + leases.length, "9. looked up, it is what can be lost");
        }
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("agents", name, _handler.reached(name));
        }
    }
}
