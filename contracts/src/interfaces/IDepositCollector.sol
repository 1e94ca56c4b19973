// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Source of a channel's money
/// @notice The escrow asks a collector to bring the deposit, then checks its own balance: a collector is trusted by the
/// payer alone, never by the escrow.
interface IDepositCollector {
    /// @notice Moves exactly `amount` of `token` from `payer` to the calling escrow, or reverts.
    /// @param channelId Channel that receives the money; a signature that pays for it must be bound to it.
    /// @param collectorData Whatever this kind of collector needs: signatures, nonces, deadlines.
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external;
}
