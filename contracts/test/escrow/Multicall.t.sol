// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

contract MulticallTest is Fixture {
    function test_claims_settles_and_refunds_in_one_transaction() public {
        bytes32 id = open(channel(), 10e6);
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(channel(), VOUCHER_KEY, 6e6, 6e6));
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(IBatchSettlement.claim, (rows));
        calls[1] = abi.encodeCall(IBatchSettlement.settle, (RECEIVER, address(currency)));
        calls[2] = abi.encodeCall(IBatchSettlement.refund, (channel(), 4e6));
        vm.prank(RECEIVER);
        Multicall(address(escrow)).multicall(calls);
        assertEq(currency.balanceOf(RECEIVER), 6e6, "receiver");
        assertEq(currency.balanceOf(payer), 4e6, "payer");
        assertEq(balanceOf(id), 6e6, "balance");
    }

    function test_lends_nobody_the_receivers_name() public {
        open(channel(), 10e6);
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(IBatchSettlement.refund, (channel(), 4e6));
        vm.expectRevert(IBatchSettlement.NotAuthorizedToRefund.selector);
        vm.prank(STRANGER);
        Multicall(address(escrow)).multicall(calls);
    }
}
