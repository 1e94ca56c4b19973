// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "../support/Fixture.sol";

contract RegisterTest is Fixture {
    function test_makes_the_sender_an_active_provider() public {
        register(provider, NODE_KEY, RECEIVER);
        IProviderRegistry.ProviderState memory state = registry.stateOf(provider);
        assertEq(state.provider, provider, "provider");
        assertTrue(state.active, "active");
        assertEq(state.leavesAt, 0, "leavesAt");
        assertEq(state.keySetNumber, 0, "number");
        assertEq(abi.encode(state.keySet.keys), abi.encode(keysOf(NODE_KEY, RECEIVER)), "keys");
        assertEq(state.keySet.since, START, "since");
        assertEq(state.endpoint, "https://provider.example", "endpoint");
        assertEq(state.stake, 0, "stake");
        assertEq(state.delay, 7 days, "delay");
        assertEq(state.court, COURT, "court");
        assertTrue(registry.isActivePayout(RECEIVER), "payout");
        assertEq(registry.providerOfPayout(RECEIVER), provider, "provider of payout");
        assertEq(registry.providerOfNode(vm.addr(NODE_KEY)), provider, "provider of node");
    }

    function test_tells_everything_in_events() public {
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
        bytes memory proof = nodeProof(provider, NODE_KEY);
        vm.expectEmit();
        emit IProviderRegistry.Registered(provider);
        vm.expectEmit();
        emit IProviderRegistry.DelayUpdated(provider, 1 days, uint64(START));
        vm.expectEmit();
        emit IProviderRegistry.CourtUpdated(provider, COURT, uint64(START));
        vm.expectEmit();
        emit IProviderRegistry.EndpointUpdated(provider, "https://a");
        vm.expectEmit();
        emit IProviderRegistry.KeysUpdated(provider, 0, keys);
        vm.prank(provider);
        registry.register(keys, proof, "https://a", 1 days, COURT);
    }

    function test_works_by_signature_without_gas() public {
        bytes memory call = abi.encodeCall(
            IProviderRegistry.register,
            (keysOf(NODE_KEY, RECEIVER), nodeProof(provider, NODE_KEY), "https://a", 1 days, COURT)
        );
        relay(registry, PROVIDER_KEY, call, "n");
        assertTrue(registry.isActive(provider), "active");
        assertTrue(!registry.isActive(RELAYER), "relayer");
    }

    function test_works_once() public {
        register(provider, NODE_KEY, RECEIVER);
        _rejects(
            provider,
            keysOf(OTHER_NODE_KEY, OTHER_RECEIVER),
            OTHER_NODE_KEY,
            abi.encodeWithSelector(IProviderRegistry.AlreadyRegistered.selector, provider)
        );
    }

    function test_rejects_a_payout_or_node_key_of_another() public {
        register(provider, NODE_KEY, RECEIVER);
        _rejects(
            otherProvider,
            keysOf(OTHER_NODE_KEY, RECEIVER),
            OTHER_NODE_KEY,
            abi.encodeWithSelector(IProviderRegistry.PayoutTaken.selector, RECEIVER, provider)
        );
        _rejects(
            otherProvider,
            keysOf(NODE_KEY, OTHER_RECEIVER),
            NODE_KEY,
            abi.encodeWithSelector(IProviderRegistry.NodeKeyTaken.selector, vm.addr(NODE_KEY), provider)
        );
    }

    function test_rejects_a_node_key_the_provider_does_not_hold() public {
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
        bytes memory notProven = abi.encodeWithSelector(IProviderRegistry.NodeKeyNotProven.selector, keys.node);
        _rejects(provider, keys, OTHER_NODE_KEY, notProven);
        // A proof seen on chain serves nobody else.
        bytes memory proof = nodeProof(otherProvider, NODE_KEY);
        vm.expectRevert(notProven);
        vm.prank(provider);
        registry.register(keys, proof, "https://a", 1 days, COURT);
    }

    function test_rejects_missing_keys() public {
        for (uint256 i = 0; i < 3; ++i) {
            IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
            bytes memory expected = abi.encodeWithSelector(IProviderRegistry.ZeroKey.selector);
            if (i == 0) keys.payout = address(0);
            if (i == 1) keys.authorizer = address(0);
            if (i == 2) {
                keys.node = address(0);
                expected = abi.encodeWithSelector(IProviderRegistry.NodeKeyNotProven.selector, address(0));
            }
            _rejects(provider, keys, NODE_KEY, expected);
        }
    }

    function test_rejects_endpoints_and_delays_out_of_bounds() public {
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
        bytes memory proof = nodeProof(provider, NODE_KEY);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.EndpointInvalid.selector, 0));
        vm.prank(provider);
        registry.register(keys, proof, "", 1 days, COURT);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.EndpointInvalid.selector, 257));
        vm.prank(provider);
        registry.register(keys, proof, string(new bytes(257)), 1 days, COURT);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.DelayTooLong.selector, 366 days, 365 days));
        vm.prank(provider);
        registry.register(keys, proof, "https://a", 366 days, COURT);
    }

    function _rejects(address who, IProviderRegistry.Keys memory keys, uint256 provingKey, bytes memory expected)
        private
    {
        bytes memory proof = sign(provingKey, registry.nodeProofDigest(who, keys.node));
        vm.expectRevert(expected);
        vm.prank(who);
        registry.register(keys, proof, "https://a", 1 days, COURT);
    }
}
