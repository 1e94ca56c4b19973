// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustomerVault} from "./ICustomerVault.sol";

/// @title Makes customers' vaults
/// @notice A vault's address follows from its owner, escrow, currency, first limits and salt, so it can be funded
/// before it exists and anyone may pay for making it.
interface ICustomerVaultFactory {
    event VaultCreated(address indexed vault, address indexed owner, bytes32 salt);

    /// @notice Makes the vault, or returns the address of the one made before.
    function create(ICustomerVault.Settings calldata settings, bytes32 salt) external returns (address vault);

    function addressOf(ICustomerVault.Settings calldata settings, bytes32 salt) external view returns (address vault);

    /// @notice Whether this factory made the vault, so that its code is known.
    function isVault(address vault) external view returns (bool);
}
