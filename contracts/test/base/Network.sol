// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "./Deployment.sol";

/// @notice Where the tests of every noun start: a network of their own.
abstract contract Network is Deployment {
    function setUp() public virtual {
        deploy();
    }
}
