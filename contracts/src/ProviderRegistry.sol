// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Relayed} from "./Relayed.sol";
import {IErc3009} from "./interfaces/IErc3009.sol";
import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";

/// @title Who sells, with which keys, where, and with what at stake
/// @dev Changes that need a delay are written with the time at which they count and are read through that time, so no
/// transaction is needed when it comes. The currency must move exactly what it is asked to move.
contract ProviderRegistry is IProviderRegistry, Relayed {
    using SafeERC20 for IERC20;

    struct Entry {
        KeySet[] keySets;
        string endpoint;
        uint128 stake;
        uint128 unbonding;
        uint64 releaseAt;
        uint64 leavesAt;
        uint32 delay;
        uint32 nextDelay;
        uint64 nextDelayAt;
        address court;
        uint64 nextCourtAt;
        address nextCourt;
    }

    uint32 private constant LONGEST_DELAY = 365 days;
    uint256 private constant LONGEST_ENDPOINT = 256;
    bytes32 private constant NODE_KEY_TYPEHASH = keccak256("NodeKey(address provider,address node)");

    IERC20 private immutable _currency;

    address[] private _providers;
    mapping(address provider => Entry) private _entries;

    /// @dev Who used the key last. It counts only while that provider is active, since leaving happens by time alone.
    mapping(address payout => address provider) private _payoutUsers;
    mapping(address node => address provider) private _nodeUsers;

    constructor(address currency_) {
        if (currency_ == address(0)) revert ZeroAddress();
        _currency = IERC20(currency_);
    }

    /// @inheritdoc IProviderRegistry
    function register(
        Keys calldata keys,
        bytes calldata nodeProof,
        string calldata endpoint,
        uint32 delay,
        address court
    ) external {
        address provider = _actor();
        if (isActive(provider)) revert AlreadyRegistered(provider);
        if (delay > LONGEST_DELAY) revert DelayTooLong(delay, LONGEST_DELAY);

        Entry storage entry = _entries[provider];
        if (entry.keySets.length == 0) _providers.push(provider);
        entry.leavesAt = 0;
        entry.nextDelayAt = 0;
        entry.nextCourtAt = 0;
        entry.delay = delay;
        entry.court = court;
        emit Registered(provider);
        emit DelayUpdated(provider, delay, uint64(block.timestamp));
        emit CourtUpdated(provider, court, uint64(block.timestamp));
        _setEndpoint(provider, endpoint);
        _requireNodeProof(provider, keys.node, nodeProof);
        _setKeys(provider, keys);
    }

    /// @inheritdoc IProviderRegistry
    function updateKeys(Keys calldata keys, bytes calldata nodeProof) external {
        address provider = _activeActor();
        if (keys.node != _currentKeys(provider).node) _requireNodeProof(provider, keys.node, nodeProof);
        _setKeys(provider, keys);
    }

    /// @inheritdoc IProviderRegistry
    function updateEndpoint(string calldata endpoint) external {
        _setEndpoint(_activeActor(), endpoint);
    }

    /// @inheritdoc IProviderRegistry
    function updateDelay(uint32 delay) external {
        address provider = _activeActor();
        if (delay > LONGEST_DELAY) revert DelayTooLong(delay, LONGEST_DELAY);
        Entry storage entry = _entries[provider];
        uint32 current = _delayOf(entry);
        uint64 effectiveAt = uint64(block.timestamp);
        if (delay >= current) {
            entry.delay = delay;
            entry.nextDelayAt = 0;
        } else {
            effectiveAt += current;
            entry.delay = current;
            entry.nextDelay = delay;
            entry.nextDelayAt = effectiveAt;
        }
        emit DelayUpdated(provider, delay, effectiveAt);
    }

    /// @inheritdoc IProviderRegistry
    function updateCourt(address court) external {
        address provider = _activeActor();
        Entry storage entry = _entries[provider];
        address current = _courtOf(entry);
        uint64 effectiveAt = uint64(block.timestamp);
        entry.court = current;
        if (court == current) {
            entry.nextCourtAt = 0;
        } else {
            effectiveAt += _delayOf(entry);
            entry.nextCourt = court;
            entry.nextCourtAt = effectiveAt;
        }
        emit CourtUpdated(provider, court, effectiveAt);
    }

    /// @inheritdoc IProviderRegistry
    function lock(address provider, uint128 amount) external {
        address from = _actor();
        _lock(provider, from, amount);
        _currency.safeTransferFrom(from, address(this), amount);
    }

    /// @inheritdoc IProviderRegistry
    function lockWithAuthorization(
        address provider,
        address from,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external {
        _lock(provider, from, amount);
        bytes32 nonce = keccak256(abi.encode(provider, salt));
        IErc3009(address(_currency))
            .receiveWithAuthorization(from, address(this), amount, validAfter, validBefore, nonce, signature);
    }

    /// @inheritdoc IProviderRegistry
    function unbond(uint128 amount) external {
        address provider = _activeActor();
        _requireStaying(provider);
        if (amount == 0) revert ZeroAmount();
        uint128 stake = _entries[provider].stake;
        if (amount > stake) revert StakeTooSmall(stake, amount);
        _unbond(provider, amount);
    }

    /// @inheritdoc IProviderRegistry
    function release(address provider) external {
        Entry storage entry = _entries[provider];
        uint128 amount = entry.unbonding;
        if (amount == 0 || block.timestamp < entry.releaseAt) revert NothingToRelease(amount, entry.releaseAt);
        entry.unbonding = 0;
        entry.releaseAt = 0;
        emit Released(provider, amount);
        _currency.safeTransfer(provider, amount);
    }

    /// @inheritdoc IProviderRegistry
    function leave() external {
        address provider = _activeActor();
        _requireStaying(provider);
        Entry storage entry = _entries[provider];
        entry.leavesAt = uint64(block.timestamp) + _delayOf(entry);
        emit LeaveAnnounced(provider, entry.leavesAt);
        if (entry.stake > 0) _unbond(provider, entry.stake);
    }

    /// @inheritdoc IProviderRegistry
    function slash(address provider, uint128 amount, address to) external returns (uint128 slashed) {
        Entry storage entry = _entries[provider];
        address court = _courtOf(entry);
        if (_actor() != court) revert NotCourt(_actor(), court);
        if (to == address(0)) revert ZeroAddress();

        uint128 fromStake = uint128(Math.min(amount, entry.stake));
        uint128 fromUnbonding = uint128(Math.min(amount - fromStake, entry.unbonding));
        slashed = fromStake + fromUnbonding;
        if (slashed == 0) revert NothingToSlash(provider);
        entry.stake -= fromStake;
        entry.unbonding -= fromUnbonding;
        emit Slashed(provider, court, to, slashed);
        _currency.safeTransfer(to, slashed);
    }

    /// @inheritdoc IProviderRegistry
    function states(uint256 from, uint256 count) external view returns (ProviderState[] memory page) {
        uint256 total = _providers.length;
        if (from >= total) return page;
        page = new ProviderState[](Math.min(count, total - from));
        for (uint256 i = 0; i < page.length; ++i) {
            page[i] = stateOf(_providers[from + i]);
        }
    }

    /// @inheritdoc IProviderRegistry
    function statesOf(address[] calldata providers) external view returns (ProviderState[] memory page) {
        page = new ProviderState[](providers.length);
        for (uint256 i = 0; i < page.length; ++i) {
            page[i] = stateOf(providers[i]);
        }
    }

    /// @inheritdoc IProviderRegistry
    function providerCount() external view returns (uint256) {
        return _providers.length;
    }

    /// @inheritdoc IProviderRegistry
    function keySets(address provider) external view returns (KeySet[] memory) {
        return _entries[provider].keySets;
    }

    /// @inheritdoc IProviderRegistry
    function isActivePayout(address payout) external view returns (bool) {
        return providerOfPayout(payout) != address(0);
    }

    /// @inheritdoc IProviderRegistry
    function currency() external view returns (address) {
        return address(_currency);
    }

    /// @inheritdoc IProviderRegistry
    function stateOf(address provider) public view returns (ProviderState memory view_) {
        Entry storage entry = _entries[provider];
        if (entry.keySets.length == 0) return view_;
        bool delayPending = entry.nextDelayAt > block.timestamp;
        bool courtPending = entry.nextCourtAt > block.timestamp;
        view_.provider = provider;
        view_.active = isActive(provider);
        view_.leavesAt = entry.leavesAt;
        view_.keySetNumber = uint32(entry.keySets.length - 1);
        view_.keySet = entry.keySets[entry.keySets.length - 1];
        view_.endpoint = entry.endpoint;
        view_.stake = entry.stake;
        view_.unbonding = entry.unbonding;
        view_.releaseAt = entry.releaseAt;
        view_.delay = _delayOf(entry);
        view_.nextDelay = delayPending ? entry.nextDelay : 0;
        view_.nextDelayAt = delayPending ? entry.nextDelayAt : 0;
        view_.court = _courtOf(entry);
        view_.nextCourt = courtPending ? entry.nextCourt : address(0);
        view_.nextCourtAt = courtPending ? entry.nextCourtAt : 0;
    }

    /// @inheritdoc IProviderRegistry
    function isActive(address provider) public view returns (bool) {
        Entry storage entry = _entries[provider];
        return entry.keySets.length > 0 && (entry.leavesAt == 0 || block.timestamp < entry.leavesAt);
    }

    /// @inheritdoc IProviderRegistry
    function providerOfPayout(address payout) public view returns (address) {
        return _ifActive(_payoutUsers[payout]);
    }

    /// @inheritdoc IProviderRegistry
    function providerOfNode(address node) public view returns (address) {
        return _ifActive(_nodeUsers[node]);
    }

    /// @inheritdoc IProviderRegistry
    function nodeProofDigest(address provider, address node) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(NODE_KEY_TYPEHASH, provider, node)));
    }

    /// @dev Frees the old payout and node key, unless another provider took them over after this one left.
    function _setKeys(address provider, Keys calldata keys) private {
        if (keys.payout == address(0) || keys.node == address(0) || keys.authorizer == address(0)) revert ZeroKey();
        KeySet[] storage sets = _entries[provider].keySets;
        if (sets.length > 0) {
            Keys storage old = sets[sets.length - 1].keys;
            if (_payoutUsers[old.payout] == provider) delete _payoutUsers[old.payout];
            if (_nodeUsers[old.node] == provider) delete _nodeUsers[old.node];
        }

        address user = providerOfPayout(keys.payout);
        if (user != address(0)) revert PayoutTaken(keys.payout, user);
        user = providerOfNode(keys.node);
        if (user != address(0)) revert NodeKeyTaken(keys.node, user);
        _payoutUsers[keys.payout] = provider;
        _nodeUsers[keys.node] = provider;
        emit KeysUpdated(provider, uint32(sets.length), keys);
        sets.push(KeySet(keys, uint64(block.timestamp)));
    }

    function _setEndpoint(address provider, string calldata endpoint) private {
        uint256 length = bytes(endpoint).length;
        if (length == 0 || length > LONGEST_ENDPOINT) revert EndpointInvalid(length);
        _entries[provider].endpoint = endpoint;
        emit EndpointUpdated(provider, endpoint);
    }

    function _lock(address provider, address from, uint128 amount) private {
        if (!isActive(provider)) revert NotActive(provider);
        _requireStaying(provider);
        if (amount == 0) revert ZeroAmount();
        _entries[provider].stake += amount;
        emit Locked(provider, from, amount);
    }

    /// @dev The caller made sure that the stake is there.
    function _unbond(address provider, uint128 amount) private {
        Entry storage entry = _entries[provider];
        entry.stake -= amount;
        entry.unbonding += amount;
        entry.releaseAt = uint64(Math.max(entry.releaseAt, block.timestamp + _delayOf(entry)));
        emit Unbonded(provider, amount, entry.releaseAt);
    }

    function _requireNodeProof(address provider, address node, bytes calldata nodeProof) private view {
        if (!_isSignedBy(node, nodeProofDigest(provider, node), nodeProof)) revert NodeKeyNotProven(node);
    }

    function _requireStaying(address provider) private view {
        uint64 leavesAt = _entries[provider].leavesAt;
        if (leavesAt != 0) revert IsLeaving(provider, leavesAt);
    }

    function _activeActor() private view returns (address provider) {
        provider = _actor();
        if (!isActive(provider)) revert NotActive(provider);
    }

    function _ifActive(address provider) private view returns (address) {
        return isActive(provider) ? provider : address(0);
    }

    function _currentKeys(address provider) private view returns (Keys storage) {
        KeySet[] storage sets = _entries[provider].keySets;
        return sets[sets.length - 1].keys;
    }

    function _delayOf(Entry storage entry) private view returns (uint32) {
        return entry.nextDelayAt != 0 && block.timestamp >= entry.nextDelayAt ? entry.nextDelay : entry.delay;
    }

    function _courtOf(Entry storage entry) private view returns (address) {
        return entry.nextCourtAt != 0 && block.timestamp >= entry.nextCourtAt ? entry.nextCourt : entry.court;
    }
}
