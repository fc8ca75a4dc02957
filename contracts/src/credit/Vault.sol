// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ITill} from "../till/ITill.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575} from "./IERC7540.sol";
import {IFacility} from "./IFacility.sol";
import {IVault} from "./IVault.sol";
import {VIRTUAL_SHARES} from "./IMakers.sol";

/// @title A vault
/// @dev Bounds: what the facility takes. Roundings: shares for a deposit down, assets for shares down, assets for a mint up. Value is what the
/// facility's books say, never what an account holds: a donation moves no price.
/// The queue: shares asked for are numbered in order. Each payment adds one point: so many shares paid so far, for so much. A request is a
/// range of numbers, what it brings is the difference of two sums, found by bisection; nothing loops over requests.
/// Money: its account in the till holds what was paid and not claimed yet. Outside calls: the token, the till and the facility; a token that
/// calls back finds the books as they were before the deposit.
contract Vault is ERC20, IVault, IERC165 {
    using SafeERC20 for IERC20;
    using Math for uint256;

    /// @dev Shares paid so far, and what they brought.
    struct Point {
        uint128 shares;
        uint128 assets;
    }

    /// @dev Numbers of shares that wait or can be claimed; `from` moves with each claim.
    struct Request {
        uint128 from;
        uint128 to;
    }

    address public immutable facility;
    address public immutable asset;
    bool private immutable _isSenior;
    ITill private immutable _till;
    uint256 private immutable _id;
    uint8 private immutable _decimals;

    uint128 private _requested;
    Point[] private _points;
    mapping(address controller => Request) private _requests;
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    constructor(
        ITill till_,
        address facility_,
        address currency,
        bool isSenior,
        string memory name_,
        string memory symbol_
    ) ERC20(name_, symbol_) {
        _till = till_;
        facility = facility_;
        asset = currency;
        _isSenior = isSenior;
        _id = uint160(currency);
        _decimals = IERC20Metadata(currency).decimals() + 6;
        IERC20(currency).forceApprove(address(till_), type(uint256).max);
    }

    // ------------------------------------------------------------------ deposit

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) public returns (uint256 shares) {
        shares = _issue(_pull(assets), receiver);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external returns (uint256 assets) {
        assets = previewMint(shares);
        uint256 got = _issue(_pull(assets), receiver);
        require(got >= shares, SlippageTooHigh(got, shares));
    }

    /// @inheritdoc IVault
    function depositFromTill(uint256 assets, address receiver) external returns (uint256 shares) {
        _till.transferFrom(msg.sender, facility, _id, assets);
        shares = _issue(assets, receiver);
    }

    // ------------------------------------------------------------------ the queue

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(uint256 shares, address controller, address owner)
        external
        returns (uint256 requestId)
    {
        require(shares > 0, ZeroShares());
        if (msg.sender != owner && !isOperator[owner][msg.sender]) {
            // ERC-7540: an allowance of shares is as good.
            _spendAllowance(owner, msg.sender, shares);
        }
        // Who could ask for another would keep it from asking itself.
        _requireController(controller, owner);
        Request storage request = _requests[controller];
        uint128 from = _requested;
        require(request.from == request.to || request.to == from, RequestOpen(controller));
        if (request.from == request.to) request.from = from;
        // Supply is bounded by the facility: below 2^128 for good.
        request.to = _requested = from + uint128(shares);
        _transfer(owner, address(this), shares);
        IFacility(facility).setWaiting();
        emit RedeemRequest(controller, owner, 0, msg.sender, shares);
        return 0;
    }

    /// @inheritdoc IVault
    function serve() external returns (uint256 shares, uint256 assets) {
        Point memory last = _last();
        uint256 waiting = _requested - last.shares;
        require(waiting > 0, ZeroShares());
        (shares, assets) = IFacility(facility).exit(waiting, totalSupply() + VIRTUAL_SHARES);
        if (shares == 0) return (0, 0);
        _burn(address(this), shares);
        // Sums of what is below 2^128 in all.
        _points.push(Point(last.shares + uint128(shares), last.assets + uint128(assets)));
        emit QueuePaid(shares, assets, waiting - shares);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address controller)
        external
        returns (uint256 assets)
    {
        assets = _claim(shares, receiver, controller);
        _till.withdraw(asset, receiver, assets);
    }

    /// @inheritdoc IVault
    function redeemToTill(uint256 shares, address receiver, address controller)
        external
        returns (uint256 assets)
    {
        assets = _claim(shares, receiver, controller);
        _till.transfer(receiver, _id, assets);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address controller)
        external
        returns (uint256 shares)
    {
        Request memory request = _requests[controller];
        uint256 most = maxWithdraw(controller);
        require(assets <= most, ClaimTooHigh(assets, most));
        shares = _numberAt(_sumAt(request.from, Math.Rounding.Ceil) + assets) - request.from;
        uint256 brought = _claim(shares, receiver, controller);
        _till.withdraw(asset, receiver, brought);
    }

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IVault
    function queue() external view returns (uint256 requested, uint256 paid) {
        return (_requested, _last().shares);
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256, address controller) external view returns (uint256) {
        Request memory request = _requests[controller];
        uint256 paid = _last().shares;
        if (paid < request.from) paid = request.from;
        return request.to > paid ? request.to - paid : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256, address controller) external view returns (uint256) {
        return maxRedeem(controller);
    }

    /// @inheritdoc IERC4626
    function totalAssets() public view returns (uint256 optimistic) {
        (optimistic,) = IFacility(facility).assetsOf(_isSenior);
    }

    /// @notice Shares for assets at the optimistic price, at which one comes.
    function convertToShares(uint256 assets) public view returns (uint256) {
        return assets.mulDiv(totalSupply() + VIRTUAL_SHARES, totalAssets() + 1);
    }

    /// @notice Assets for shares at the conservative price, at which one leaves.
    function convertToAssets(uint256 shares) external view returns (uint256) {
        (, uint256 conservative) = IFacility(facility).assetsOf(_isSenior);
        return shares.mulDiv(conservative + 1, totalSupply() + VIRTUAL_SHARES);
    }

    /// @inheritdoc IERC4626
    function maxDeposit(address) public view returns (uint256) {
        return IFacility(facility).roomFor(_isSenior);
    }

    /// @inheritdoc IERC4626
    function maxMint(address) external view returns (uint256) {
        return convertToShares(maxDeposit(address(0)));
    }

    /// @inheritdoc IERC4626
    function maxRedeem(address controller) public view returns (uint256) {
        Request memory request = _requests[controller];
        uint256 paid = _last().shares;
        if (paid > request.to) paid = request.to;
        return paid > request.from ? paid - request.from : 0;
    }

    /// @inheritdoc IERC4626
    function maxWithdraw(address controller) public view returns (uint256) {
        uint256 from = _requests[controller].from;
        uint256 shares = maxRedeem(controller);
        return shares == 0 ? 0 : _broughtDown(from, shares);
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256 assets) external view returns (uint256) {
        return convertToShares(assets);
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) public view returns (uint256) {
        return shares.mulDiv(totalAssets() + 1, totalSupply() + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc IERC7575
    function share() external view returns (address) {
        return address(this);
    }

    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IERC7540Operator).interfaceId
            || id == type(IERC7540Redeem).interfaceId || id == 0x2f0a18c5;
    }

    // ------------------------------------------------------------------ internals

    /// @dev Takes tokens of the caller into the facility's account; returns what arrived there.
    function _pull(uint256 assets) private returns (uint256 credited) {
        IERC20 token = IERC20(asset);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), assets);
        uint256 arrived = token.balanceOf(address(this)) - before;
        if (arrived > assets) arrived = assets;
        credited = _till.deposit(asset, facility, arrived);
    }

    /// @dev The price is read after the money came and before it is booked.
    function _issue(uint256 assets, address receiver) private returns (uint256 shares) {
        uint256 supply = totalSupply();
        uint256 total = totalAssets();
        require(supply == 0 || total > 0, LineWipedOut());
        shares = assets.mulDiv(supply + VIRTUAL_SHARES, total + 1);
        require(shares > 0, ZeroShares());
        _mint(receiver, shares);
        // The facility refuses what does not fit.
        IFacility(facility).fund(assets);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    function _claim(uint256 shares, address receiver, address controller)
        private
        returns (uint256 assets)
    {
        _requireController(controller, msg.sender);
        uint256 most = maxRedeem(controller);
        require(shares > 0, ZeroShares());
        require(shares <= most, ClaimTooHigh(shares, most));
        uint256 from = _requests[controller].from;
        assets = _broughtDown(from, shares);
        // At most `to`.
        _requests[controller].from = uint128(from + shares);
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
    }

    function _requireController(address controller, address caller) private view {
        require(
            caller == controller || isOperator[controller][caller],
            NotController(controller, caller)
        );
    }

    function _last() private view returns (Point memory last) {
        uint256 count = _points.length;
        if (count > 0) last = _points[count - 1];
    }

    /// @dev What `shares` from the number `from` on brought: both ends are rounded against who claims, or a neighbour in the queue would
    /// pay the unit.
    function _broughtDown(uint256 from, uint256 shares) private view returns (uint256) {
        uint256 end = _sumAt(from + shares, Math.Rounding.Floor);
        uint256 start = _sumAt(from, Math.Rounding.Ceil);
        return end > start ? end - start : 0;
    }

    /// @dev What the first `number` shares of the queue brought.
    function _sumAt(uint256 number, Math.Rounding rounding) private view returns (uint256) {
        if (number == 0) return 0;
        (uint256 low, uint256 high) = (0, _points.length - 1);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_points[middle].shares < number) low = middle + 1;
            else high = middle;
        }
        Point memory point = _points[low];
        Point memory before;
        if (low > 0) before = _points[low - 1];
        return before.assets
            + uint256(point.assets - before.assets)
                .mulDiv(number - before.shares, point.shares - before.shares, rounding);
    }

    /// @dev Least number of shares that brought `sum`.
    function _numberAt(uint256 sum) private view returns (uint256) {
        if (sum == 0) return 0;
        (uint256 low, uint256 high) = (0, _points.length - 1);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_points[middle].assets < sum) low = middle + 1;
            else high = middle;
        }
        Point memory point = _points[low];
        Point memory before;
        if (low > 0) before = _points[low - 1];
        uint256 brought = point.assets - before.assets;
        return before.shares
            + ((sum - before.assets) * (point.shares - before.shares) + brought - 1) / brought;
    }
}
