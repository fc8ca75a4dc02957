// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDebt} from "../../src/till/IDebt.sol";

/// @notice A debt module that misbehaves as it is told, and keeps what it was asked.
contract BadLoan is IDebt {
    enum Mood {
        Honest,
        Revert,
        Overdraw,
        Short,
        Bomb,
        Burn,
        Reenter,
        BombRevert
    }

    Mood public mood;
    bool public answersOutstanding = true;
    bool public outstanding_;
    uint128 public wants;
    address public target;
    bytes public attempt;
    bool public succeeded;
    bytes public failure;
    uint40 public boundary;
    uint128 public available;
    uint128 public revenue;
    uint256 public gasSeen;

    function set(Mood mood_, uint128 wants_) external {
        (mood, wants) = (mood_, wants_);
    }

    function setOutstanding(bool answers, bool value) external {
        (answersOutstanding, outstanding_) = (answers, value);
    }

    function arm(address target_, bytes calldata call) external {
        (target, attempt) = (target_, call);
    }

    function collect(uint256, uint40 boundary_, uint128 available_, uint128 revenue_)
        external
        returns (uint128)
    {
        gasSeen = gasleft();
        if (mood == Mood.Revert) revert();
        if (mood == Mood.Overdraw) return available_ + 1;
        if (mood == Mood.Short) {
            assembly {
                return(0, 31)
            }
        }
        if (mood == Mood.Bomb) {
            assembly {
                mstore(0, 1)
                return(0, 100000)
            }
        }
        if (mood == Mood.BombRevert) {
            assembly {
                revert(0, 100000)
            }
        }
        if (mood == Mood.Burn) {
            assembly {
                invalid()
            }
        }
        if (mood == Mood.Reenter) {
            (succeeded, failure) = target.call(attempt);
        }
        (boundary, available, revenue) = (boundary_, available_, revenue_);
        return wants < available_ ? wants : available_;
    }

    function outstanding(uint256) external view returns (bool) {
        require(answersOutstanding);
        return outstanding_;
    }
}
