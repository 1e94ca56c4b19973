// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {UpdateFixture} from "./Update.t.sol";

contract LeaveTest is UpdateFixture {
    function test_counts_after_the_delay_and_frees_keys_and_stake() public {
        lock(provider, 10e6);
        vm.expectEmit();
        emit IProviderRegistry.LeaveAnnounced(provider, uint64(START + 7 days));
        _leave();
        assertTrue(state().active, "active until then");
        assertEq(state().leavesAt, START + 7 days, "leavesAt");
        assertEq(state().unbonding, 10e6, "unbonding");
        assertTrue(registry.isActivePayout(RECEIVER), "payout until then");

        vm.warp(START + 7 days);
        assertTrue(!registry.isActive(provider), "left");
        assertTrue(!registry.isActivePayout(RECEIVER), "payout free");
        assertEq(registry.providerOfNode(vm.addr(NODE_KEY)), address(0), "node free");
        registry.release(provider);
        assertEq(currency.balanceOf(provider), 10e6, "provider");
    }

    function test_the_court_still_reaches_a_stake_not_yet_released() public {
        lock(provider, 10e6);
        _leave();
        vm.warp(START + 30 days);
        vm.prank(COURT);
        assertEq(registry.slash(provider, 10e6, OTHER_RECEIVER), 10e6, "slashed");
    }

    function test_cannot_be_repeated_or_sped_up() public {
        _leave();
        bytes memory expected = abi.encodeWithSelector(IProviderRegistry.IsLeaving.selector, provider, START + 7 days);
        vm.expectRevert(expected);
        _leave();
        vm.expectRevert(expected);
        vm.prank(provider);
        registry.unbond(1);
    }

    function test_another_may_take_the_keys_and_the_first_comes_back_with_others() public {
        _leave();
        vm.warp(START + 7 days);
        register(otherProvider, NODE_KEY, RECEIVER);
        assertEq(registry.providerOfPayout(RECEIVER), otherProvider, "payout");

        register(provider, OTHER_NODE_KEY, OTHER_RECEIVER);
        assertEq(registry.providerOfPayout(RECEIVER), otherProvider, "the other keeps its payout");
        assertEq(registry.providerOfNode(vm.addr(NODE_KEY)), otherProvider, "and its node key");
        assertEq(registry.keySets(provider).length, 2, "history stays");
        assertEq(state().keySetNumber, 1, "number");
        assertEq(state().leavesAt, 0, "leavesAt");
        assertEq(registry.providerCount(), 2, "counted once");
    }

    function test_coming_back_needs_free_keys() public {
        _leave();
        vm.warp(START + 7 days);
        register(otherProvider, OTHER_NODE_KEY, RECEIVER);
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
        bytes memory proof = nodeProof(provider, NODE_KEY);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.PayoutTaken.selector, RECEIVER, otherProvider));
        vm.prank(provider);
        registry.register(keys, proof, "https://a", 1 days, COURT);
    }

    function _leave() private {
        vm.prank(provider);
        registry.leave();
    }
}

contract StatesTest is UpdateFixture {
    function test_pages_through_all_providers() public {
        register(otherProvider, OTHER_NODE_KEY, OTHER_RECEIVER);
        assertEq(registry.providerCount(), 2, "count");
        IProviderRegistry.ProviderState[] memory page = registry.states(0, 1);
        assertEq(page.length, 1, "first page");
        assertEq(page[0].provider, provider, "first");
        page = registry.states(1, 100);
        assertEq(page.length, 1, "second page");
        assertEq(page[0].provider, otherProvider, "second");
        assertEq(registry.states(2, 100).length, 0, "past the end");
        assertEq(registry.states(0, type(uint256).max).length, 2, "all");
    }

    function test_answers_for_chosen_providers() public view {
        address[] memory chosen = new address[](2);
        chosen[0] = STRANGER;
        chosen[1] = provider;
        IProviderRegistry.ProviderState[] memory found = registry.statesOf(chosen);
        assertEq(found[0].provider, address(0), "unknown");
        assertTrue(!found[0].active, "inactive");
        assertEq(found[1].provider, provider, "known");
    }

    function test_names_its_currency() public view {
        assertEq(registry.currency(), address(currency), "currency");
    }
}
