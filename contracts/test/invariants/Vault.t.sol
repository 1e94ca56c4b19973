// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reporting} from "./Counted.sol";
import {VaultHandler} from "./VaultHandler.sol";

contract VaultInvariants is Reporting {
    VaultHandler private _handler;
    uint256 private _start;

    function setUp() public {
        _handler = new VaultHandler();
        _start = block.timestamp;
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = VaultHandler.fund.selector;
        selectors[1] = VaultHandler.drawAny.selector;
        selectors[2] = VaultHandler.replay.selector;
        selectors[3] = VaultHandler.claimAndSettle.selector;
        selectors[4] = VaultHandler.refund.selector;
        selectors[5] = VaultHandler.takeBack.selector;
        selectors[6] = VaultHandler.withdraw.selector;
        selectors[7] = VaultHandler.steal.selector;
        selectors[8] = VaultHandler.removeStolenKey.selector;
        selectors[9] = VaultHandler.wait.selector;
        target(address(_handler), selectors);
    }

    /// @dev forge calls this at the end of each run.
    function afterInvariant() external {
        reportOf(_handler);
    }

    /// @dev One campaign checks all: forge would run one for each invariant function.
    function invariant_all() public view {
        _no_rule_was_broken();
        _no_key_moves_more_than_its_cap();
        _no_receiver_gets_more_than_its_cap();
        _all_keys_move_no_more_than_the_vaults_cap();
        _every_unit_is_accounted_for();
    }

    function _no_rule_was_broken() private view {
        assertEq(_handler.broken(), "", "broken");
    }

    function _no_key_moves_more_than_its_cap() private view {
        for (uint256 i = 0; i < _handler.KEYS(); ++i) {
            assertLe(_handler.drawnBy(_handler.keyAt(i)), _most(_handler.KEY_CAP()), "key");
        }
    }

    function _no_receiver_gets_more_than_its_cap() private view {
        for (uint256 i = 0; i < _handler.RECEIVERS(); ++i) {
            assertLe(_handler.drawnFor(_handler.receiverAt(i)), _most(_handler.RECEIVER_CAP()), "receiver");
        }
    }

    function _all_keys_move_no_more_than_the_vaults_cap() private view {
        assertLe(_handler.drawn(), _most(_handler.VAULT_CAP()), "vault");
    }

    function _every_unit_is_accounted_for() private view {
        assertEq(
            _handler.vaultMoney() + _handler.drawn() + _handler.withdrawn(),
            _handler.funded() + _handler.returned(),
            "vault"
        );
        assertEq(_handler.ownerMoney(), _handler.withdrawn(), "owner");
        assertEq(_handler.escrowMoney(), _handler.escrowDebt(), "escrow");
    }

    /// @dev A full bucket, and what leaked from it since.
    function _most(uint256 cap) private view returns (uint256) {
        return cap + cap * (block.timestamp - _start) / 24 hours;
    }
}
