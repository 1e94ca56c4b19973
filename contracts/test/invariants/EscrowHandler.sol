// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";
import {Counted} from "./Counted.sol";

/// @notice Payers, receivers and strangers using the escrow in any order, and what the books should say.
contract EscrowHandler is Fixture, Counted {
    uint256 public constant CHANNELS = 3;
    uint256 public constant RECEIVERS = 2;

    IBatchSettlement.ChannelConfig[] private _configs;
    IBatchSettlement.VoucherClaim[] private _vouchers;

    mapping(uint256 channel => uint256) public deposited;
    mapping(uint256 channel => uint256) public returned;
    mapping(uint256 channel => uint256) public highestCeiling;
    mapping(uint256 channel => uint256) public lastClaimed;

    mapping(uint256 channel => uint256) private _asked;

    /// @dev Set by a rule that was broken, and never cleared.
    string public broken;

    constructor() {
        super.setUp();
        for (uint256 i = 0; i < CHANNELS; ++i) {
            IBatchSettlement.ChannelConfig memory config = channel();
            config.salt = bytes32(i);
            config.receiver = receiver(i % RECEIVERS);
            if (i == 2) config.payerAuthorizer = address(0);
            _configs.push(config);
        }
    }

    modifier watched() {
        _;
        for (uint256 i = 0; i < CHANNELS; ++i) {
            (uint256 balance, uint256 claimed) = escrow.channels(idOf(i));
            if (claimed < lastClaimed[i]) broken = "a claimed total fell";
            if (claimed > balance) broken = "claimed money left its channel";
            lastClaimed[i] = claimed;
        }
    }

    function receiver(uint256 i) public pure returns (address) {
        return i == 0 ? RECEIVER : OTHER_RECEIVER;
    }

    function idOf(uint256 i) public view returns (bytes32) {
        return escrow.getChannelId(_configs[i]);
    }

    function stateOf(uint256 i) external view returns (uint256 balance, uint256 claimed) {
        return escrow.channels(idOf(i));
    }

    function settledOf(uint256 i) external view returns (uint256 claimed, uint256 settled) {
        return escrow.receivers(receiver(i), address(currency));
    }

    function moneyOf(address account) external view returns (uint256) {
        return currency.balanceOf(account);
    }

    function escrowAddress() external view returns (address) {
        return address(escrow);
    }

    function payerAddress() external view returns (address) {
        return payer;
    }

    function deposit(uint256 i, uint128 amount) external watched {
        i %= CHANNELS;
        amount = uint128(bound(amount, 1, 1e12));
        hit(balanceOf(idOf(i)) == 0 ? bytes32("deposit, first") : bytes32("deposit, more"));
        open(_configs[i], amount);
        deposited[i] += amount;
    }

    function signVoucher(uint256 i, uint128 ceiling) external watched {
        i %= CHANNELS;
        ceiling = uint128(bound(ceiling, 1, 1e12));
        _vouchers.push(voucher(_configs[i], i == 2 ? PAYER_KEY : VOUCHER_KEY, ceiling, ceiling));
        if (ceiling > highestCeiling[i]) {
            highestCeiling[i] = ceiling;
            hit("voucher, higher");
        } else {
            hit("voucher, not higher");
        }
    }

    /// @dev Any voucher ever signed, for any total, by either side of the receiver, again and again.
    function claimAny(uint256 which, uint128 total, bool isRelayed) external watched {
        if (_vouchers.length == 0) return hit("no voucher yet");
        IBatchSettlement.VoucherClaim[] memory rows = one(_vouchers[which % _vouchers.length]);
        rows[0].totalClaimed = uint128(bound(total, 0, rows[0].voucher.maxClaimableAmount));
        uint256 before = claimedOf(escrow.getChannelId(rows[0].voucher.channel));
        bool isDone = _tryClaim(rows, isRelayed);
        uint256 afterwards = claimedOf(escrow.getChannelId(rows[0].voucher.channel));
        if (!isDone) hit("claim above the balance");
        else if (afterwards == before) hit("claim of what was claimed");
        else if (isRelayed) hit("claim, relayed");
        else hit("claim");
        if (isDone && afterwards < rows[0].totalClaimed) broken = "a claim booked less than it said";
    }

    /// @dev Several vouchers in one batch, of one channel or many, twice the same among them: all or nothing.
    function claimMany(uint256[4] calldata which, uint128[4] calldata totals) external watched {
        if (_vouchers.length == 0) return hit("no voucher yet");
        IBatchSettlement.VoucherClaim[] memory rows = new IBatchSettlement.VoucherClaim[](4);
        for (uint256 i = 0; i < rows.length; ++i) {
            rows[i] = _vouchers[which[i] % _vouchers.length];
            rows[i].totalClaimed = uint128(bound(totals[i], 0, rows[i].voucher.maxClaimableAmount));
        }
        uint256 before = _claimedOnAll();
        if (_tryClaim(rows, true)) {
            hit("batch");
        } else {
            hit("batch with a bad row");
            if (_claimedOnAll() != before) broken = "a refused batch was booked in part";
        }
    }

    function claimTooMuch(uint256 which, uint128 more) external watched {
        if (_vouchers.length == 0) return hit("no voucher yet");
        IBatchSettlement.VoucherClaim[] memory rows = one(_vouchers[which % _vouchers.length]);
        uint128 ceiling = rows[0].voucher.maxClaimableAmount;
        rows[0].totalClaimed = uint128(bound(more, ceiling + 1, type(uint128).max));
        uint256 before = claimedOf(escrow.getChannelId(rows[0].voucher.channel));
        vm.prank(rows[0].voucher.channel.receiver);
        try escrow.claim(rows) {} catch {}
        uint256 afterwards = claimedOf(escrow.getChannelId(rows[0].voucher.channel));
        if (afterwards != before) broken = "a claim exceeded its voucher";
        hit("claim above the ceiling");
    }

    function settle(uint256 i) external watched {
        (uint256 claimed, uint256 settled) = escrow.receivers(receiver(i % RECEIVERS), address(currency));
        hit(claimed > settled ? bytes32("settle") : bytes32("settle nothing"));
        escrow.settle(receiver(i % RECEIVERS), address(currency));
    }

    function refund(uint256 i, uint128 amount, bool isRelayed) external watched {
        i %= CHANNELS;
        amount = uint128(bound(amount, 1, 1e12));
        uint256 before = currency.balanceOf(payer);
        if (isRelayed) {
            uint256 nonce = escrow.refundNonce(idOf(i));
            bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(idOf(i), nonce, amount));
            escrow.refundWithSignature(_configs[i], amount, nonce, signature);
            try escrow.refundWithSignature(_configs[i], amount, nonce, signature) {
                broken = "a signed refund worked twice";
            } catch {}
        } else {
            vm.prank(_configs[i].receiver);
            escrow.refund(_configs[i], amount);
        }
        uint256 paid = currency.balanceOf(payer) - before;
        returned[i] += paid;
        if (paid == 0) hit("refund of nothing");
        else if (paid < amount) hit("refund of what there is");
        else if (isRelayed) hit("refund, relayed");
        else hit("refund");
    }

    function initiateWithdraw(uint256 i, uint128 amount) external watched {
        i %= CHANNELS;
        (uint256 balance, uint256 claimed) = escrow.channels(idOf(i));
        (, uint40 since) = escrow.pendingWithdrawals(idOf(i));
        if (since != 0) return hit("withdrawal, pending");
        if (balance == claimed) return hit("withdrawal of nothing");
        uint256 unclaimed = balance - claimed;
        hit(amount % 2 == 0 ? bytes32("withdrawal of all") : bytes32("withdrawal of some"));
        _asked[i] = amount % 2 == 0 ? unclaimed : bound(amount, 1, unclaimed);
        vm.prank(payer);
        escrow.initiateWithdraw(_configs[i], uint128(_asked[i]));
    }

    function finalizeWithdraw(uint256 i, bool isPatient) external watched {
        i %= CHANNELS;
        if (isPatient) vm.warp(block.timestamp + _configs[i].withdrawDelay);
        uint256 before = currency.balanceOf(payer);
        (, uint40 since) = escrow.pendingWithdrawals(idOf(i));
        vm.prank(payer);
        try escrow.finalizeWithdraw(_configs[i]) {
            uint256 paid = currency.balanceOf(payer) - before;
            if (block.timestamp < since + _configs[i].withdrawDelay) broken = "a withdrawal came early";
            if (paid > _asked[i] || _asked[i] == 0) broken = "a withdrawal paid more than was asked";
            hit(
                paid == 0
                    ? bytes32("withdrawal paid nothing")
                    : paid < _asked[i] ? bytes32("withdrawal paid less") : bytes32("withdrawal paid")
            );
            _asked[i] = 0;
            returned[i] += paid;
        } catch {
            hit(since == 0 ? bytes32("withdrawal not begun") : bytes32("withdrawal too early"));
        }
    }

    function trespass(uint256 i, uint128 amount, address who) external watched {
        i %= CHANNELS;
        IBatchSettlement.ChannelConfig memory config = _configs[i];
        // Nobody can send as address zero, which stands for "no authorizer".
        if (who == address(0) || who == payer || who == voucherSigner || who == authorizer || who == config.receiver) {
            who = STRANGER;
        }
        vm.prank(who);
        try escrow.refund(config, amount) {
            broken = "a stranger refunded";
        } catch {}
        vm.prank(who);
        try escrow.initiateWithdraw(config, amount) {
            broken = "a stranger withdrew";
        } catch {}
        vm.prank(who);
        try escrow.finalizeWithdraw(config) {
            broken = "a stranger finalised";
        } catch {}
        hit("trespass");
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, VOUCHER_KEY, amount, amount));
        vm.prank(who);
        try escrow.claim(rows) {
            broken = "a stranger claimed";
        } catch {}
    }

    function wait(uint32 time) external {
        hit("wait");
        vm.warp(block.timestamp + bound(time, 1, 2 hours));
    }

    function _tryClaim(IBatchSettlement.VoucherClaim[] memory rows, bool isRelayed) private returns (bool) {
        if (isRelayed) {
            bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows));
            try escrow.claimWithSignature(rows, signature) {
                return true;
            } catch {
                return false;
            }
        }
        vm.prank(rows[0].voucher.channel.receiver);
        try escrow.claim(rows) {
            return true;
        } catch {
            return false;
        }
    }

    function _claimedOnAll() private view returns (uint256 sum) {
        for (uint256 i = 0; i < CHANNELS; ++i) {
            sum += claimedOf(idOf(i));
        }
    }
}
