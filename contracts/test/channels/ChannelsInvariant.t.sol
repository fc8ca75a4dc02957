// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelState} from "../../src/channels/IChannels.sol";
import {Campaign} from "../base/Campaign.sol";
import {ChannelsHandler} from "./ChannelsHandler.sol";

/// @notice The invariants of `src/channels/README.md`, in its order; 4, 5 and 7 are checked call by call in the handler, and so is what never
/// falls: nothing that an invariant function writes is there the next time.
contract ChannelsInvariantTest is Campaign {
    ChannelsHandler private _handler;

    function setUp() public {
        _handler = new ChannelsHandler();
        _target(address(_handler));
    }

    function invariant_channels() public view {
        uint256 sum;
        for (uint256 i = 0; i < _handler.channelCount(); ++i) {
            (uint256 deposit, uint256 claimed, uint256 best, uint256 epoch, uint256 closesAt) =
                _handler.entryOf(i);
            ChannelState memory seen = _handler.stateOf(i);
            assertLe(seen.claimed, seen.deposit, "2. claimed and the deposit");
            assertLe(seen.claimed, best, "2. claimed and the signer's most");
            assertEq(seen.deposit, deposit, "3. deposit");
            assertEq(seen.claimed, claimed, "3. claimed");
            assertEq(seen.epoch, epoch, "4. epoch");
            assertEq(seen.closesAt, closesAt, "5. closesAt");
            sum += seen.deposit - seen.claimed;
        }
        assertEq(_handler.locked(), sum, "6. the account of the channels");
        assertEq(
            _handler.payeesMoney(),
            _handler.paidToAccount() + _handler.paidToAsset(),
            "3. payees have what was claimed"
        );
        assertEq(
            _handler.payersMoney() + _handler.putByPayer(),
            1e15 + _handler.paidBack(),
            "3. payers have the rest"
        );
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("channels", name, _handler.reached(name));
        }
    }
}
