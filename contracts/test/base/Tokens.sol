// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IChannels} from "../../src/channels/IChannels.sol";
import {ITill} from "../../src/till/ITill.sol";

/// @notice Takes one percent of every transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee > 0) super._update(from, address(0), fee);
    }
}

/// @notice Answers transfers with nothing, as USDT does.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) external {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice Moves money and says it did not, or moves none and says it did; reverts for those on its list.
contract LyingToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) public blocked;
    bool public answer = true;
    bool public moves = true;
    uint256 public extra;

    error Blocked(address account);

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function tell(bool answer_, bool moves_, uint256 extra_) external {
        (answer, moves, extra) = (answer_, moves_, extra_);
    }

    function block_(address account) external {
        blocked[account] = true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        return _transfer(from, to, value);
    }

    function _transfer(address from, address to, uint256 value) private returns (bool) {
        require(!blocked[to], Blocked(to));
        if (moves) {
            balanceOf[from] -= value;
            balanceOf[to] += value + extra;
        }
        return answer;
    }
}

/// @notice Swallows every call it does not know, as WETH's fallback does; holds allowances for all.
contract SwallowingToken is SilentToken {
    fallback() external {}
}

/// @notice Counts nonces for show and never checks a permit.
contract IdlePermitToken is SilentToken {
    function nonces(address) external pure returns (uint256) {
        return 0;
    }

    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {}
}

/// @notice Calls back into the till in the middle of a transfer.
contract StrikingToken {
    mapping(address => uint256) public balanceOf;
    ITill private immutable _till;
    bytes public attempt;
    bytes public failure;
    bool public succeeded;

    constructor(ITill till) {
        _till = till;
        balanceOf[msg.sender] = 1e30;
        balanceOf[address(this)] = 1e30;
    }

    function arm(bytes calldata call) external {
        attempt = call;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _strike();
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _strike();
        balanceOf[from] -= value;
        balanceOf[to] += value;
        return true;
    }

    function _strike() private {
        if (attempt.length == 0) return;
        bytes memory call = attempt;
        delete attempt;
        (succeeded, failure) = address(_till).call(call);
    }
}

/// @notice Takes any authorization, keeps a fee of it, and calls the channels back in the middle.
contract GreedyToken {
    mapping(address => uint256) public balanceOf;
    IChannels private immutable _channels;
    uint256 private _fee;
    bytes private _attempt;

    constructor(IChannels channels) {
        _channels = channels;
        ITill(channels.till()).setOperator(address(channels), true);
    }

    function set(uint256 fee, bytes calldata attempt) external {
        (_fee, _attempt) = (fee, attempt);
    }

    function fund(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        return true;
    }

    function receiveWithAuthorization(
        address,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32,
        bytes calldata
    ) external {
        if (_attempt.length > 0) {
            (bool done,) = address(_channels).call(_attempt);
            require(done);
        }
        balanceOf[to] += value - _fee;
    }
}
