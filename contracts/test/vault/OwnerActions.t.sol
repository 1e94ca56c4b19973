// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Fixture} from "../support/Fixture.sol";
import {Wallet} from "../support/Wallet.sol";

/// @notice What only the owner may do, sent by it or signed by it.
contract OwnerActionsTest is Fixture {
    ICustomerVault private _vault;

    function setUp() public override {
        super.setUp();
        _vault = newVault(100e6);
    }

    function test_are_closed_to_hot_keys_and_strangers() public {
        bytes[] memory calls = new bytes[](6);
        calls[0] = abi.encodeCall(ICustomerVault.withdraw, (address(currency), 1));
        calls[1] = abi.encodeCall(ICustomerVault.addHotKey, (STRANGER, 1));
        calls[2] = abi.encodeCall(ICustomerVault.removeHotKey, (hotKey));
        calls[3] = abi.encodeCall(ICustomerVault.setLimits, (vaultSettings().limits));
        calls[4] = abi.encodeCall(ICustomerVault.listRegistry, (STRANGER, true));
        calls[5] = abi.encodeCall(ICustomerVault.listReceiver, (STRANGER, true));
        address[3] memory others = [hotKey, STRANGER, address(escrow)];
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 j = 0; j < others.length; ++j) {
                vm.prank(others[j]);
                (bool done, bytes memory why) = address(_vault).call(calls[i]);
                assertTrue(!done, "must fail");
                assertEq(why, abi.encodeWithSelector(ICustomerVault.NotOwner.selector, others[j]), "why");
            }
            bytes[] memory one_ = new bytes[](1);
            one_[0] = calls[i];
            bytes memory signature = sign(HOT_KEY, _vault.relayDigest(hotKey, one_, "n", FAR));
            vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotOwner.selector, hotKey));
            _vault.relay(hotKey, one_, "n", FAR, signature);
        }
    }

    function test_withdraw_pays_the_owner() public {
        vm.expectEmit();
        emit ICustomerVault.Withdrawn(address(currency), 60e6);
        vm.prank(owner);
        _vault.withdraw(address(currency), 60e6);
        assertEq(currency.balanceOf(owner), 60e6, "owner");
    }

    function test_withdraw_by_signature_pays_the_owner_not_the_sender() public {
        relay(_vault, OWNER_KEY, abi.encodeCall(ICustomerVault.withdraw, (address(currency), 60e6)), "n");
        assertEq(currency.balanceOf(owner), 60e6, "owner");
        assertEq(currency.balanceOf(RELAYER), 0, "relayer");
    }

    function test_withdraw_rescues_another_token() public {
        DevelopmentCurrency other = new DevelopmentCurrency();
        other.mint(address(_vault), 3);
        vm.prank(owner);
        _vault.withdraw(address(other), 3);
        assertEq(other.balanceOf(owner), 3, "owner");
    }

    function test_hot_keys_come_and_go_by_signature() public {
        relay(_vault, OWNER_KEY, abi.encodeCall(ICustomerVault.addHotKey, (otherHotKey, 5e6)), "a");
        assertTrue(_vault.isHotKey(otherHotKey), "added");
        relay(_vault, OWNER_KEY, abi.encodeCall(ICustomerVault.removeHotKey, (hotKey)), "b");
        assertTrue(!_vault.isHotKey(hotKey), "removed");
        ICustomerVault.VaultState memory state = _vault.state();
        assertEq(state.hotKeys.length, 1, "count");
        assertEq(state.hotKeys[0].key, otherHotKey, "key");
        assertEq(state.hotKeys[0].cap, 5e6, "cap");
    }

    function test_a_contract_owner_signs_by_erc1271() public {
        Wallet wallet = new Wallet(owner);
        ICustomerVault.Settings memory settings = vaultSettings();
        settings.owner = address(wallet);
        ICustomerVault vault = ICustomerVault(factory.create(settings, 0));
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(ICustomerVault.removeHotKey, (hotKey));
        bytes memory signature = sign(OWNER_KEY, vault.relayDigest(address(wallet), calls, "n", FAR));
        vault.relay(address(wallet), calls, "n", FAR, signature);
        assertTrue(!vault.isHotKey(hotKey), "removed");
    }

    function test_a_contract_owner_is_bound_by_no_other_signature() public {
        vm.etch(owner, address(new Wallet(voucherSigner)).code);
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(ICustomerVault.removeHotKey, (hotKey));
        bytes memory signature = sign(HOT_KEY, _vault.relayDigest(owner, calls, "n", FAR));
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, owner));
        _vault.relay(owner, calls, "n", FAR, signature);
    }

    function test_removing_an_unknown_key_fails() public {
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotHotKey.selector, STRANGER));
        vm.prank(owner);
        _vault.removeHotKey(STRANGER);
    }

    function test_lists_change_who_may_be_paid() public {
        register(provider, NODE_KEY, OTHER_RECEIVER);
        assertTrue(_vault.isReceiverAllowed(RECEIVER) && _vault.isReceiverAllowed(OTHER_RECEIVER), "both at first");
        vm.prank(owner);
        _vault.listReceiver(RECEIVER, false);
        vm.prank(owner);
        _vault.listRegistry(address(registry), false);
        assertTrue(!_vault.isReceiverAllowed(RECEIVER) && !_vault.isReceiverAllowed(OTHER_RECEIVER), "none then");
        assertEq(_vault.drawable(hotKey, RECEIVER), 0, "drawable");
    }

    function test_limits_must_make_sense() public {
        ICustomerVault.Limits memory limits = vaultSettings().limits;
        limits.minWithdrawDelay = limits.maxWithdrawDelay + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                ICustomerVault.LimitsInvalid.selector, limits.minWithdrawDelay, limits.maxWithdrawDelay
            )
        );
        vm.prank(owner);
        _vault.setLimits(limits);
    }

    function test_nobody_is_no_key_receiver_or_registry() public {
        vm.expectRevert(ICustomerVault.ZeroAddress.selector);
        vm.prank(owner);
        _vault.addHotKey(address(0), 1);
        vm.expectRevert(ICustomerVault.ZeroAddress.selector);
        vm.prank(owner);
        _vault.listReceiver(address(0), true);
        vm.expectRevert(ICustomerVault.ZeroAddress.selector);
        vm.prank(owner);
        _vault.listRegistry(address(0), true);
    }
}

