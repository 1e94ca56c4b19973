// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRelayed} from "./IRelayed.sol";

/// @title Who sells, with which keys, where, and with what at stake
/// @notice A provider is the address of its owner's cold key. Its key sets are numbered and never erased, so an old
/// node key stays checkable for what it signed while it was current. Its stake may be zero. Only the court that it
/// named can slash, and only after a delay that it named too can it change court, shorten the delay, or leave.
interface IProviderRegistry is IRelayed {
    struct Keys {
        /// Receives the money of channels (`receiver`). Unique among active providers.
        address payout;
        /// Signs offers, acceptances and receipts. Unique among active providers; proves possession.
        address node;
        /// Signs claims (`receiverAuthorizer`).
        address authorizer;
        /// Sends transactions; may be zero.
        address gas;
    }

    struct KeySet {
        Keys keys;
        /// Unix time from which the set is current; the next set's `since` ends it.
        uint64 since;
    }

    struct ProviderState {
        address provider;
        bool active;
        /// Unix time at which leaving takes effect or took effect; zero if the provider did not leave.
        uint64 leavesAt;
        /// Number of the current key set, from zero.
        uint32 keySetNumber;
        KeySet keySet;
        string endpoint;
        uint128 stake;
        /// Part on its way out: still slashable, payable to the provider from `releaseAt`.
        uint128 unbonding;
        uint64 releaseAt;
        /// Unbonding delay in seconds, and what becomes of it when; `nextDelayAt` is zero if nothing is pending.
        uint32 delay;
        uint32 nextDelay;
        uint64 nextDelayAt;
        /// Court in force, and the one that follows it when; zero court means that nobody can slash.
        address court;
        address nextCourt;
        uint64 nextCourtAt;
    }

    event Registered(address indexed provider);
    event KeysUpdated(address indexed provider, uint32 indexed number, Keys keys);
    event EndpointUpdated(address indexed provider, string endpoint);
    event DelayUpdated(address indexed provider, uint32 delay, uint64 effectiveAt);
    event CourtUpdated(address indexed provider, address indexed court, uint64 effectiveAt);
    event Locked(address indexed provider, address indexed from, uint128 amount);
    event Unbonded(address indexed provider, uint128 amount, uint64 releaseAt);
    event Released(address indexed provider, uint128 amount);
    event Slashed(address indexed provider, address indexed court, address indexed to, uint128 amount);
    event LeaveAnnounced(address indexed provider, uint64 effectiveAt);

    error AlreadyRegistered(address provider);
    error NotActive(address provider);
    error IsLeaving(address provider, uint64 leavesAt);
    error ZeroKey();
    error PayoutTaken(address payout, address provider);
    error NodeKeyTaken(address node, address provider);
    error NodeKeyNotProven(address node);
    error EndpointInvalid(uint256 length);
    error DelayTooLong(uint32 delay, uint32 longest);
    error ZeroAmount();
    error StakeTooSmall(uint128 stake, uint128 amount);
    error NothingToRelease(uint128 unbonding, uint64 releaseAt);
    error NotCourt(address sender, address court);
    error NothingToSlash(address provider);
    error ZeroAddress();

    /// @notice Registers the sender, or one that left, as an active provider.
    /// @param nodeProof Signature of `keys.node` over `NodeKey(address provider,address node)`.
    /// @param endpoint Base URL of the provider, 1 to 256 bytes.
    /// @param delay Unbonding delay in seconds, at most a year.
    /// @param court Contract that may slash, or zero.
    function register(
        Keys calldata keys,
        bytes calldata nodeProof,
        string calldata endpoint,
        uint32 delay,
        address court
    ) external;

    /// @notice Starts a new key set. The proof may be empty if the node key stays.
    function updateKeys(Keys calldata keys, bytes calldata nodeProof) external;

    function updateEndpoint(string calldata endpoint) external;

    /// @notice A longer delay counts at once, a shorter one after the current delay.
    function updateDelay(uint32 delay) external;

    /// @notice Counts after the current delay; naming the court in force cancels a pending change.
    function updateCourt(address court) external;

    /// @notice Adds to a provider's stake from the sender, by allowance. Whoever pays, it becomes the provider's.
    function lock(address provider, uint128 amount) external;

    /// @notice `lock` by an EIP-3009 `ReceiveWithAuthorization` of `from` to the registry, sent by anyone. Its nonce
    /// is keccak256(abi.encode(provider, salt)), so that nobody can turn it to another provider.
    function lockWithAuthorization(
        address provider,
        address from,
        uint128 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external;

    /// @notice Starts releasing part of the stake. A second call joins the first and starts the delay anew for both,
    /// and never brings the release forward.
    function unbond(uint128 amount) external;

    /// @notice Pays a provider what has finished unbonding. Anyone may send it; the money goes to the provider.
    function release(address provider) external;

    /// @notice Starts releasing everything; after the delay the provider is no longer active and its payout and node
    /// key are free. Cannot be taken back, but the provider may register again once it took effect.
    function leave() external;

    /// @notice Takes up to `amount` of a provider's stake, unbonding included, for `to`. Court in force only.
    /// @return slashed What was taken: less than `amount` if there was less.
    function slash(address provider, uint128 amount, address to) external returns (uint128 slashed);

    /// @notice Everything about one provider, in one call; all zero if it never registered.
    function stateOf(address provider) external view returns (ProviderState memory);

    /// @notice The same for providers number `from` up to `from + count`, in the order of first registration, those
    /// that left included; fewer at the end.
    function states(uint256 from, uint256 count) external view returns (ProviderState[] memory);

    /// @notice The same for the given providers, in that order.
    function statesOf(address[] calldata providers) external view returns (ProviderState[] memory);

    /// @notice How many ever registered.
    function providerCount() external view returns (uint256);

    /// @notice All key sets of a provider by number, the current one last.
    function keySets(address provider) external view returns (KeySet[] memory);

    function isActive(address provider) external view returns (bool);

    /// @notice Whether an active provider is paid at this address now. Vaults ask this.
    function isActivePayout(address payout) external view returns (bool);

    /// @notice The active provider with this payout or node key now, or zero.
    function providerOfPayout(address payout) external view returns (address);
    function providerOfNode(address node) external view returns (address);

    function currency() external view returns (address);

    /// @notice What a node key signs to prove that the provider holds it.
    function nodeProofDigest(address provider, address node) external view returns (bytes32);
}
