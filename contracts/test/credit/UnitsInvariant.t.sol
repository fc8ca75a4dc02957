// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDesk} from "../../src/credit/IDesk.sol";
import {IFacility} from "../../src/credit/IFacility.sol";
import {IUnits, Position} from "../../src/credit/IUnits.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {Campaign} from "../base/Campaign.sol";
import {UnitsHandler} from "./UnitsHandler.sol";

/// @notice The invariants of units in `src/credit/README.md`, in its order; what is owed and who asks is checked call by call in the
/// handler.
contract UnitsInvariantTest is Campaign {
    UnitsHandler private _handler;
    IUnits private _units;
    Vault private _vault;
    IDesk private _desk;
    IFacility private _lower;

    function setUp() public {
        _handler = new UnitsHandler();
        (address units, address vault, address desk, address lower) = _handler.contracts();
        (_units, _vault, _desk, _lower) =
        (IUnits(units), Vault(vault), IDesk(desk), IFacility(lower));
        _target(address(_handler));
    }

    function invariant_units() public view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            _assetIsItsShares(_handler.made(i));
        }
        assertEq(_handler.moneyOfUnits(), _handler.donated(), "U2. money that is not a gift");
        _exposureIsWhatWasDrawn();
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("units", name, _handler.reached(name));
        }
    }

    /// @dev U1. What came is there, waits, can be claimed, or left; U3. and it is worth no more than the line.
    function _assetIsItsShares(uint256 asset) private view {
        Position memory position = _units.positionOf(asset);
        uint256 there = position.held + position.waiting + position.claimable;
        assertEq(there + _handler.left(asset), _handler.came(asset), "U1. shares");
        uint256 lies = _vault.balanceOf(_handler.holdingOf(asset));
        assertEq(lies, position.held + _handler.given(asset), "U1. where they lie");
        (uint88 value, bool listed, address facility) = _units.valueOf(asset);
        assertTrue(listed && facility == address(_lower), "U3. of the lower one");
        (, uint256 line) = _lower.assetsOf(true);
        uint256 most = (position.held + position.waiting) * (line + 1)
            / (_vault.totalSupply() + 1e6) + position.paid;
        assertLe(value, most, "U3. value");
    }

    /// @dev U5. What is drawn on units is what the desk counts, and nothing through them is more than that.
    function _exposureIsWhatWasDrawn() private view {
        uint256 drawn = _handler.drawnOnUnits();
        assertEq(_desk.exposureTo(address(_lower)), drawn, "U5. exposure");
        assertEq(_desk.facilitiesBehind().length, drawn > 0 ? 1 : 0, "U5. behind");
        for (uint256 kind = 0; kind < 4; ++kind) {
            assertLe(_desk.throughOf(kind), drawn, "U5. through");
        }
    }
}
