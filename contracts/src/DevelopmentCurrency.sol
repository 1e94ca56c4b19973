// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IErc3009} from "./interfaces/IErc3009.sol";

/// @title Play money for development chains
/// @notice Behaves like USDC where Souk and x402 touch it: 6 decimals, EIP-2612 permits, EIP-3009 authorisations with
/// signatures in both forms. Anyone may mint, so it refuses to exist outside chains 31337 and 1337.
contract DevelopmentCurrency is ERC20Permit, ERC3009, IErc3009 {
    string private constant NAME = "Souk Development Dollar";

    error NotDevelopmentChain(uint256 chainId);

    constructor() ERC20(NAME, "SDD") ERC20Permit(NAME) {
        _requireDevelopmentChain();
    }

    /// @notice Creates money out of nothing.
    function mint(address to, uint256 amount) external {
        _requireDevelopmentChain();
        _mint(to, amount);
    }

    /// @inheritdoc IErc3009
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external {
        bytes32 fields = _hashFields(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
        );
        _requireSignature(from, fields, signature);
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @inheritdoc IErc3009
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external {
        if (to != msg.sender) revert ERC20InvalidReceiver(to);
        bytes32 fields =
            _hashFields(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce);
        _requireSignature(from, fields, signature);
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @notice Version in the EIP-712 domain, as USDC publishes it.
    function version() external view returns (string memory) {
        return _EIP712Version();
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _requireSignature(address from, bytes32 fields, bytes memory signature) private view {
        if (!SignatureChecker.isValidSignatureNow(from, _hashTypedDataV4(fields), signature)) {
            revert ERC3009InvalidSignature();
        }
    }

    function _hashFields(
        bytes32 typeHash,
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(typeHash, from, to, value, validAfter, validBefore, nonce));
    }

    function _requireDevelopmentChain() private view {
        if (block.chainid != 31337 && block.chainid != 1337) revert NotDevelopmentChain(block.chainid);
    }
}
