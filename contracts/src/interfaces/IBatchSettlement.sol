// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Escrow of the x402 scheme `batch-settlement`
/// @notice Payment channels without an operator. A payer locks money for one receiver, signs cumulative vouchers off
/// chain, and the receiver's side claims the highest ones, many channels in one transaction. Function, event and error
/// names, EIP-712 types and the domain are those of the public specification, so any x402 client can pay.
/// @dev Money states of a channel: `balance` is what was deposited less what went back to the payer, and includes what
/// was claimed; `totalClaimed` only rises and never exceeds `balance`. The payer can get back at most the difference.
interface IBatchSettlement {
    /// @notice What a channel is; never changes, and its EIP-712 hash is the channel's id.
    struct ChannelConfig {
        address payer;
        /// Key that signs vouchers (ECDSA), or zero: then the payer itself signs, by key or by ERC-1271.
        address payerAuthorizer;
        address receiver;
        address receiverAuthorizer;
        address token;
        /// Seconds between `initiateWithdraw` and `finalizeWithdraw`, in which the receiver claims what it holds.
        uint40 withdrawDelay;
        bytes32 salt;
    }

    struct ChannelState {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct WithdrawalState {
        uint128 amount;
        /// Unix time of `initiateWithdraw`; zero while nothing is pending.
        uint40 initiatedAt;
    }

    /// @notice Sums over all channels of one receiver in one token; the difference is what `settle` pays.
    struct ReceiverState {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    struct Voucher {
        ChannelConfig channel;
        uint128 maxClaimableAmount;
    }

    /// @notice A voucher, the payer's signature over it, and the total that the receiver takes under it.
    struct VoucherClaim {
        Voucher voucher;
        bytes signature;
        uint128 totalClaimed;
    }

    /// @notice A channel without unclaimed money received its first deposit. Fires again after `ChannelClosed`.
    event ChannelCreated(bytes32 indexed channelId, ChannelConfig config);
    /// @notice The last money left a channel on which nothing was ever claimed.
    event ChannelClosed(bytes32 indexed channelId, ChannelConfig config);
    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance);
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed);
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);

    /// @notice A required address is zero, or the caller of `initiateWithdraw` is not on the payer's side.
    error InvalidChannel();
    error ZeroDeposit();
    error DepositOverflow();
    error InvalidSignature();
    /// @notice The rows of a signed batch do not all name the authorizer that signed it.
    error NotReceiverAuthorizer();
    error NotAuthorizedToClaim();
    error NotAuthorizedToRefund();
    error ClaimExceedsCeiling();
    error ClaimExceedsBalance();
    error WithdrawalAlreadyPending();
    error WithdrawalNotPending();
    error NotAuthorizedToFinalizeWithdraw();
    error WithdrawDelayNotElapsed();
    error NothingToWithdraw();
    error WithdrawAmountExceedsAvailable();
    error WithdrawDelayOutOfRange();
    error EmptyBatch();
    /// @notice The escrow's balance did not grow by exactly the deposit.
    error DepositCollectionFailed();
    error InvalidCollector();
    error InvalidRefundNonce();
    error ZeroRefund();

    /// @notice Adds `amount` to a channel. Anyone may send it; `collector` decides whether the payer agreed.
    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external;

    /// @notice Books vouchers for the receiver's side; no money moves. The sender must be receiver or
    /// receiverAuthorizer of every row. A row that claims no more than was claimed before changes nothing; any other
    /// bad row reverts the whole batch.
    function claim(VoucherClaim[] calldata voucherClaims) external;

    /// @notice `claim` sent by anyone, under one receiverAuthorizer's signature over all rows.
    function claimWithSignature(VoucherClaim[] calldata voucherClaims, bytes calldata authorizerSignature) external;

    /// @notice Pays a receiver everything that was claimed for it and not yet paid. Anyone may send it.
    function settle(address receiver, address token) external;

    /// @notice Starts the payer's way out, for at most what is unclaimed now. Payer or payerAuthorizer only.
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external;

    /// @notice Ends it, at any time after the delay, with the smaller of the amount asked for and what is still
    /// unclaimed. Payer or payerAuthorizer only; the money goes to the payer.
    function finalizeWithdraw(ChannelConfig calldata config) external;

    /// @notice Gives unclaimed money back to the payer at once, at most what there is. Receiver or receiverAuthorizer
    /// only. Raises the refund nonce even if nothing was left, and lowers or cancels a pending withdrawal.
    function refund(ChannelConfig calldata config, uint128 amount) external;

    /// @notice `refund` sent by anyone, under the receiverAuthorizer's signature with the channel's current nonce.
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external;

    function channels(bytes32 channelId) external view returns (uint128 balance, uint128 totalClaimed);
    function pendingWithdrawals(bytes32 channelId) external view returns (uint128 amount, uint40 initiatedAt);
    function refundNonce(bytes32 channelId) external view returns (uint256);
    function receivers(address receiver, address token)
        external
        view
        returns (uint128 totalClaimed, uint128 totalSettled);

    /// @notice The EIP-712 hash of the configuration under this escrow's domain.
    function getChannelId(ChannelConfig calldata config) external view returns (bytes32);
    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) external view returns (bytes32);
    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) external view returns (bytes32);
    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims) external view returns (bytes32);
}
