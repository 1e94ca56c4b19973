// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "../support/Fixture.sol";

/// @dev The fixture's provider has a delay of 7 days and the court COURT.
abstract contract UpdateFixture is Fixture {
    function setUp() public virtual override {
        super.setUp();
        register(provider, NODE_KEY, RECEIVER);
    }

    function state() internal view returns (IProviderRegistry.ProviderState memory) {
        return registry.stateOf(provider);
    }
}

contract UpdateKeysTest is UpdateFixture {
    function test_starts_a_numbered_set_and_keeps_the_old_one() public {
        vm.warp(START + 1 days);
        IProviderRegistry.Keys memory keys = keysOf(OTHER_NODE_KEY, OTHER_RECEIVER);
        bytes memory proof = nodeProof(provider, OTHER_NODE_KEY);
        vm.expectEmit();
        emit IProviderRegistry.KeysUpdated(provider, 1, keys);
        vm.prank(provider);
        registry.updateKeys(keys, proof);

        IProviderRegistry.KeySet[] memory sets = registry.keySets(provider);
        assertEq(sets.length, 2, "sets");
        assertEq(sets[0].keys.node, vm.addr(NODE_KEY), "old node key");
        assertEq(sets[0].since, START, "old since");
        assertEq(sets[1].keys.node, vm.addr(OTHER_NODE_KEY), "new node key");
        assertEq(sets[1].since, START + 1 days, "new since");
        assertEq(state().keySetNumber, 1, "number");
    }

    function test_frees_the_old_payout_and_node_key() public {
        _update(OTHER_NODE_KEY, OTHER_RECEIVER);
        assertTrue(!registry.isActivePayout(RECEIVER), "old payout");
        assertTrue(registry.isActivePayout(OTHER_RECEIVER), "new payout");
        register(otherProvider, NODE_KEY, RECEIVER);
        assertEq(registry.providerOfPayout(RECEIVER), otherProvider, "payout");
        assertEq(registry.providerOfNode(vm.addr(NODE_KEY)), otherProvider, "node");
    }

    function test_needs_no_proof_while_the_node_key_stays() public {
        vm.prank(provider);
        registry.updateKeys(keysOf(NODE_KEY, OTHER_RECEIVER), "");
        assertTrue(registry.isActivePayout(OTHER_RECEIVER), "payout");
    }

    function test_needs_proof_of_a_new_node_key() public {
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NodeKeyNotProven.selector, vm.addr(OTHER_NODE_KEY)));
        vm.prank(provider);
        registry.updateKeys(keysOf(OTHER_NODE_KEY, RECEIVER), "");
    }

    function test_takes_no_key_of_another() public {
        register(otherProvider, OTHER_NODE_KEY, OTHER_RECEIVER);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.PayoutTaken.selector, OTHER_RECEIVER, otherProvider));
        vm.prank(provider);
        registry.updateKeys(keysOf(NODE_KEY, OTHER_RECEIVER), "");
        assertTrue(registry.isActivePayout(RECEIVER), "old payout stays");
    }

    function test_updates_are_for_active_providers() public {
        bytes memory notActive = abi.encodeWithSelector(IProviderRegistry.NotActive.selector, STRANGER);
        bytes[] memory calls = new bytes[](6);
        calls[0] = abi.encodeCall(IProviderRegistry.updateKeys, (keysOf(OTHER_NODE_KEY, OTHER_RECEIVER), ""));
        calls[1] = abi.encodeCall(IProviderRegistry.updateEndpoint, ("https://b"));
        calls[2] = abi.encodeCall(IProviderRegistry.updateDelay, (1));
        calls[3] = abi.encodeCall(IProviderRegistry.updateCourt, (STRANGER));
        calls[4] = abi.encodeCall(IProviderRegistry.unbond, (1));
        calls[5] = abi.encodeCall(IProviderRegistry.leave, ());
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(STRANGER);
            (bool done, bytes memory why) = address(registry).call(calls[i]);
            assertTrue(!done, "must fail");
            assertEq(why, notActive, "why");
        }
    }

    function _update(uint256 nodeKey, address payout) private {
        bytes memory proof = nodeProof(provider, nodeKey);
        vm.prank(provider);
        registry.updateKeys(keysOf(nodeKey, payout), proof);
    }
}

