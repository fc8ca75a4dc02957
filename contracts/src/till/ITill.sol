// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

/// @notice One upstream asset and its part of the revenue after the fee.
struct Upstream {
    uint256 asset;
    uint16 bps;
}

/// @notice Consent of one party to an agreement on upstream parts: an EIP-712 signature of
/// `Agreement(uint256 asset,Upstream[] upstream,uint40 deadline,uint256 nonce)Upstream(uint256 asset,uint16 bps)`
/// in the till's domain (name "Millrace Till", version "1"); ERC-1271 accepted. A nonce is used once.
struct Consent {
    uint40 deadline;
    uint256 nonce;
    bytes signature;
}

/// @notice What one settlement paid to each layer, in the asset's currency.
struct Split {
    uint128 fee;
    uint128 upstream;
    uint128 costs;
    uint128 debt;
    uint128 shares;
    uint128 owner;
}

/// @notice Terms of an asset's waterfall.
/// @param currency ERC-20 in which the asset is paid. Zero until its till was first used.
/// @param costsPerDay Running costs owed to the operator, accrued by the second.
/// @param costsCap Most that running costs in arrears can reach.
/// @param debt Module in the debt slot; zero for none.
/// @param shares Account in the shares slot; zero for none.
/// @param sharesBps Part of what is left after debt that goes to `shares`.
/// @param upstream Upstream assets in ascending order.
struct Terms {
    address currency;
    uint128 costsPerDay;
    uint128 costsCap;
    address debt;
    address shares;
    uint16 sharesBps;
    Upstream[] upstream;
}

/// @title The till: the only holder of money
/// @notice Accounts are ERC-6909 balances whose id is `uint160(token)`. An asset's revenue is collected in a bucket for
/// the current epoch and, once the epoch is over, split in a fixed order:
/// fee, upstream royalties, running costs, debt, shares, owner.
interface ITill is IERC6909 {
    event Deposited(
        address indexed token, address indexed from, address indexed to, uint256 amount
    );
    event Withdrawn(
        address indexed token, address indexed from, address indexed to, uint256 amount
    );
    /// @param total Revenue of the bucket so far, this payment included.
    event Paid(
        uint256 indexed asset, address indexed payer, uint40 epoch, uint128 amount, uint128 total
    );
    /// @param boundary Time at which what was due was evaluated: the end of the bucket's epoch, or the second of a cut.
    event Settled(
        uint256 indexed asset,
        uint40 epoch,
        uint40 boundary,
        uint128 fee,
        uint128 upstream,
        uint128 costs,
        uint128 debt,
        uint128 shares,
        uint128 owner
    );
    /// @param asset The asset that earned.
    /// @param upstream The asset it is built from.
    /// @param total Royalties waiting for `upstream`, this one included.
    event RoyaltyAccrued(
        uint256 indexed asset, uint256 indexed upstream, uint128 amount, uint128 total
    );
    /// @param total Revenue of the bucket so far, these royalties included.
    event RoyaltyPulled(uint256 indexed asset, uint40 epoch, uint128 amount, uint128 total);
    event UpstreamChanged(uint256 indexed asset, Upstream[] upstream);
    event RunningCostsChanged(uint256 indexed asset, uint128 perDay, uint128 cap);
    event DebtChanged(uint256 indexed asset, address indexed debt);
    event SharesChanged(uint256 indexed asset, address indexed shares, uint16 bps);
    /// @param held All that waits for the module's answer.
    event DebtUnanswered(uint256 indexed asset, address indexed debt, uint128 held);
    event ConsentCancelled(address indexed signer, uint256 nonce);
    event AllConsentsCancelled(address indexed signer, uint64 series);
    event FeeChanged(uint16 bps, uint40 fromEpoch);
    event FeeAccountChanged(address indexed account);
    event DebtListed(address indexed debt, bool listed);
    event AdminOffered(address indexed admin);
    event AdminChanged(address indexed admin);

