// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {UpdateFixture} from "./Update.t.sol";

contract LockTest is UpdateFixture {
    function test_moves_the_senders_money_into_the_providers_stake() public {
        currency.mint(STRANGER, 5e6);
        vm.prank(STRANGER);
        currency.approve(address(registry), 5e6);
        vm.expectEmit();
        emit IProviderRegistry.Locked(provider, STRANGER, 5e6);
        vm.prank(STRANGER);
        registry.lock(provider, 5e6);
        assertEq(state().stake, 5e6, "stake");
        assertEq(currency.balanceOf(address(registry)), 5e6, "registry");
    }

    function test_by_signature_takes_the_signers_money() public {
        currency.mint(otherProvider, 5e6);
        vm.prank(otherProvider);
        currency.approve(address(registry), 5e6);
        relay(registry, OTHER_PROVIDER_KEY, abi.encodeCall(IProviderRegistry.lock, (provider, 5e6)), "n");
        assertEq(state().stake, 5e6, "stake");
        assertEq(currency.balanceOf(otherProvider), 0, "signer");
    }

    function test_takes_a_signed_payment_for_its_provider_only() public {
        register(otherProvider, OTHER_NODE_KEY, OTHER_RECEIVER);
        currency.mint(payer, 5e6);
        bytes32 nonce = keccak256(abi.encode(provider, bytes32("salt")));
        bytes memory signature = authorise(PAYER_KEY, address(registry), 5e6, nonce);
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        registry.lockWithAuthorization(otherProvider, payer, 5e6, 0, FAR, "salt", signature);
        vm.prank(RELAYER);
        registry.lockWithAuthorization(provider, payer, 5e6, 0, FAR, "salt", signature);
        assertEq(state().stake, 5e6, "stake");
    }

    function test_rejects_zero_and_inactive_providers() public {
        vm.expectRevert(IProviderRegistry.ZeroAmount.selector);
        registry.lock(provider, 0);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NotActive.selector, STRANGER));
        registry.lock(STRANGER, 1);
    }

    function test_rejects_a_provider_that_is_leaving() public {
        vm.prank(provider);
        registry.leave();
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.IsLeaving.selector, provider, START + 7 days));
        registry.lock(provider, 1);
    }
}

contract UnbondAndReleaseTest is UpdateFixture {
    function setUp() public override {
        super.setUp();
        lock(provider, 10e6);
    }

    function test_pays_the_provider_after_the_delay() public {
        vm.expectEmit();
        emit IProviderRegistry.Unbonded(provider, 4e6, uint64(START + 7 days));
        _unbond(4e6);
        assertEq(state().stake, 6e6, "stake");
        assertEq(state().unbonding, 4e6, "unbonding");

        vm.warp(START + 7 days - 1);
        _rejectsRelease(4e6, START + 7 days);
        vm.warp(START + 7 days);
        vm.expectEmit();
        emit IProviderRegistry.Released(provider, 4e6);
        vm.prank(STRANGER);
        registry.release(provider);
        assertEq(currency.balanceOf(provider), 4e6, "provider");
        _rejectsRelease(0, 0);
    }

    function test_a_second_unbonding_restarts_the_clock_of_both() public {
        _unbond(4e6);
        vm.warp(START + 6 days);
        _unbond(1e6);
        vm.warp(START + 7 days);
        _rejectsRelease(5e6, START + 13 days);
        vm.warp(START + 13 days);
        registry.release(provider);
        assertEq(currency.balanceOf(provider), 5e6, "provider");
    }

    function test_a_later_shorter_delay_does_not_speed_it_up() public {
        vm.prank(provider);
        registry.updateDelay(0);
        _unbond(4e6);
        vm.warp(START + 7 days - 1);
        _rejectsRelease(4e6, START + 7 days);
    }

    function test_a_second_unbonding_under_a_shorter_delay_does_not_speed_it_up() public {
        vm.prank(provider);
        registry.updateDelay(0);
        vm.warp(START + 6 days);
        _unbond(4e6);
        vm.warp(START + 7 days);
        _unbond(1e6);
        _rejectsRelease(5e6, START + 13 days);
    }

    function test_rejects_zero_and_more_than_the_stake() public {
        vm.expectRevert(IProviderRegistry.ZeroAmount.selector);
        _unbond(0);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.StakeTooSmall.selector, 10e6, 10e6 + 1));
        _unbond(10e6 + 1);
    }

    function testFuzz_returns_exactly_what_was_locked(uint128 more, uint128 first, uint32 wait) public {
        more = uint128(bound(more, 1, 1e30));
        lock(provider, more);
        uint256 total = uint256(more) + 10e6;
        first = uint128(bound(first, 1, total));
        _unbond(first);
        vm.warp(START + bound(wait, 0, 6 days));
        if (first < total) _unbond(uint128(total - first));
        vm.warp(START + 14 days);
        registry.release(provider);
        assertEq(currency.balanceOf(provider), total, "provider");
        assertEq(currency.balanceOf(address(registry)), 0, "registry");
    }

    function _unbond(uint128 amount) private {
        vm.prank(provider);
        registry.unbond(amount);
    }

    function _rejectsRelease(uint128 amount, uint256 releaseAt) private {
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NothingToRelease.selector, amount, releaseAt));
        registry.release(provider);
    }
}

