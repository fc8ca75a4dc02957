// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDesk} from "./IDesk.sol";

/// @title Who may sign loans
/// @dev The curator can do nothing else: rules are fixed, and a new underwriter waits until lenders who mind had time to leave.
abstract contract Curated is IDesk {
    /// @notice Seconds after which an underwriter that was listed may sign.
    uint40 public constant DELAY = 7 days;

    address public curator;
    address private _offeredCurator;
    mapping(address underwriter => uint40) public signsFrom;

    constructor(address curator_, address[] memory underwriters) {
        require(curator_ != address(0), RulesInvalid());
        curator = curator_;
        emit CuratorChanged(curator_);
        for (uint256 i = 0; i < underwriters.length; ++i) {
            _list(underwriters[i], uint40(block.timestamp));
        }
    }

    /// @inheritdoc IDesk
    function setUnderwriter(address underwriter, bool listed) external {
        require(msg.sender == curator, NotCurator(msg.sender));
        _list(underwriter, listed ? uint40(block.timestamp) + DELAY : 0);
    }

    /// @inheritdoc IDesk
    function offerCurator(address to) external {
        require(msg.sender == curator, NotCurator(msg.sender));
        _offeredCurator = to;
        emit CuratorOffered(to);
    }

    /// @inheritdoc IDesk
    function acceptCurator() external {
        require(msg.sender == _offeredCurator, NotCurator(msg.sender));
        curator = msg.sender;
        delete _offeredCurator;
        emit CuratorChanged(msg.sender);
    }

    function _requireListed(address underwriter) internal view {
        uint40 from = signsFrom[underwriter];
        require(from != 0 && block.timestamp >= from, UnderwriterUnlisted(underwriter));
    }

    function _list(address underwriter, uint40 from) private {
        signsFrom[underwriter] = from;
        emit UnderwriterChanged(underwriter, from);
    }
}
