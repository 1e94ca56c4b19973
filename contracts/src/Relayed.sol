// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IRelayed} from "./interfaces/IRelayed.sol";

/// @title Base of contracts whose callers may sign instead of send
/// @dev Relayed calls are plain calls from this contract to itself, and only then does the sender stand for the signer.
/// A delegatecall with the signer in storage would lend the signer's name to whoever is called back meanwhile.
/// A contract built on this must ask `_actor()`, never `msg.sender`, who acts.
abstract contract Relayed is IRelayed, EIP712 {
    bytes32 private constant RELAY_TYPEHASH =
        keccak256("Relay(address account,bytes[] calls,bytes32 nonce,uint64 deadline)");

    mapping(address account => mapping(bytes32 nonce => bool)) private _usedNonces;
    address private transient _relayedAccount;

    constructor() EIP712("Souk", "1") {}

    /// @inheritdoc IRelayed
    function relay(address account, bytes[] calldata calls, bytes32 nonce, uint64 deadline, bytes calldata signature)
        external
        returns (bytes[] memory results)
    {
        if (_relayedAccount != address(0)) revert RelayInProgress(_relayedAccount);
        _useAuthorisation(account, nonce, deadline, relayDigest(account, calls, nonce, deadline), signature);
        emit Relayed(account, nonce, msg.sender);

        _relayedAccount = account;
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            results[i] = Address.functionCall(address(this), calls[i]);
        }
        _relayedAccount = address(0);
    }

    /// @inheritdoc IRelayed
    function relayDigest(address account, bytes[] calldata calls, bytes32 nonce, uint64 deadline)
        public
        view
        returns (bytes32)
    {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            hashes[i] = keccak256(calls[i]);
        }
        bytes32 callsHash = keccak256(abi.encodePacked(hashes));
        return _hashTypedDataV4(keccak256(abi.encode(RELAY_TYPEHASH, account, callsHash, nonce, deadline)));
    }

    /// @inheritdoc IRelayed
    function isNonceUsed(address account, bytes32 nonce) external view returns (bool) {
        return _usedNonces[account][nonce];
    }

    /// @dev Who acts: the signer of the relayed calls, else the sender.
    function _actor() internal view returns (address) {
        return msg.sender == address(this) && _relayedAccount != address(0) ? _relayedAccount : msg.sender;
    }

    /// @dev Reverts unless `account` signed `digest`, in time and for the first time.
    function _useAuthorisation(address account, bytes32 nonce, uint64 deadline, bytes32 digest, bytes memory signature)
        internal
    {
        if (block.timestamp > deadline) revert AuthorisationExpired(deadline);
        if (_usedNonces[account][nonce]) revert AuthorisationNonceUsed(account, nonce);
        if (!_isSignedBy(account, digest, signature)) revert AuthorisationSignatureInvalid(account);
        _usedNonces[account][nonce] = true;
    }

    /// @dev The key's own signature counts even where the account has code, since an EIP-7702 account keeps its key.
    function _isSignedBy(address account, bytes32 digest, bytes memory signature) internal view returns (bool) {
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, signature);
        if (problem == ECDSA.RecoverError.NoError && signer == account) return true;
        return account.code.length > 0 && SignatureChecker.isValidERC1271SignatureNow(account, digest, signature);
    }
}
