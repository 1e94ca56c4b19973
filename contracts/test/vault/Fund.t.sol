// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {Fixture} from "../support/Fixture.sol";

contract FundTest is Fixture {
    function test_takes_a_signed_payment_sent_by_anyone() public {
        ICustomerVault vault = newVault(0);
        currency.mint(payer, 5e6);
        bytes memory signature = authorise(PAYER_KEY, address(vault), 5e6, "n");
        vm.expectEmit();
        emit ICustomerVault.Funded(payer, 5e6);
        vm.prank(RELAYER);
        vault.fund(payer, 5e6, 0, FAR, "n", signature);
        assertEq(currency.balanceOf(address(vault)), 5e6, "vault");
    }

    function test_takes_a_plain_transfer_even_before_it_exists() public {
        address vault = factory.addressOf(vaultSettings(), 0);
        currency.mint(payer, 5e6);
        vm.prank(payer);
        currency.transfer(vault, 5e6);
        assertEq(newVault(0).state().balance, 5e6, "vault");
    }

    function test_rejects_a_payment_to_someone_else() public {
        ICustomerVault vault = newVault(0);
        currency.mint(payer, 5e6);
        bytes memory signature = authorise(PAYER_KEY, address(collector), 5e6, "n");
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        vault.fund(payer, 5e6, 0, FAR, "n", signature);
    }
}
