// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

abstract contract WithdrawFixture is Fixture {
    IBatchSettlement.ChannelConfig internal config;
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        config = channel();
        id = open(config, 10e6);
    }

    function initiate(uint128 amount) internal {
        vm.prank(payer);
        escrow.initiateWithdraw(config, amount);
    }

    function finalize() internal {
        vm.prank(payer);
        escrow.finalizeWithdraw(config);
    }
}

contract InitiateWithdrawTest is WithdrawFixture {
    function test_starts_the_delay_and_moves_no_money() public {
        vm.expectEmit();
        emit IBatchSettlement.WithdrawInitiated(id, 6e6, uint40(START + 1 hours));
        initiate(6e6);
        (uint128 amount, uint40 since) = escrow.pendingWithdrawals(id);
        assertEq(amount, 6e6, "amount");
        assertEq(since, START, "since");
        assertEq(balanceOf(id), 10e6, "balance");
    }

    function test_is_open_to_the_payers_authorizer() public {
        vm.prank(voucherSigner);
        escrow.initiateWithdraw(config, 6e6);
    }

    function test_is_closed_to_anyone_else() public {
        address[3] memory others = [RECEIVER, authorizer, STRANGER];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(IBatchSettlement.InvalidChannel.selector);
            vm.prank(others[i]);
            escrow.initiateWithdraw(config, 1);
        }
    }

    function test_rejects_zero_a_second_one_and_claimed_money() public {
        vm.expectRevert(IBatchSettlement.NothingToWithdraw.selector);
        initiate(0);
        claim(config, VOUCHER_KEY, 4e6);
        vm.expectRevert(IBatchSettlement.WithdrawAmountExceedsAvailable.selector);
        initiate(6e6 + 1);
        initiate(6e6);
        vm.expectRevert(IBatchSettlement.WithdrawalAlreadyPending.selector);
        initiate(1);
    }

    function test_leaves_vouchers_claimable() public {
        initiate(10e6);
        claim(config, VOUCHER_KEY, 10e6);
        assertEq(claimedOf(id), 10e6, "claimed");
    }
}

contract FinalizeWithdrawTest is WithdrawFixture {
    function test_pays_the_payer_after_the_delay() public {
        initiate(6e6);
        vm.warp(START + 1 hours);
        vm.expectEmit();
        emit IBatchSettlement.WithdrawFinalized(id, voucherSigner, 6e6);
        vm.prank(voucherSigner);
        escrow.finalizeWithdraw(config);
        assertEq(currency.balanceOf(payer), 6e6, "payer");
        assertEq(balanceOf(id), 4e6, "balance");
        (, uint40 since) = escrow.pendingWithdrawals(id);
        assertEq(since, 0, "since");
    }

    function test_waits_for_the_whole_delay() public {
        initiate(6e6);
        vm.warp(START + 1 hours - 1);
        vm.expectRevert(IBatchSettlement.WithdrawDelayNotElapsed.selector);
        finalize();
    }

    function test_works_at_any_later_time() public {
        initiate(6e6);
        vm.warp(START + 3650 days);
        finalize();
        assertEq(currency.balanceOf(payer), 6e6, "payer");
    }

    function test_takes_only_what_no_claim_took_first() public {
        initiate(10e6);
        claim(config, VOUCHER_KEY, 7e6);
        vm.warp(START + 1 hours);
        finalize();
        assertEq(currency.balanceOf(payer), 3e6, "payer");
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), 7e6, "receiver");
    }

    function test_pays_nothing_if_all_was_claimed() public {
        initiate(10e6);
        claim(config, VOUCHER_KEY, 10e6);
        vm.warp(START + 1 hours);
        vm.expectEmit();
        emit IBatchSettlement.WithdrawFinalized(id, payer, 0);
        finalize();
    }

    function test_closes_an_unused_channel() public {
        initiate(10e6);
        vm.warp(START + 1 hours);
        vm.expectEmit();
        emit IBatchSettlement.ChannelClosed(id, config);
        finalize();
    }

    function test_makes_later_claims_fail() public {
        initiate(10e6);
        vm.warp(START + 1 hours);
        finalize();
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, VOUCHER_KEY, 5e6, 5e6));
        vm.expectRevert(IBatchSettlement.ClaimExceedsBalance.selector);
        vm.prank(RECEIVER);
        escrow.claim(rows);
    }

    function test_needs_a_pending_withdrawal_and_the_payers_side() public {
        vm.expectRevert(IBatchSettlement.WithdrawalNotPending.selector);
        finalize();
        initiate(1);
        vm.warp(START + 1 hours);
        address[3] memory others = [RECEIVER, authorizer, STRANGER];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(IBatchSettlement.NotAuthorizedToFinalizeWithdraw.selector);
            vm.prank(others[i]);
            escrow.finalizeWithdraw(config);
        }
        finalize();
        vm.expectRevert(IBatchSettlement.WithdrawalNotPending.selector);
        finalize();
    }

    function testFuzz_splits_the_deposit_between_claim_and_withdrawal(uint128 asked, uint128 claimed) public {
        asked = uint128(bound(asked, 1, 10e6));
        claimed = uint128(bound(claimed, 1, 10e6));
        initiate(asked);
        claim(config, VOUCHER_KEY, claimed);
        vm.warp(START + 1 hours);
        finalize();
        uint256 rest = 10e6 - claimed;
        assertEq(currency.balanceOf(payer), asked < rest ? asked : rest, "payer");
        assertGe(balanceOf(id), claimed, "claimed money stays");
    }
}
