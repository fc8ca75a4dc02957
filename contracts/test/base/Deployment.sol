// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "../../src/assets/Assets.sol";
import {Asset, Kind} from "../../src/assets/IAssets.sol";
import {Channels} from "../../src/channels/Channels.sol";
import {Channel} from "../../src/channels/IChannels.sol";
import {Offer} from "../../src/market/IMarket.sol";
import {Market} from "../../src/market/Market.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Consent, Upstream} from "../../src/till/ITill.sol";
import {Till} from "../../src/till/Till.sol";
import {Test} from "./Test.sol";

/// @notice The whole network, deployed, with people in it.
abstract contract Deployment is Test {
    uint40 internal constant DAY = 1 days;
    /// @dev An epoch's first second, so that tests count epochs from a round number.
    uint40 internal constant GENESIS = 20_000 days;
    uint16 internal constant FEE_BPS = 100;

    uint256 internal constant OPERATOR_KEY = 0xA11CE;
    uint256 internal constant DEVICE_KEY = 0xDE71CE;
    uint256 internal constant BUYER_KEY = 0xB0B;
    uint256 internal constant OWNER_KEY = 0x0E9E5;
    uint256 internal constant SIGNER_KEY = 0x5167E5;

    address internal immutable admin = address(0xAD814);
    address internal immutable operator = vm.addr(OPERATOR_KEY);
    address internal immutable device = vm.addr(DEVICE_KEY);
    address internal immutable buyer = vm.addr(BUYER_KEY);
    address internal immutable owner = vm.addr(OWNER_KEY);
    address internal immutable signer = vm.addr(SIGNER_KEY);

    Till internal till;
    Assets internal assets;
    Market internal market;
    Channels internal channels;
    TestDollar internal dollar;
    uint256 internal dollarId;

    function deploy() internal {
        vm.warp(GENESIS);
        till = new Till(admin, FEE_BPS, DAY);
        assets = Assets(till.assets());
        market = new Market(till);
        channels = new Channels(till);
        dollar = new TestDollar();
        dollarId = uint160(address(dollar));
    }

    /// @notice Registers a machine of `owner`, run by `operator`, with `device`.
    function registerMachine() internal returns (uint256) {
        return registerMachine(owner);
    }

    function registerMachine(address to) internal returns (uint256) {
        return assets.register(
            to,
            Asset(operator, Kind.Machine, device, address(dollar), keccak256("spec")),
            "ipfs://spec"
        );
    }

    /// @notice Puts `amount` of test dollars into `account`'s account in the till.
    function fund(address account, uint256 amount) internal {
        dollar.mint(address(this), amount);
        dollar.approve(address(till), amount);
        till.deposit(address(dollar), account, amount);
    }

    function balanceOf(address account) internal view returns (uint256) {
        return till.balanceOf(account, dollarId);
    }

    /// @notice Funds `payer` and pays from its account.
    function pay(address payer, uint256 asset, uint128 amount) internal {
        fund(payer, amount);
        vm.prank(payer);
        till.pay(asset, amount);
    }

    function nextEpoch() internal {
        vm.warp((uint256(till.currentEpoch()) + 1) * till.epochLength());
    }

    function offerOf(uint256 asset) internal view returns (Offer memory) {
        return Offer({
            asset: asset,
            buyer: address(0),
            pricePerHour: 3.6e6,
            bond: 0,
            minDuration: 60,
            maxDuration: 86_400,
            startWindow: 60,
            expiry: uint40(block.timestamp) + 3_600,
            spec: keccak256("offer"),
            terms: bytes32(0),
            nonce: 5
        });
    }

    /// @notice A channel of `buyer`, whose vouchers `signer` signs, to an account or an asset.
    function channelOf(address payee, uint256 asset) internal view returns (Channel memory) {
        return Channel({
            payer: buyer,
            signer: signer,
            payee: payee,
            asset: asset,
            currency: address(dollar),
            closeDelay: 1 days,
            salt: bytes32(0)
        });
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function consent(uint256 key, uint256 asset, Upstream[] memory upstream, uint256 nonce)
        internal
        view
        returns (Consent memory)
    {
        uint40 deadline = uint40(block.timestamp) + 1_000;
        return
            Consent(
                deadline, nonce, sign(key, till.hashAgreement(asset, upstream, deadline, nonce))
            );
    }

    /// @notice The other signature that the bare curve would accept: `s` mirrored, `v` flipped.
    function mirrored(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(0), bytes32(0), uint8(signature[64]));
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        return abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }
}
