// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Signer} from "../base/Signers.sol";
import {Test} from "../base/Test.sol";

contract TestDollarTest is Test {
    uint256 private constant KEY = 0xB0B;
    address private immutable from = vm.addr(KEY);
    TestDollar private dollar;

    function setUp() public {
        vm.warp(20_000 days);
        dollar = new TestDollar();
        dollar.mint(from, 100);
    }

    function test_faucet() public view {
        assertEq(dollar.balanceOf(from), 100, "minted");
        assertEq(dollar.decimals(), 6, "decimals");
    }

    function testFuzz_authorizations(bytes32 nonce, bool receive_, bool ofContract) public {
        address account = ofContract ? address(new Signer()) : from;
        if (ofContract) dollar.mint(account, 100);
        bytes32 digest = _digest(receive_, account, address(this), 40, nonce);
        if (ofContract) Signer(account).set(Signer.Mood.Yes, digest);
        bytes memory signature = _sign(digest);
        if (receive_) {
            dollar.receiveWithAuthorization(
                account, address(this), 40, 0, type(uint256).max, nonce, signature
            );
        } else {
            dollar.transferWithAuthorization(
                account, address(this), 40, 0, type(uint256).max, nonce, signature
            );
        }
        assertEq(dollar.balanceOf(address(this)), 40, "moved");
        assertTrue(dollar.authorizationState(account, nonce), "used");
        digest = _digest(false, account, address(this), 40, nonce);
        if (ofContract) Signer(account).set(Signer.Mood.Yes, digest);
        signature = _sign(digest);
        vm.expectRevert(
            abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, account, nonce)
        );
        dollar.transferWithAuthorization(
            account, address(this), 40, 0, type(uint256).max, nonce, signature
        );
    }

    function test_error_ERC3009InvalidSignature() public {
        bytes memory signature = _sign(_digest(false, from, address(this), 40, "n"));
        bytes memory invalid = abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector);
        vm.expectRevert(invalid);
        dollar.transferWithAuthorization(
            from, address(this), 41, 0, type(uint256).max, "n", signature
        );
        vm.expectRevert(invalid);
        dollar.receiveWithAuthorization(
            from, address(this), 40, 0, type(uint256).max, "n", signature
        );
    }

    function test_error_authorizations() public {
        bytes memory signature = _sign(_digest(true, from, address(1), 40, "n"));
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(1))
        );
        dollar.receiveWithAuthorization(from, address(1), 40, 0, type(uint256).max, "n", signature);
        bytes32 late = _hash(false, from, address(1), 40, "n", block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(
                ERC3009.ERC3009InvalidAuthorizationTime.selector, 0, block.timestamp
            )
        );
        dollar.transferWithAuthorization(from, address(1), 40, 0, block.timestamp, "n", _sign(late));
    }

    function test_error_ERC2612() public {
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, 1));
        dollar.permit(from, address(this), 1, 1, 27, 0, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, "something else");
        bytes32 digest = keccak256(
            abi.encodePacked(
                "\x19\x01",
                dollar.DOMAIN_SEPARATOR(),
                keccak256(
                    abi.encode(
                        keccak256(
                            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                        ),
                        from,
                        address(this),
                        1,
                        0,
                        block.timestamp
                    )
                )
            )
        );
        vm.expectRevert(
            abi.encodeWithSelector(
                ERC20Permit.ERC2612InvalidSigner.selector, ecrecover(digest, v, r, s), from
            )
        );
        dollar.permit(from, address(this), 1, block.timestamp, v, r, s);
    }

    function test_error_ECDSA() public {
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector));
        dollar.permit(from, address(this), 1, block.timestamp, 27, 0, 0);
        bytes32 high = bytes32(type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        dollar.permit(from, address(this), 1, block.timestamp, 27, 0, high);
    }

    function test_error_ERC20() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, address(this), 0, 1
            )
        );
        dollar.transfer(from, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(this), 0, 1
            )
        );
        dollar.transferFrom(from, address(this), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, address(0))
        );
        dollar.approve(address(0), 1);
    }

    function _digest(bool receive_, address account, address to, uint256 value, bytes32 nonce)
        private
        view
        returns (bytes32)
    {
        return _hash(receive_, account, to, value, nonce, type(uint256).max);
    }

    function _hash(
        bool receive_,
        address account,
        address to,
        uint256 value,
        bytes32 nonce,
        uint256 before
    ) private view returns (bytes32) {
        bytes32 kind = receive_
            ? keccak256(
                "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
            )
            : keccak256(
                "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
            );
        bytes32 fields = keccak256(abi.encode(kind, account, to, value, 0, before, nonce));
        return keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields));
    }

    function _sign(bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodePacked(r, s, v);
    }
}
