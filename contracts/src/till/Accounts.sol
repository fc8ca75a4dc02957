// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IERC3009Bytes} from "./IERC3009Bytes.sol";
import {ITill} from "./ITill.sol";

/// @title The till's accounts: what comes in, moves between them, and goes out
/// @dev An account is a balance whose id is `uint160(token)`. A token's word is taken for what arrived, so a token that lies
/// can make its own accounts worthless and no others.
abstract contract Accounts is ITill {
    using SafeERC20 for IERC20;

    /// @dev How the nonce of an authorization begins that is for a module and no plain deposit: `millrace` in ASCII. Without the
    /// mark anyone could use it for a deposit first, and a payer without gas could not send its money on from there.
    bytes8 private constant PULL_MARK = "millrace";

    mapping(address account => mapping(uint256 id => uint256)) private _balances;
    mapping(address account => mapping(address spender => bool)) private _operators;
    mapping(address account => mapping(address spender => mapping(uint256 id => uint256))) private
        _allowances;

    /// @dev Set while a token or a debt module runs. No balance is written after an outside call that was read before it, so
    /// transfers between accounts go on inside one.
    bool internal transient _outside;

    modifier inside() {
        require(!_outside, Reentered());
        _;
    }

    // ------------------------------------------------------------------ deposit, withdraw

    /// @inheritdoc ITill
    function deposit(address token, address to, uint256 amount)
        external
        inside
        returns (uint256 credited)
    {
        require(to != address(this), ReceiverInvalid(to));
        uint256 before = _enter(token);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        return _leave(token, msg.sender, to, amount, before);
    }

    /// @inheritdoc ITill
    function depositWithPermit(
        address token,
        address from,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external inside returns (uint256 credited) {
        uint256 before = _enter(token);
        if (msg.sender == from) {
            // Someone may have sent the permit ahead of this call to make it fail. What was allowed counts.
            try IERC20Permit(token).permit(from, address(this), amount, deadline, v, r, s) {}
                catch {}
        } else {
            // A stranger's call must stand on a signature used in it, not on an allowance that was there before: a token that
            // swallows unknown calls would "accept" any permit; one that counted the nonce has checked it.
            uint256 nonce = IERC20Permit(token).nonces(from);
            IERC20Permit(token).permit(from, address(this), amount, deadline, v, r, s);
            require(IERC20Permit(token).nonces(from) == nonce + 1, PermitIgnored(token));
        }
        IERC20(token).safeTransferFrom(from, address(this), amount);
        return _leave(token, from, from, amount, before);
    }

    /// @inheritdoc ITill
    function depositWithAuthorization(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external inside returns (uint256 credited) {
        require(bytes8(nonce) != PULL_MARK, NonceReserved(nonce));
        uint256 before = _receive(token, from, amount, validAfter, validBefore, nonce, signature);
        return _leave(token, from, from, amount, before);
    }

    /// @inheritdoc ITill
    function pullWithAuthorization(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 reason,
        bytes calldata signature
    ) external inside returns (uint256 credited) {
        bytes32 nonce = pullNonce(msg.sender, reason);
        uint256 before = _receive(token, from, amount, validAfter, validBefore, nonce, signature);
        return _leave(token, from, msg.sender, amount, before);
    }

    /// @inheritdoc ITill
    function withdraw(address token, address to, uint256 amount) external inside {
        require(to != address(0), ZeroAddress());
        // To itself it would be a donation.
        require(to != address(this), ReceiverInvalid(to));
        _debit(msg.sender, uint160(token), amount);
        emit Withdrawn(token, msg.sender, to, amount);
        _outside = true;
        IERC20(token).safeTransfer(to, amount);
        _outside = false;
    }

    // ------------------------------------------------------------------ ERC-6909

    /// @inheritdoc IERC6909
    function transfer(address receiver, uint256 id, uint256 amount) external returns (bool) {
        _move(msg.sender, receiver, id, amount);
        return true;
    }

    /// @inheritdoc IERC6909
    function transferFrom(address sender, address receiver, uint256 id, uint256 amount)
        external
        returns (bool)
    {
        if (msg.sender != sender && !_operators[sender][msg.sender]) {
            uint256 allowed = _allowances[sender][msg.sender][id];
            if (allowed != type(uint256).max) {
                require(
                    allowed >= amount, ERC6909InsufficientAllowance(msg.sender, allowed, amount, id)
                );
                unchecked {
                    _allowances[sender][msg.sender][id] = allowed - amount;
                }
            }
        }
        _move(sender, receiver, id, amount);
        return true;
    }

    /// @inheritdoc IERC6909
    function approve(address spender, uint256 id, uint256 amount) external returns (bool) {
        require(spender != address(0), ERC6909InvalidSpender(spender));
        _allowances[msg.sender][spender][id] = amount;
        emit Approval(msg.sender, spender, id, amount);
        return true;
    }

    /// @inheritdoc IERC6909
    function setOperator(address spender, bool approved) external returns (bool) {
        require(spender != address(0), ERC6909InvalidSpender(spender));
        _operators[msg.sender][spender] = approved;
        emit OperatorSet(msg.sender, spender, approved);
        return true;
    }

    /// @inheritdoc IERC6909
    function balanceOf(address account, uint256 id) external view returns (uint256) {
        return _balances[account][id];
    }

    /// @inheritdoc IERC6909
    function allowance(address account, address spender, uint256 id)
        external
        view
        returns (uint256)
    {
        return _allowances[account][spender][id];
    }

    /// @inheritdoc IERC6909
    function isOperator(address account, address spender) external view returns (bool) {
        return _operators[account][spender];
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC6909).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ITill
    function pullNonce(address caller, bytes32 reason) public pure returns (bytes32) {
        return PULL_MARK | keccak256(abi.encode(caller, reason)) >> 64;
    }

    // ------------------------------------------------------------------ internals

    function _credit(address account, uint256 id, uint256 amount) internal {
        require(account != address(0), ERC6909InvalidReceiver(account));
        _balances[account][id] += amount;
        emit Transfer(msg.sender, address(0), account, id, amount);
    }

    function _debit(address account, uint256 id, uint256 amount) internal {
        _take(account, id, amount);
        emit Transfer(msg.sender, account, address(0), id, amount);
    }

    function _move(address sender, address receiver, uint256 id, uint256 amount) private {
        require(receiver != address(0), ERC6909InvalidReceiver(receiver));
        // Nobody could take it out of there again.
        require(receiver != address(this), ReceiverInvalid(receiver));
        _take(sender, id, amount);
        _balances[receiver][id] += amount;
        emit Transfer(msg.sender, sender, receiver, id, amount);
    }

    function _take(address account, uint256 id, uint256 amount) private {
        mapping(uint256 => uint256) storage balances = _balances[account];
        uint256 balance = balances[id];
        require(balance >= amount, ERC6909InsufficientBalance(account, balance, amount, id));
        unchecked {
            balances[id] = balance - amount;
        }
    }

    /// @dev Has `token` move money by authorization; returns the till's balance before.
    function _receive(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) private returns (uint256 before) {
        before = _enter(token);
        if (signature.length == 65) {
            // The form of the standard, which every token with ERC-3009 has.
            IERC3009(token)
                .receiveWithAuthorization(
                    from,
                    address(this),
                    amount,
                    validAfter,
                    validBefore,
                    nonce,
                    uint8(signature[64]),
                    bytes32(signature[0:32]),
                    bytes32(signature[32:64])
                );
        } else {
            IERC3009Bytes(token)
                .receiveWithAuthorization(
                    from, address(this), amount, validAfter, validBefore, nonce, signature
                );
        }
    }

    function _enter(address token) private returns (uint256 before) {
        _outside = true;
        return IERC20(token).balanceOf(address(this));
    }

    /// @dev Only the difference made by this call counts, so a donation is nobody's; and only up to `amount`, so a token
    /// that gives more than was asked for gives a donation.
    function _leave(address token, address from, address to, uint256 amount, uint256 before)
        private
        returns (uint256 credited)
    {
        uint256 later = IERC20(token).balanceOf(address(this));
        _outside = false;
        credited = later > before ? later - before : 0;
        if (credited > amount) credited = amount;
        require(credited > 0, NothingArrived(token));
        _credit(to, uint160(token), credited);
        emit Deposited(token, from, to, credited);
    }
}
