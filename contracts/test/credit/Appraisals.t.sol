// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Appraisal, Curve, IAppraisals, SignedAppraisal} from "../../src/credit/IAppraisals.sol";
import {Signer} from "../base/Signers.sol";
import {CreditNetwork} from "./CreditNetwork.sol";

/// @notice What an asset is worth, and everyone who would like to say so.
contract AppraisalsTest is CreditNetwork {
    uint256 private asset;

    function setUp() public {
        deploy();
        deployCredit();
        asset = registerMachine();
    }

    function test_median_ofThree() public {
        SignedAppraisal[] memory signed = new SignedAppraisal[](3);
        for (uint256 i = 0; i < 3; ++i) {
            Appraisal memory one = _appraisal();
            // The lowest is old, the highest expires first.
            (one.value, one.asOf) = (uint88(100e6 * (i + 1)), one.asOf - uint32(10 * (3 - i)));
            one.expiry -= uint32(i * 10);
            signed[i] = signedBy(APPRAISER_KEY + i, one);
        }
        assertEq(appraisals.appraise(signed), 200e6, "the middle one");
        (uint88 value, uint32 asOf, uint32 expiry, uint32 curve_) =
            appraisals.recordOf(panel, asset);
        assertEq(value, 200e6, "value");
        assertEq(asOf, block.timestamp - 30, "as old as the oldest");
        assertEq(expiry, block.timestamp + 1_000 - 20, "expires with the first");
        assertEq(curve_, curve, "curve");
    }

    /// @dev Exactly halved each half-life, never rising, less the haircut.
    function testFuzz_value_depreciates(uint88 value, uint32 a, uint32 b) public {
        value = uint88(bound(value, 1, type(uint88).max));
        (a, b) = (a % (20 * YEAR), b % (20 * YEAR));
        if (a > b) (a, b) = (b, a);
        appraised(asset, value);
        uint256 start = block.timestamp;
        vm.warp(start + a);
        (uint88 before,) = appraisals.valueOf(panel, asset);
        vm.warp(start + b);
        (uint88 later,) = appraisals.valueOf(panel, asset);
        assertLe(later, before, "never rises");
        assertLe(before, uint256(value) * 3 / 4, "less the haircut");
        vm.warp(start + HALF_LIFE * 2);
        (later,) = appraisals.valueOf(panel, asset);
        assertEq(later, uint256(value >> 2) * 7_500 / 10_000, "a quarter after two");
    }

    function test_value_expires() public {
        (uint88 value, bool fresh) = appraisals.valueOf(panel, asset);
        assertTrue(value == 0 && !fresh, "never appraised");
        appraised(asset, 100e6);
        vm.warp(block.timestamp + 181 days);
        (value, fresh) = appraisals.valueOf(panel, asset);
        assertTrue(value > 0 && !fresh, "expired");
    }

    function test_void_endsWhatWasSigned() public {
        SignedAppraisal[] memory old = appraisalsOf(asset, 100e6);
        vm.warp(block.timestamp + 5);
        appraised(asset, 200e6);
        vm.prank(vm.addr(APPRAISER_KEY + 2));
        appraisals.void(panel, asset);
        (uint88 value,) = appraisals.valueOf(panel, asset);
        assertEq(value, 0, "void");
        _refused(
            old,
            abi.encodeWithSelector(
                IAppraisals.AppraisalStale.selector,
                block.timestamp - 5,
                block.timestamp - 5 + 180 days
            )
        );
        vm.prank(curator);
        appraisals.void(panel, asset);
        vm.expectRevert(
            abi.encodeWithSelector(IAppraisals.NotOfPanel.selector, panel, address(this))
        );
        appraisals.void(panel, asset);
    }

    function test_appraiser_thatIsAContract() public {
        Signer signer_ = new Signer();
        vm.prank(curator);
        appraisals.setAppraiser(panel, address(signer_), true);
        SignedAppraisal[] memory signed = appraisalsOf(asset, 100e6);
        signed[1] = SignedAppraisal(signed[1].appraisal, address(signer_), "");
        signer_.set(Signer.Mood.Yes, appraisals.hashAppraisal(signed[1].appraisal));
        _refused(
            signed,
            abi.encodeWithSelector(IAppraisals.AppraiserUnlisted.selector, panel, address(signer_))
        );
        vm.warp(block.timestamp + 7 days);
        appraisals.appraise(signed);
        vm.prank(curator);
        appraisals.setAppraiser(panel, address(signer_), false);
        _refused(
            signed,
            abi.encodeWithSelector(IAppraisals.AppraiserUnlisted.selector, panel, address(signer_))
        );
    }

    function test_error_appraise() public {
        SignedAppraisal[] memory signed = new SignedAppraisal[](0);
        _refused(signed, abi.encodeWithSelector(IAppraisals.AppraisalCount.selector, 0, 9));
        signed = new SignedAppraisal[](1);
        signed[0] = signedBy(APPRAISER_KEY, _appraisal());
        _refused(signed, abi.encodeWithSelector(IAppraisals.AppraisalCount.selector, 1, 2));
        signed = appraisalsOf(asset, 100e6);
        signed[1] = signed[0];
        _refused(
            signed,
            abi.encodeWithSelector(IAppraisals.AppraiserTwice.selector, vm.addr(APPRAISER_KEY))
        );
        signed = appraisalsOf(asset, 100e6);
        signed[0].appraisal.value++;
        signed[0] = signedBy(APPRAISER_KEY, signed[0].appraisal);
        _refused(signed, abi.encodeWithSelector(IAppraisals.AppraisalsUnsorted.selector, 1));
        signed = appraisalsOf(asset, 100e6);
        signed[1].appraisal.value++;
        _refused(
            signed,
            abi.encodeWithSelector(
                IAppraisals.AppraisalSignatureInvalid.selector, vm.addr(APPRAISER_KEY + 1)
            )
        );
        signed = appraisalsOf(asset, 100e6);
        signed[1].appraisal.asset++;
        _refused(signed, abi.encodeWithSelector(IAppraisals.AppraisalForeign.selector, 1));
        Appraisal memory one = _appraisal();
        one.asOf++;
        signed[0] = signedBy(APPRAISER_KEY, one);
        _refused(
            signed,
            abi.encodeWithSelector(IAppraisals.AppraisalStale.selector, one.asOf, one.expiry)
        );
        one = _appraisal();
        one.curve = 7;
        signed[0] = signedBy(APPRAISER_KEY, one);
        _refused(signed, abi.encodeWithSelector(IAppraisals.CurveUnknown.selector, 7));
        appraised(asset, 100e6);
        // What was recorded cannot be recorded again, nor anything older.
        signed = appraisalsOf(asset, 100e6);
        _refused(
            signed,
            abi.encodeWithSelector(
                IAppraisals.AppraisalStale.selector, block.timestamp, block.timestamp + 180 days
            )
        );
    }

    function test_error_panels() public {
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.QuorumInvalid.selector, 0));
        appraisals.createPanel(new address[](0), 0);
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.QuorumInvalid.selector, 10));
        appraisals.createPanel(new address[](0), 10);
        vm.expectRevert(
            abi.encodeWithSelector(IAppraisals.NotCurator.selector, panel, address(this))
        );
        appraisals.setAppraiser(panel, address(this), true);
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.NotCurator.selector, 99, address(this)));
        appraisals.setAppraiser(99, address(this), true);
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.CurveInvalid.selector, 86_399, 0));
        appraisals.publish(Curve(86_399, 0));
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.CurveInvalid.selector, 86_400, 10_001));
        appraisals.publish(Curve(86_400, 10_001));
        vm.expectRevert(abi.encodeWithSelector(IAppraisals.CurveUnknown.selector, 1));
        appraisals.curveOf(1);
        assertEq(appraisals.curveOf(0).halfLife, HALF_LIFE, "curve");
        (address who, uint8 quorum) = appraisals.panelOf(panel);
        assertTrue(who == curator && quorum == 2, "panel");
        (who,) = appraisals.panelOf(99);
        assertEq(who, address(0), "no panel");
    }

    function _appraisal() private view returns (Appraisal memory) {
        return Appraisal(
            panel, asset, 100e6, uint32(block.timestamp), uint32(block.timestamp) + 1_000, curve
        );
    }

    function _refused(SignedAppraisal[] memory signed, bytes memory failure) private {
        vm.expectRevert(failure);
        appraisals.appraise(signed);
    }
}
