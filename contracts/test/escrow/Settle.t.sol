// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

contract SettleTest is Fixture {
    function test_pays_all_channels_of_a_receiver_at_once() public {
        IBatchSettlement.ChannelConfig memory other = channel();
        other.salt = bytes32(uint256(1));
        open(channel(), 10e6);
        open(other, 10e6);
        claim(channel(), VOUCHER_KEY, 3e6);
        claim(other, VOUCHER_KEY, 4e6);

        vm.expectEmit();
        emit IBatchSettlement.Settled(RECEIVER, address(currency), STRANGER, 7e6);
        vm.prank(STRANGER);
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), 7e6, "receiver");
        assertEq(currency.balanceOf(address(escrow)), 13e6, "escrow");
    }

    function test_pays_nothing_twice() public {
        open(channel(), 10e6);
        claim(channel(), VOUCHER_KEY, 3e6);
        escrow.settle(RECEIVER, address(currency));
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), 3e6, "receiver");
        claim(channel(), VOUCHER_KEY, 5e6);
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), 5e6, "receiver later");
    }

    function test_keeps_currencies_apart() public {
        open(channel(), 10e6);
        claim(channel(), VOUCHER_KEY, 3e6);
        DevelopmentCurrency other = new DevelopmentCurrency();
        other.mint(address(escrow), 10e6);
        escrow.settle(RECEIVER, address(other));
        assertEq(other.balanceOf(RECEIVER), 0, "other currency");
    }
}
