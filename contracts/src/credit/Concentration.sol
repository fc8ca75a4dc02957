// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDesk} from "./IDesk.sol";

/// @title How much hangs on one name
/// @dev What was drawn counts until the loan is over: repayments do not touch this, so it overstates. Four kinds: obligors, and three of
/// clusters. Each keeps the sum of squares of its exposures, so a new one is judged in O(1). Measured against the value of the
/// facility: money that is not lent counts as spread, and a small first loan is possible.
abstract contract Concentration is IDesk {
    uint256 private constant BPS = 10_000;
    uint256 private constant KINDS = 4;

    mapping(uint256 kind => mapping(bytes32 key => uint88)) public exposureOf;
    uint256[KINDS] private _squares;

    uint16 private immutable _maxObligorBps;
    uint16 private immutable _maxClusterBps;
    uint32 private immutable _minObligorBets;
    uint32 private immutable _minClusterBets;

    constructor(uint16 maxObligorBps, uint16 maxClusterBps, uint32 minObligor, uint32 minCluster) {
        require(maxObligorBps > 0 && maxClusterBps > 0, RulesInvalid());
        _maxObligorBps = maxObligorBps;
        _maxClusterBps = maxClusterBps;
        _minObligorBets = minObligor;
        _minClusterBets = minCluster;
    }

    function _expose(bytes32 obligor, bytes32[3] calldata clusters, uint88 amount, uint256 total)
        internal
    {
        _add(0, obligor, amount, total);
        for (uint256 i = 0; i < 3; ++i) {
            if (clusters[i] != 0) _add(i + 1, clusters[i], amount, total);
        }
    }

    function _unexpose(bytes32 obligor, bytes32[3] calldata clusters, uint88 amount) internal {
        _remove(0, obligor, amount);
        for (uint256 i = 0; i < 3; ++i) {
            if (clusters[i] != 0) _remove(i + 1, clusters[i], amount);
        }
    }

    function _bets(uint256 kind, uint256 total)
        internal
        view
        returns (uint256 bets, uint256 squares)
    {
        squares = _squares[kind];
        bets = squares == 0 ? type(uint256).max : total * total * 100 / squares;
    }

    function _add(uint256 kind, bytes32 key, uint88 amount, uint256 total) private {
        uint256 before = exposureOf[kind][key];
        uint256 exposure = before + amount;
        uint256 most = total * (kind == 0 ? _maxObligorBps : _maxClusterBps) / BPS;
        require(exposure <= most, TooConcentrated(key, exposure, most));
        // At most the value, which is below 2^89.
        exposureOf[kind][key] = uint88(exposure);
        uint256 squares = _squares[kind] + (before + exposure) * amount;
        _squares[kind] = squares;
        uint256 least = kind == 0 ? _minObligorBets : _minClusterBets;
        require(
            total * total * 100 >= least * squares,
            TooFewBets(kind, total * total * 100 / squares, least)
        );
    }

    function _remove(uint256 kind, bytes32 key, uint88 amount) private {
        uint88 before = exposureOf[kind][key];
        uint88 exposure = before - amount;
        exposureOf[kind][key] = exposure;
        _squares[kind] -= (uint256(before) + exposure) * amount;
    }
}
