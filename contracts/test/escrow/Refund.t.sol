// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

contract RefundTest is Fixture {
    IBatchSettlement.ChannelConfig private _config;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        _config = channel();
        _id = open(_config, 10e6);
    }

    function test_gives_unclaimed_money_back() public {
        claim(_config, VOUCHER_KEY, 3e6);
        vm.expectEmit();
        emit IBatchSettlement.Refunded(_id, RECEIVER, 2e6);
        vm.prank(RECEIVER);
        escrow.refund(_config, 2e6);
        assertEq(currency.balanceOf(payer), 2e6, "payer");
        assertEq(balanceOf(_id), 8e6, "balance");
        assertEq(escrow.refundNonce(_id), 1, "nonce");
    }

    function test_gives_at_most_what_is_unclaimed() public {
        claim(_config, VOUCHER_KEY, 3e6);
        vm.prank(authorizer);
        escrow.refund(_config, type(uint128).max);
        assertEq(currency.balanceOf(payer), 7e6, "payer");
        assertEq(balanceOf(_id), 3e6, "balance");
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), 3e6, "receiver");
    }

    function test_announces_a_channel_that_ends_unused() public {
        vm.expectEmit();
        emit IBatchSettlement.ChannelClosed(_id, _config);
        vm.prank(RECEIVER);
        escrow.refund(_config, 10e6);
    }

    function test_raises_the_nonce_even_if_nothing_is_left() public {
        claim(_config, VOUCHER_KEY, 10e6);
        vm.prank(RECEIVER);
        escrow.refund(_config, 1);
        assertEq(escrow.refundNonce(_id), 1, "nonce");
        assertEq(currency.balanceOf(payer), 0, "payer");
    }

    function test_lowers_a_pending_withdrawal() public {
        vm.prank(payer);
        escrow.initiateWithdraw(_config, 10e6);
        vm.prank(RECEIVER);
        escrow.refund(_config, 4e6);
        (uint128 amount, uint40 since) = escrow.pendingWithdrawals(_id);
        assertEq(amount, 6e6, "amount");
        assertEq(since, START, "since");
    }

    function test_cancels_a_pending_withdrawal_it_covers() public {
        vm.prank(payer);
        escrow.initiateWithdraw(_config, 4e6);
        vm.prank(RECEIVER);
        escrow.refund(_config, 4e6);
        (uint128 amount, uint40 since) = escrow.pendingWithdrawals(_id);
        assertEq(amount, 0, "amount");
        assertEq(since, 0, "since");
    }

    function test_is_closed_to_the_payers_side_and_strangers() public {
        address[3] memory others = [payer, voucherSigner, STRANGER];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(IBatchSettlement.NotAuthorizedToRefund.selector);
            vm.prank(others[i]);
            escrow.refund(_config, 1);
        }
    }

    function test_rejects_zero() public {
        vm.expectRevert(IBatchSettlement.ZeroRefund.selector);
        vm.prank(RECEIVER);
        escrow.refund(_config, 0);
    }
}
