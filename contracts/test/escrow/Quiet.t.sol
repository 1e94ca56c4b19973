// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";
import {Vm} from "../support/Vm.sol";

/// @notice What a call does not do: whoever follows the events must not see what did not happen.
contract QuietTest is Fixture {
    IBatchSettlement.ChannelConfig private _config;

    function setUp() public override {
        super.setUp();
        _config = channel();
        open(_config, 10e6);
    }

    function test_settling_nothing_says_nothing() public {
        vm.recordLogs();
        escrow.settle(RECEIVER, address(currency));
        assertEq(vm.getRecordedLogs().length, 0, "logs");
    }

    function test_refunding_nothing_says_nothing_and_keeps_a_withdrawal() public {
        vm.prank(payer);
        escrow.initiateWithdraw(_config, 4e6);
        claim(_config, VOUCHER_KEY, 10e6);
        vm.recordLogs();
        vm.prank(RECEIVER);
        escrow.refund(_config, 1e6);
        assertEq(vm.getRecordedLogs().length, 0, "logs");
        (uint128 amount, uint40 since) = escrow.pendingWithdrawals(escrow.getChannelId(_config));
        assertEq(amount, 4e6, "amount");
        assertEq(since, START, "since");
    }

    function test_claiming_again_asks_for_no_signature_and_says_nothing() public {
        claim(_config, VOUCHER_KEY, 5e6);
        IBatchSettlement.VoucherClaim memory row = voucher(_config, VOUCHER_KEY, 5e6, 5e6);
        row.signature = "";
        row.voucher.maxClaimableAmount = 1;
        vm.recordLogs();
        vm.prank(RECEIVER);
        escrow.claim(one(row));
        assertEq(vm.getRecordedLogs().length, 0, "logs");
    }

    function test_a_top_up_announces_no_new_channel() public {
        vm.recordLogs();
        open(_config, 1e6);
        assertEq(_logsOf(address(escrow)), 1, "logs");
    }

    function test_ending_a_withdrawal_of_nothing_moves_nothing_and_closes_nothing() public {
        vm.prank(payer);
        escrow.initiateWithdraw(_config, 10e6);
        claim(_config, VOUCHER_KEY, 10e6);
        vm.warp(START + 1 hours);
        vm.recordLogs();
        vm.prank(payer);
        escrow.finalizeWithdraw(_config);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "logs");
        assertEq(logs[0].topics[0], IBatchSettlement.WithdrawFinalized.selector, "event");
    }

    function test_a_channel_closes_only_when_empty_and_never_claimed() public {
        vm.recordLogs();
        vm.prank(RECEIVER);
        escrow.refund(_config, 1e6);
        assertEq(_logsOf(address(escrow)), 1, "part of it");
        claim(_config, VOUCHER_KEY, 5e6);
        vm.recordLogs();
        vm.prank(RECEIVER);
        escrow.refund(_config, 4e6);
        assertEq(_logsOf(address(escrow)), 1, "all that was not claimed");
    }

    function _logsOf(address emitter) private returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == emitter) ++count;
        }
    }
}
