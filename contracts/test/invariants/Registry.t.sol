// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {Reporting} from "./Counted.sol";
import {RegistryHandler} from "./RegistryHandler.sol";

contract RegistryInvariants is Reporting {
    RegistryHandler private _handler;

    function setUp() public {
        _handler = new RegistryHandler();
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = RegistryHandler.register.selector;
        selectors[1] = RegistryHandler.updateKeys.selector;
        selectors[2] = RegistryHandler.updateDelay.selector;
        selectors[3] = RegistryHandler.updateCourt.selector;
        selectors[4] = RegistryHandler.lockStake.selector;
        selectors[5] = RegistryHandler.unbond.selector;
        selectors[6] = RegistryHandler.leave.selector;
        selectors[7] = RegistryHandler.release.selector;
        selectors[8] = RegistryHandler.slash.selector;
        selectors[9] = RegistryHandler.wait.selector;
        target(address(_handler), selectors);
    }

    /// @dev forge calls this at the end of each run.
    function afterInvariant() external {
        reportOf(_handler);
    }

    /// @dev One campaign checks all: forge would run one for each invariant function.
    function invariant_all() public view {
        _no_rule_was_broken();
        _stakes_move_to_the_owner_or_by_the_court_only();
        _active_providers_share_no_payout_or_node_key();
    }

    function _no_rule_was_broken() private view {
        assertEq(_handler.broken(), "", "broken");
    }

    function _stakes_move_to_the_owner_or_by_the_court_only() private view {
        uint256 held = 0;
        for (uint256 i = 0; i < _handler.PROVIDERS(); ++i) {
            IProviderRegistry.ProviderState memory state = _handler.stateAt(i);
            (uint256 locked, uint256 released, uint256 slashed,,,,,,,) = _handler.expected(_handler.providerAt(i));
            uint256 stake = uint256(state.stake) + state.unbonding;
            assertEq(locked, stake + released + slashed, "provider's books");
            assertEq(_handler.moneyOf(_handler.providerAt(i)), released, "provider's money");
            held += stake;
        }
        assertEq(_handler.moneyOf(_handler.registryAddress()), held, "registry");
    }

    function _active_providers_share_no_payout_or_node_key() private view {
        for (uint256 i = 0; i < _handler.PROVIDERS(); ++i) {
            IProviderRegistry.ProviderState memory one = _handler.stateAt(i);
            if (!one.active) continue;
            for (uint256 j = i + 1; j < _handler.PROVIDERS(); ++j) {
                IProviderRegistry.ProviderState memory other = _handler.stateAt(j);
                if (!other.active) continue;
                assertTrue(one.keySet.keys.payout != other.keySet.keys.payout, "payout");
                assertTrue(one.keySet.keys.node != other.keySet.keys.node, "node");
            }
        }
    }
}