    error ERC6909InsufficientBalance(address sender, uint256 balance, uint256 needed, uint256 id);
    error ERC6909InsufficientAllowance(
        address spender, uint256 allowance, uint256 needed, uint256 id
    );
    error ERC6909InvalidReceiver(address receiver);
    error ERC6909InvalidSpender(address spender);
    /// @notice A needed address was zero.
    error ZeroAddress();
    /// @notice Not from inside a token or a debt module that the till called.
    error Reentered();
    /// @notice Money sent to the till's own wallet or account would be lost.
    error ReceiverInvalid(address to);
    /// @notice The authorization is for a module, which alone can use it; see `pullWithAuthorization`.
    error NonceReserved(bytes32 nonce);
    /// @notice The token took a permit without counting it.
    error PermitIgnored(address token);
    /// @notice The shares slot needs both an account and a part, or neither.
    error SharesInvalid(address shares, uint16 bps);
    /// @notice An epoch must last between one second and 366 days, and epoch zero must be over.
    error EpochLengthInvalid(uint40 epochLength);
    /// @notice Only the admin may do this.
    error NotAdmin(address caller);
    /// @notice Only the one to whom the administration was offered may take it.
    error NotOfferedAdmin(address caller);
    /// @notice Only the register of assets may do this.
    error NotAssets(address caller);
    /// @notice Only the owner of the asset may do this.
    error NotOwner(uint256 asset, address caller);
    /// @notice A rate is above what is allowed.
    error BpsTooHigh(uint256 bps, uint256 max);
    /// @notice A deposit brought no tokens.
    error NothingArrived(address token);
    /// @notice A payment was of nothing.
    error ZeroAmount();
    /// @notice An asset can name so many upstream assets at most.
    error UpstreamTooMany(uint256 count, uint256 max);
    /// @notice Upstream assets must stand in strictly ascending order.
    error UpstreamUnsorted(uint256 previous, uint256 next);
    /// @notice An asset cannot be upstream of itself, and no upstream part can be zero.
    error UpstreamInvalid(uint256 upstream, uint16 bps);
    /// @notice An upstream asset must have the currency of the asset.
    error UpstreamCurrency(uint256 upstream, address currency, address expected);
    /// @notice One consent is needed for each upstream asset named, then for each one no longer named.
    error ConsentCount(uint256 given, uint256 needed);
    error ConsentExpired(uint256 upstream, uint40 deadline);
    error ConsentUsed(address signer, uint256 nonce);
    error ConsentInvalid(uint256 upstream, address signer);
    error DebtNotListed(address debt);
    /// @notice Not while a loan on the asset is outstanding, or while its module does not answer.
    error DebtOutstanding(uint256 asset, address debt);
    /// @notice Running costs cannot be raised while a loan on the asset is outstanding.
    error CostsRaised(uint256 asset, uint128 perDay, uint128 cap);
    /// @notice Only the account of the shares may lower its part or give up the slot.
    error SharesBound(uint256 asset, address shares, uint16 bps);
    /// @notice Only the module in the debt slot may take an asset from its owner.
    error NotLienholder(uint256 asset, address caller);
    /// @notice Not while money waits for the answer of the debt module.
    error HeldForDebt(uint256 asset, uint128 held);
    /// @notice The transaction carries too little gas to call the debt module with all that it is entitled to.
    error GasTooLow(uint256 left, uint256 needed);

