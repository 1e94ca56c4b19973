// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Fixture} from "../support/Fixture.sol";

contract VaultEventsTest is Fixture {
    function test_the_first_settings_are_told() public {
        ICustomerVault.Settings memory settings = vaultSettings();
        address foretold = factory.addressOf(settings, 0);
        vm.expectEmit(foretold);
        emit ICustomerVault.LimitsChanged(settings.limits);
        vm.expectEmit(foretold);
        emit ICustomerVault.HotKeyAdded(hotKey, 500e6);
        vm.expectEmit(foretold);
        emit ICustomerVault.RegistryListed(address(registry), true);
        vm.expectEmit(foretold);
        emit ICustomerVault.ReceiverListed(RECEIVER, true);
        factory.create(settings, 0);
    }

    function test_money_in_and_out_is_told() public {
        ICustomerVault vault = newVault(0);
        currency.mint(payer, 10e6);
        vm.expectEmit(address(vault));
        emit ICustomerVault.Funded(payer, 10e6);
        vault.fund(payer, 10e6, 0, FAR, "n", authorise(PAYER_KEY, address(vault), 10e6, "n"));

        IBatchSettlement.ChannelConfig memory config = vaultChannel(vault);
        bytes memory data = drawData(vault, config, HOT_KEY, 4e6, "d");
        vm.expectEmit(address(vault));
        emit ICustomerVault.Drawn(escrow.getChannelId(config), hotKey, RECEIVER, 4e6, "d");
        escrow.deposit(config, 4e6, address(vault), data);

        vm.expectEmit(address(vault));
        emit ICustomerVault.Withdrawn(address(currency), 6e6);
        vm.prank(owner);
        vault.withdraw(address(currency), 6e6);
    }

    function test_what_the_owner_changes_is_told() public {
        ICustomerVault vault = newVault(0);
        ICustomerVault.Limits memory limits = vaultSettings().limits;
        limits.cap = 7;
        bytes[6] memory calls = [
            abi.encodeCall(ICustomerVault.setLimits, (limits)),
            abi.encodeCall(ICustomerVault.addHotKey, (otherHotKey, 5e6)),
            abi.encodeCall(ICustomerVault.removeHotKey, (hotKey)),
            abi.encodeCall(ICustomerVault.listRegistry, (STRANGER, true)),
            abi.encodeCall(ICustomerVault.listReceiver, (RECEIVER, false)),
            abi.encodeCall(ICustomerVault.listRegistry, (STRANGER, false))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.expectEmit(address(vault));
            emit IRelayed.Relayed(owner, bytes32(i), RELAYER);
            vm.expectEmit(address(vault));
            if (i == 0) emit ICustomerVault.LimitsChanged(limits);
            if (i == 1) emit ICustomerVault.HotKeyAdded(otherHotKey, 5e6);
            if (i == 2) emit ICustomerVault.HotKeyRemoved(hotKey);
            if (i == 3) emit ICustomerVault.RegistryListed(STRANGER, true);
            if (i == 4) emit ICustomerVault.ReceiverListed(RECEIVER, false);
            if (i == 5) emit ICustomerVault.RegistryListed(STRANGER, false);
            relay(vault, OWNER_KEY, calls[i], bytes32(i));
        }
    }
}
