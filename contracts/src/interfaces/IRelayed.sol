// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Calls signed by one account and sent by another
/// @notice Lets a key without gas act: it signs a list of calls to this contract and anyone sends them.
interface IRelayed {
    event Relayed(address indexed account, bytes32 indexed nonce, address indexed sender);

    error AuthorisationExpired(uint64 deadline);
    error AuthorisationNonceUsed(address account, bytes32 nonce);
    error AuthorisationSignatureInvalid(address account);
    /// @notice A relayed call tried to relay another list.
    error RelayInProgress(address account);

    /// @notice Runs `calls` on this contract, in order and all or none, as if `account` had sent them.
    /// @param nonce Any value that `account` has not used here before; there is no order between nonces.
    /// @param deadline Last Unix time at which the calls may run.
    /// @param signature EIP-712 signature of `account` (a contract's by ERC-1271) over
    /// `Relay(address account,bytes[] calls,bytes32 nonce,uint64 deadline)`.
    function relay(address account, bytes[] calldata calls, bytes32 nonce, uint64 deadline, bytes calldata signature)
        external
        returns (bytes[] memory results);

    /// @notice What `account` signs for `relay`.
    function relayDigest(address account, bytes[] calldata calls, bytes32 nonce, uint64 deadline)
        external
        view
        returns (bytes32);

    /// @notice Whether an authorisation by `account` with this nonce was already used on this contract.
    function isNonceUsed(address account, bytes32 nonce) external view returns (bool);
}
