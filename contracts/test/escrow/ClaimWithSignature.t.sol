// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";
import {Wallet} from "../support/Wallet.sol";

contract ClaimWithSignatureTest is Fixture {
    IBatchSettlement.VoucherClaim[] private _rows;
    bytes32 private _first;
    bytes32 private _second;

    function setUp() public override {
        super.setUp();
        IBatchSettlement.ChannelConfig memory other = channel();
        other.salt = bytes32(uint256(1));
        other.receiver = OTHER_RECEIVER;
        _first = open(channel(), 10e6);
        _second = open(other, 10e6);
        _rows.push(voucher(channel(), VOUCHER_KEY, 6e6, 5e6));
        _rows.push(voucher(other, VOUCHER_KEY, 4e6, 4e6));
    }

    function test_lets_anyone_send_the_authorizers_batch() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(_rows));
        vm.expectEmit();
        emit IBatchSettlement.Claimed(_first, RELAYER, 5e6, 5e6);
        vm.expectEmit();
        emit IBatchSettlement.Claimed(_second, RELAYER, 4e6, 4e6);
        vm.prank(RELAYER);
        escrow.claimWithSignature(_rows, signature);
    }

    function test_changes_nothing_when_sent_twice() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(_rows));
        escrow.claimWithSignature(_rows, signature);
        escrow.claimWithSignature(_rows, signature);
        assertEq(claimedOf(_first), 5e6, "first");
        assertEq(claimedOf(_second), 4e6, "second");
    }

    function test_accepts_a_contract_as_authorizer() public {
        Wallet wallet = new Wallet(authorizer);
        IBatchSettlement.ChannelConfig memory config = channel();
        config.receiverAuthorizer = address(wallet);
        bytes32 id = open(config, 10e6);
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, VOUCHER_KEY, 6e6, 6e6));
        escrow.claimWithSignature(rows, sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows)));
        assertEq(claimedOf(id), 6e6, "claimed");
    }

    function test_rejects_another_signer() public {
        bytes memory signature = sign(VOUCHER_KEY, escrow.getClaimBatchDigest(_rows));
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        escrow.claimWithSignature(_rows, signature);
    }

    function test_rejects_a_batch_changed_after_signing() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(_rows));
        _rows[0].totalClaimed = 6e6;
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        escrow.claimWithSignature(_rows, signature);
    }

    function test_rejects_rows_of_two_authorizers() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        config.receiverAuthorizer = STRANGER;
        open(config, 10e6);
        _rows.push(voucher(config, VOUCHER_KEY, 1e6, 1e6));
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(_rows));
        vm.expectRevert(IBatchSettlement.NotReceiverAuthorizer.selector);
        escrow.claimWithSignature(_rows, signature);
    }

    function test_rejects_an_empty_batch() public {
        vm.expectRevert(IBatchSettlement.EmptyBatch.selector);
        escrow.claimWithSignature(new IBatchSettlement.VoucherClaim[](0), "");
    }
}
