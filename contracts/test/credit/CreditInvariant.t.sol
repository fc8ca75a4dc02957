// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../src/credit/IDesk.sol";
import {IFacility, LoanState, LoanStatus, Value} from "../../src/credit/IFacility.sol";
import {LoanMath} from "../../src/credit/Loan.sol";
import {Vault} from "../../src/credit/Vault.sol";
import {Campaign} from "../base/Campaign.sol";
import {CreditHandler} from "./CreditHandler.sol";

/// @notice The invariants of `src/credit/README.md`, in its order; 6 and 7, and that draws and junior's exits leave
/// junior thick, are checked call by call in the handler: nothing that an invariant function writes is there the next time.
contract CreditInvariantTest is Campaign {
    CreditHandler private _handler;
    IFacility private _facility;

    function setUp() public {
        _handler = new CreditHandler();
        _facility = IFacility(_handler.facility_());
        _target(address(_handler));
    }

    /// @dev Above a million calls in the deep profile, each of them followed by all of these checks.
    /// forge-config: deep.invariant.runs = 4000
    function invariant_credit() public view {
        _allMoneyIsSomewhere();
        _bookIsTheSumOfItsLoans();
        _linesAreTheValue();
        _queueIsPaid();
    }

    function afterInvariant() public {
        for (uint256 i = 0; i < _handler.reachCount(); ++i) {
            string memory name = _handler.reachNames(i);
            _write("credit", name, _handler.reached(name));
        }
    }

    /// @dev 1. The account holds idle money, stakes and what strangers gave it, and nothing else.
    function _allMoneyIsSomewhere() private view {
        (uint256 held, uint256 free) = _handler.money();
        uint256 sum = _facility.value().idle + free + _handler.donated();
        for (uint256 i = 0; i < _handler.loanCount(); ++i) {
            sum += _facility.statusOf(_handler.loans(i)).stake;
        }
        assertEq(held, sum, "1. idle, stakes, donations");
    }

    /// @dev 2. Principal, doubt, sum of rates and offset are the sums over loans, exactly; 3. no loan owes less than nothing, and an impaired
    /// one no more interest than it did; 4. no asset secures two.
    function _bookIsTheSumOfItsLoans() private view {
        uint256 principal;
        uint256 doubt;
        uint256 rates;
        int256 offsets;
        for (uint256 i = 0; i < _handler.loanCount(); ++i) {
            bytes32 id = _handler.loans(i);
            LoanStatus memory status = _facility.statusOf(id);
            if (status.state == LoanState.Closed) {
                assertEq(uint256(status.principal) + status.interest, 0, "3. closed");
                continue;
            }
            if (status.state == LoanState.WrittenOff) continue;
            Terms memory terms = _handler.termsAt(i);
            assertEq(_facility.loanOf(terms.collateral[0].asset), id, "4. its asset");
            assertLe(status.principal, status.drawn, "3. principal and draws");
            uint256 weight = 10_000 - terms.premiumBps;
            int256 offset = _offsetOf(id);
            principal += status.principal;
            doubt += status.doubt;
            offsets += offset * int256(weight);
            if (status.state < LoanState.Impaired) {
                uint256 borne = uint256(status.principal) * terms.rate;
                rates += borne * weight;
                assertTrue(int256(borne * block.timestamp) >= offset, "3. owes less than nothing");
            } else {
                assertTrue(offset <= 0, "3. owes less than nothing");
                assertLe(status.interest, _handler.interestAtImpairment(id), "3. interest went on");
            }
        }
        Value memory v = _facility.value();
        assertEq(v.principal, principal, "2. principal");
        assertEq(v.doubtful, doubt, "2. doubt");
        uint256 word = uint256(vm.load(address(_facility), bytes32(uint256(0))));
        assertEq(uint256(uint136(word >> 88)), rates, "2. sum of rates");
        word = uint256(vm.load(address(_facility), bytes32(uint256(1))));
        assertTrue(int256(int168(uint168(word >> 88))) == offsets, "2. offset");
    }

    /// @dev 5. Senior and junior are the value; the conservative one is never above the optimistic one.
    function _linesAreTheValue() private view {
        Value memory v = _facility.value();
        (uint256 seniorHigh, uint256 seniorLow) = _facility.assetsOf(true);
        (uint256 juniorHigh, uint256 juniorLow) = _facility.assetsOf(false);
        assertEq(seniorHigh + juniorHigh, v.idle + v.principal + v.interest, "5. optimistic");
        assertEq(seniorLow + juniorLow, v.idle + v.principal - v.doubtful, "5. conservative");
        assertLe(seniorLow, seniorHigh, "5. senior");
        assertLe(juniorLow, juniorHigh, "5. junior");
    }

    /// @dev 8. What was paid for waiting shares is there until it is claimed; no more is paid than was asked for.
    function _queueIsPaid() private view {
        for (uint256 i = 0; i < 2; ++i) {
            Vault vault = Vault(i == 0 ? _facility.senior() : _facility.junior());
            (uint256 requested, uint256 paid) = vault.queue();
            assertLe(paid, requested, "8. paid and asked for");
            assertEq(vault.balanceOf(address(vault)), requested - paid, "8. shares that wait");
            (uint256 held, uint256 claimable) = _handler.claims(i == 0);
            assertLe(claimable, held, "8. money for the claims");
        }
    }

    /// @dev Second word of a loan: the offset in its lower 152 bits. `_loans` stands in slot 4.
    function _offsetOf(bytes32 id) private view returns (int256) {
        uint256 slot = uint256(keccak256(abi.encode(id, 4)));
        return int256(int152(uint152(uint256(vm.load(address(_facility), bytes32(slot + 1))))));
    }
}
