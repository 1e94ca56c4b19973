// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "./IBatchSettlement.sol";
import {IDepositCollector} from "./IDepositCollector.sol";
import {IRelayed} from "./IRelayed.sol";

/// @title A customer's money for channels
/// @notice Payer and deposit collector of its own channels. The owner's cold key sets the limits and alone takes money
/// out; hot keys, one per gateway replica, draw money into channels within caps. Anyone may fund it, and every signed
/// action may be sent by anyone, so neither owner nor gateway needs gas.
/// @dev Caps are leaky buckets: at most the cap at once, refilled evenly over 24 hours, and refunds do not refill them.
/// In a time t no more than cap x (1 + t / 24 h) leaves through a bucket.
interface ICustomerVault is IDepositCollector, IRelayed {
    /// @notice A key that may draw, with the most it may draw per 24 hours.
    struct HotKey {
        address key;
        uint128 cap;
    }

    struct Limits {
        /// Most that all keys together draw per 24 hours.
        uint128 cap;
        /// Most that goes to any one receiver per 24 hours.
        uint128 receiverCap;
        /// Least and greatest withdrawDelay of a channel, in seconds: how long the money may be locked.
        uint40 minWithdrawDelay;
        uint40 maxWithdrawDelay;
    }

    /// @notice How a vault starts. All of it decides the vault's address, so nobody can occupy that address with
    /// other keys or limits.
    struct Settings {
        address owner;
        address escrow;
        address currency;
        Limits limits;
        HotKey[] hotKeys;
        /// Provider registries whose active providers may be paid.
        address[] registries;
        /// Receivers that may be paid although no listed registry knows them.
        address[] receivers;
    }

    /// @notice `collectorData` of a deposit from the vault: the channel and a hot key's permission to fund it.
    struct DrawAuthorisation {
        IBatchSettlement.ChannelConfig config;
        bytes32 nonce;
        uint64 deadline;
        bytes signature;
    }

    struct HotKeyState {
        address key;
        uint128 cap;
        uint256 remaining;
    }

    struct VaultState {
        address owner;
        address escrow;
        address currency;
        uint256 balance;
        uint256 remaining;
        Limits limits;
        HotKeyState[] hotKeys;
        address[] registries;
        address[] receivers;
    }

    enum CapKind {
        Vault,
        HotKey,
        Receiver
    }

    event Funded(address indexed from, uint256 amount);
    event Drawn(
        bytes32 indexed channelId, address indexed key, address indexed receiver, uint256 amount, bytes32 nonce
    );
    event Withdrawn(address indexed token, uint256 amount);
    event HotKeyAdded(address indexed key, uint128 cap);
    event HotKeyRemoved(address indexed key);
    event LimitsChanged(Limits limits);
    event RegistryListed(address indexed registry, bool listed);
    event ReceiverListed(address indexed receiver, bool listed);

    error NotOwner(address account);
    error NotOwnerOrHotKey(address account);
    /// @notice The channel is another hot key's, and that key was not removed.
    error NotKeyOfChannel(address account, address channelKey);
    error NotEscrow(address sender);
    error NotThisVault(address payer);
    error WrongCurrency(address token);
    error WrongChannel(bytes32 channelId);
    error NotHotKey(address key);
    error ReceiverNotAllowed(address receiver);
    error WithdrawDelayNotAllowed(uint40 withdrawDelay);
    error CapExceeded(CapKind kind, uint256 amount, uint256 remaining);
    error LimitsInvalid(uint40 minWithdrawDelay, uint40 maxWithdrawDelay);
    error ZeroAddress();

    /// @notice Brings money in by an EIP-3009 `ReceiveWithAuthorization` of `from` to this vault, sent by anyone. A
    /// plain transfer of the currency funds the vault just as well.
    function fund(
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Starts taking back what is unclaimed on one of this vault's channels. The owner may for any channel, a
    /// hot key for its own and for those of removed keys; the money can only come back here.
    function initiateWithdraw(IBatchSettlement.ChannelConfig calldata config, uint128 amount) external;

    /// @notice Ends it after the channel's delay, for the same accounts.
    function finalizeWithdraw(IBatchSettlement.ChannelConfig calldata config) external;

    /// @notice Sends money to the owner. Owner only; `token` is the currency, or one that came here by mistake.
    function withdraw(address token, uint256 amount) external;

    /// @notice Adds a hot key or changes its cap; what it drew before still counts. Owner only.
    function addHotKey(address key, uint128 cap) external;

    /// @notice Stops a hot key's draws at once, those already signed included. Owner only.
    function removeHotKey(address key) external;

    function setLimits(Limits calldata limits) external;
    function listRegistry(address registry, bool listed) external;
    function listReceiver(address receiver, bool listed) external;

    /// @notice Everything a gateway needs to know about its vault, in one call.
    function state() external view returns (VaultState memory);

    /// @notice Most that `key` could draw for `receiver` now: the least of all caps and the balance, zero if either is
    /// not allowed.
    function drawable(address key, address receiver) external view returns (uint256);

    function isHotKey(address key) external view returns (bool);
    function isReceiverAllowed(address receiver) external view returns (bool);

    /// @notice What a hot key signs to fund a channel:
    /// `Draw(bytes32 channelId,uint128 amount,bytes32 nonce,uint64 deadline)`.
    function drawDigest(bytes32 channelId, uint128 amount, bytes32 nonce, uint64 deadline)
        external
        view
        returns (bytes32);

    /// @notice The bytes that `collect` takes. They are this call's own arguments, that is, its calldata without the
    /// selector, so a caller with this ABI can encode them without asking.
    function encodeDraw(DrawAuthorisation calldata authorisation) external pure returns (bytes memory);
}