    /// @notice Puts `amount` of `token` from the caller's wallet into `to`'s account.
    /// Credits what arrived and never more than `amount`: a token that takes a fee on the way credits less.
    function deposit(address token, address to, uint256 amount) external returns (uint256 credited);
    /// @notice Deposit by ERC-2612 permit of `from` in one transaction; anyone may send it, the account of `from` is credited.
    function depositWithPermit(
        address token,
        address from,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 credited);
    /// @notice Deposit by ERC-3009 `receiveWithAuthorization` of `from`; anyone may send it, the account of `from` is credited.
    /// Nonces that begin with the eight bytes `millrace` are for `pullWithAuthorization`.
    function depositWithAuthorization(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external returns (uint256 credited);
    /// @notice Receives `amount` from the wallet of `from` into the caller's account by ERC-3009 `receiveWithAuthorization` with
    /// the nonce `pullNonce(caller, reason)`: what was signed is good for this caller and this reason only, whoever sends
    /// the transaction, and for no deposit. Who signs must make the nonce itself, from a caller that it knows: a nonce made by a
    /// stranger may name the stranger's contract.
    function pullWithAuthorization(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 reason,
        bytes calldata signature
    ) external returns (uint256 credited);
    /// @notice Pays `amount` of `token` out of the caller's account to the wallet `to`.
    function withdraw(address token, address to, uint256 amount) external;

    /// @notice Pays revenue to `asset` from the caller's account. O(1).
    /// @return id Account id of the asset's currency.
    function pay(uint256 asset, uint128 amount) external returns (uint256 id);
    /// @notice Splits what `asset` collected in an epoch that is over, and asks the debt module again for its answer on what
    /// is held for it. Anyone, any time, any number of times.
    function settle(uint256 asset) external returns (Split memory);
    /// @notice Moves royalties accrued to `asset` by assets built from it into its bucket of the current epoch.
    function pullRoyalties(uint256 asset) external returns (uint128 amount);
    /// @notice Ends the bucket at this second and settles it, royalties that wait included. Only the register of assets,
    /// before an asset changes hands or operator.
    /// @param transfer Whether the owner changes; then nothing may be left in suspense, and no loan be outstanding.
    function cut(uint256 asset, bool transfer) external;
    /// @notice The same before the module `by` in the debt slot takes the asset from its owner; clears the slot. Only the register.
    function seize(uint256 asset, address by) external;

    /// @notice Names the upstream assets (at most 8). Owner only, not while debt is outstanding. Needs the consent of the
    /// owner of each upstream asset named, in the list's order, and then of each that is dropped, in ascending order;
    /// where the caller is that owner the signature may be empty.
    function setUpstream(uint256 asset, Upstream[] calldata upstream, Consent[] calldata consents)
        external;
    /// @notice Sets running costs owed to the operator: `perDay` accrues by the second, arrears never exceed `cap`.
    /// Owner only; neither can be raised while debt is outstanding.
    function setRunningCosts(uint256 asset, uint128 perDay, uint128 cap) external;
    /// @notice Fills or clears the debt slot. Owner only; the module must be listed, and must agree to be cleared.
    function setDebt(uint256 asset, address debt) external;
    /// @notice Fills or clears the shares slot: `bps` of what is left after debt goes to the account of `shares`.
    /// By the owner while the slot is empty or to raise the part; by the account of the shares itself for anything else.
    function setShares(uint256 asset, address shares, uint16 bps) external;
    /// @notice Cancels the caller's consents with this nonce.
    function cancelConsent(uint256 nonce) external;
    /// @notice Cancels every consent the caller signed so far: the upper 64 bits of a nonce are its series.
    function cancelAllConsents() external returns (uint64 series);

    /// @notice Sets the fee from `FEE_DELAY` epochs on; a bucket keeps the fee of the epoch in which it was opened. Admin.
    function setFee(uint16 bps) external;
    /// @notice Names the account that receives the fee. Admin.
    function setFeeAccount(address account) external;
    /// @notice Lists or unlists a debt module for new use; slots that are filled stay filled. Admin.
    function listDebt(address debt, bool listed) external;
    /// @notice Offers the administration to another account. Admin.
    function offerAdmin(address to) external;
    /// @notice Takes the administration that was offered to the caller.
    function acceptAdmin() external;

    /// @notice The nonce of an authorization that `caller` can use for `reason`: the eight bytes `millrace`, then the first 24
    /// bytes of keccak256(abi.encode(caller, reason)).
    function pullNonce(address caller, bytes32 reason) external pure returns (bytes32);
    /// @notice The register of assets.
    function assets() external view returns (address);
    function admin() external view returns (address);
    function feeAccount() external view returns (address);
    /// @notice Fee of a bucket opened now.
    function feeBps() external view returns (uint16);
    function isDebtListed(address debt) external view returns (bool);
    /// @notice Length of an epoch in seconds. Epoch `n` lasts from `n * epochLength` to `(n + 1) * epochLength - 1`.
    function epochLength() external view returns (uint40);
    function currentEpoch() external view returns (uint40);
    /// @notice Revenue collected in the bucket, and the epoch it belongs to.
    function bucketOf(uint256 asset) external view returns (uint40 epoch, uint128 amount);
    /// @notice Royalties that wait to be pulled by `asset`.
    function royaltiesOf(uint256 asset) external view returns (uint128);
    /// @notice Running costs in arrears as of now, before the open bucket pays any.
    function costsOwedOf(uint256 asset) external view returns (uint128);
    /// @notice Money that waits for the answer of the debt module.
    function heldOf(uint256 asset) external view returns (uint128);
    /// @notice Decaying sum of revenue (see README of the noun) at the start of the current epoch.
    function trailingRevenueOf(uint256 asset) external view returns (uint128);
    function termsOf(uint256 asset) external view returns (Terms memory);
    /// @notice What a lender must know before it lends, in few reads.
    /// @return debt Module in the debt slot.
    /// @return currency As in `termsOf`.
    /// @return above keccak256 of what is paid before debt: abi.encode of costs a day, their cap, the number of upstream assets, and
    /// for each three of them one word with id and part, 80 bits each.
    function lienOf(uint256 asset)
        external
        view
        returns (address debt, address currency, bytes32 above);
    /// @notice What a party signs to agree to the upstream parts of `asset`.
    function hashAgreement(
        uint256 asset,
        Upstream[] calldata upstream,
        uint40 deadline,
        uint256 nonce
    ) external view returns (bytes32);
    function isConsentUsed(address signer, uint256 nonce) external view returns (bool);
    function consentSeriesOf(address signer) external view returns (uint64);
}
