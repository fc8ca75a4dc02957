// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDesk} from "./IDesk.sol";
import {IFacility} from "./IFacility.sol";

/// @title How much hangs on one name
/// @dev What was drawn counts until the loan is over: repayments do not touch this, so it overstates. Four kinds: obligors, and three of
/// clusters. Each keeps the sum of squares of its exposures, so a new one is judged in O(1). Measured against the value of the
/// facility: money that is not lent counts as spread, and a small first loan is possible.
///
/// Through units of other facilities more can hang on a name than its own loans say. Nobody can be asked which name: two curators call one
/// debtor by two names. So all of what lies behind counts as if it were the same name as the one that is judged. With `e` the exposures here,
/// `a_f` those of a facility behind, `w_f` the part of it that was lent on, what truly hangs on each name is `E = e + Σ w_f a_f`, and
/// `‖E‖ ≤ ‖e‖ + Σ w_f ‖a_f‖`, `E_n ≤ e_n + Σ w_f ‖a_f‖` (Minkowski): one number a facility and kind, its norm. `w_f ‖a_f‖` is never more
/// than what was lent. Rounded up throughout.
abstract contract Concentration is IDesk {
    using Math for uint256;

    uint256 private constant BPS = 10_000;
    uint256 private constant KINDS = 4;
    /// @notice Facilities whose units may stand behind loans of this one.
    uint256 public constant MOST_BEHIND = 4;
    /// @notice How deep one looks through them.
    uint256 public constant LEVELS = 2;

    /// @dev A kind's word, from the lowest bit: sum of squares 178, largest exposure 73 in steps of 2^16; the highest bit of kind 0 says that
    /// there are facilities behind, so that one without pays nothing to know it.
    uint256 private constant SQUARES = (1 << 178) - 1;
    uint256 private constant LARGEST = (1 << 73) - 1;
    uint256 private constant STEP = 1 << 16;
    uint256 private constant LOOKS = 1 << 255;

    mapping(uint256 kind => mapping(bytes32 key => uint88)) public exposureOf;
    uint256[KINDS] private _words;
    address[] private _behind;
    mapping(address facility => uint88) public exposureTo;

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

    // ------------------------------------------------------------------ views

    /// @inheritdoc IDesk
    function facilitiesBehind() external view returns (address[] memory) {
        return _behind;
    }

    /// @inheritdoc IDesk
    function throughOf(uint256 kind) external view returns (uint256 through) {
        (through,) = _throughUp(kind, LEVELS);
    }

    /// @inheritdoc IDesk
    function normOf(uint256 kind, uint256 levels) external view returns (uint256 norm, bool whole) {
        (norm, whole) = _throughUp(kind, levels);
        norm += (_words[kind] & SQUARES).sqrt(Math.Rounding.Ceil);
    }

    function _bets(uint256 kind, uint256 total)
        internal
        view
        returns (uint256 bets, uint256 squares)
    {
        squares = _words[kind] & SQUARES;
        if (_behind.length > 0) (, squares,) = _lookThrough(kind, squares);
        bets = squares == 0 ? type(uint256).max : total * total * 100 / squares;
    }

    // ------------------------------------------------------------------ what a draw and its end do

    /// @param behind The facility whose units secure the loan; zero for none. Its debtors may be any of those here: then the largest
    /// exposure of every kind is judged, not only those that grow.
    function _expose(
        bytes32 obligor,
        bytes32[3] calldata clusters,
        uint88 amount,
        uint256 total,
        address behind
    ) internal {
        if (behind != address(0)) _addBehind(behind, amount);
        bool looks = _exposeOne(0, obligor, amount, total, behind, false);
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 key = clusters[i];
            if (key != 0 || behind != address(0)) {
                _exposeOne(i + 1, key, amount, total, behind, looks);
            }
        }
    }

    /// @param behind As in `_expose`.
    function _unexpose(bytes32 obligor, bytes32[3] calldata clusters, uint88 amount, address behind)
        internal
    {
        _remove(0, obligor, amount);
        for (uint256 i = 0; i < 3; ++i) {
            if (clusters[i] != 0) _remove(i + 1, clusters[i], amount);
        }
        if (behind != address(0)) _removeBehind(behind, amount);
    }

    function _looks() internal view returns (bool) {
        return _words[0] & LOOKS != 0;
    }

    // ------------------------------------------------------------------ internals

    function _exposeOne(
        uint256 kind,
        bytes32 key,
        uint88 amount,
        uint256 total,
        address behind,
        bool looks
    ) private returns (bool) {
        (uint256 exposure, uint256 word) = _add(kind, key, amount);
        uint256 squares = word & SQUARES;
        if (looks || word & LOOKS != 0) {
            looks = true;
            if (behind != address(0)) {
                exposure = _largestUp(word);
                key = bytes32(uint256(uint160(behind)));
            }
            uint256 through;
            bool whole;
            (through, squares, whole) = _lookThrough(kind, squares);
            require(!whole || behind == address(0), TooDeep(behind));
            exposure += through;
        }
        // The value is below 2^89, a part or a least number of bets below 2^32, squares below 2^185.
        unchecked {
            uint256 most = total * (kind == 0 ? _maxObligorBps : _maxClusterBps) / BPS;
            if (exposure > most) revert TooConcentrated(key, exposure, most);
            uint256 least = kind == 0 ? _minObligorBets : _minClusterBets;
            uint256 spread = total * total * 100;
            if (spread < least * squares) revert TooFewBets(kind, spread / squares, least);
        }
        return looks;
    }

    /// @dev What may hang on any one name of a kind through all facilities behind, and the squares with it.
    function _lookThrough(uint256 kind, uint256 squares)
        private
        view
        returns (uint256 through, uint256 squares_, bool whole)
    {
        (through, whole) = _throughUp(kind, LEVELS);
        // Below 2^89 + 4 × 2^88.
        uint256 norm = squares.sqrt(Math.Rounding.Ceil) + through;
        squares_ = norm * norm;
    }

    /// @param levels How much deeper to look. Below that, all that was lent counts as one name.
    /// @return through What may hang on one name.
    /// @return whole Whether it came to that anywhere.
    function _throughUp(uint256 kind, uint256 levels)
        private
        view
        returns (uint256 through, bool whole)
    {
        uint256 count = _behind.length;
        if (count > 0 && levels == 0) whole = true;
        for (uint256 i = 0; i < count; ++i) {
            IFacility facility_ = IFacility(_behind[i]);
            uint256 lent = exposureTo[address(facility_)];
            if (levels > 0) {
                (uint256 norm, bool cut) = IDesk(facility_.desk()).normOf(kind, levels - 1);
                (uint256 total,) = facility_.conservative();
                // Below 2^88 × 2^89. More than was lent cannot hang on a name.
                if (norm < total) lent = (lent * norm).ceilDiv(total);
                whole = whole || cut;
            }
            through += lent;
        }
    }

    /// @dev Whatever was the largest once, or what all of them together can be.
    function _largestUp(uint256 word) private pure returns (uint256 largest) {
        largest = (word >> 178 & LARGEST) * STEP;
        uint256 norm = (word & SQUARES).sqrt(Math.Rounding.Ceil);
        if (norm < largest) largest = norm;
    }

    function _add(uint256 kind, bytes32 key, uint88 amount)
        private
        returns (uint256 exposure, uint256 word)
    {
        word = _words[kind];
        if (key == 0) return (0, word);
        mapping(bytes32 key => uint88) storage exposures = exposureOf[kind];
        uint256 before = exposures[key];
        // Sums of two numbers below 2^88, their product with a third.
        unchecked {
            exposure = before + amount;
            // At most the value, or the draw is refused.
            exposures[key] = uint88(exposure);
            uint256 squares = (word & SQUARES) + (before + exposure) * amount;
            if (squares > SQUARES) revert TooFewBets(kind, 0, 0);
            word = word & ~SQUARES | squares;
            uint256 steps = (exposure + STEP - 1) / STEP;
            if (steps > (word >> 178 & LARGEST)) word = word & ~(LARGEST << 178) | steps << 178;
        }
        _words[kind] = word;
    }

    function _remove(uint256 kind, bytes32 key, uint88 amount) private {
        uint88 before = exposureOf[kind][key];
        uint88 exposure = before - amount;
        exposureOf[kind][key] = exposure;
        uint256 word = _words[kind] - (uint256(before) + exposure) * amount;
        // What was the largest may be gone: no exposure is above the root of the squares.
        uint256 steps = (_largestUp(word) + STEP - 1) / STEP;
        _words[kind] = word & ~(LARGEST << 178) | steps << 178;
    }

    function _addBehind(address behind, uint88 amount) private {
        uint88 before = exposureTo[behind];
        // A sum beyond 2^88 panics.
        exposureTo[behind] = before + amount;
        if (before > 0) return;
        require(_behind.length < MOST_BEHIND, TooManyBehind(behind, MOST_BEHIND));
        _behind.push(behind);
        _words[0] |= LOOKS;
    }

    function _removeBehind(address behind, uint88 amount) private {
        uint88 left = exposureTo[behind] - amount;
        exposureTo[behind] = left;
        if (left > 0) return;
        uint256 last = _behind.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (_behind[i] == behind) _behind[i] = _behind[last];
        }
        _behind.pop();
        if (last == 0) _words[0] &= ~LOOKS;
    }
}
