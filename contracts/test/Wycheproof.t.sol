// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Relayed} from "../src/Relayed.sol";
import {Test} from "./support/Test.sol";

/// @dev Shows how contracts judge a signature.
contract SignatureJudge is Relayed {
    function isSignedBy(address account, bytes32 digest, bytes memory signature) external view returns (bool) {
        return _isSignedBy(account, digest, signature);
    }
}

/// @notice Project Wycheproof's vectors of ECDSA over secp256k1. Ours carry v, so each is tried with both, and s must
/// be low: a valid signature with a high s counts once it is brought down, and as it stands never.
contract WycheproofTest is Test {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    // The field's prime less the order: a smaller r may stand for an x of the order or more, which no v here can say.
    uint256 private constant LEAST_PLAIN_NONCE = 0x14551231950b75fc4402da1722fc9baee;

    struct Judged {
        uint256 valid;
        uint256 invalid;
        uint256 high;
    }

    SignatureJudge private immutable _judge = new SignatureJudge();

    function test_signatures_are_judged_as_published() public view {
        Judged memory judged;
        string memory json = vm.readFile("../vectors/protocol/judged_signatures.json");
        address[] memory accounts = vm.parseJsonAddressArray(json, ".accounts");
        bytes32[] memory digests = vm.parseJsonBytes32Array(json, ".digests");
        bytes[] memory signatures = vm.parseJsonBytesArray(json, ".signatures");
        string[] memory results = vm.parseJsonStringArray(json, ".results");
        for (uint256 i = 0; i < results.length; ++i) {
            bool isValid = keccak256(bytes(results[i])) == keccak256("valid");
            _judgeOne(judged, accounts[i], digests[i], signatures[i], isValid);
        }
        assertTrue(judged.valid > 100 && judged.invalid > 50 && judged.high > 20, "too few vectors");
    }

    function _judgeOne(Judged memory judged, address account, bytes32 digest, bytes memory signature, bool isValid)
        private
        view
    {
        if (signature.length != 64) {
            assertTrue(!isValid, "length");
            assertTrue(!_accepts(account, digest, signature), "accepted");
            ++judged.invalid;
            return;
        }
        (uint256 r, uint256 s) = abi.decode(signature, (uint256, uint256));
        if (isValid && r < LEAST_PLAIN_NONCE) return;
        bool isHigh = s > ORDER / 2 && s < ORDER;
        if (isHigh) {
            assertTrue(!_accepts(account, digest, signature), "high s accepted");
            judged.high += isValid ? 1 : 0;
            signature = abi.encode(r, ORDER - s);
        }
        assertTrue(_accepts(account, digest, signature) == isValid, "judgement");
        judged.valid += isValid ? 1 : 0;
        judged.invalid += isValid ? 0 : 1;
    }

    function _accepts(address account, bytes32 digest, bytes memory signature) private view returns (bool) {
        return _judge.isSignedBy(account, digest, bytes.concat(signature, hex"1b"))
            || _judge.isSignedBy(account, digest, bytes.concat(signature, hex"1c"));
    }
}
