// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {IDepositCollector} from "../../src/interfaces/IDepositCollector.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Brings the money, but first comes back in by the call it was given, and tells what came of that.
contract ReturningCollector is IDepositCollector {
    bytes public call;
    bytes public answer;
    bool public isIn;

    function set(bytes calldata call_) external {
        call = call_;
    }

    function collect(address, address token, uint256 amount, bytes32, bytes calldata) external {
        (isIn, answer) = msg.sender.call(call);
        DevelopmentCurrency(token).mint(msg.sender, amount);
    }
}

contract ReentrancyTest is Fixture {
    function test_no_verb_is_open_while_another_runs() public {
        ReturningCollector returning = new ReturningCollector();
        IBatchSettlement.ChannelConfig memory config = channel();
        config.receiver = address(returning);
        config.payer = address(returning);
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, VOUCHER_KEY, 1, 1));
        bytes memory signed = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows));
        bytes memory refund = sign(AUTHORIZER_KEY, escrow.getRefundDigest(escrow.getChannelId(config), 0, 1));
        bytes[8] memory calls = [
            abi.encodeCall(IBatchSettlement.deposit, (config, 1, address(returning), "")),
            abi.encodeCall(IBatchSettlement.claim, (rows)),
            abi.encodeCall(IBatchSettlement.claimWithSignature, (rows, signed)),
            abi.encodeCall(IBatchSettlement.settle, (address(returning), address(currency))),
            abi.encodeCall(IBatchSettlement.initiateWithdraw, (config, 1)),
            abi.encodeCall(IBatchSettlement.finalizeWithdraw, (config)),
            abi.encodeCall(IBatchSettlement.refund, (config, 1)),
            abi.encodeCall(IBatchSettlement.refundWithSignature, (config, 1, 0, refund))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            returning.set(calls[i]);
            escrow.deposit(config, 1e6, address(returning), "");
            assertTrue(!returning.isIn(), "came in");
            assertEq(returning.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"), "answer");
        }
    }
}
