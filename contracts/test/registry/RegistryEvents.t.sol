// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {UpdateFixture} from "./Update.t.sol";

contract RegistryEventsTest is UpdateFixture {
    function test_changes_are_told() public {
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, OTHER_RECEIVER);
        _expect();
        emit IProviderRegistry.KeysUpdated(provider, 1, keys);
        vm.prank(provider);
        registry.updateKeys(keys, "");

        _expect();
        emit IProviderRegistry.EndpointUpdated(provider, "https://b");
        vm.prank(provider);
        registry.updateEndpoint("https://b");

        _expect();
        emit IProviderRegistry.DelayUpdated(provider, 8 days, uint64(START));
        vm.prank(provider);
        registry.updateDelay(8 days);
        _expect();
        emit IProviderRegistry.DelayUpdated(provider, 1 days, uint64(START + 8 days));
        vm.prank(provider);
        registry.updateDelay(1 days);

        _expect();
        emit IProviderRegistry.CourtUpdated(provider, OTHER_COURT, uint64(START + 8 days));
        vm.prank(provider);
        registry.updateCourt(OTHER_COURT);
        _expect();
        emit IProviderRegistry.CourtUpdated(provider, COURT, uint64(START));
        vm.prank(provider);
        registry.updateCourt(COURT);
    }

    function test_money_is_told() public {
        currency.mint(provider, 10e6);
        vm.prank(provider);
        currency.approve(address(registry), 10e6);
        _expect();
        emit IProviderRegistry.Locked(provider, provider, 10e6);
        vm.prank(provider);
        registry.lock(provider, 10e6);

        _expect();
        emit IProviderRegistry.Unbonded(provider, 4e6, uint64(START + 7 days));
        vm.prank(provider);
        registry.unbond(4e6);

        _expect();
        emit IProviderRegistry.Slashed(provider, COURT, STRANGER, 1e6);
        vm.prank(COURT);
        registry.slash(provider, 1e6, STRANGER);

        vm.warp(START + 7 days);
        _expect();
        emit IProviderRegistry.Released(provider, 4e6);
        registry.release(provider);
    }

    function test_what_came_to_count_is_no_longer_pending() public {
        vm.prank(provider);
        registry.updateDelay(1 days);
        vm.prank(provider);
        registry.updateCourt(OTHER_COURT);
        assertEq(state().nextDelay, 1 days, "next delay");
        assertEq(state().nextDelayAt, START + 7 days, "its time");
        assertEq(state().nextCourt, OTHER_COURT, "next court");
        assertEq(state().nextCourtAt, START + 7 days, "its time");

        vm.warp(START + 7 days);
        assertEq(state().delay, 1 days, "delay");
        assertEq(state().nextDelay, 0, "no next delay");
        assertEq(state().nextDelayAt, 0, "nor time");
        assertEq(state().court, OTHER_COURT, "court");
        assertEq(state().nextCourt, address(0), "no next court");
        assertEq(state().nextCourtAt, 0, "nor time");
    }

    function test_coming_back_forgets_what_was_pending() public {
        vm.prank(provider);
        registry.leave();
        vm.warp(START + 7 days - 1);
        vm.prank(provider);
        registry.updateDelay(1 days);
        vm.prank(provider);
        registry.updateCourt(OTHER_COURT);
        vm.warp(START + 7 days);
        register(provider, NODE_KEY, RECEIVER);
        assertEq(state().nextDelayAt, 0, "delay");
        assertEq(state().nextCourtAt, 0, "court");
        vm.warp(START + 30 days);
        assertEq(state().delay, 7 days, "delay in force");
        assertEq(state().court, COURT, "court in force");
    }

    function _expect() private {
        vm.expectEmit(address(registry));
    }
}
