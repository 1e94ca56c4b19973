// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Fixture} from "../support/Fixture.sol";
import {Counted} from "./Counted.sol";

/// @notice A gateway with an honest hot key, and a thief who holds the other hot key and registers as a provider. The
/// thief tries everything that the contracts offer.
contract VaultHandler is Fixture, Counted {
    uint256 public constant KEYS = 2;
    uint256 public constant RECEIVERS = 4;
    uint128 public constant KEY_CAP = 500e6;
    uint256 public constant RECEIVER_CAP = 400e6;
    uint128 public constant VAULT_CAP = 600e6;
    address public constant ACCOMPLICE = address(0xACC0);

    ICustomerVault public immutable vault;

    uint256 public funded;
    uint256 public withdrawn;
    uint256 public returned;
    uint256 public drawn;
    uint256 public settled;
    mapping(address key => uint256) public drawnBy;
    mapping(address receiver => uint256) public drawnFor;
    string public broken;

    mapping(address bucket => uint256) private _levels;
    mapping(address bucket => uint256) private _pouredAt;
    mapping(bytes32 data => bool) private _worked;
    IBatchSettlement.ChannelConfig[] private _open;
    bytes[] private _seen;
    IBatchSettlement.ChannelConfig[] private _seenConfigs;
    uint128[] private _seenAmounts;
    uint256 private _nonces;
    bool private _isKeyRemoved;

    constructor() {
        super.setUp();
        vault = newVault(50_000e6);
        funded = 50_000e6;
        ICustomerVault.Limits memory limits = vaultSettings().limits;
        limits.cap = VAULT_CAP;
        vm.prank(owner);
        vault.setLimits(limits);
        vm.prank(owner);
        vault.addHotKey(otherHotKey, KEY_CAP);
        vm.prank(owner);
        vault.listReceiver(STRANGER, true);
        register(provider, NODE_KEY, OTHER_RECEIVER);
        register(otherProvider, OTHER_NODE_KEY, ACCOMPLICE);
    }

    function keyAt(uint256 i) public view returns (address) {
        return i == 0 ? hotKey : otherHotKey;
    }

    function receiverAt(uint256 i) public pure returns (address) {
        address[4] memory all = [RECEIVER, OTHER_RECEIVER, ACCOMPLICE, STRANGER];
        return all[i];
    }

    function vaultMoney() external view returns (uint256) {
        return currency.balanceOf(address(vault));
    }

    function escrowMoney() external view returns (uint256) {
        return currency.balanceOf(address(escrow));
    }

    function ownerMoney() external view returns (uint256) {
        return currency.balanceOf(owner);
    }

    /// @dev What the escrow owes to all channels that the vault paid for.
    function escrowDebt() external view returns (uint256 debt) {
        for (uint256 i = 0; i < _open.length; ++i) {
            debt += balanceOf(escrow.getChannelId(_open[i]));
        }
        debt -= settled;
    }

    function fund(uint128 amount) external {
        amount = uint128(bound(amount, 1, 10_000e6));
        currency.mint(payer, amount);
        bytes32 nonce = bytes32(++_nonces);
        bytes memory signature = authorise(PAYER_KEY, address(vault), amount, nonce);
        vault.fund(payer, amount, 0, FAR, nonce, signature);
        funded += amount;
        hit("fund");
    }

    function drawAny(uint256 which, uint256 to, uint128 amount, uint256 salt) external {
        uint256 key = which % KEYS == 0 ? HOT_KEY : OTHER_HOT_KEY;
        IBatchSettlement.ChannelConfig memory config = vaultChannel(vault);
        config.payerAuthorizer = vm.addr(key);
        config.receiver = receiverAt(to % RECEIVERS);
        config.salt = bytes32(salt % 2);
        amount = uint128(bound(amount, 1, 400e6));
        bytes memory data = drawData(vault, config, key, amount, bytes32(++_nonces));
        _seen.push(data);
        _seenConfigs.push(config);
        _seenAmounts.push(amount);
        _tryDraw(config, amount, data);
    }

    /// @dev Every draw ever signed lies around for anyone to send again.
    function replay(uint256 which) external {
        if (_seen.length == 0) return hit("replay of nothing");
        which %= _seen.length;
        _tryDraw(_seenConfigs[which], _seenAmounts[which], _seen[which]);
    }

    function claimAndSettle(uint256 which, uint128 total) external {
        if (_open.length == 0) return hit("claim on nothing");
        IBatchSettlement.ChannelConfig memory config = _open[which % _open.length];
        total = uint128(bound(total, 0, balanceOf(escrow.getChannelId(config))));
        claim(config, config.payerAuthorizer == hotKey ? HOT_KEY : OTHER_HOT_KEY, total);
        uint256 before = currency.balanceOf(config.receiver);
        escrow.settle(config.receiver, address(currency));
        uint256 paid = currency.balanceOf(config.receiver) - before;
        settled += paid;
        hit(paid == 0 ? bytes32("claim of nothing more") : bytes32("claim"));
    }

    function refund(uint256 which, uint128 amount) external {
        if (_open.length == 0) return hit("refund on nothing");
        IBatchSettlement.ChannelConfig memory config = _open[which % _open.length];
        uint256 before = currency.balanceOf(address(vault));
        vm.prank(config.receiver);
        escrow.refund(config, uint128(bound(amount, 1, 400e6)));
        uint256 paid = currency.balanceOf(address(vault)) - before;
        returned += paid;
        hit(paid == 0 ? bytes32("refund of nothing") : bytes32("refund"));
    }

    /// @dev The thief's key takes back channels, where it can: the money can only reach the vault.
    function takeBack(uint256 which, uint128 amount) external {
        if (_open.length == 0) return hit("take back nothing");
        IBatchSettlement.ChannelConfig memory config = _open[which % _open.length];
        (uint256 balance, uint256 claimed) = escrow.channels(escrow.getChannelId(config));
        if (amount % 4 != 0 && balance > claimed) amount = uint128(bound(amount, 1, balance - claimed));
        uint256 before = currency.balanceOf(address(vault));
        vm.prank(otherHotKey);
        try vault.initiateWithdraw(config, amount) {
            hit("withdrawal begun");
            if (config.payerAuthorizer != otherHotKey) broken = "a key stopped another key's channel";
        } catch {
            hit("withdrawal refused");
        }
        vm.prank(otherHotKey);
        try vault.finalizeWithdraw(config) {
            hit("withdrawal ended");
        } catch {
            hit("withdrawal not ended");
        }
        returned += currency.balanceOf(address(vault)) - before;
    }

    function withdraw(uint128 amount) external {
        uint256 money = currency.balanceOf(address(vault));
        bool isAll = amount % 8 == 0;
        hit(isAll ? bytes32("owner takes all") : bytes32("owner takes some"));
        amount = uint128(isAll ? money : bound(amount, 0, money));
        relay(
            vault, OWNER_KEY, abi.encodeCall(ICustomerVault.withdraw, (address(currency), amount)), bytes32(++_nonces)
        );
        withdrawn += amount;
    }

    function steal(uint128 amount) external {
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(ICustomerVault.withdraw, (address(currency), amount));
        bytes32 nonce = bytes32(++_nonces);
        bytes memory signature = sign(OTHER_HOT_KEY, vault.relayDigest(otherHotKey, calls, nonce, FAR));
        try vault.relay(otherHotKey, calls, nonce, FAR, signature) returns (bytes[] memory) {
            broken = "a hot key withdrew";
        } catch {}
        signature = sign(OTHER_HOT_KEY, vault.relayDigest(owner, calls, nonce, FAR));
        try vault.relay(owner, calls, nonce, FAR, signature) returns (bytes[] memory) {
            broken = "a hot key signed for the owner";
        } catch {}
        vm.prank(otherHotKey);
        try vault.addHotKey(otherHotKey, type(uint128).max) {
            broken = "a hot key raised its cap";
        } catch {}
        hit("steal");
        vm.prank(otherHotKey);
        try vault.collect(address(vault), address(currency), amount, 0, "") {
            broken = "collected alone";
        } catch {}
    }

    function removeStolenKey(uint256 chance) external {
        // Not every campaign should see the theft end.
        if (chance % 64 != 0 || _isKeyRemoved) return hit("key stays");
        hit("key removed");
        vm.prank(owner);
        vault.removeHotKey(otherHotKey);
        _isKeyRemoved = true;
    }

    function wait(uint32 time) external {
        hit("wait");
        vm.warp(block.timestamp + bound(time, 1, 3 hours));
    }

    function _tryDraw(IBatchSettlement.ChannelConfig memory config, uint128 amount, bytes memory data) private {
        try escrow.deposit(config, amount, address(vault), data) {
            if (_isKeyRemoved && config.payerAuthorizer == otherHotKey) broken = "a removed key drew";
            if (_worked[keccak256(data)]) broken = "an authorisation worked twice";
            _worked[keccak256(data)] = true;
            _pour(address(vault), VAULT_CAP, amount);
            _pour(config.payerAuthorizer, KEY_CAP, amount);
            _pour(config.receiver, RECEIVER_CAP, amount);
            drawn += amount;
            drawnBy[config.payerAuthorizer] += amount;
            drawnFor[config.receiver] += amount;
            _remember(config);
            hit("draw");
        } catch (bytes memory why) {
            bytes4 error = bytes4(why);
            if (error == ICustomerVault.CapExceeded.selector) hit("draw above a cap");
            else if (error == IRelayed.AuthorisationNonceUsed.selector) hit("draw replayed");
            else if (error == ICustomerVault.NotHotKey.selector) hit("draw by a removed key");
            else if (error == IERC20Errors.ERC20InsufficientBalance.selector) hit("draw from an empty vault");
            else broken = "a draw was refused for no reason";
        }
    }

    /// @dev A second opinion on the leaky buckets, in units of a 24 h's part so that nothing is rounded.
    function _pour(address bucket, uint256 cap, uint256 amount) private {
        uint256 leaked = cap * (block.timestamp - _pouredAt[bucket]);
        uint256 level = _levels[bucket] > leaked ? _levels[bucket] - leaked : 0;
        _levels[bucket] = level + amount * 24 hours;
        _pouredAt[bucket] = block.timestamp;
        if (_levels[bucket] > cap * 24 hours) broken = "a bucket overflowed";
    }

    function _remember(IBatchSettlement.ChannelConfig memory config) private {
        bytes32 id = escrow.getChannelId(config);
        for (uint256 i = 0; i < _open.length; ++i) {
            if (escrow.getChannelId(_open[i]) == id) return;
        }
        _open.push(config);
    }
}