contract UpdateEndpointTest is UpdateFixture {
    function test_counts_at_once() public {
        vm.expectEmit();
        emit IProviderRegistry.EndpointUpdated(provider, "https://b");
        vm.prank(provider);
        registry.updateEndpoint("https://b");
        assertEq(state().endpoint, "https://b", "endpoint");
    }

    function test_works_by_signature() public {
        relay(registry, PROVIDER_KEY, abi.encodeCall(IProviderRegistry.updateEndpoint, ("https://c")), "n");
        assertEq(state().endpoint, "https://c", "endpoint");
    }
}

contract UpdateDelayTest is UpdateFixture {
    function test_longer_counts_at_once() public {
        _update(30 days);
        assertEq(state().delay, 30 days, "delay");
        assertEq(state().nextDelayAt, 0, "nothing pending");
    }

    function test_shorter_counts_after_the_current_delay() public {
        vm.expectEmit();
        emit IProviderRegistry.DelayUpdated(provider, 1 days, uint64(START + 7 days));
        _update(1 days);
        assertEq(state().delay, 7 days, "delay");
        assertEq(state().nextDelay, 1 days, "next");
        assertEq(state().nextDelayAt, START + 7 days, "when");
        vm.warp(START + 7 days - 1);
        assertEq(state().delay, 7 days, "a second before");
        vm.warp(START + 7 days);
        assertEq(state().delay, 1 days, "then");
        assertEq(state().nextDelayAt, 0, "nothing pending");
    }

    function test_steps_never_shorten_the_way() public {
        _update(1 days);
        vm.warp(START + 6 days);
        _update(0);
        assertEq(state().nextDelayAt, START + 13 days, "starts anew");
        vm.warp(START + 7 days);
        assertEq(state().delay, 7 days, "the replaced step never counts");
    }

    function test_longer_cancels_a_pending_shorter_one() public {
        _update(1 days);
        _update(8 days);
        vm.warp(START + 30 days);
        assertEq(state().delay, 8 days, "delay");
    }

    function test_after_a_shorter_one_counted_the_next_starts_from_it() public {
        _update(1 days);
        vm.warp(START + 7 days);
        _update(0);
        assertEq(state().delay, 1 days, "delay");
        assertEq(state().nextDelayAt, START + 8 days, "when");
    }

    function _update(uint32 delay) private {
        vm.prank(provider);
        registry.updateDelay(delay);
    }
}

contract UpdateCourtTest is UpdateFixture {
    function test_counts_after_the_delay() public {
        vm.expectEmit();
        emit IProviderRegistry.CourtUpdated(provider, OTHER_COURT, uint64(START + 7 days));
        _update(OTHER_COURT);
        assertEq(state().court, COURT, "court");
        assertEq(state().nextCourt, OTHER_COURT, "next");
        assertEq(state().nextCourtAt, START + 7 days, "when");
        vm.warp(START + 7 days - 1);
        assertEq(state().court, COURT, "a second before");
        vm.warp(START + 7 days);
        assertEq(state().court, OTHER_COURT, "then");
        assertEq(state().nextCourtAt, 0, "nothing pending");
    }

    function test_naming_the_court_in_force_cancels() public {
        _update(OTHER_COURT);
        _update(COURT);
        vm.warp(START + 30 days);
        assertEq(state().court, COURT, "court");
    }

    function test_a_shorter_delay_does_not_speed_up_a_pending_court() public {
        _update(OTHER_COURT);
        vm.prank(provider);
        registry.updateDelay(0);
        vm.warp(START + 7 days - 1);
        assertEq(state().court, COURT, "court");
    }

    function _update(address court) private {
        vm.prank(provider);
        registry.updateCourt(court);
    }
}
