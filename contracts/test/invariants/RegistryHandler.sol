// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "../support/Fixture.sol";
import {Counted} from "./Counted.sol";

/// @notice Providers that come, go and change their minds, courts and strangers that reach for their stakes, and a
/// second opinion on which court is in force and when money may leave.
contract RegistryHandler is Fixture, Counted {
    struct Expectation {
        uint256 locked;
        uint256 released;
        uint256 slashed;
        uint256 releaseAt;
        uint256 delay;
        uint256 nextDelay;
        uint256 nextDelayAt;
        address court;
        address nextCourt;
        uint256 nextCourtAt;
    }

    uint256 public constant PROVIDERS = 3;
    mapping(address provider => Expectation) public expected;
    string public broken;

    constructor() {
        super.setUp();
    }

    function providerAt(uint256 i) public pure returns (address) {
        return vm.addr(0x501 + i % PROVIDERS);
    }

    function courtAt(uint256 i) public pure returns (address) {
        address[3] memory courts = [COURT, OTHER_COURT, address(0)];
        return courts[i % 3];
    }

    function stateAt(uint256 i) external view returns (IProviderRegistry.ProviderState memory) {
        return registry.stateOf(providerAt(i));
    }

    function moneyOf(address account) external view returns (uint256) {
        return currency.balanceOf(account);
    }

    function registryAddress() external view returns (address) {
        return address(registry);
    }

    function register(uint256 i, uint256 node, uint256 payout, uint32 delay, uint256 court) external {
        address who = providerAt(i);
        IProviderRegistry.Keys memory keys = _keys(node, payout);
        bytes memory proof = nodeProof(who, _nodeKey(node));
        delay = uint32(bound(delay, 0, 30 days));
        vm.prank(who);
        try registry.register(keys, proof, "https://a", delay, courtAt(court)) {
            Expectation storage e = expected[who];
            e.delay = delay;
            e.nextDelayAt = 0;
            e.court = courtAt(court);
            e.nextCourtAt = 0;
            hit("register");
        } catch {
            hit("register refused");
        }
    }

    function updateKeys(uint256 i, uint256 node, uint256 payout) external {
        address who = providerAt(i);
        bytes memory proof = nodeProof(who, _nodeKey(node));
        vm.prank(who);
        try registry.updateKeys(_keys(node, payout), proof) {
            hit("new keys");
        } catch {
            hit("new keys refused");
        }
    }

    function updateDelay(uint256 i, uint32 delay) external {
        address who = providerAt(i);
        delay = uint32(bound(delay, 0, 30 days));
        vm.prank(who);
        try registry.updateDelay(delay) {
            Expectation storage e = _advanced(who);
            e.nextDelayAt = 0;
            if (delay >= e.delay) {
                hit("longer delay");
                e.delay = delay;
            } else {
                hit("shorter delay");
                e.nextDelay = delay;
                e.nextDelayAt = block.timestamp + e.delay;
            }
        } catch {
            hit("delay refused");
        }
    }

    function updateCourt(uint256 i, uint256 court) external {
        address who = providerAt(i);
        vm.prank(who);
        try registry.updateCourt(courtAt(court)) {
            Expectation storage e = _advanced(who);
            e.nextCourt = courtAt(court);
            hit(e.nextCourt == e.court ? bytes32("same court") : bytes32("new court"));
            e.nextCourtAt = e.nextCourt == e.court ? 0 : block.timestamp + e.delay;
        } catch {
            hit("court refused");
        }
    }

    function lockStake(uint256 i, uint128 amount, bool isSigned) external {
        address who = providerAt(i);
        amount = uint128(bound(amount, 1, 1e12));
        currency.mint(payer, amount);
        if (isSigned) {
            bytes32 salt = bytes32(uint256(amount) << 128 | gasleft());
            bytes memory signature = authorise(PAYER_KEY, address(registry), amount, keccak256(abi.encode(who, salt)));
            try registry.lockWithAuthorization(who, payer, amount, 0, FAR, salt, signature) {
                expected[who].locked += amount;
                hit("lock, signed");
            } catch {
                hit("lock, signed, refused");
            }
        } else {
            vm.prank(payer);
            currency.approve(address(registry), amount);
            vm.prank(payer);
            try registry.lock(who, amount) {
                expected[who].locked += amount;
                hit("lock");
            } catch {
                hit("lock refused");
            }
        }
    }

    function unbond(uint256 i, uint128 amount) external {
        address who = providerAt(i);
        uint128 stake = registry.stateOf(who).stake;
        if (stake == 0) return hit("unbond nothing");
        vm.prank(who);
        registry.unbond(uint128(bound(amount, 1, stake)));
        hit("unbond");
        _restartRelease(who);
    }

    function leave(uint256 i) external {
        address who = providerAt(i);
        bool hasStake = registry.stateOf(who).stake > 0;
        vm.prank(who);
        try registry.leave() {
            hit(hasStake ? bytes32("leave with a stake") : bytes32("leave"));
            if (hasStake) _restartRelease(who);
        } catch {
            hit("leave refused");
        }
    }

    function release(uint256 i, address sender) external {
        address who = providerAt(i);
        uint256 before = currency.balanceOf(who);
        vm.prank(sender);
        try registry.release(who) {
            expected[who].released += currency.balanceOf(who) - before;
            if (block.timestamp < expected[who].releaseAt) broken = "a stake was released early";
            expected[who].releaseAt = 0;
            hit("release");
        } catch {
            hit("release refused");
        }
    }

    function slash(uint256 i, uint256 by, uint128 amount) external {
        address who = providerAt(i);
        address[5] memory senders = [COURT, OTHER_COURT, who, STRANGER, providerAt(i % PROVIDERS + 1)];
        address sender = senders[by % senders.length];
        address inForce = _advanced(who).court;
        uint256 before = currency.balanceOf(STRANGER);
        vm.prank(sender);
        try registry.slash(who, amount, STRANGER) {
            if (sender != inForce) broken = "somebody other than the court in force slashed";
            expected[who].slashed += currency.balanceOf(STRANGER) - before;
            hit("slash");
        } catch {
            hit(sender == inForce ? bytes32("slash of nothing") : bytes32("slash refused"));
        }
    }

    function wait(uint32 time) external {
        hit("wait");
        vm.warp(block.timestamp + bound(time, 1, 20 days));
    }

    function _restartRelease(address who) private {
        uint256 releaseAt = block.timestamp + _advanced(who).delay;
        if (releaseAt > expected[who].releaseAt) expected[who].releaseAt = releaseAt;
    }

    /// @dev The expectation with every change that has come to count.
    function _advanced(address who) private returns (Expectation storage e) {
        e = expected[who];
        if (e.nextDelayAt != 0 && block.timestamp >= e.nextDelayAt) {
            e.delay = e.nextDelay;
            e.nextDelayAt = 0;
        }
        if (e.nextCourtAt != 0 && block.timestamp >= e.nextCourtAt) {
            e.court = e.nextCourt;
            e.nextCourtAt = 0;
        }
    }

    function _nodeKey(uint256 node) private pure returns (uint256) {
        return 0x601 + node % 4;
    }

    function _keys(uint256 node, uint256 payout) private view returns (IProviderRegistry.Keys memory) {
        return keysOf(_nodeKey(node), vm.addr(0x701 + payout % 4));
    }
}
