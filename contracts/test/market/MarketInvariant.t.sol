// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Campaign} from "../base/Campaign.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @notice The invariants of `src/market/README.md`, in its order; 1 to 4 are checked lease by lease in the handler.
contract MarketInvariantTest is Campaign {
    MarketHandler private _handler;

    function setUp() public {
        _handler = new MarketHandler();
        _target(address(_handler));
    }

    /// @dev 5. The market's account holds the deposits and bonds of leases that are not settled, and nothing else.
    function invariant_market() public view {
        uint256 sum;
        uint256 bonds;
        for (uint256 i = 0; i < _handler.leaseCount(); ++i) {
            (uint256 deposited, uint256 bond) = _handler.liveOf(_handler.leases(i));
            sum += deposited + bond;
            bonds += bond;
        }
        assertEq(_handler.locked(), sum, "locked");
        assertEq(
            _handler.operatorsMoney() + bonds + _handler.bondsLost(), 1e15, "the operator's money"
        );
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("market", name, _handler.reached(name));
        }
    }
}