contract SlashTest is UpdateFixture {
    function setUp() public override {
        super.setUp();
        lock(provider, 10e6);
    }

    function test_the_court_takes_part_of_the_stake() public {
        vm.expectEmit();
        emit IProviderRegistry.Slashed(provider, COURT, OTHER_RECEIVER, 4e6);
        vm.prank(COURT);
        uint128 slashed = registry.slash(provider, 4e6, OTHER_RECEIVER);
        assertEq(slashed, 4e6, "slashed");
        assertEq(state().stake, 6e6, "stake");
        assertEq(currency.balanceOf(OTHER_RECEIVER), 4e6, "to");
    }

    function test_reaches_unbonding_stake_even_after_its_delay() public {
        vm.prank(provider);
        registry.unbond(7e6);
        vm.warp(START + 30 days);
        vm.prank(COURT);
        registry.slash(provider, 5e6, OTHER_RECEIVER);
        assertEq(state().stake, 0, "stake");
        assertEq(state().unbonding, 5e6, "unbonding");
    }

    function test_takes_what_there_is() public {
        vm.prank(COURT);
        assertEq(registry.slash(provider, type(uint128).max, OTHER_RECEIVER), 10e6, "slashed");
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NothingToSlash.selector, provider));
        vm.prank(COURT);
        registry.slash(provider, 1, OTHER_RECEIVER);
    }

    function test_only_the_court_in_force_may() public {
        vm.prank(provider);
        registry.updateCourt(OTHER_COURT);
        _rejects(OTHER_COURT, COURT);
        _rejects(provider, COURT);
        _rejects(STRANGER, COURT);
        vm.warp(START + 7 days);
        _rejects(COURT, OTHER_COURT);
        vm.prank(OTHER_COURT);
        registry.slash(provider, 1e6, OTHER_RECEIVER);
    }

    function test_without_a_court_nobody_may() public {
        vm.prank(provider);
        registry.updateCourt(address(0));
        vm.warp(START + 7 days);
        _rejects(COURT, address(0));
        _rejects(address(registry), address(0));
    }

    function test_a_registry_named_as_court_lends_its_name_to_nobody() public {
        vm.prank(provider);
        registry.updateCourt(address(registry));
        vm.warp(START + 7 days);
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(IProviderRegistry.slash, (provider, 1e6, owner));
        bytes memory signature = sign(OWNER_KEY, registry.relayDigest(owner, calls, "n", FAR));
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NotCourt.selector, owner, address(registry)));
        registry.relay(owner, calls, "n", FAR, signature);
    }

    function test_sends_nothing_to_nobody() public {
        vm.expectRevert(IProviderRegistry.ZeroAddress.selector);
        vm.prank(COURT);
        registry.slash(provider, 1e6, address(0));
    }

    function _rejects(address sender, address court) private {
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.NotCourt.selector, sender, court));
        vm.prank(sender);
        registry.slash(provider, 1e6, OTHER_RECEIVER);
    }
}
