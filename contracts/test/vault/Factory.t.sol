// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {ICustomerVaultFactory} from "../../src/interfaces/ICustomerVaultFactory.sol";
import {Fixture} from "../support/Fixture.sol";

contract FactoryTest is Fixture {
    function test_makes_the_vault_at_its_foretold_address() public {
        address foretold = factory.addressOf(vaultSettings(), "salt");
        vm.expectEmit();
        emit ICustomerVaultFactory.VaultCreated(foretold, owner, "salt");
        vm.prank(STRANGER);
        address made = factory.create(vaultSettings(), "salt");
        assertEq(made, foretold, "address");
        assertTrue(made.code.length > 0, "code");
        assertTrue(factory.isVault(made) && !factory.isVault(STRANGER), "known");
    }

    function test_makes_it_once() public {
        address first = factory.create(vaultSettings(), 0);
        vm.prank(owner);
        ICustomerVault(first).removeHotKey(hotKey);
        assertEq(factory.create(vaultSettings(), 0), first, "same");
        assertTrue(!ICustomerVault(first).isHotKey(hotKey), "untouched");
    }

    function test_every_setting_decides_the_address() public view {
        address base = factory.addressOf(vaultSettings(), 0);
        assertTrue(factory.addressOf(vaultSettings(), "other") != base, "salt");
        for (uint256 i = 0; i < 9; ++i) {
            ICustomerVault.Settings memory settings = vaultSettings();
            if (i == 0) settings.owner = STRANGER;
            if (i == 1) settings.escrow = STRANGER;
            if (i == 2) settings.currency = STRANGER;
            if (i == 3) settings.limits.cap += 1;
            if (i == 4) settings.limits.receiverCap += 1;
            if (i == 5) settings.hotKeys[0].key = STRANGER;
            if (i == 6) settings.hotKeys[0].cap += 1;
            if (i == 7) settings.registries[0] = STRANGER;
            if (i == 8) settings.receivers[0] = STRANGER;
            assertTrue(factory.addressOf(settings, 0) != base, "setting");
        }
    }

    function test_the_first_settings_are_in_the_state() public {
        ICustomerVault.VaultState memory state = newVault(7e6).state();
        assertEq(state.owner, owner, "owner");
        assertEq(state.escrow, address(escrow), "escrow");
        assertEq(state.currency, address(currency), "currency");
        assertEq(state.balance, 7e6, "balance");
        assertEq(state.remaining, 1000e6, "remaining");
        assertEq(abi.encode(state.limits), abi.encode(vaultSettings().limits), "limits");
        assertEq(state.hotKeys[0].key, hotKey, "key");
        assertEq(state.hotKeys[0].cap, 500e6, "cap");
        assertEq(state.hotKeys[0].remaining, 500e6, "key's remaining");
        assertEq(state.registries[0], address(registry), "registry");
        assertEq(state.receivers[0], RECEIVER, "receiver");
    }

    function test_refuses_a_vault_of_nobody() public {
        for (uint256 i = 0; i < 3; ++i) {
            ICustomerVault.Settings memory settings = vaultSettings();
            if (i == 0) settings.owner = address(0);
            if (i == 1) settings.escrow = address(0);
            if (i == 2) settings.currency = address(0);
            vm.expectRevert(ICustomerVault.ZeroAddress.selector);
            factory.create(settings, 0);
        }
    }
}