/// @notice Taking money back from channels.
contract ChannelWithdrawTest is Fixture {
    ICustomerVault private _vault;
    IBatchSettlement.ChannelConfig private _config;

    function setUp() public override {
        super.setUp();
        _vault = newVault(100e6);
        _config = vaultChannel(_vault);
        draw(_vault, _config, HOT_KEY, 100e6, "n");
    }

    function test_the_owner_takes_back_any_channel() public {
        vm.prank(owner);
        _vault.initiateWithdraw(_config, 100e6);
        vm.warp(START + 1 hours);
        vm.prank(owner);
        _vault.finalizeWithdraw(_config);
        assertEq(currency.balanceOf(address(_vault)), 100e6, "vault");
    }

    function test_a_hot_key_does_so_by_signature() public {
        relay(_vault, HOT_KEY, abi.encodeCall(ICustomerVault.initiateWithdraw, (_config, 100e6)), "a");
        vm.warp(START + 1 hours);
        relay(_vault, HOT_KEY, abi.encodeCall(ICustomerVault.finalizeWithdraw, (_config)), "b");
        assertEq(currency.balanceOf(address(_vault)), 100e6, "vault");
    }

    function test_a_hot_key_leaves_other_keys_channels_alone_until_they_are_removed() public {
        vm.prank(owner);
        _vault.addHotKey(otherHotKey, 0);
        bytes memory expected = abi.encodeWithSelector(ICustomerVault.NotKeyOfChannel.selector, otherHotKey, hotKey);
        vm.expectRevert(expected);
        vm.prank(otherHotKey);
        _vault.initiateWithdraw(_config, 100e6);
        vm.expectRevert(expected);
        vm.prank(otherHotKey);
        _vault.finalizeWithdraw(_config);

        vm.prank(owner);
        _vault.removeHotKey(hotKey);
        vm.prank(otherHotKey);
        _vault.initiateWithdraw(_config, 100e6);
        vm.warp(START + 1 hours);
        vm.prank(otherHotKey);
        _vault.finalizeWithdraw(_config);
        assertEq(currency.balanceOf(address(_vault)), 100e6, "vault");
    }

    function test_a_removed_key_no_longer_does() public {
        vm.prank(owner);
        _vault.addHotKey(otherHotKey, 0);
        vm.prank(owner);
        _vault.removeHotKey(otherHotKey);
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotOwnerOrHotKey.selector, otherHotKey));
        vm.prank(otherHotKey);
        _vault.initiateWithdraw(_config, 100e6);
    }

    function test_strangers_do_not() public {
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotOwnerOrHotKey.selector, STRANGER));
        vm.prank(STRANGER);
        _vault.initiateWithdraw(_config, 100e6);
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotOwnerOrHotKey.selector, STRANGER));
        vm.prank(STRANGER);
        _vault.finalizeWithdraw(_config);
    }
}
