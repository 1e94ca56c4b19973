// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reporting} from "./Counted.sol";
import {EscrowHandler} from "./EscrowHandler.sol";

contract EscrowInvariants is Reporting {
    EscrowHandler private _handler;

    function setUp() public {
        _handler = new EscrowHandler();
        bytes4[] memory selectors = new bytes4[](11);
        selectors[0] = EscrowHandler.deposit.selector;
        selectors[1] = EscrowHandler.signVoucher.selector;
        selectors[2] = EscrowHandler.claimAny.selector;
        selectors[3] = EscrowHandler.claimTooMuch.selector;
        selectors[4] = EscrowHandler.settle.selector;
        selectors[5] = EscrowHandler.refund.selector;
        selectors[6] = EscrowHandler.initiateWithdraw.selector;
        selectors[7] = EscrowHandler.finalizeWithdraw.selector;
        selectors[8] = EscrowHandler.trespass.selector;
        selectors[9] = EscrowHandler.wait.selector;
        selectors[10] = EscrowHandler.claimMany.selector;
        target(address(_handler), selectors);
    }

    /// @dev forge calls this at the end of each run.
    function afterInvariant() external {
        reportOf(_handler);
    }

    /// @dev One campaign checks all: forge would run one for each invariant function.
    function invariant_all() public view {
        _no_rule_was_broken();
        _money_covers_all_channels();
        _every_unit_is_in_its_channel_or_went_back();
        _no_voucher_pays_twice();
    }

    function _no_rule_was_broken() private view {
        assertEq(_handler.broken(), "", "broken");
    }

    function _money_covers_all_channels() private view {
        uint256 owed = 0;
        for (uint256 i = 0; i < _handler.CHANNELS(); ++i) {
            (uint256 balance,) = _handler.stateOf(i);
            owed += balance;
        }
        for (uint256 i = 0; i < _handler.RECEIVERS(); ++i) {
            (, uint256 settled) = _handler.settledOf(i);
            owed -= settled;
        }
        assertEq(_handler.moneyOf(_handler.escrowAddress()), owed, "escrow");
    }

    function _every_unit_is_in_its_channel_or_went_back() private view {
        uint256 back = 0;
        for (uint256 i = 0; i < _handler.CHANNELS(); ++i) {
            (uint256 balance,) = _handler.stateOf(i);
            assertEq(_handler.deposited(i), balance + _handler.returned(i), "channel");
            back += _handler.returned(i);
        }
        assertEq(_handler.moneyOf(_handler.payerAddress()), back, "payer");
    }

    function _no_voucher_pays_twice() private view {
        for (uint256 i = 0; i < _handler.RECEIVERS(); ++i) {
            uint256 claimable = 0;
            for (uint256 j = i; j < _handler.CHANNELS(); j += _handler.RECEIVERS()) {
                (, uint256 claimed) = _handler.stateOf(j);
                assertLe(claimed, _handler.highestCeiling(j), "above the highest voucher");
                claimable += claimed;
            }
            (uint256 sum, uint256 settled) = _handler.settledOf(i);
            assertEq(sum, claimable, "receiver's sum");
            assertEq(_handler.moneyOf(_handler.receiver(i)), settled, "paid");
        }
    }
}
