// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPermit2} from "../../src/x402/IPermit2.sol";
import {Permit2} from "../../src/x402/Permit2.sol";
import {UptoPermit2Proxy} from "../../src/x402/UptoPermit2Proxy.sol";
import {TestDollar} from "../../src/testDollar/TestDollar.sol";
import {Signer} from "../base/Signers.sol";
import {Test} from "../base/Test.sol";

/// @notice A payment by `upto`: once, to whom the payer said, by whom the payer said, up to what the payer said.
contract UptoPermit2ProxyTest is Test {
    uint256 private constant KEY = 0xB0B;
    address private constant PAYEE = address(0xCAFE);
    IPermit2 private constant PERMIT2 = IPermit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    address private immutable payer = vm.addr(KEY);
    UptoPermit2Proxy private proxy;
    TestDollar private dollar;

    function setUp() public {
        vm.warp(20_000 days);
        vm.etch(address(PERMIT2), type(Permit2).runtimeCode);
        proxy = new UptoPermit2Proxy();
        dollar = new TestDollar();
        dollar.mint(payer, 1_000);
        vm.prank(payer);
        dollar.approve(address(PERMIT2), type(uint256).max);
    }

    function testFuzz_settles_once(uint256 nonce, uint256 most, uint256 used) public {
        most = most % 1_001;
        used = used % (most + 1);
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(nonce, most);
        bytes memory signature = _sign(permit, witness);
        proxy.settle(permit, used, payer, witness, signature);
        assertEq(dollar.balanceOf(PAYEE), used, "paid");
        assertEq(dollar.balanceOf(payer), 1_000 - used, "rest");
        assertEq(PERMIT2.nonceBitmap(payer, nonce >> 8), 1 << (nonce & 255), "used");
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidNonce.selector));
        proxy.settle(permit, 0, payer, witness, signature);
    }

    function testFuzz_nothing_else_than_signed(uint8 change) public {
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(7, 500);
        bytes memory signature = _sign(permit, witness);
        change = change % 6;
        if (change == 0) permit.permitted.amount = 501;
        if (change == 1) permit.nonce = 8;
        if (change == 2) permit.deadline += 1;
        if (change == 3) witness.to = address(this);
        if (change == 4) witness.validAfter = 1;
        if (change == 5) permit.permitted.token = address(new TestDollar());
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidSigner.selector));
        proxy.settle(permit, 500, payer, witness, signature);
    }

    function test_refusals() public {
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(7, 500);
        bytes memory signature = _sign(permit, witness);

        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.AmountExceedsPermitted.selector));
        proxy.settle(permit, 501, payer, witness, signature);
        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.InvalidOwner.selector));
        proxy.settle(permit, 500, address(0), witness, signature);
        vm.prank(PAYEE);
        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.UnauthorizedFacilitator.selector));
        proxy.settle(permit, 500, payer, witness, signature);
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidSignature.selector));
        proxy.settle(permit, 500, payer, witness, hex"00");

        witness.to = address(0);
        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.InvalidDestination.selector));
        proxy.settle(permit, 500, payer, witness, signature);
        witness.to = PAYEE;
        witness.validAfter = block.timestamp + 1;
        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.PaymentTooEarly.selector));
        proxy.settle(permit, 500, payer, witness, signature);
        witness.validAfter = 0;

        uint256 deadline = permit.deadline;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IPermit2.SignatureExpired.selector, deadline));
        proxy.settle(permit, 500, payer, witness, signature);
    }

    function test_the_spender_asks_for_no_more() public {
        (IPermit2.PermitTransferFrom memory permit,) = _terms(7, 500);
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidAmount.selector, 500));
        PERMIT2.permitWitnessTransferFrom(
            permit,
            IPermit2.SignatureTransferDetails({to: PAYEE, requestedAmount: 501}),
            payer,
            0,
            "",
            ""
        );
    }

    function test_called_off() public {
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(7, 500);
        bytes memory signature = _sign(permit, witness);
        vm.prank(payer);
        PERMIT2.invalidateUnorderedNonces(0, 1 << 7);
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidNonce.selector));
        proxy.settle(permit, 500, payer, witness, signature);
    }

    function testFuzz_a_contract_pays(bool agrees) public {
        Signer account = new Signer();
        dollar.mint(address(account), 500);
        vm.prank(address(account));
        dollar.approve(address(PERMIT2), 500);
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(7, 500);
        account.set(agrees ? Signer.Mood.Yes : Signer.Mood.No, _digest(permit, witness));
        if (!agrees) {
            vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidContractSignature.selector));
        }
        proxy.settle(permit, 400, address(account), witness, "any");
        assertEq(dollar.balanceOf(PAYEE), agrees ? 400 : 0, "paid");
    }

    function testFuzz_with_a_signed_approval(bool before) public {
        vm.prank(payer);
        dollar.approve(address(PERMIT2), 0);
        (IPermit2.PermitTransferFrom memory permit, UptoPermit2Proxy.Witness memory witness) =
            _terms(7, 500);
        bytes memory signature = _sign(permit, witness);
        UptoPermit2Proxy.EIP2612Permit memory approval = _approval(500, permit.deadline);
        // Whoever saw it may send it first; the payment goes on.
        if (before) {
            dollar.permit(
                payer, address(PERMIT2), 500, approval.deadline, approval.v, approval.r, approval.s
            );
        }
        proxy.settleWithPermit(approval, permit, 300, payer, witness, signature);
        assertEq(dollar.balanceOf(PAYEE), 300, "paid");

        approval.value = 499;
        vm.expectRevert(abi.encodeWithSelector(UptoPermit2Proxy.Permit2612AmountMismatch.selector));
        proxy.settleWithPermit(approval, permit, 300, payer, witness, signature);
    }

    function _terms(uint256 nonce, uint256 most)
        private
        view
        returns (IPermit2.PermitTransferFrom memory, UptoPermit2Proxy.Witness memory)
    {
        return (
            IPermit2.PermitTransferFrom({
                permitted: IPermit2.TokenPermissions({token: address(dollar), amount: most}),
                nonce: nonce,
                deadline: block.timestamp + 60
            }),
            UptoPermit2Proxy.Witness({to: PAYEE, facilitator: address(this), validAfter: 0})
        );
    }

    function _sign(
        IPermit2.PermitTransferFrom memory permit,
        UptoPermit2Proxy.Witness memory witness
    ) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _digest(permit, witness));
        return abi.encodePacked(r, s, v);
    }

    /// The digest as the standard writes it, made here from the whole text of the type.
    function _digest(
        IPermit2.PermitTransferFrom memory permit,
        UptoPermit2Proxy.Witness memory witness
    ) private view returns (bytes32) {
        bytes32 permitted = keccak256(
            abi.encode(
                keccak256("TokenPermissions(address token,uint256 amount)"),
                permit.permitted.token,
                permit.permitted.amount
            )
        );
        bytes32 agreed = keccak256(
            abi.encode(
                keccak256("Witness(address to,address facilitator,uint256 validAfter)"),
                witness.to,
                witness.facilitator,
                witness.validAfter
            )
        );
        bytes32 fields = keccak256(
            abi.encode(
                keccak256(
                    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)"
                ),
                permitted,
                address(proxy),
                permit.nonce,
                permit.deadline,
                agreed
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Permit2"),
                block.chainid,
                address(PERMIT2)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, fields));
    }

    function _approval(uint256 value, uint256 deadline)
        private
        view
        returns (UptoPermit2Proxy.EIP2612Permit memory)
    {
        bytes32 fields = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                payer,
                address(PERMIT2),
                value,
                dollar.nonces(payer),
                deadline
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, keccak256(abi.encodePacked("\x19\x01", dollar.DOMAIN_SEPARATOR(), fields)));
        return UptoPermit2Proxy.EIP2612Permit({value: value, deadline: deadline, r: r, s: s, v: v});
    }
}
