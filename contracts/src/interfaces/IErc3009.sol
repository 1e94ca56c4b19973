// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EIP-3009 with signatures as bytes
/// @notice The overloads that USDC 2.2 added to EIP-3009 and that x402 uses: a contract can sign too, by ERC-1271.
interface IErc3009 {
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external;

    /// @notice As the other, but only the payee may send it, so that a watcher cannot take it out of its context.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external;
}
