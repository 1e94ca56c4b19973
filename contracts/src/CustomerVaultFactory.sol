// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

import {CustomerVault} from "./CustomerVault.sol";
import {ICustomerVault} from "./interfaces/ICustomerVault.sol";
import {ICustomerVaultFactory} from "./interfaces/ICustomerVaultFactory.sol";

/// @title Makes customers' vaults
contract CustomerVaultFactory is ICustomerVaultFactory {
    mapping(address vault => bool) public override isVault;

    /// @inheritdoc ICustomerVaultFactory
    function create(ICustomerVault.Settings calldata settings, bytes32 salt) external returns (address vault) {
        vault = addressOf(settings, salt);
        if (isVault[vault]) return vault;
        isVault[vault] = true;
        emit VaultCreated(vault, settings.owner, salt);
        new CustomerVault{salt: salt}(settings);
    }

    /// @inheritdoc ICustomerVaultFactory
    function addressOf(ICustomerVault.Settings calldata settings, bytes32 salt) public view returns (address) {
        bytes memory creation = abi.encodePacked(type(CustomerVault).creationCode, abi.encode(settings));
        return Create2.computeAddress(salt, keccak256(creation));
    }
}
