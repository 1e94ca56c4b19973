// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {Relayed} from "./Relayed.sol";
import {IBatchSettlement} from "./interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "./interfaces/ICustomerVault.sol";
import {IDepositCollector} from "./interfaces/IDepositCollector.sol";
import {IErc3009} from "./interfaces/IErc3009.sol";
import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";

/// @title A customer's money for channels
/// @dev Money leaves in two ways only: `collect`, to the escrow, within caps, and `withdraw`, to the owner. The vault
/// gives no allowances and answers no ERC-1271 question, so neither another collector nor a channel without
/// payerAuthorizer can spend for it.
contract CustomerVault is ICustomerVault, Relayed {
    using EnumerableSet for EnumerableSet.AddressSet;
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20;

    uint48 private constant CAP_WINDOW = 24 hours;
    bytes32 private constant DRAW_TYPEHASH =
        keccak256("Draw(bytes32 channelId,uint128 amount,bytes32 nonce,uint64 deadline)");

    address private immutable _owner;
    IBatchSettlement private immutable _escrow;
    IERC20 private immutable _currency;

    Limits private _limits;
    EnumerableSet.AddressSet private _hotKeys;
    EnumerableSet.AddressSet private _registries;
    EnumerableSet.AddressSet private _receivers;

    /// @dev A single bucket under the key zero; one per receiver; and one per hot key, each of which has its own cap.
    RateLimiter.RefillingBucket private _vaultBucket;
    RateLimiter.RefillingBucket private _receiverBuckets;
    mapping(address key => RateLimiter.RefillingBucket) private _keyBuckets;

    modifier onlyOwner() {
        if (_actor() != _owner) revert NotOwner(_actor());
        _;
    }

    constructor(Settings memory settings) {
        if (settings.owner == address(0) || settings.escrow == address(0) || settings.currency == address(0)) {
            revert ZeroAddress();
        }
        _owner = settings.owner;
        _escrow = IBatchSettlement(settings.escrow);
        _currency = IERC20(settings.currency);
        _setLimits(settings.limits);
        for (uint256 i = 0; i < settings.hotKeys.length; ++i) {
            _addHotKey(settings.hotKeys[i].key, settings.hotKeys[i].cap);
        }
        for (uint256 i = 0; i < settings.registries.length; ++i) {
            _list(_registries, settings.registries[i], true);
            emit RegistryListed(settings.registries[i], true);
        }
        for (uint256 i = 0; i < settings.receivers.length; ++i) {
            _list(_receivers, settings.receivers[i], true);
            emit ReceiverListed(settings.receivers[i], true);
        }
    }

    /// @inheritdoc ICustomerVault
    function fund(
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        emit Funded(from, amount);
        IErc3009(address(_currency))
            .receiveWithAuthorization(from, address(this), amount, validAfter, validBefore, nonce, signature);
    }

    /// @inheritdoc IDepositCollector
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
    {
        if (msg.sender != address(_escrow)) revert NotEscrow(msg.sender);
        if (payer != address(this)) revert NotThisVault(payer);
        if (token != address(_currency)) revert WrongCurrency(token);

        DrawAuthorisation memory draw = abi.decode(collectorData, (DrawAuthorisation));
        _requireAllowed(draw.config, channelId);
        address key = draw.config.payerAuthorizer;
        bytes32 digest = _drawDigest(channelId, amount, draw.nonce, draw.deadline);
        _useAuthorisation(key, draw.nonce, draw.deadline, digest, draw.signature);
        _consumeCaps(key, draw.config.receiver, amount);

        emit Drawn(channelId, key, draw.config.receiver, amount, draw.nonce);
        _currency.safeTransfer(address(_escrow), amount);
    }

    /// @inheritdoc ICustomerVault
    function initiateWithdraw(IBatchSettlement.ChannelConfig calldata config, uint128 amount) external {
        _requireMayTakeBack(config.payerAuthorizer);
        _escrow.initiateWithdraw(config, amount);
    }

    /// @inheritdoc ICustomerVault
    function finalizeWithdraw(IBatchSettlement.ChannelConfig calldata config) external {
        _requireMayTakeBack(config.payerAuthorizer);
        _escrow.finalizeWithdraw(config);
    }

    /// @inheritdoc ICustomerVault
    function withdraw(address token, uint256 amount) external onlyOwner {
        emit Withdrawn(token, amount);
        IERC20(token).safeTransfer(_owner, amount);
    }

    /// @inheritdoc ICustomerVault
    function addHotKey(address key, uint128 cap) external onlyOwner {
        _addHotKey(key, cap);
    }

    /// @inheritdoc ICustomerVault
    function removeHotKey(address key) external onlyOwner {
        if (!_hotKeys.remove(key)) revert NotHotKey(key);
        emit HotKeyRemoved(key);
    }

    /// @inheritdoc ICustomerVault
    function setLimits(Limits calldata limits) external onlyOwner {
        _setLimits(limits);
    }

    /// @inheritdoc ICustomerVault
    function listRegistry(address registry, bool listed) external onlyOwner {
        _list(_registries, registry, listed);
        emit RegistryListed(registry, listed);
    }

    /// @inheritdoc ICustomerVault
    function listReceiver(address receiver, bool listed) external onlyOwner {
        _list(_receivers, receiver, listed);
        emit ReceiverListed(receiver, listed);
    }

    /// @inheritdoc ICustomerVault
    function state() external view returns (VaultState memory) {
        HotKeyState[] memory hotKeys = new HotKeyState[](_hotKeys.length());
        for (uint256 i = 0; i < hotKeys.length; ++i) {
            address key = _hotKeys.at(i);
            RateLimiter.RefillingBucket storage bucket = _keyBuckets[key];
            hotKeys[i] = HotKeyState(key, uint128(bucket._capacity), bucket.available(0));
        }
        return VaultState({
            owner: _owner,
            escrow: address(_escrow),
            currency: address(_currency),
            balance: _currency.balanceOf(address(this)),
            remaining: _vaultBucket.available(0),
            limits: _limits,
            hotKeys: hotKeys,
            registries: _registries.values(),
            receivers: _receivers.values()
        });
    }

    /// @inheritdoc ICustomerVault
    function drawable(address key, address receiver) external view returns (uint256) {
        if (!isHotKey(key) || !isReceiverAllowed(receiver)) return 0;
        uint256 byCaps = Math.min(_vaultBucket.available(0), _keyBuckets[key].available(0));
        uint256 byReceiver = _receiverBuckets.available(_bucketOf(receiver));
        return Math.min(Math.min(byCaps, byReceiver), _currency.balanceOf(address(this)));
    }

    /// @inheritdoc ICustomerVault
    function isHotKey(address key) public view returns (bool) {
        return _hotKeys.contains(key);
    }

    /// @inheritdoc ICustomerVault
    function isReceiverAllowed(address receiver) public view returns (bool) {
        if (_receivers.contains(receiver)) return true;
        for (uint256 i = 0; i < _registries.length(); ++i) {
            if (IProviderRegistry(_registries.at(i)).isActivePayout(receiver)) return true;
        }
        return false;
    }

    /// @inheritdoc ICustomerVault
    function drawDigest(bytes32 channelId, uint128 amount, bytes32 nonce, uint64 deadline)
        external
        view
        returns (bytes32)
    {
        return _drawDigest(channelId, amount, nonce, deadline);
    }

    /// @inheritdoc ICustomerVault
    function encodeDraw(DrawAuthorisation calldata authorisation) external pure returns (bytes memory) {
        return abi.encode(authorisation);
    }

    /// @dev The id covers the whole configuration, so once it matches, payer and token are those the escrow named.
    function _requireAllowed(IBatchSettlement.ChannelConfig memory config, bytes32 channelId) private view {
        bytes32 actualId = _escrow.getChannelId(config);
        if (actualId != channelId) revert WrongChannel(actualId);
        if (!isHotKey(config.payerAuthorizer)) revert NotHotKey(config.payerAuthorizer);
        if (!isReceiverAllowed(config.receiver)) revert ReceiverNotAllowed(config.receiver);
        if (config.withdrawDelay < _limits.minWithdrawDelay || config.withdrawDelay > _limits.maxWithdrawDelay) {
            revert WithdrawDelayNotAllowed(config.withdrawDelay);
        }
    }

    /// @dev A hot key may stop its own channels, and those of keys that were removed, but not another key's business.
    function _requireMayTakeBack(address channelKey) private view {
        address actor = _actor();
        if (actor == _owner) return;
        if (!isHotKey(actor)) revert NotOwnerOrHotKey(actor);
        if (actor != channelKey && isHotKey(channelKey)) revert NotKeyOfChannel(actor, channelKey);
    }

    function _consumeCaps(address key, address receiver, uint256 amount) private {
        _consume(_vaultBucket, 0, amount, CapKind.Vault);
        _consume(_keyBuckets[key], 0, amount, CapKind.HotKey);
        _consume(_receiverBuckets, _bucketOf(receiver), amount, CapKind.Receiver);
    }

    function _consume(RateLimiter.RefillingBucket storage bucket, bytes32 item, uint256 amount, CapKind kind) private {
        if (!bucket.tryConsume(item, amount)) revert CapExceeded(kind, amount, bucket.available(item));
    }

    function _addHotKey(address key, uint128 cap) private {
        if (key == address(0)) revert ZeroAddress();
        _hotKeys.add(key);
        _setCap(_keyBuckets[key], 0, cap);
        emit HotKeyAdded(key, cap);
    }

    function _setLimits(Limits memory limits) private {
        if (limits.minWithdrawDelay > limits.maxWithdrawDelay) {
            revert LimitsInvalid(limits.minWithdrawDelay, limits.maxWithdrawDelay);
        }
        _limits = limits;
        _setCap(_vaultBucket, 0, limits.cap);
        _receiverBuckets.updateSettings(CAP_WINDOW, limits.receiverCap);
        emit LimitsChanged(limits);
    }

    /// @dev What leaked until now leaked at the old rate; a greater cap must not refill the past.
    function _setCap(RateLimiter.RefillingBucket storage bucket, bytes32 item, uint128 cap) private {
        bucket.sync(item);
        bucket.updateSettings(CAP_WINDOW, cap);
    }

    function _list(EnumerableSet.AddressSet storage set, address member, bool listed) private {
        if (member == address(0)) revert ZeroAddress();
        if (listed) set.add(member);
        else set.remove(member);
    }

    function _drawDigest(bytes32 channelId, uint256 amount, bytes32 nonce, uint64 deadline)
        private
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(DRAW_TYPEHASH, channelId, amount, nonce, deadline)));
    }

    function _bucketOf(address receiver) private pure returns (bytes32) {
        return bytes32(uint256(uint160(receiver)));
    }
}
