// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Erc3009DepositCollector} from "../../src/Erc3009DepositCollector.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";

contract Erc3009CollectTest is Fixture {
    function test_serves_its_escrow_only() public {
        vm.expectRevert(Erc3009DepositCollector.OnlyX402BatchSettlement.selector);
        collector.collect(payer, address(currency), 1, 0, "");
        vm.expectRevert(Erc3009DepositCollector.InvalidX402BatchSettlementAddress.selector);
        new Erc3009DepositCollector(address(0));
    }

    function test_an_authorisation_pays_for_its_channel_only() public {
        currency.mint(payer, 5e6);
        bytes memory data = erc3009Deposit(PAYER_KEY, escrow.getChannelId(channel()), 5e6, 1);
        IBatchSettlement.ChannelConfig memory other = channel();
        other.receiver = OTHER_RECEIVER;
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        escrow.deposit(other, 5e6, address(collector), data);
    }

    function test_an_authorisation_pays_once_and_its_amount_only() public {
        currency.mint(payer, 50e6);
        bytes memory data = erc3009Deposit(PAYER_KEY, escrow.getChannelId(channel()), 5e6, 1);
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        escrow.deposit(channel(), 6e6, address(collector), data);
        escrow.deposit(channel(), 5e6, address(collector), data);
        vm.expectPartialRevert(bytes4(keccak256("ERC3009UsedAuthorization(address,bytes32)")));
        escrow.deposit(channel(), 5e6, address(collector), data);
    }

    function test_keeps_nothing() public {
        open(channel(), 5e6);
        assertEq(currency.balanceOf(address(collector)), 0, "collector");
    }
}
