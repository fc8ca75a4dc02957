// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {ITill} from "../../src/till/ITill.sol";
import {Network} from "../base/Network.sol";
import {Signer} from "../base/Signers.sol";
import {
    FeeToken,
    IdlePermitToken,
    LyingToken,
    SilentToken,
    StrikingToken,
    SwallowingToken
} from "../base/Tokens.sol";

contract AccountsTest is Network {
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function testFuzz_depositAndWithdraw(address to, uint256 amount, uint256 out) public {
        amount = bound(amount, 1, type(uint256).max);
        out = bound(out, 0, amount);
        if (to == address(0) || to == address(till)) to = buyer;
        fund(to, amount);
        assertEq(balanceOf(to), amount, "credited");
        assertEq(dollar.balanceOf(address(till)), amount, "held");
        uint256 before = dollar.balanceOf(owner);
        vm.prank(to);
        till.withdraw(address(dollar), owner, out);
        assertEq(balanceOf(to), amount - out, "left");
        assertEq(dollar.balanceOf(owner), before + out, "paid out");
    }

    function testFuzz_depositWithPermit(address relayer, uint256 amount) public {
        amount = bound(amount, 1, type(uint256).max);
        dollar.mint(buyer, amount);
        (uint8 v, bytes32 r, bytes32 s) = _permit(amount);
        vm.prank(relayer);
        till.depositWithPermit(address(dollar), buyer, amount, block.timestamp, v, r, s);
        assertEq(balanceOf(buyer), amount, "credited");
    }

    function test_depositWithPermit_sentAhead() public {
        dollar.mint(buyer, 5);
        (uint8 v, bytes32 r, bytes32 s) = _permit(5);
        dollar.permit(buyer, address(till), 5, block.timestamp, v, r, s);
        vm.prank(buyer);
        till.depositWithPermit(address(dollar), buyer, 5, block.timestamp, v, r, s);
        assertEq(balanceOf(buyer), 5, "credited");
    }

    function test_depositWithPermit_strangerCannotUseAllowance() public {
        SwallowingToken token = new SwallowingToken();
        vm.expectRevert();
        vm.prank(buyer);
        till.depositWithPermit(address(token), address(this), 5, block.timestamp, 27, 0, 0);

        IdlePermitToken idle = new IdlePermitToken();
        vm.expectRevert(abi.encodeWithSelector(ITill.PermitIgnored.selector, address(idle)));
        vm.prank(buyer);
        till.depositWithPermit(address(idle), address(this), 5, block.timestamp, 27, 0, 0);
    }

    function testFuzz_depositWithAuthorization(address relayer, uint256 amount, bytes32 nonce)
        public
    {
        vm.assume(bytes8(nonce) != "millrace");
        amount = bound(amount, 1, type(uint256).max);
        dollar.mint(buyer, amount);
        bytes memory signature = sign(BUYER_KEY, _authorization(buyer, amount, nonce));
        vm.prank(relayer);
        till.depositWithAuthorization(
            address(dollar), buyer, amount, 0, type(uint256).max, nonce, signature
        );
        assertEq(balanceOf(buyer), amount, "credited");
    }

    function test_depositWithAuthorization_ofAContract() public {
        Signer signer = new Signer();
        dollar.mint(address(signer), 7);
        signer.set(Signer.Mood.Yes, _authorization(address(signer), 7, "n"));
        till.depositWithAuthorization(
            address(dollar), address(signer), 7, 0, type(uint256).max, "n", "any"
        );
        assertEq(balanceOf(address(signer)), 7, "credited");
    }

    function testFuzz_pullWithAuthorization(address module, uint256 amount, bytes32 reason) public {
        amount = bound(amount, 1, type(uint256).max);
        vm.assume(module != address(0) && module != address(till) && module != buyer);
        dollar.mint(buyer, amount);
        bytes32 nonce = till.pullNonce(module, reason);
        assertEq(bytes32(bytes8(nonce)), "millrace", "marked");
        bytes memory signature = sign(BUYER_KEY, _authorization(buyer, amount, nonce));
        vm.prank(module);
        till.pullWithAuthorization(
            address(dollar), buyer, amount, 0, type(uint256).max, reason, signature
        );
        assertEq(balanceOf(module), amount, "the caller is credited");
        assertEq(balanceOf(buyer), 0, "and not the signer");
    }

    function test_error_NonceReserved() public {
        dollar.mint(buyer, 5);
        bytes32[3] memory nonces =
            [till.pullNonce(owner, "r"), bytes32("millrace"), bytes32("millrace, and more")];
        for (uint256 i = 0; i < nonces.length; ++i) {
            bytes memory signature = sign(BUYER_KEY, _authorization(buyer, 5, nonces[i]));
            vm.expectRevert(abi.encodeWithSelector(ITill.NonceReserved.selector, nonces[i]));
            till.depositWithAuthorization(
                address(dollar), buyer, 5, 0, type(uint256).max, nonces[i], signature
            );
        }
    }

    function testFuzz_feeToken_creditsWhatArrived(uint256 amount) public {
        amount = bound(amount, 1, 1e30);
        FeeToken token = new FeeToken();
        token.approve(address(till), amount);
        uint256 credited = till.deposit(address(token), buyer, amount);
        assertEq(credited, amount - amount / 100, "credited");
        assertEq(token.balanceOf(address(till)), credited, "held");
        assertEq(till.balanceOf(buyer, uint160(address(token))), credited, "account");
    }

    function test_silentToken() public {
        SilentToken token = new SilentToken();
        till.deposit(address(token), buyer, 9);
        vm.prank(buyer);
        till.withdraw(address(token), owner, 9);
        assertEq(token.balanceOf(owner), 9, "paid out");
    }

    function test_error_tokenThatSaysNo() public {
        LyingToken token = new LyingToken();
        token.tell(false, true, 0);
        vm.expectRevert(
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
        );
        till.deposit(address(token), buyer, 9);
    }

    function test_error_NothingArrived() public {
        LyingToken token = new LyingToken();
        token.tell(true, false, 0);
        vm.expectRevert(abi.encodeWithSelector(ITill.NothingArrived.selector, address(token)));
        till.deposit(address(token), buyer, 9);
        vm.expectRevert(abi.encodeWithSelector(ITill.NothingArrived.selector, address(dollar)));
        till.deposit(address(dollar), buyer, 0);
    }

    function test_tokenThatGivesMore_isADonation() public {
        LyingToken token = new LyingToken();
        token.tell(true, true, 100);
        till.deposit(address(token), buyer, 9);
        assertEq(till.balanceOf(buyer, uint160(address(token))), 9, "credited");
    }

    function test_donationIsNobodys() public {
        fund(buyer, 10);
        dollar.mint(address(till), 1_000);
        fund(owner, 1);
        assertEq(balanceOf(owner), 1, "credited");
        assertEq(balanceOf(address(till)), 0, "the till has no account");
    }

    function test_blockedRecipient_hurtsOnlyItself() public {
        LyingToken token = new LyingToken();
        till.deposit(address(token), buyer, 9);
        till.deposit(address(token), owner, 9);
        token.block_(buyer);
        vm.expectRevert(abi.encodeWithSelector(LyingToken.Blocked.selector, buyer));
        vm.prank(buyer);
        till.withdraw(address(token), buyer, 9);
        vm.prank(owner);
        till.withdraw(address(token), owner, 9);
        // The money is still there for another wallet.
        vm.prank(buyer);
        till.withdraw(address(token), operator, 9);
    }

    function test_error_Reentered() public {
        StrikingToken token = new StrikingToken(till);
        uint256 asset = registerMachine();
        pay(buyer, asset, 5);
        bytes[8] memory attempts = [
            abi.encodeCall(till.deposit, (address(token), address(token), 1)),
            abi.encodeCall(till.withdraw, (address(token), address(token), 1)),
            abi.encodeCall(till.depositWithPermit, (address(token), address(token), 1, 0, 0, 0, 0)),
            abi.encodeCall(
                till.depositWithAuthorization, (address(token), address(token), 1, 0, 0, 0, "")
            ),
            abi.encodeCall(
                till.pullWithAuthorization, (address(token), address(token), 1, 0, 0, 0, "")
            ),
            abi.encodeCall(till.settle, (asset)),
            abi.encodeCall(till.pullRoyalties, (asset)),
            abi.encodeCall(till.setRunningCosts, (asset, 0, 0))
        ];
        for (uint256 i = 0; i < attempts.length; ++i) {
            token.arm(attempts[i]);
            till.deposit(address(token), buyer, 9);
            assertTrue(!token.succeeded(), "went in");
            assertEq(
                keccak256(token.failure()),
                keccak256(abi.encodeWithSelector(ITill.Reentered.selector)),
                "its answer"
            );
        }
        assertEq(
            till.balanceOf(buyer, uint160(address(token))), 9 * attempts.length, "credited once"
        );
    }

    function test_error_withdraw() public {
        fund(buyer, 5);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITill.ZeroAddress.selector));
        till.withdraw(address(dollar), address(0), 5);
        vm.expectRevert(abi.encodeWithSelector(ITill.ReceiverInvalid.selector, address(till)));
        till.withdraw(address(dollar), address(till), 5);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.ERC6909InsufficientBalance.selector, buyer, 5, 6, dollarId)
        );
        till.withdraw(address(dollar), buyer, 6);
    }

    function test_error_ReceiverInvalid() public {
        fund(buyer, 5);
        bytes memory invalid = abi.encodeWithSelector(ITill.ReceiverInvalid.selector, address(till));
        vm.expectRevert(invalid);
        till.deposit(address(dollar), address(till), 1);
        vm.expectRevert(invalid);
        vm.prank(buyer);
        till.transfer(address(till), dollarId, 1);
    }

    // ------------------------------------------------------------------ ERC-6909

    function testFuzz_transfer(address to, uint256 amount, uint256 part) public {
        if (to == address(0) || to == address(till)) to = owner;
        amount = bound(amount, 1, type(uint256).max);
        part = bound(part, 0, amount);
        fund(buyer, amount);
        vm.prank(buyer);
        assertTrue(till.transfer(to, dollarId, part), "answer");
        assertEq(balanceOf(to), to == buyer ? amount : part, "to");
        if (to != buyer) assertEq(balanceOf(buyer), amount - part, "from");
    }

    function testFuzz_transferFrom(uint256 allowed, uint256 amount) public {
        fund(buyer, type(uint256).max);
        vm.prank(buyer);
        assertTrue(till.approve(operator, dollarId, allowed), "answer");
        assertEq(till.allowance(buyer, operator, dollarId), allowed, "allowance");
        if (amount > allowed) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ITill.ERC6909InsufficientAllowance.selector, operator, allowed, amount, dollarId
                )
            );
        }
        vm.prank(operator);
        till.transferFrom(buyer, owner, dollarId, amount);
        if (amount > allowed) return;
        assertEq(balanceOf(owner), amount, "moved");
        assertEq(
            till.allowance(buyer, operator, dollarId),
            allowed == type(uint256).max ? allowed : allowed - amount,
            "allowance left"
        );
    }

    function test_operator() public {
        fund(buyer, 10);
        vm.prank(buyer);
        till.setOperator(operator, true);
        assertTrue(till.isOperator(buyer, operator), "is operator");
        vm.prank(operator);
        till.transferFrom(buyer, owner, dollarId, 10);
        assertEq(balanceOf(owner), 10, "moved");
        vm.prank(buyer);
        till.setOperator(operator, false);
        assertTrue(!till.isOperator(buyer, operator), "no operator");
    }

    function test_supportsInterface() public view {
        assertTrue(till.supportsInterface(type(IERC6909).interfaceId), "ERC-6909");
        assertTrue(till.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        assertTrue(!till.supportsInterface(0xffffffff), "nothing else");
    }

    function test_error_ERC6909() public {
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITill.ERC6909InvalidReceiver.selector, address(0)));
        till.transfer(address(0), dollarId, 0);
        vm.expectRevert(abi.encodeWithSelector(ITill.ERC6909InvalidSpender.selector, address(0)));
        till.approve(address(0), dollarId, 0);
        vm.expectRevert(abi.encodeWithSelector(ITill.ERC6909InvalidSpender.selector, address(0)));
        till.setOperator(address(0), true);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.ERC6909InsufficientBalance.selector, buyer, 0, 1, dollarId)
        );
        till.transfer(owner, dollarId, 1);
        vm.stopPrank();
        dollar.mint(address(this), 1);
        dollar.approve(address(till), 1);
        vm.expectRevert(abi.encodeWithSelector(ITill.ERC6909InvalidReceiver.selector, address(0)));
        till.deposit(address(dollar), address(0), 1);
    }

    function _permit(uint256 amount) private view returns (uint8, bytes32, bytes32) {
        bytes32 fields = keccak256(
            abi.encode(
                PERMIT_TYPEHASH, buyer, address(till), amount, dollar.nonces(buyer), block.timestamp
            )
        );
        return vm.sign(
            BUYER_KEY, keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields))
        );
    }

    function _authorization(address from, uint256 amount, bytes32 nonce)
        private
        view
        returns (bytes32)
    {
        bytes32 fields = keccak256(
            abi.encode(RECEIVE_TYPEHASH, from, address(till), amount, 0, type(uint256).max, nonce)
        );
        return keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields));
    }
}
