// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {Fixture} from "../support/Fixture.sol";

/// @dev The fixture's caps: vault 1000, hot key 500, receiver 400, all per 24 hours.
contract CapsTest is Fixture {
    ICustomerVault private _vault;
    uint256 private _nonces;

    function setUp() public override {
        super.setUp();
        _vault = newVault(100_000e6);
        vm.prank(owner);
        _vault.addHotKey(otherHotKey, 900e6);
        address[4] memory receivers = [address(0xA1), address(0xA2), address(0xA3), address(0xA4)];
        for (uint256 i = 0; i < receivers.length; ++i) {
            vm.prank(owner);
            _vault.listReceiver(receivers[i], true);
        }
    }

    function test_a_receiver_gets_at_most_its_cap_from_all_keys() public {
        _draw(HOT_KEY, address(0xA1), 300e6);
        _draw(OTHER_HOT_KEY, address(0xA1), 100e6);
        _rejects(OTHER_HOT_KEY, address(0xA1), 1, ICustomerVault.CapKind.Receiver, 0);
    }

    function test_a_key_draws_at_most_its_cap_for_all_receivers() public {
        _draw(HOT_KEY, address(0xA1), 400e6);
        _draw(HOT_KEY, address(0xA2), 100e6);
        _rejects(HOT_KEY, address(0xA3), 1, ICustomerVault.CapKind.HotKey, 0);
        _draw(OTHER_HOT_KEY, address(0xA3), 1);
    }

    function test_all_keys_draw_at_most_the_vaults_cap() public {
        _draw(HOT_KEY, address(0xA1), 400e6);
        _draw(HOT_KEY, address(0xA2), 100e6);
        _draw(OTHER_HOT_KEY, address(0xA3), 400e6);
        _rejects(OTHER_HOT_KEY, address(0xA4), 101e6, ICustomerVault.CapKind.Vault, 100e6);
        _draw(OTHER_HOT_KEY, address(0xA4), 100e6);
    }

    function test_refills_evenly_over_a_day() public {
        _draw(HOT_KEY, address(0xA1), 400e6);
        vm.warp(START + 6 hours);
        assertEq(_vault.drawable(hotKey, address(0xA1)), 100e6, "a quarter of the receiver's cap");
        vm.warp(START + 24 hours);
        assertEq(_vault.drawable(hotKey, address(0xA1)), 400e6, "all of it");
        vm.warp(START + 240 hours);
        assertEq(_vault.drawable(hotKey, address(0xA1)), 400e6, "and no more");
    }

    function test_refunds_refill_nothing() public {
        IBatchSettlement.ChannelConfig memory config = _draw(HOT_KEY, address(0xA1), 400e6);
        vm.prank(address(0xA1));
        escrow.refund(config, 400e6);
        assertEq(currency.balanceOf(address(_vault)), 100_000e6, "money is back");
        assertEq(_vault.drawable(hotKey, address(0xA1)), 0, "cap is not");
    }

    function test_removing_and_adding_a_key_refills_nothing() public {
        _draw(HOT_KEY, address(0xA1), 400e6);
        vm.prank(owner);
        _vault.removeHotKey(hotKey);
        vm.prank(owner);
        _vault.addHotKey(hotKey, 500e6);
        _rejects(HOT_KEY, address(0xA2), 101e6, ICustomerVault.CapKind.HotKey, 100e6);
    }

    function test_a_greater_cap_does_not_refill_the_past() public {
        _draw(HOT_KEY, address(0xA1), 400e6);
        vm.warp(START + 12 hours);
        vm.prank(owner);
        _vault.addHotKey(hotKey, 900e6);
        ICustomerVault.VaultState memory state = _vault.state();
        assertEq(state.hotKeys[0].remaining, 900e6 - (400e6 - 250e6), "what leaked at the old rate");
    }

    function test_a_smaller_cap_counts_at_once() public {
        _draw(HOT_KEY, address(0xA1), 300e6);
        vm.prank(owner);
        _vault.addHotKey(hotKey, 200e6);
        _rejects(HOT_KEY, address(0xA2), 1, ICustomerVault.CapKind.HotKey, 0);
    }

    function test_a_cap_of_zero_stops_everything() public {
        ICustomerVault.Limits memory limits = vaultSettings().limits;
        limits.cap = 0;
        vm.prank(owner);
        _vault.setLimits(limits);
        _rejects(HOT_KEY, address(0xA1), 1, ICustomerVault.CapKind.Vault, 0);
    }

    function testFuzz_never_more_than_the_cap_at_once_and_a_day_later(uint128[6] memory amounts, uint32[6] memory waits)
        public
    {
        uint256 drawn = 0;
        uint256 time = START;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 allowed = _vault.drawable(hotKey, address(0xA1));
            uint128 amount = uint128(bound(amounts[i], 0, allowed));
            if (amount > 0) _draw(HOT_KEY, address(0xA1), amount);
            drawn += amount;
            assertLe(drawn, 400e6 + 400e6 * (time - START) / 24 hours, "drawn");
            time += bound(waits[i], 0, 48 hours);
            vm.warp(time);
        }
    }

    function _draw(uint256 key, address receiver, uint128 amount)
        private
        returns (IBatchSettlement.ChannelConfig memory config)
    {
        config = _channelTo(key, receiver);
        draw(_vault, config, key, amount, bytes32(++_nonces));
    }

    function _rejects(uint256 key, address receiver, uint128 amount, ICustomerVault.CapKind kind, uint256 left)
        private
    {
        IBatchSettlement.ChannelConfig memory config = _channelTo(key, receiver);
        bytes memory data = drawData(_vault, config, key, amount, bytes32(++_nonces));
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.CapExceeded.selector, kind, amount, left));
        escrow.deposit(config, amount, address(_vault), data);
    }

    function _channelTo(uint256 key, address receiver)
        private
        view
        returns (IBatchSettlement.ChannelConfig memory config)
    {
        config = vaultChannel(_vault);
        config.payerAuthorizer = vm.addr(key);
        config.receiver = receiver;
    }
}
