// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

contract RefundWithSignatureTest is Fixture {
    IBatchSettlement.ChannelConfig private _config;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        _config = channel();
        _id = open(_config, 10e6);
    }

    function test_lets_anyone_send_the_authorizers_refund() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(_id, 0, 4e6));
        vm.expectEmit();
        emit IBatchSettlement.Refunded(_id, RELAYER, 4e6);
        vm.prank(RELAYER);
        escrow.refundWithSignature(_config, 4e6, 0, signature);
        assertEq(currency.balanceOf(payer), 4e6, "payer");
    }

    function test_works_once() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(_id, 0, 4e6));
        escrow.refundWithSignature(_config, 4e6, 0, signature);
        vm.expectRevert(IBatchSettlement.InvalidRefundNonce.selector);
        escrow.refundWithSignature(_config, 4e6, 0, signature);
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        escrow.refundWithSignature(_config, 4e6, 1, signature);
    }

    function test_is_void_after_a_direct_refund() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(_id, 0, 4e6));
        vm.prank(RECEIVER);
        escrow.refund(_config, 1);
        vm.expectRevert(IBatchSettlement.InvalidRefundNonce.selector);
        escrow.refundWithSignature(_config, 4e6, 0, signature);
    }

    function test_rejects_another_amount_or_signer() public {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(_id, 0, 4e6));
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        escrow.refundWithSignature(_config, 5e6, 0, signature);
        signature = sign(PAYER_KEY, escrow.getRefundDigest(_id, 0, 4e6));
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        escrow.refundWithSignature(_config, 4e6, 0, signature);
    }
}
