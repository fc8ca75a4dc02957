// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consent, ITill, Upstream} from "../../src/till/ITill.sol";
import {Till} from "../../src/till/Till.sol";
import {Network} from "../base/Network.sol";
import {Signer} from "../base/Signers.sol";

contract ConsentsTest is Network {
    uint256 private constant A_KEY = 0xAA;
    uint256 private constant B_KEY = 0xBB;
    address private immutable a = vm.addr(A_KEY);
    address private immutable b = vm.addr(B_KEY);
    uint256 private asset;
    uint256 private ofA;
    uint256 private ofB;

    function setUp() public override {
        super.setUp();
        asset = registerMachine();
        ofA = registerMachine(a);
        ofB = registerMachine(b);
    }

    function test_allNamedMustSign_andAllDropped() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        consents[0] = consent(A_KEY, asset, both, 1);
        consents[1] = consent(B_KEY, asset, both, 1);
        vm.prank(owner);
        till.setUpstream(asset, both, consents);

        // Without A: B stays and signs, A is dropped and signs too, last.
        Upstream[] memory less = new Upstream[](1);
        less[0] = Upstream(ofB, 700);
        consents[0] = consent(B_KEY, asset, less, 2);
        consents[1] = consent(A_KEY, asset, less, 2);
        vm.prank(owner);
        vm.expectEmit(address(till));
        emit ITill.UpstreamChanged(asset, less);
        till.setUpstream(asset, less, consents);

        Upstream[] memory none = new Upstream[](0);
        Consent[] memory last = new Consent[](1);
        last[0] = consent(B_KEY, asset, none, 3);
        vm.prank(owner);
        till.setUpstream(asset, none, last);
        assertEq(till.termsOf(asset).upstream.length, 0, "empty");
    }

    function test_error_ConsentCount() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentCount.selector, 1, 2));
        till.setUpstream(asset, both, new Consent[](1));
        consents[0] = consent(A_KEY, asset, both, 1);
        consents[1] = consent(B_KEY, asset, both, 1);
        till.setUpstream(asset, both, consents);
        // Nobody is dropped silently.
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentCount.selector, 0, 2));
        till.setUpstream(asset, new Upstream[](0), new Consent[](0));
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentCount.selector, 3, 2));
        till.setUpstream(asset, both, new Consent[](3));
    }

    function test_error_consents() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        consents[0] = consent(A_KEY, asset, both, 1);
        vm.startPrank(owner);

        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentExpired.selector, ofB, 0));
        till.setUpstream(asset, both, consents);

        // B's place signed by A.
        consents[1] = consent(A_KEY, asset, both, 2);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofB, b));
        till.setUpstream(asset, both, consents);

        // Signed for another rate.
        consents[1] = consent(B_KEY, asset, both, 2);
        Upstream[] memory other = _both();
        other[1].bps = 1;
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofA, a));
        till.setUpstream(asset, other, consents);

        // Signed for another asset.
        uint256 twin = registerMachine();
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofA, a));
        till.setUpstream(twin, both, consents);

        // With the nonce of another.
        consents[1].nonce = 3;
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofB, b));
        till.setUpstream(asset, both, consents);
        consents[1].nonce = 2;
        till.setUpstream(asset, both, consents);

        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentUsed.selector, a, 1));
        till.setUpstream(asset, both, consents);
        assertTrue(till.isConsentUsed(a, 1), "used");

        vm.warp(block.timestamp + 1_001);
        vm.expectRevert(
            abi.encodeWithSelector(ITill.ConsentExpired.selector, ofA, consents[0].deadline)
        );
        till.setUpstream(asset, both, consents);
    }

    function test_replay_onAnotherChainOrTill() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        consents[0] = consent(A_KEY, asset, both, 1);
        consents[1] = consent(B_KEY, asset, both, 1);
        vm.chainId(10);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofA, a));
        till.setUpstream(asset, both, consents);
        vm.chainId(31337);
        Till other = new Till(admin, 0, DAY);
        assertTrue(
            other.hashAgreement(asset, both, 1, 1) != till.hashAgreement(asset, both, 1, 1),
            "each till has its own domain"
        );
    }

    function test_malleableSignature() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        consents[0] = consent(A_KEY, asset, both, 1);
        consents[1] = consent(B_KEY, asset, both, 1);
        consents[1].signature = mirrored(consents[1].signature);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentInvalid.selector, ofB, b));
        till.setUpstream(asset, both, consents);
    }

    function test_cancel() public {
        Upstream[] memory both = _both();
        Consent[] memory consents = new Consent[](2);
        consents[0] = consent(A_KEY, asset, both, 1);
        consents[1] = consent(B_KEY, asset, both, 1);
        vm.prank(b);
        vm.expectEmit(address(till));
        emit ITill.ConsentCancelled(b, 1);
        till.cancelConsent(1);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentUsed.selector, b, 1));
        till.setUpstream(asset, both, consents);
        vm.prank(b);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentUsed.selector, b, 1));
        till.cancelConsent(1);

        consents[1] = consent(B_KEY, asset, both, 2);
        vm.prank(a);
        assertEq(till.cancelAllConsents(), 1, "series");
        assertEq(till.consentSeriesOf(a), 1, "series");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITill.ConsentUsed.selector, a, 1));
        till.setUpstream(asset, both, consents);
        consents[0] = consent(A_KEY, asset, both, 1 << 192 | 1);
        vm.prank(owner);
        till.setUpstream(asset, both, consents);
    }

    function testFuzz_contractOwner(uint256 mood) public {
        Signer signer = new Signer();
        uint256 theirs = registerMachine(address(signer));
        Upstream[] memory list = new Upstream[](1);
        list[0] = Upstream(theirs, 5);
        Consent[] memory consents = new Consent[](1);
        consents[0] = Consent(type(uint40).max, 9, "what it likes");
        bytes32 digest = till.hashAgreement(asset, list, type(uint40).max, 9);
        signer.set(Signer.Mood(mood % 6), digest);
        vm.prank(owner);
        if (mood % 6 != 0) {
            vm.expectRevert(
                abi.encodeWithSelector(ITill.ConsentInvalid.selector, theirs, address(signer))
            );
        }
        till.setUpstream{gas: 3_000_000}(asset, list, consents);
        if (mood % 6 == 0) assertEq(till.termsOf(asset).upstream[0].asset, theirs, "named");
    }

    function _both() private view returns (Upstream[] memory list) {
        list = new Upstream[](2);
        list[0] = Upstream(ofA, 500);
        list[1] = Upstream(ofB, 600);
    }
}
